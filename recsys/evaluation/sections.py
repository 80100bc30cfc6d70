"""Parts of the report about more than one model's table: the default, from cold to warm, dials and sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from recsys.evaluation import charts, style, words
from recsys.evaluation.effects import REMOVED, WORTH, Ablation
from recsys.evaluation.floors import NAMES as FLOORS
from recsys.evaluation.intervals import Interval
from recsys.evaluation.pieces import figure, grid_table, table
from recsys.evaluation.result import Result
from recsys.evaluation.thawing import EVERYTHING

LINES = 7  # more models than this make a plot of lines unreadable
Colours = Mapping[str, str]


def is_thaw(result: Result) -> bool:
    """Whether this is one level of the way from cold to warm."""
    return result.protocol.startswith("thaw-")


def level(result: Result) -> float:
    """Plays of each new track in training.

    >>> from types import SimpleNamespace
    >>> level(SimpleNamespace(protocol="thaw-10-all"))
    10.0
    """
    return float(result.protocol.removesuffix(EVERYTHING).partition("-")[2])


def default_line(result: Result) -> str:
    """What ``train`` would choose here, and how far it is from the best single model, in a sentence; or nothing."""
    if result.lead is None or result.default is None:
        return ""
    lead, verdict = result.lead, _verdict(result.lead)
    bounds = charts.minus(f"{lead.mean:+.3f} ({lead.low:+.3f} to {lead.high:+.3f})")
    return (
        f"<code>recsys train</code> would choose {escape(result.default)}: against {escape(str(result.rival))}, the "
        f"best single model on these hidden tracks, {bounds} in {words.pretty(result.primary)}, {verdict}."
    )


def defaults(results: Sequence[Result]) -> str:
    """The default model against the best single model under each protocol."""
    told = [r for r in results if r.lead is not None]
    if not told:
        return ""
    rows = [
        (
            words.heading(r.protocol),
            str(r.default),
            r.accuracy[str(r.default)][r.primary],
            str(r.rival),
            r.accuracy[str(r.rival)][r.primary],
            r.lead,
            _verdict(r.lead) if r.lead else "",
        )
        for r in told
    ]
    metric = words.pretty(told[0].primary)
    heads = ("Protocol", "What train would choose", metric, "Best single model", metric, "Paired difference", "")
    return grid_table(
        heads, rows, "What train would choose, against the single model that does best on the hidden tracks"
    )


def _verdict(lead: Interval) -> str:
    if lead.low > 0:
        return "a clear lead"
    return "clearly behind" if lead.high < 0 else "no clear difference"


def thaw_section(results: Sequence[Result], colours: Colours) -> str:
    """N@100 of new tracks against how many plays they have: a plot over the new tracks, one over all, and a table."""
    alone = sorted((r for r in results if not r.protocol.endswith(EVERYTHING)), key=level)
    beside = sorted((r for r in results if r.protocol.endswith(EVERYTHING)), key=level)
    shown = _lines(alone)
    plots = [
        _against_plays(alone, shown, colours, "Among the new tracks"),
        _against_plays(beside, shown, colours, "Among all tracks, new and known plays hidden") if beside else "",
    ]
    metric = alone[0].primary
    names = list(dict.fromkeys(n for r in reversed(alone) for n in r.ranking()))
    cells = {n: [r.accuracy[n][metric] if n in r.accuracy else None for r in alone] for n in names}
    heads = [f"{level(r):g}" for r in alone]
    caption = f"{words.pretty(metric)} over the new tracks, by plays of each in training; 95 % intervals below"
    kept = ", ".join(f"{r.sizes['training listeners per candidate track']:.1f}" for r in alone)
    first = alone[0].sizes
    counts = (
        f"{int(first['listeners evaluated']):,} listeners, {int(first['candidate tracks']):,} new tracks, "
        f"{int(first['hidden pairs']):,} hidden; plays a new track really has, on average: {kept}."
    )
    title, text = escape(words.heading("thaw")), escape(words.explanation("thaw"))
    return (
        f'<section id="thaw"><h2>{title}</h2><p>{text} {counts}</p>'
        f'<div class="grid">{"".join(plots)}</div>{table(heads, cells, colours, caption)}</section>'
    )


def _lines(results: Sequence[Result]) -> list[str]:
    """Models to draw: the best over all levels, the default and popularity always."""
    metric = results[0].primary
    mean = {n: sum(r.accuracy[n][metric].mean for r in results if n in r.accuracy) for n in results[0].accuracy}
    order = sorted((n for n in mean if n not in FLOORS), key=lambda n: -mean[n])
    always = [n for n in (results[0].default, "popularity") if n in mean]
    chosen = [n for n in order if n not in always][: LINES - len(always)]
    return [n for n in order if n in chosen or n in always]


def _against_plays(results: Sequence[Result], shown: Sequence[str], colours: Colours, title: str) -> str:
    metric = results[0].primary
    found = {n: [(level(r), r.accuracy[n][metric]) for r in results if n in r.accuracy] for n in shown}
    svg = charts.lines(
        {n: [(x, v.mean) for x, v in points] for n, points in found.items()},
        colours,
        title=title,
        axes=("plays of each new track in training", words.pretty(metric)),
        bars={n: [(x, v.low, v.high) for x, v in points] for n, points in found.items()},
    )
    return figure(title, "The same listeners and hidden plays at every step; bars are 95 % intervals.", svg)


def beyond_models(result: Result) -> str:
    """What dials cost and what each source of candidates finds, where these were measured."""
    parts = [_dials(result) if result.dials else "", _sources(result) if result.sources else ""]
    return f'<div class="grid">{"".join(parts)}</div>' if any(parts) else ""


def _dials(result: Result) -> str:
    """For each dial a curve of accuracy against coverage, and its numbers."""
    metric, drawn = words.pretty(result.primary), []
    heads = ("Dial", metric, "Change", "Coverage@50", "Popularity lift@10")
    axes = ("coverage: share of the catalogue in anyone's first 50", metric)
    for dial in dict.fromkeys(t.dial for t in result.dials):
        turns = [t for t in result.dials if t.dial == dial]
        base = turns[0].accuracy.mean
        points = {f"{t.place:g}": (t.coverage, t.accuracy.mean) for t in turns}
        title = f"What --{dial} costs"
        svg = charts.scatter(points, {name: style.colour(0) for name in points}, title=title, axes=axes)
        rows = [
            (f"{t.place:g}", t.accuracy, _share(t.accuracy.mean, base), t.coverage, t.popularity_lift) for t in turns
        ]
        text = f"{result.default or 'The model'} at some places of the dial, from 0 (as it is) to 1."
        drawn += [figure(title, text, svg), grid_table(heads, rows, title)]
    return "".join(drawn)


def _share(value: float, base: float) -> str:
    return f"{(value / base - 1) * 100:+.1f} %" if base else "–"


def _sources(result: Result) -> str:
    rows = [
        (name, found.recall, f"{found.tracks:.0f}")
        for name, found in sorted(result.sources.items(), key=lambda pair: -pair[1].recall)
    ]
    heads = ("Source of candidates", "Recall", "Tracks per listener")
    return grid_table(heads, rows, "Share of the hidden tracks that each source brings")


def ablation_section(found: Ablation) -> str:
    """What each block and producer costs when it is treated: a plot of removals on new tracks, and all numbers."""
    names = found.blocks()
    protocols = list(found.whole)
    pays = found.pays()
    removals = [(n, v) for n in names if (v := found.loss(protocols[0], n, REMOVED)) is not None]
    colours = {n: style.colour(0) if pays.get(n) else style.PLAIN for n in names}
    title = "Lost by removing it"
    axis = f"share of {words.pretty(found.metric)} lost, {words.heading(protocols[0]).lower()}"
    drawn = figure(
        title,
        "In colour: pays. The interval is over listeners.",
        charts.interval_rows(removals, colours, title=title, axis=axis),
    )
    tables = [_losses(found, protocol, names, pays) for protocol in protocols]
    worth = ", ".join(n for n in names if pays.get(n)) or "none"
    whole = "; ".join(f"{words.heading(p).lower()} {v:.3f}" for p, v in found.whole.items())
    told = (
        f"{found.model} was fitted again with each block removed, permuted among tracks alike in popularity and genre, "
        "replaced by noise, and cut to what the other blocks do not say. "
        f"{words.pretty(found.metric)} with everything: {whole}. "
        f"A block pays when its removal costs at least {WORTH:.0%} on new tracks with an interval above 0: "
    )
    return (
        '<section id="ablation"><h2>What each block of content is worth</h2>'
        f"<p>{escape(told)}<b>{escape(worth)}</b>.</p>"
        f'<div class="grid narrow">{drawn}</div>{"".join(tables)}</section>'
    )


def _losses(found: Ablation, protocol: str, names: Sequence[str], pays: Mapping[str, bool]) -> str:
    treatments = list(dict.fromkeys(e.treatment for e in found.effects))
    splits = max(e.splits for e in found.effects if e.protocol == protocol)
    verdict = {True: "pays", False: "does not pay"}
    judged = pays if protocol == "cold" else {}
    rows = [
        (n, *(found.loss(protocol, n, t) for t in treatments), *([verdict[pays[n]]] if n in judged else []))
        for n in names
    ]
    heads = ("Block", *(t.capitalize() for t in treatments), *([""] if judged else []))
    caption = f"{words.heading(protocol)}: share of {words.pretty(found.metric)} lost, pooled over {splits} splits"
    return grid_table(heads, rows, caption)
