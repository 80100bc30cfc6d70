"""A tally of lists in, one HTML page out that is read without a server: who was told what, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.evaluation import charts, style
from recsys.evaluation.exposure import AUDIENCE, gini, top
from recsys.evaluation.fitting import document
from recsys.evaluation.intervals import Interval
from recsys.evaluation.listed import Share, Tally, lorenz, parts_of
from recsys.evaluation.pieces import figure, grid_table
from recsys.tables import Catalogue

NAME = 30  # letters of a name in a drawing
BESIDE = {"plays": style.colour(1), "catalogue": style.PLAIN}
POPULAR = {"head": "most played", "middle": "middle", "tail": "least played"}
KINDS, REST = 5, "the rest"  # kinds of knowledge that have a colour of their own
MARKS = {"explicit": "E", "generated": "AI"}


def page(
    tally: Tally,
    catalogue: Catalogue,
    heard: NDArray[np.floating],
    facts: Mapping[str, Any],
    dials: Mapping[str, Any],
) -> str:
    """The page about lists.

    Args:
        tally: of all parts.
        catalogue: of all tracks.
        heard: listeners of each track, (tracks,).
        facts: further lines for "How they were made".
        dials: those that are on, by name.
    """
    body = [
        _header(tally, facts),
        _listeners(tally, catalogue),
        _sources(tally, catalogue, heard),
        _popularity(tally, heard),
        _marks(tally, catalogue, heard),
        _how(tally, facts, dials),
    ]
    return document("Recommendations", "\n".join(filter(None, body)))


def _header(tally: Tally, facts: Mapping[str, Any]) -> str:
    covered = int((tally.places > 0).sum())
    tracks = f"{covered:,} of {len(tally.places):,} tracks"
    half = _holders(tally.places, 0.5)
    more = f"Half of all places go to {half:,} {'track' if half == 1 else 'tracks'}." if tally.rows else ""
    links = (
        ("listeners", "Some listeners"),
        ("sources", "Sources and artists"),
        ("popularity", "Popularity"),
        ("how", "How they were made"),
    )
    nav = "".join(f'<a href="#{name}">{told}</a>' for name, told in links if name != "listeners" or tally.shown)
    return (
        f'<header><p class="kind">Recommendations from {escape(str(facts.get("bundle", "")))}</p>'
        f"<h1><em>{tally.listeners:,} {'listener' if tally.listeners == 1 else 'listeners'}</em>, {tally.rows:,} "
        f'places, {tracks}</h1><p class="more">{more}</p><nav aria-label="Sections">{nav}</nav></header>'
    )


def _holders(amounts: NDArray[np.integer], part: float) -> int:
    """How many hold a part of the whole, those with most first."""
    held = np.cumsum(np.sort(amounts)[::-1])
    return int(np.searchsorted(held, part * held[-1]) + 1) if len(held) else 0


def _listeners(tally: Tally, catalogue: Catalogue) -> str:
    if not tally.shown:
        return ""
    colours = _colours([parts_of(row) for rows in tally.shown.values() for row in rows])
    keys = "".join(
        f'<span><i class="key" style="background:{colour}"></i>{escape(kind)}</span>'
        for kind, colour in colours.items()
    )
    shown = [user for user in tally.examples if user in tally.shown]
    cards = "".join(_card(user, tally.shown[user], tally, catalogue, colours) for user in shown)
    return (
        '<section id="listeners"><h2>Some listeners</h2><p>Drawn by lot. The bar after a track is what its score is '
        f'made of; what takes away from it is pale.</p><p class="keys">{keys}</p>'
        f'<div class="grid">{cards}</div></section>'
    )


def _colours(told: Sequence[Mapping[str, float]]) -> dict[str, str]:
    """A colour for each of the kinds that give most; the others share a plain one."""
    given: dict[str, float] = {}
    for parts in told:
        for kind, part in parts.items():
            given[kind] = given.get(kind, 0.0) + abs(part)
    order = sorted(given, key=lambda kind: (-given[kind], kind))
    few = order if len(order) <= KINDS + 1 else order[:KINDS]
    return {kind: style.colour(i) for i, kind in enumerate(few)} | ({REST: style.PLAIN} if few != order else {})


def _card(
    user: Any, rows: Sequence[Mapping[str, Any]], tally: Tally, catalogue: Catalogue, colours: Mapping[str, str]
) -> str:
    places = tally.tracks.rows([row["track_id"] for row in rows], missing="mark")
    lines = [_pick(row, int(at), catalogue, colours) for row, at in zip(rows, places, strict=True)]
    return f'<article class="card"><h3>{escape(str(user))}</h3><ol class="picks">{"".join(lines)}</ol></article>'


def _pick(row: Mapping[str, Any], at: int, catalogue: Catalogue, colours: Mapping[str, str]) -> str:
    """One place of a list: the track, its marks, the reason, the source, and what the score is made of."""
    title, artist = (catalogue.values(name)[at] if at >= 0 else None for name in ("title", "artist"))
    name = escape(title if isinstance(title, str) and title else str(row["track_id"]))
    by = f'<span class="by">{escape(artist)}</span>' if isinstance(artist, str) and artist else ""
    said = [mark for mark in str(row.get("marks") or "").split(", ") if mark]
    flags = "".join(f'<abbr class="flag" title="{escape(m)}">{escape(MARKS.get(m, m))}</abbr>' for m in said)
    return (
        f'<li><div class="what"><b>{name}</b>{flags}{by}<small>{escape(str(row.get("reason") or ""))}</small></div>'
        f'<div class="from"><small>{escape(str(row["source"]))}</small>{_stack(parts_of(row), colours)}</div></li>'
    )


def _stack(parts: Mapping[str, float], colours: Mapping[str, str]) -> str:
    """Parts as one bar, each as wide as it is large."""
    total = sum(map(abs, parts.values()))
    if not total > 0:
        return ""
    told = ", ".join(charts.minus(f"{kind} {given:+.2f}") for kind, given in parts.items())
    order = sorted(parts, key=lambda kind: list(colours).index(kind if kind in colours else REST))
    bits = "".join(_bit(parts[kind], total, colours.get(kind, style.PLAIN)) for kind in order)
    return f'<span class="stack" role="img" aria-label="{escape(told)}" title="{escape(told)}">{bits}</span>'


def _bit(given: float, total: float, colour: str) -> str:
    pale = " class=less" if given < 0 else ""
    share = abs(given) / total
    return f'<i style="width:{share:.1%};background:{colour}"{pale}></i>' if share >= 0.005 else ""


def _sources(tally: Tally, catalogue: Catalogue, heard: NDArray[np.floating]) -> str:
    found = tally.sources()
    if not found:
        return ""
    marks = {name: style.colour(1) for name in found[0].beside}
    drawn = _bars(found, marks, "Where places come from", "The member of the model that gave most to the score.")
    if artists := tally.artists(catalogue, heard):
        drawn += _bars(artists, BESIDE, "Most listed artists", "Beside their share of plays and of the catalogue.")
    told = _concentration(tally, catalogue, heard) if artists else ""
    return f'<section id="sources"><h2>Sources and artists</h2><p>{told}</p><div class="grid">{drawn}</div></section>'


def _concentration(tally: Tally, catalogue: Catalogue, heard: NDArray[np.floating]) -> str:
    known = catalogue.artists >= 0
    codes = catalogue.artists[known]
    lists, plays = (np.bincount(codes, each[known]).astype(np.float64) for each in (tally.places, heard))
    return (
        f"The hundredth of artists with most has {100 * top(lists, 0.01):.0f} % of places and "
        f"{100 * top(plays, 0.01):.0f} % of plays; "
        f"the Gini coefficient over artists is {gini(lists):.2f} of places and {gini(plays):.2f} of plays."
    )


def _popularity(tally: Tally, heard: NDArray[np.floating]) -> str:
    if not tally.rows:
        return ""
    bands = [share._replace(label=POPULAR[share.label]) for share in tally.bands(heard)]
    text = "A third of all plays falls on each band; the most played tracks are few."
    series = {"each alike": [(x, x) for x, _ in lorenz(heard)], "plays": lorenz(heard), "lists": lorenz(tally.places)}
    colours = {"each alike": style.PLAIN, "plays": style.colour(1), "lists": style.colour(0)}
    ends = {x: f"{100 * x:.0f} %" if round(x * 20) % 5 == 0 else "" for x, _ in lorenz(heard)}
    title = "How evenly tracks are listed"
    curve = charts.lines(
        series,
        colours,
        title=title,
        axes=("share of the catalogue, least first", "share of the whole"),
        names=ends,
        dashed=("each alike",),
        dots=False,
    )
    told = (
        "The part of all places that the least listed tracks have (Lorenz curve). The lower, the fewer tracks get it."
    )
    return (
        '<section id="popularity"><h2>How popular it is</h2><p>What is listed beside what is played and what is there. '
        f"{_covered(tally, heard)}</p>"
        f'<div class="grid">{figure(title, told, curve)}{_bars(bands, BESIDE, "By popularity", text)}</div></section>'
    )


def _covered(tally: Tally, heard: NDArray[np.floating]) -> str:
    share, uneven = (tally.places > 0).mean(), [gini(each.astype(np.float64)) for each in (tally.places, heard)]
    return (
        f"Some list holds {100 * share:.0f} % of the catalogue; the Gini coefficient of places is {uneven[0]:.2f}, "
        f"that of plays {uneven[1]:.2f}."
    )


def _bars(found: Sequence[Share], marks: Mapping[str, str], title: str, text: str) -> str:
    rows = [(_short(s.label), Interval(s.places, s.places, s.places), s.beside) for s in found]
    svg = charts.share_rows(rows, style.colour(0), marks, title=title, axis="share", name="all places")
    return figure(title, text, svg)


def _short(name: str) -> str:
    return name if len(name) <= NAME else f"{name[: NAME - 1]}…"


def _marks(tally: Tally, catalogue: Catalogue, heard: NDArray[np.floating]) -> str:
    tables = []
    for by, found in tally.marks(catalogue, heard).items():
        heads = (by.capitalize(), "Tracks", "Catalogue", "Plays", "Lists")
        rows = [
            (s.label, f"{s.tracks:,}", _share(s.beside["catalogue"]), _share(s.beside["plays"]), _share(s.places))
            for s in found
        ]
        tables.append(grid_table(heads, rows, f"Shares by {by}"))
    if not tables:
        return ""
    return f'<section id="marks"><h2>Marks</h2><div class="grid">{"".join(tables)}</div></section>'


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


def _how(tally: Tally, facts: Mapping[str, Any], dials: Mapping[str, Any]) -> str:
    on = ", ".join(f"{name} {value}" for name, value in dials.items()) or "none: by score alone"
    lines = {name: value for name, value in facts.items() if value not in ("", None)} | {"dials": on}
    terms = "".join(f"<dt>{escape(str(k))}</dt><dd>{escape(str(v))}</dd>" for k, v in lines.items())
    return (
        '<section id="how"><h2>How they were made</h2>'
        f"<p>Groups that may concern fewer than {AUDIENCE} listeners are told together as “rarer”, or left out among "
        f'artists. The lists themselves are beside this page.</p><div class="card"><dl>{terms}</dl></div></section>'
    )
