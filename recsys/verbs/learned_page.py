"""What came of learning in, one self-contained HTML page out: leads, reliability and learning curves, drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from recsys.evaluation import charts, style
from recsys.evaluation.fitting import document
from recsys.evaluation.intervals import Interval
from recsys.evaluation.pieces import figure, grid_table
from recsys.producers.labelling.grading import Reliability, confusion, reliability
from recsys.producers.labelling.summary import LARGEST, WORDS, by_column, left_out, sigmas, together

if TYPE_CHECKING:
    from recsys.producers.labelling.choice import Choice

SEEN, UNSEEN = "learned from", "not seen"
BEFORE, AFTER, FAIR = "before", "calibrated", "fair"
FEW = 5  # files of a bin below which nothing is drawn


def page(choices: Sequence[Choice], facts: Mapping[str, Any]) -> str:
    """The page; ``facts`` are those of the manifest."""
    body = [_header(choices, facts), *(_section(choice) for choice in choices)]
    return document("What was learned", "\n".join(body))


def _header(choices: Sequence[Choice], facts: Mapping[str, Any]) -> str:
    names = ", ".join(f"<em>{escape(choice.target.name)}</em> by {escape(choice.winner.arm)}" for choice in choices)
    by = f"grouped by {facts['grouped_by']} ({facts['groups']})" if facts["grouped_by"] else "each file by itself"
    text = "Each file was predicted by arms that had not seen its group; small numbers are 95 % intervals."
    return (
        f'<header><p class="kind">{facts["files"]} files, {escape(by)}</p><h1>{names}</h1>'
        f'<p class="more">{escape(text)}</p></header>'
    )


def _section(choice: Choice) -> str:
    target = choice.target
    figures = [*_leads(choice), *_reliability(choice), *_curve(choice)]
    drawn = f'<div class="grid">{"".join(figures)}</div>' if figures else ""
    told = f"{int(target.known.sum())} files, {target.kind}: {', '.join(target.classes[:LARGEST])}."
    head = f'<section id="{escape(target.name)}"><h2>{escape(target.name)}</h2><p>{escape(told)}</p>'
    return f"{head}{_arms(choice)}{_told(choice)}{drawn}{_confusion(choice)}{_columns(choice)}</section>"


def _arms(choice: Choice) -> str:
    names = list(choice.winner.grades)
    rows: list[list[Interval | float | str | None]] = []
    for name, one in choice.tried.items():
        grades = [Interval(*one.grades[measure]) for measure in names]
        rows.append([name, *grades, f"{one.round.seconds:.1f}"])
    return grid_table(["arm", *(WORDS[name] for name in names), "seconds a fit"], rows, "Arms, best first")


def _told(choice: Choice) -> str:
    """Arms that were not compared, what other files of the same group tell, and how far sigma is to be believed."""
    parts = [left_out(choice), together(choice), sigmas(choice) if choice.target.kind == "numeric" else []]
    said = (" ".join(lines).replace("`", "").strip() for lines in parts if lines)
    return "".join(f"<p>{escape(text)}</p>" for text in said)


def _leads(choice: Choice) -> list[str]:
    if not choice.against:
        return []
    rows = [(name, Interval(*lead)) for name, lead in choice.against.items()]
    colours = {name: style.colour(place) for place, (name, _) in enumerate(rows)}
    drawn = charts.interval_rows(rows, colours, title="leads over the other arms", axis="score ahead of")
    text = "Paired, over resampled groups: what lies right of 0 altogether is no chance."
    return [figure(f"How far {choice.winner.arm} is ahead", text, drawn)]


def _reliability(choice: Choice) -> list[str]:
    if choice.target.kind == "numeric":
        return []
    before = reliability(choice.target, choice.winner.round.prediction.mean)
    after = reliability(choice.target, choice.winner.fair.mean)
    middles = [round(place / 10 + 0.05, 2) for place in range(10)]
    series = {BEFORE: _points(before, middles), AFTER: _points(after, middles), FAIR: [(x, x) for x in middles]}
    colours = {BEFORE: style.colour(1), AFTER: style.colour(0), FAIR: style.PLAIN}
    axes = ("probability that was said", "share that was right")
    drawn = charts.lines(series, colours, title="reliability", axes=axes, dashed=[FAIR])
    text = f"Expected calibration error {before.ece:.3f} before, {after.ece:.3f} after calibration."
    return [figure("Do probabilities mean what they say?", text, drawn)]


def _points(found: Reliability, middles: Sequence[float]) -> list[tuple[float, float]]:
    rows = zip(middles, found.right.tolist(), found.files.tolist(), strict=True)
    return [(x, right) for x, right, files in rows if files >= FEW]


def _curve(choice: Choice) -> list[str]:
    if len(choice.curve) < 2:
        return []
    series = {
        SEEN: [(float(point.files), point.seen) for point in choice.curve],
        UNSEEN: [(float(point.files), point.unseen) for point in choice.curve],
    }
    colours = {SEEN: style.PLAIN, UNSEEN: style.colour(0)}
    drawn = charts.lines(series, colours, title="learning curve", axes=("files learned from", "score"), dashed=[SEEN])
    text = "A wide gap: it learns by heart. A curve that still rises: more labels would help."
    return [figure(f"Learning curve of {choice.curve_arm}", text, drawn)]


def _confusion(choice: Choice) -> str:
    classes = choice.target.classes
    if choice.target.kind != "single" or len(classes) > LARGEST:
        return ""
    counts = confusion(choice.target, choice.winner.round.prediction.mean)
    rows = [[name, *(str(count) for count in row)] for name, row in zip(classes, counts, strict=True)]
    return grid_table(["true class", *classes], rows, "True class by row, chosen class by column")


def _columns(choice: Choice) -> str:
    """Each tag or number by itself."""
    if choice.target.kind == "single":
        return ""
    names, rows = by_column(choice)
    return grid_table([choice.target.name, *names], rows, f"The {choice.winner.arm} arm, each by itself")
