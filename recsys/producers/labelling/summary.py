"""What came of learning in, a page for people out: which arm, by how much, how sure, and where it goes wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from recsys.producers.labelling.choice import Choice
from recsys.producers.labelling.grading import columns, confusion, covered, reliability

LARGEST = 20  # classes up to which a table of confusions is shown
WORDS = {
    "score": "score",
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "log_loss": "log loss",
    "average_precision": "average precision",
    "f1": "F1",
    "spearman": "Spearman",
    "r2": "R²",
    "mae": "mean error",
}


def summary(choices: Sequence[Choice], facts: Mapping[str, Any]) -> str:
    """Markdown: data, then each target."""
    lines = ["# What was learned", "", *_data(facts)]
    for choice in choices:
        lines += ["", f"## {choice.target.name}", "", *_target(choice)]
    lines += ["", "## Limits", "", *LIMITS]
    return "\n".join(lines) + "\n"


def told(choice: Choice) -> dict[str, Any]:
    """The same in numbers, for the manifest."""
    winner = choice.winner
    facts: dict[str, Any] = {
        "name": choice.target.name,
        "kind": choice.target.kind,
        "classes": list(choice.target.classes),
        "files": int(choice.target.known.sum()),
        "arm": winner.arm,
        "validation": {name: value._asdict() for name, value in winner.grades.items()},
        "arms": {name: one.grades["score"]._asdict() for name, one in choice.tried.items()},
        "against": {name: gain._asdict() for name, gain in choice.against.items()},
        "left_out": dict(choice.left_out),
        "curve": {"arm": choice.curve_arm, "points": [point._asdict() for point in choice.curve]},
    }
    if choice.target.kind != "numeric":
        before, after = (reliability(choice.target, said.mean) for said in (winner.round.prediction, winner.fair))
        facts["ece"] = {"before": before.ece, "after": after.ece, "by_chance": after.by_chance}
    if choice.together:
        found = choice.together
        grades = {name: value._asdict() for name, value in found.grades.items()}
        ece = reliability(choice.target, found.fair.mean).ece
        facts["together"] = {"files": found.files, "validation": grades, "ece": ece, "by_chance": found.by_chance}
        facts["together"] |= {"gain": found.gain._asdict(), "loss": found.loss._asdict()}
    return facts


LIMITS = (
    "- The numbers are of cross-validation: each file was predicted by arms that had not seen its group. The arm was",
    "  chosen by the same numbers, so that its own are a little too good.",
    "- They hold for sound like that of the table. Recordings of other kinds, or other labellers, may do worse.",
    "- Probabilities are calibrated on out-of-fold predictions; a file of no class of the table gets one all the same.",
)


def _data(facts: Mapping[str, Any]) -> list[str]:
    by = facts["grouped_by"]
    grouped = f"grouped by `{by}` ({facts['groups']} groups)" if by else "each file by itself: no column names groups"
    lines = [f"{facts['files']} files with labels, {grouped}. Seed {facts['seed']}."]
    if facts["not_heard"]:
        some = "; ".join(f"`{path}`: {cause}" for path, cause in list(facts["not_heard"].items())[:5])
        lines.append(f"{len(facts['not_heard'])} files could not be heard: {some}.")
    if facts["rejected"]:
        lines.append(f"{facts['rejected']} rows or cells can't be used: see `rejects.parquet`.")
    return lines


def _target(choice: Choice) -> list[str]:
    target, winner = choice.target, choice.winner
    known = int(target.known.sum())
    lines = [f"{known} files, {target.kind}: {', '.join(map(_plain, target.classes))}. Chosen: **{winner.arm}**.", ""]
    lines += [*_arms(choice), "", *left_out(choice), *together(choice), *_honest(choice)]
    lines += _confusion(choice) if target.kind == "single" else _columns(choice)
    return [*lines, *_curve(choice)]


def _arms(choice: Choice) -> list[str]:
    names = list(choice.winner.grades)
    head = ["arm", *(WORDS[name] for name in names), "chosen one ahead by", "seconds a fit"]
    rows = []
    for name, one in choice.tried.items():
        gain = f"{choice.against[name]}" if name in choice.against else ""
        rows.append([name, *(str(one.grades[measure]) for measure in names), gain, f"{one.round.seconds:.1f}"])
    text = "Mean and 95 % interval over resampled groups. Leads are paired: above 0 throughout, it is no chance."
    return [*_table(head, rows), "", text]


def left_out(choice: Choice) -> list[str]:
    """Which arms were not compared, and why."""
    said = "; ".join(f"{name} ({reason})" for name, reason in choice.left_out.items())
    return [f"Not compared: {said}.", ""] if said else []


def together(choice: Choice) -> list[str]:
    """What other files of the same group tell."""
    found = choice.together
    if found is None:
        return []
    known = int(choice.target.known.sum())
    said = ", ".join(f"{WORDS[name]} {value}" for name, value in found.grades.items() if name != "score")
    ece = reliability(choice.target, found.fair.mean).ece
    return [
        f"{found.files} of {known} files are not the only one of their group. Where `predict` is told the groups",
        "(`--groups`), what is said of the others counts too, never their labels:",
        f"{said}; {found.gain} ahead in score, log loss changed by {found.loss}. ECE {ece:.3f}; fair probabilities",
        f"would show {found.by_chance:.3f} by chance with so few groups.",
        "",
    ]


def _honest(choice: Choice) -> list[str]:
    """How far probabilities, or sigma, mean what they say."""
    target, winner = choice.target, choice.winner
    if target.kind == "numeric":
        return sigmas(choice)
    before = reliability(target, winner.round.prediction.mean)
    after = reliability(target, winner.fair.mean)
    rows = [
        [
            f"{place / 10:.1f}–{(place + 1) / 10:.1f}",
            f"{after.sure[place]:.2f}",
            f"{after.right[place]:.2f}",
            str(count),
        ]
        for place, count in enumerate(after.files)
        if count
    ]
    text = f"Calibration error (ECE) {before.ece:.3f} before, {after.ece:.3f} after; fair probabilities would show"
    more = f"{after.by_chance:.3f} by chance with so few files. By probability:"
    return [text, more, "", *_table(["probability", "mean", "right", "files"], rows), ""]


def sigmas(choice: Choice) -> list[str]:
    """How many numbers lie as near as their sigma says."""
    one, two = (covered(choice.target, choice.winner.fair, count) for count in (1, 2))
    return [f"{one:.0%} of the numbers lie within one sigma, {two:.0%} within two (a bell curve: 68 %, 95 %).", ""]


def _confusion(choice: Choice) -> list[str]:
    counts = confusion(choice.target, choice.winner.round.prediction.mean)
    classes = [_plain(name) for name in choice.target.classes]
    if len(classes) > LARGEST:
        pairs = [
            (counts[i, j], classes[i], classes[j]) for i, j in np.ndindex(*counts.shape) if i != j and counts[i, j]
        ]
        said = "; ".join(f"{one} for {other} ({n})" for n, other, one in sorted(pairs, reverse=True)[:LARGEST])
        return [f"Taken for another most often: {said}.", ""]
    rows = [[name, *map(str, row)] for name, row in zip(classes, counts, strict=True)]
    return ["True class by row, chosen class by column:", "", *_table(["", *classes], rows), ""]


def by_column(choice: Choice) -> tuple[list[str], list[list[str]]]:
    """Measures of each tag or number: their names, and a row for each."""
    target, mean = choice.target, choice.winner.round.prediction.mean
    known = target.known
    names = ("spearman", "r2", "mae") if target.kind == "numeric" else ("average_precision", "f1")
    each = [columns(target.take(known), mean[known], name) for name in names]
    rows = [[_plain(one), *(f"{v:.3f}" for v in found)] for one, *found in zip(target.classes, *each, strict=True)]
    return [WORDS[name] for name in names], rows


def _columns(choice: Choice) -> list[str]:
    names, rows = by_column(choice)
    return [*_table(["", *names], rows), ""]


def _curve(choice: Choice) -> list[str]:
    if len(choice.curve) < 2:
        return []
    rows = [[f"{p.share:.0%}", str(p.files), f"{p.unseen:.3f}", f"{p.seen:.3f}"] for p in choice.curve]
    head = ["share of the groups", "files", "score on unseen files", "on seen ones"]
    return [f"Learning curve of {choice.curve_arm}; {_reading(choice)}", "", *_table(head, rows)]


def _reading(choice: Choice) -> str:
    """What the curve says, in words."""
    *_, before, last = choice.curve
    gap, rise = last.seen - last.unseen, last.unseen - before.unseen
    fit = "it learns much by heart" if gap > 0.25 else "it learns little by heart"
    if last.seen < 0.5 and gap < 0.1:
        fit = "it is too simple for this, or the labels don't follow the sound"
    more = "more labels would help" if rise > 0.02 else "more labels of this kind would help little"
    return f"{fit}, and {more}."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(cells)} |" for cells in ([*head], ["---"] * len(head), *rows)]
    return lines


def _plain(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")
