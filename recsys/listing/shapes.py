"""Lists by how they sound: a mood, a curve over time, music for a scene; and the whole library as collections."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.contracts import Floats, Rows
from recsys.errors import DataError, did_you_mean
from recsys.listing.desk import Desk
from recsys.listing.drafts import Draft, Order, Reasons, because, mixed, profile, ranks, unit
from recsys.playlists.clusters import group
from recsys.playlists.kinds import CurveKind, ForScene, LibraryMap, Mood
from recsys.playlists.names import named
from recsys.tables.moods import AROUSAL, MOODS, VALENCE, moods_among
from recsys.tables.narrowed import narrowed
from recsys.tables.predicted import MOOD, chance_of, listed, together


def mood(order: Order) -> list[Draft]:
    """Tracks nearest to a place of valence and arousal, else likeliest to be of a mood, bent towards one's taste."""
    recipe, desk, who = order.recipe, order.desk, order.who
    assert isinstance(recipe, Mood)
    targets = _targets(recipe)
    by_labels = recipe.words and not all(desk.knows(*names) for names in targets)
    off = 1 - _chances(desk.engine.catalogue.frame, recipe) if by_labels else _away(desk, targets)
    rows = np.flatnonzero(order.allowed & np.isfinite(off)).astype(np.int32)
    rows = rows[np.argsort(off[rows], kind="stable")[: order.candidates]]
    scores = unit(-off[rows])
    if who.history.nnz and recipe.taste:
        scores = mixed(scores, desk.scores(who, rows), recipe.taste)
    words = recipe.words or " ".join(f"{names[0]} {target:.0%}" for names, target in targets.items())

    def reasons(asked: Rows) -> list[str]:
        return [f"{words}: {1 - off[row]:.0%} there" for row in asked.tolist()]

    return [Draft(words[:1].upper() + words[1:], rows, scores, reasons)]


def _away(desk: Desk, targets: dict[tuple[str, ...], float]) -> NDArray[np.float64]:
    """How far tracks are from a place, as a part of the library, (tracks,); NaN where it is not known.

    Raises:
        DataError: no track has such numbers.
    """
    places = {names: ranks(desk.trait(*names)[1]) for names in targets}
    off = sum((places[names] - target) ** 2 for names, target in targets.items()) / len(targets)
    return np.asarray(np.sqrt(off), np.float64)


def _chances(frame: pd.DataFrame, recipe: Mood) -> NDArray[np.float64]:
    """The mean chance of the moods asked for: 1 where one was given, (tracks,); NaN where nothing tells.

    Raises:
        DataError: nothing here tells moods.
    """
    wanted = _words(recipe)
    narrowed(frame, None, ", ".join(wanted))  # tells what is missing
    known = together(frame, MOOD)
    has = {word: known.map(lambda labels, word=word: float(word in moods_among(listed(labels)))) for word in wanted}
    sure = [together(frame, name) if (name := chance_of(MOOD, word)) in frame else has[word] for word in wanted]
    return np.where(known.notna(), np.mean([values.to_numpy(np.float64) for values in sure], axis=0), np.nan)


def _words(recipe: Mood) -> list[str]:
    return (recipe.words or "").casefold().replace(",", " ").split()


def _targets(recipe: Mood) -> dict[tuple[str, ...], float]:
    """Where the mood lies: columns (any of the names) to parts of the library."""
    words = _words(recipe)
    for word in words:
        if word not in MOODS:
            raise DataError(f"mood {word!r} is not known{did_you_mean(word, MOODS)}")
    places = [MOODS[word] for word in words]
    mean = tuple(np.mean(places, axis=0)) if places else (None, None)
    found = {VALENCE: recipe.valence, AROUSAL: recipe.arousal}
    said = {names: mean[i] if value is None else value for i, (names, value) in enumerate(found.items())}
    return {names: float(value) for names, value in said.items() if value is not None}


def curve(order: Order) -> list[Draft]:
    """Candidates of a taste, of seeds or of the whole library; the curve does the rest."""
    recipe = order.recipe
    assert isinstance(recipe, CurveKind)
    rows, scores = _near(order, recipe.seeds)
    traits = ", ".join(recipe.curve)
    return [Draft(f"Along {traits}", rows, scores, _values(order, list(recipe.curve)))]


def for_scene(order: Order) -> list[Draft]:
    """Candidates under the licences, near the seeds where there are any."""
    recipe = order.recipe
    assert isinstance(recipe, ForScene)
    rows, scores = _near(order, recipe.seeds)
    licences = order.desk.engine.catalogue.values("licence")

    def reasons(asked: Rows) -> list[str]:
        return [f"{licences[row]}; {why}" for row, why in zip(asked.tolist(), tone(asked), strict=True)]

    tone = _values(order, list(recipe.curve))
    return [Draft("For the scene", rows, scores, reasons)]


def _near(order: Order, seeds: list[str | int]) -> tuple[Rows, Floats]:
    """Tracks that may be chosen, by nearness to seeds, else by the listener's taste, else as many have heard them."""
    desk, who, rows = order.desk, order.who, order.rows
    if seeds:
        near = desk.index.search(profile(desk, desk.rows(seeds)), len(rows), weights=desk.weights, allow=rows)
        known = near.rows[0] >= 0
        return near.rows[0][known], near.scores[0][known]
    return rows, np.log1p(desk.scores(who, rows)) if not who.history.nnz else desk.scores(who, rows)


def _values(order: Order, traits: list[str]) -> Reasons:
    """Reasons that tell a track's value of each trait."""
    taste = because(order.desk, order.who.history)

    def reasons(asked: Rows) -> list[str]:
        told = [
            ", ".join(f"{name} {order.desk.facts.number(name)[row]:.4g}" for name in traits) for row in asked.tolist()
        ]
        why = taste(asked) if order.who.history.nnz else [""] * len(asked)
        return ["; ".join(part for part in both if part) for both in zip(told, why, strict=True)]

    return reasons


def library_map(order: Order) -> list[Draft]:
    """Every track in the collection whose centre it is nearest to: all of each, or as many as the recipe says."""
    recipe, desk, rows = order.recipe, order.desk, order.rows
    assert isinstance(recipe, LibraryMap)
    parts = [np.sqrt(weight) * desk.index.vectors(block, rows) for block, weight in _ways(order).items()]
    whole = np.concatenate(parts, axis=1)
    length = np.linalg.norm(whole, axis=1, keepdims=True)
    rows, whole = rows[length[:, 0] > 0], (whole / np.maximum(length, 1e-12))[length[:, 0] > 0]
    if not len(rows):
        raise DataError("no track that may be chosen has vectors; expected content, sound or plays")
    found = group(whole.astype(np.float32), recipe.collections, np.random.default_rng(recipe.seed))
    typical = np.argsort(-found.closeness, kind="stable")
    members = [typical[found.of[typical] == one] for one in range(len(found.centres))]
    names = named(desk.facts, [rows[places] for places in members], rows)
    everything = recipe.n is None and recipe.minutes is None
    return [
        Draft(
            name,
            rows[places],
            found.closeness[places],
            lambda asked: ["belongs to this collection"] * len(asked),
            tracks=min(recipe.tracks or len(places), len(places)),
            notes=(f"{len(places)} tracks belong to this collection",),
            whole=everything,
        )
        for name, places in zip(names, members, strict=True)
    ]


def _ways(order: Order) -> dict[str, float]:
    from recsys import nearby

    assert isinstance(order.recipe, LibraryMap)
    return nearby.weights(order.desk.index, order.recipe.by, 0.5)
