"""Results in, one self-contained HTML page and its JSON out; the same results give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from recsys import manifest
from recsys.errors import DataError
from recsys.evaluation import charts, heard, sections, style, words
from recsys.evaluation.curves import Curve
from recsys.evaluation.effects import Ablation
from recsys.evaluation.fitting import document, fitting
from recsys.evaluation.floors import NAMES as FLOORS
from recsys.evaluation.pieces import details, figure, point, table
from recsys.evaluation.result import Result, plain_json

TABLE = ("recall@20", "ndcg@10", "ndcg@100", "map@100", "hit@10", "mrr", "r_precision", "clicks")
COUNTS = ("listeners evaluated", "hidden pairs", "candidate tracks")
IN_PLOTS = 6  # more models than this make a plot of slices unreadable


def write_report(
    results: Result | Sequence[Result],
    path: Path,
    *,
    curves: Sequence[Curve] = (),
    command: str = "",
    facts: Mapping[str, Any] | None = None,
    skipped: Mapping[str, str] | None = None,
    ablation: Ablation | None = None,
) -> tuple[Path, Path]:
    """Write the page and, beside it, the numbers.

    Args:
        results: from ``run``; the headline speaks of the first.
        path: a name ending in .html, or a folder for ``report.html`` and ``report.json``.
        curves: training against validation, for the fitting plot.
        command: how to make it again.
        facts: further lines for "How it was measured", such as the data's name and fingerprint.
        skipped: protocols that could not be run, and why.
        ablation: what each block of content is worth.

    Returns:
        The paths of the HTML and the JSON file.

    Raises:
        DataError: no results.
    """
    results = [results] if isinstance(results, Result) else list(results)
    if not results:
        raise DataError("no results to report; expected at least one, from evaluation.run")
    page = path if path.suffix == ".html" else path / "report.html"
    versions = manifest.versions()
    how = {"command": command, **(facts or {})}
    content = {
        "headline": _bare(words.headline(results[0])),
        "how": how,
        "versions": versions,
        "skipped": dict(skipped or {}),
        "results": [r.to_json() for r in results],
        "curves": [c._asdict() for c in curves],
        **({"ablation": ablation.to_json()} if ablation else {}),
    }
    manifest.write_json(page.with_suffix(".json"), plain_json(content))
    manifest.write_bytes(page, _page(results, curves, how, versions, skipped or {}, ablation).encode())
    return page, page.with_suffix(".json")


def read_report(path: Path) -> list[Result]:
    """The results in a report's JSON file."""
    return [Result.from_json(r) for r in json.loads(path.read_text(encoding="utf-8"))["results"]]


def _page(
    results: list[Result],
    curves: Sequence[Curve],
    how: Mapping[str, Any],
    versions: Mapping[str, str],
    skipped: Mapping[str, str],
    ablation: Ablation | None,
) -> str:
    colours = _colours(results)
    body = [_header(results, ablation)]
    single = [r for r in results if not sections.is_thaw(r)]
    if len(single) > 1:
        body.append(_overview(single, colours))
    body += [_section(result, colours) for result in single]
    if len(single) < len(results):
        body.append(sections.thaw_section([r for r in results if sections.is_thaw(r)], colours))
    body += [heard.section(result) for result in single if result.exposure]
    if ablation:
        body.append(sections.ablation_section(ablation))
    if curves:
        body.append(fitting(curves))
    body.append(_how(results, how, versions, skipped))
    return document(f"Evaluation: {escape(results[0].best)} is best", "\n".join(body))


def _colours(results: Sequence[Result]) -> dict[str, str]:
    """One colour per model over the whole page, the best first; popularity is the plain one."""
    names = dict.fromkeys(name for result in results for name in result.ranking())
    plain = ("popularity", *FLOORS)
    found = {name: style.colour(i) for i, name in enumerate(n for n in names if n not in plain)}
    return found | dict.fromkeys(plain, style.PLAIN)


