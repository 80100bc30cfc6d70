"""Lists from tracks and artists that are named: radio, more of a list, a path between two, artists like some."""

from __future__ import annotations

from pathlib import Path as File

import numpy as np

from recsys import nearby
from recsys.contracts import Floats, Rows
from recsys.errors import DataError
from recsys.listing.desk import Desk
from recsys.listing.drafts import Draft, Order, Reasons, because, history_of, mixed, unit
from recsys.nearby import alike
from recsys.playlists import path as paths
from recsys.playlists.kinds import Continue, Path, Radio, SimilarArtists
from recsys.sources.playlist_entries import Listing
from recsys.sources.playlist_files import read_listing
from recsys.tables import TopK

POINTS = 12  # places along a path at which candidates are looked for


def radio(order: Order) -> list[Draft]:
    """Tracks near some and away from others, bent towards the listener's taste; opened by the first seed."""
    recipe, desk, who = order.recipe, order.desk, order.who
    assert isinstance(recipe, Radio)
    seeds = desk.engine.seeds(list(recipe.seeds), list(recipe.unlike), recipe.by)
    weights = nearby.weights(desk.index, "sound" if seeds.outside else recipe.by, 0.5)
    near = nearby.neighbours(
        desk.index, desk.engine.catalogue, seeds, order.candidates, weights=weights, allow=order.rows
    )
    found = TopK(near.rows[None], near.scores[None])
    after: Reasons = _nobody
    if recipe.by == "hybrid" and not (recipe.unlike or seeds.outside):
        found, after = _followed(order, "radio", seeds.likes, found)
    scores = unit(found.scores[0])
    if who.history.nnz and recipe.taste and scores.size:
        scores = mixed(found.scores[0], desk.scores(who, found.rows[0]), recipe.taste)
    opening = tuple(seeds.likes[:1].tolist())
    rows = np.concatenate([found.rows[0], seeds.likes[1:]])
    scores = np.concatenate([scores, np.ones(len(rows) - len(scores), np.float32)])

    def reasons(asked: Rows) -> list[str]:
        return [
            "chosen as a seed"
            if row in seeds.likes
            else words or alike(desk.index, desk.engine.catalogue, seeds, row, weights)
            for row, words in zip(asked.tolist(), after(asked), strict=True)
        ]

    name = desk.engine.name(int(seeds.likes[0])) if len(seeds.likes) else File(str(recipe.seeds[0])).stem
    return [Draft(f"Like {name}", rows, scores, reasons, opening=opening)]


def more(order: Order) -> list[Draft]:
    """What goes on a list that is there: what its tracks are heard with, and what is like them."""
    recipe, desk = order.recipe, order.desk
    assert isinstance(recipe, Continue)
    title, rows, notes = _there(desk, recipe)
    history = history_of(len(desk.facts), rows)
    found = desk.lists(history, order.candidates, allow=order.rows, exclude=history)
    found, after = _followed(order, "continue", rows, found)
    known = found.rows[0] >= 0
    opening = tuple(dict.fromkeys(rows.tolist())) if recipe.keep else ()
    length = None if recipe.tracks is None else recipe.tracks + len(opening)
    inside = set(rows.tolist())
    goes_with = because(desk, history, "goes with {}")

    def reasons(asked: Rows) -> list[str]:
        told = zip(asked.tolist(), after(asked), goes_with(asked), strict=True)
        return ["was there" if row in inside else words or other for row, words, other in told]

    draft = Draft(
        title, found.rows[0][known], found.scores[0][known], reasons, opening=opening, tracks=length, notes=notes
    )
    return [draft]


def _followed(order: Order, use: str, rows: Rows, found: TopK) -> tuple[TopK, Reasons]:
    """Candidates in the order of their scores and of what comes next after some rows, those that come next among them.

    As they were where the bundle has no model of what comes next, or that made such lists no better. The reasons are
    of those that stand where they do because of what they come after, "" of others.
    """
    desk, following = order.desk, order.desk.engine.following
    if following is None or not following.weights.get(use):
        return found, _nobody

    def reasons(asked: Rows) -> list[str]:
        seeds = following.carried(use, rows, found, asked)
        return [f"often comes after {desk.engine.name(seed)}" if seed >= 0 else "" for seed in seeds.tolist()]

    return following.joined(use, rows, found, order.candidates, allow=order.rows), reasons


def _nobody(asked: Rows) -> list[str]:
    """No reasons."""
    return [""] * len(asked)


def _there(desk: Desk, recipe: Continue) -> tuple[str, Rows, tuple[str, ...]]:
    """Title and tracks of the list to go on with, and what of it could not be found."""
    if recipe.file is None:
        return "Continued", desk.rows(recipe.tracks_), ()
    listing = listing_of(desk, recipe.file)
    rows, lost = matched(desk, listing)
    if not listing.entries:
        raise DataError(f"{recipe.file} holds no entries; expected tracks to go on from")
    if not len(rows):
        raise DataError(f"none of the {len(listing.entries)} entries of {recipe.file} is a track known here")
    return listing.name, rows, tuple(f"not found: {entry}" for entry in lost)


def listing_of(desk: Desk, file: str) -> Listing:
    """A playlist file that a recipe names.

    Raises:
        DataError: it is not there, or can't be read.
    """
    path = desk.folder / File(file)
    if not path.is_file():
        raise DataError(f"no playlist {path}; recipes name files from their own folder on")
    return read_listing(path)


