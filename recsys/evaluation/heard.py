"""The part of the report about exposure: who gets heard, beside who is there and who was wanted."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from recsys.evaluation import charts, style, words
from recsys.evaluation.exposure import Disparity, Group, K, disparities
from recsys.evaluation.pieces import figure, grid_table
from recsys.evaluation.result import Result, Turn

DRAWN = 8  # attributes
ABOUT = {
    "popularity": "A third of all plays falls on each band; most tracks are in the tail.",
    "decade": "By year of release.",
}


def section(result: Result) -> str:
    """Plots and tables of exposure by attribute, concentration on artists, and what evening it out costs."""
    far = disparities(result.exposure)
    drawn = "".join(_figure(one.by, [g for g in result.exposure if g.by == one.by]) for one in far[:DRAWN])
    shares = "".join(_groups(one.by, result.exposure) for one in far)
    tables = [
        _disparities(far),
        _artists(result.concentration),
        f"<details><summary>All shares</summary>{shares}</details>",
    ]
    told = (
        f"How the first {K} places of {result.default}'s lists fall on tracks, a place at rank r counting "
        f"1 / log2(r + 1), beside the share of the catalogue and of the hidden tracks that listeners wanted. Groups "
        f"that fewer than {result.audience} listeners saw or wanted are told together. These are comparisons and "
        "no verdict: what is due to whom is for people to say."
    )
    return (
        f'<section id="heard"><h2>Who gets heard</h2><p>{escape(told)} {_cost(result)}</p>'
        f'<div class="grid">{drawn}</div>{"".join(tables)}</section>'
    )


def _figure(by: str, found: Sequence[Group]) -> str:
    rows = [(g.label, g.exposure, {"wanted": g.wanted, "catalogue": g.catalogue}) for g in found]
    title = f"By {by}"
    marks = {"wanted": style.colour(1), "catalogue": style.PLAIN}
    svg = charts.share_rows(rows, style.colour(0), marks, title=title, axis=f"share of exposure in the first {K}")
    return figure(title, ABOUT.get(by, "A track of several values counts for each in parts."), svg)


def _disparities(far: Sequence[Disparity]) -> str:
    heads = ("Attribute", "Away from the catalogue", "Away from what was wanted", "Least per wanted", "Most per wanted")
    rows = [(d.by, d.catalogue, d.wanted, d.least, d.most) for d in far]
    caption = (
        "Share of exposure that would have to move to be as the catalogue, or as what was wanted; exposure over what "
        "was wanted of the group with least and with most of it (1 = as wanted; groups under 1 % left out)"
    )
    return grid_table(heads, rows, caption)


def _groups(by: str, found: Sequence[Group]) -> str:
    heads = (by.capitalize(), "Tracks", "Catalogue", "Plays learned from", "Wanted", "Exposure", "Exposure / wanted")
    rows = [
        (g.label, f"{g.tracks:,.0f}", g.catalogue, g.plays, g.wanted, g.exposure, _ratio(g))
        for g in found
        if g.by == by
    ]
    return grid_table(heads, rows, f"Shares by {by}")


def _ratio(group: Group) -> float | None:
    return group.exposure.mean / group.wanted if group.wanted >= 0.01 else None


def _artists(found: dict[str, float]) -> str:
    heads = ("Artists", "Gini", "Top 1 %")
    rows = [
        (name.capitalize(), found.get(f"gini of {name}"), found.get(f"top 1 % of {name}"))
        for name in ("exposure", "wanted", "plays", "catalogue")
    ]
    return grid_table(
        heads, rows, "Concentration: 0 = all artists alike, 1 = one has all; share of the first hundredth"
    )


def _cost(result: Result) -> str:
    """What the dials that even exposure out cost here, in a sentence; the first place that gains is named."""
    told = []
    for dial in dict.fromkeys(turn.dial for turn in result.dials):
        turns = [turn for turn in result.dials if turn.dial == dial]
        told += [_said(turns[0], turn, words.pretty(result.primary)) for turn in turns[1:] if turn.place == 0.25][:1]
    return f"Dials that even it out: {'; '.join(told)} (see “What --… costs” above)." if told else ""


def _said(base: Turn, turn: Turn, metric: str) -> str:
    change = (turn.accuracy.mean / base.accuracy.mean - 1) * 100 if base.accuracy.mean else float("nan")
    return (
        f"<code>--{escape(turn.dial)} {turn.place:g}</code> changes coverage from {base.coverage:.2f} to "
        f"{turn.coverage:.2f} and {escape(metric)} by {charts.minus(f'{change:+.1f}')} %"
    )