def _header(results: list[Result], ablation: Ablation | None) -> str:
    first = results[0]
    count = f"{int(first.sizes['listeners evaluated']):,}"
    more = " ".join(filter(None, [words.explanation(first.protocol), words.runner_up(first)]))
    ids = dict.fromkeys("thaw" if sections.is_thaw(r) else r.protocol for r in results)
    links = "".join(f'<a href="#{name}">{escape(words.heading(name))}</a>' for name in ids)
    links += '<a href="#heard">Who gets heard</a>' if any(r.exposure for r in results) else ""
    links += '<a href="#ablation">Blocks of content</a>' if ablation else ""
    links = links and f'<nav aria-label="Sections">{links}<a href="#how">How it was measured</a></nav>'
    return (
        f'<header><p class="kind">Evaluation on {count} listeners · numbers in brackets are 95 % intervals</p>'
        f'<h1>{words.headline(first)}</h1><p class="more">{escape(more)}</p>{links}</header>'
    )


def _overview(results: list[Result], colours: Mapping[str, str]) -> str:
    names = list(dict.fromkeys(name for r in results for name in r.ranking()))
    cells = {name: [r.accuracy.get(name, {}).get(r.primary) for r in results] for name in names}
    heads = [f"{words.heading(r.protocol)}" for r in results]
    main = table(heads, cells, colours, f"{words.pretty(results[0].primary)} under each protocol")
    return (
        f'<section id="overview"><h2>All protocols</h2><p>The same models asked in different ways.</p>{main}'
        f"{sections.defaults(results)}</section>"
    )


def _section(result: Result, colours: Mapping[str, str]) -> str:
    order = result.ranking()
    metrics = [m for m in TABLE if m in result.accuracy[order[0]]] or list(result.accuracy[order[0]])
    cells = {name: [result.accuracy[name][m] for m in metrics] for name in order}
    caption = "Mean over listeners, with the 95 % interval below; best in each column in colour"
    traits = list(dict.fromkeys(t for name in order for t in result.character[name]))
    plain = {name: [point(result.character[name].get(t)) for t in traits] for name in order}
    main = table([words.pretty(m) for m in metrics], cells, colours, caption, [m == "clicks" for m in metrics])
    figures = "".join(filter(None, (draw(result, colours) for draw in FIGURES)))
    named = [f"{words.pretty(t)} ({t.partition('@')[2]})" for t in traits]
    beyond = table(named, plain, colours, "What the first so many tracks of each list are like", mark=False)
    return (
        f'<section id="{result.protocol}"><h2>{escape(words.heading(result.protocol))}</h2>'
        f"<p>{escape(words.explanation(result.protocol))} {_counts(result)} {sections.default_line(result)}</p>{main}"
        f'<div class="grid narrow">{_differences(result, colours)}</div><div class="grid">{figures}</div>'
        f"{beyond if traits else ''}{sections.beyond_models(result)}</section>"
    )


def _counts(result: Result) -> str:
    listeners, hidden, candidates = (int(result.sizes[k]) for k in COUNTS)
    return f"{listeners:,} evaluated, {hidden:,} tracks hidden, {candidates:,} candidates."


def _differences(result: Result, colours: Mapping[str, str]) -> str:
    drawn = []
    for reference in _drawn_references(result):
        models = result.differences[reference]
        rivals = [m for m in result.ranking() if m in models and (m != "popularity" or len(models) == 1)]
        rows = [(m, models[m][result.primary]) for m in rivals]
        title = f"Better or worse than {reference}?"
        text = "Paired difference over the same listeners. A bar clear of zero is more than chance."
        svg = charts.interval_rows(rows, colours, title=title, axis=f"difference in {words.pretty(result.primary)}")
        drawn.append(figure(title, text, svg))
    return "".join(drawn)


def _drawn_references(result: Result) -> list[str]:
    """Popularity, the best single model, and the strongest reference; the JSON has the rest."""
    order = [m for m in result.ranking() if m in result.differences]
    wanted = ("popularity", result.rival, next((m for m in order if m not in ("popularity", result.rival)), None))
    return [m for m in dict.fromkeys(wanted) if m in result.differences]