def matched(desk: Desk, listing: Listing) -> tuple[Rows, list[str]]:
    """Track rows of the entries of a file, and the entries that are no track known here."""
    found = [(desk.matcher.row(entry), str(entry)) for entry in listing.entries]
    return np.array([row for row, _ in found if row >= 0], np.int32), [entry for row, entry in found if row < 0]


def path(order: Order) -> list[Draft]:
    """From one track to another, always forward and with the largest step as small as can be."""
    recipe, desk = order.recipe, order.desk
    assert isinstance(recipe, Path)
    first, last = desk.rows([recipe.start, recipe.end]).tolist()
    rows, vectors = _between(order, first, last, nearby.weights(desk.index, recipe.by, 0.5))
    length = recipe.tracks or max(2, round(60 * (recipe.minutes or 0) / desk.facts.typical_seconds))
    apart = max(recipe.artist_gap, -(-length // recipe.cap(length)))  # so far apart, no artist comes too often
    places = paths.path(0, len(rows) - 1, vectors, length, artists=desk.facts.artist[rows], gap=apart)
    way = tuple(rows[places].tolist())
    along = dict(zip(way, paths.progress_of(places, vectors).tolist(), strict=True))
    short = f"only {len(way)} of {length} tracks lie between the two"
    names = [desk.engine.name(row) for row in (first, last)]
    return [
        Draft(
            f"From {names[0]} to {names[1]}",
            rows,
            np.ones(len(rows), np.float32),
            lambda asked: [f"{along[row]:.0%} of the way" for row in asked.tolist()],
            opening=way,
            tracks=len(way),
            notes=(short,) if len(way) < length else (),
        )
    ]


def _between(order: Order, first: int, last: int, weights: dict[str, float]) -> tuple[Rows, Floats]:
    """Candidates near the line between two tracks, those two as first and last, and their vectors, (rows, d)."""
    index = order.desk.index
    parts = {block: index.vectors(block, [first, last]) for block in weights}
    parts = {block: ends for block, ends in parts.items() if ends.any(axis=1).all()}
    if not parts or first == last:
        names = " and ".join(str(order.desk.engine.tracks.at(row)) for row in (first, last))
        raise DataError(f"{names} have no vectors in common, or are the same; try by = 'content' or 'sound'")
    steps = np.linspace(0, 1, POINTS)[:, None].astype(np.float32)
    queries = {block: (1 - steps) * ends[0] + steps * ends[1] for block, ends in parts.items()}
    own = {block: weights[block] for block in parts}
    found = index.search(queries, max(order.candidates // 4, 50), weights=own, allow=order.rows)
    others = np.setdiff1d(found.rows[found.rows >= 0], [first, last])
    rows = np.concatenate([[first], others, [last]]).astype(np.int32)
    vectors = [np.sqrt(np.float32(own[block])) * index.vectors(block, rows) for block in parts]
    unknown = np.logical_or.reduce([~part.any(axis=1) for part in vectors])
    whole = np.concatenate(vectors, axis=1)
    whole[unknown] = np.nan
    return rows, whole


def similar_artists(order: Order) -> list[Draft]:
    """Tracks of the artists most like some, the most alike and the best known first; none by those themselves."""
    recipe, desk = order.recipe, order.desk
    assert isinstance(recipe, SimilarArtists)
    mine = desk.artists(recipe.artists)
    closeness = _artist_likeness(desk, mine, nearby.weights(desk.index, recipe.by, 0.5))
    closeness[mine] = -np.inf
    best = np.argsort(-closeness, kind="stable")[: recipe.count]
    best = best[np.isfinite(closeness[best])]
    artist = desk.facts.artist
    rows = np.flatnonzero(order.allowed & np.isin(artist, best)).astype(np.int32)
    scores = mixed(closeness[artist[rows]], np.log1p(desk.engine.listeners[rows]), 0.3)
    names = ", ".join(recipe.artists)
    return [Draft(f"Artists like {names}", rows, scores, _likened(desk, closeness, names))]


def _likened(desk: Desk, closeness: Floats, names: str) -> Reasons:
    def reasons(asked: Rows) -> list[str]:
        who = desk.engine.catalogue.values("artist")[asked]
        near = closeness[desk.facts.artist[asked]]
        return [f"{artist} is like {names} ({close:.2f})" for artist, close in zip(who, near, strict=True)]

    return reasons


def _artist_likeness(desk: Desk, mine: Rows, weights: dict[str, float]) -> Floats:
    """Cosine of every artist's mean vector with that of some, blocks weighted, (artists,)."""
    artist = desk.facts.artist
    known = np.flatnonzero(artist >= 0)
    total = np.zeros(int(artist.max(initial=-1)) + 1, np.float32)
    for block, weight in weights.items():
        sums = np.zeros((len(total), desk.index.blocks[block]), np.float32)
        np.add.at(sums, artist[known], desk.index.vectors(block)[known])
        means = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
        centre = means[mine].mean(axis=0)
        total += np.float32(weight) * (means @ (centre / max(float(np.linalg.norm(centre)), 1e-12)))
    return total / np.float32(sum(weights.values()))