def _by_k(result: Result, colours: Mapping[str, str]) -> str:
    ks = sorted(int(m.partition("@")[2]) for m in result.accuracy[result.best] if m.startswith("recall@"))
    if len(ks) < 2:
        return ""
    series = {n: [(float(k), result.accuracy[n][f"recall@{k}"].mean) for k in ks] for n in result.ranking()}
    title = "By length of list"
    svg = charts.lines(series, colours, title=title, axes=("length of list k", "recall@k"))
    return figure(title, "Share of the hidden tracks found, of those that a list of this length can hold.", svg)


def _trade(result: Result, colours: Mapping[str, str]) -> str:
    name = next((t for t in result.character[result.best] if t.startswith("coverage@")), None)
    if name is None:
        return ""
    points = {n: (result.character[n][name], result.accuracy[n][result.primary].mean) for n in result.ranking()}
    title = "Accuracy beside variety"
    axes = (
        f"coverage: share of the catalogue in anyone's first {name.partition('@')[2]}",
        words.pretty(result.primary),
    )
    return figure(
        title,
        "Up is more accurate; right spreads over more of the catalogue.",
        charts.scatter(points, colours, title=title, axes=axes),
    )


def _slices(result: Result, colours: Mapping[str, str]) -> str:
    drawn = []
    shown = result.ranking()[: IN_PLOTS - 1]
    shown += [n for n in result.accuracy if n == "popularity" and n not in shown]
    for by in dict.fromkeys(s.by for s in result.slices):
        mine = [s for s in result.slices if s.by == by and s.model in shown]
        labels = list(dict.fromkeys(s.label for s in mine))
        series = {n: {s.label: s.value for s in mine if s.model == n} for n in shown}
        title = f"By {by}"
        text = f"{SLICE_TEXT.get(by, '')} Parts of fewer than {result.audience} listeners are left out.".strip()
        svg = charts.groups(labels, series, colours, title=title, axes=(by, words.pretty(mine[0].metric)))
        drawn.append(figure(title, text, svg))
    return "".join(drawn)


SLICE_TEXT = {
    "tracks known of the listener": "Listeners in four parts by how much they showed; bars are 95 % intervals.",
    "popularity of the hidden track": "A third of all plays falls on each; most tracks are in the tail.",
}
FIGURES: tuple[Callable[[Result, Mapping[str, str]], str], ...] = (_by_k, _trade, _slices)


def _how(
    results: Sequence[Result], how: Mapping[str, Any], versions: Mapping[str, str], skipped: Mapping[str, str]
) -> str:
    facts = {k: v for k, v in how.items() if v not in ("", None)}
    facts |= {"seed": results[0].seed, "versions": ", ".join(f"{k} {v}" for k, v in versions.items())}
    lines = "".join(f"<dt>{escape(str(k))}</dt><dd>{_value(k, v)}</dd>" for k, v in facts.items())
    parts = "".join(details(words.heading(r.protocol), _sizes(r)) for r in results)
    terms = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in words.METRICS.items())
    left = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in skipped.items())
    return (
        '<section id="how"><h2>How it was measured</h2><p>No model saw a hidden track of a listener in training. '
        "A listener without recommendations counts as zero. Intervals come from resampling listeners.</p>"
        f'<div class="card"><dl>{lines}</dl>{parts}{details("What the metrics mean", terms)}'
        f"{details('Protocols not run', left) if left else ''}</div></section>"
    )


def _sizes(result: Result) -> str:
    lines = {k: _size(k, v) for k, v in result.sizes.items()}
    lines |= {f"seconds, {k}": f"{v:.1f}" for k, v in result.seconds.items()}
    return "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in lines.items())


def _size(name: str, value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.1f}" if " per " in name else f"{value:.1%}"


def _value(key: str, value: Any) -> str:
    text = escape(str(value))
    return f"<code>{text}</code>" if key == "command" else text


def _bare(html: str) -> str:
    return html.replace("<em>", "").replace("</em>", "")
