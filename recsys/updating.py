"""A bundle, new plays and new tracks in; a dataset, a model and an index that know them out. Nothing is trained again.

Listeners cost nothing: a history is folded in when it is asked about, so only histories are replaced. Tracks are taken
up by the models that can (``Model.absorb``) and get their places in the index. How far all this has led away from the
last training is counted and measured, so that somebody knows when to train again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.audio.space import NAME as SOUND
from recsys.contracts import Recommender, Rows
from recsys.drift import measured
from recsys.engine import Engine
from recsys.index import Index
from recsys.models.content import content_vectors, has_content
from recsys.nearby import HARMONY
from recsys.tables import Dataset, Embeddings, Interactions
from recsys.tables.merge import Place, merged, spread

COLLABORATIVE, CONTENT = "collaborative", "content"


@dataclass(frozen=True, eq=False)
class Updated:
    """What goes into the new bundle.

    Attributes:
        dataset: all plays and skips, the whole catalogue and content.
        model: over all tracks; None in a bundle without plays.
        index: likewise.
        tracks: where the base's track rows went.
        counts: what was folded in.
        drift: how the base ranks the new plays, see ``recsys.drift``.
        notes: what could not be folded in, one line each.
    """

    dataset: Dataset
    model: Recommender | None
    index: Index | None
    tracks: Place
    counts: dict[str, int]
    drift: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def update(engine: Engine, new: Dataset, *, seed: int = 0) -> Updated:
    """Fold new plays, skips and tracks into an engine.

    Args:
        engine: the base.
        new: what came since, over its own ids; plays that the engine knows already are left out where there are times.
        seed: of the index.

    Raises:
        DataError: a content space of another length than the one of that name in the base.
    """
    base = known_dataset(engine)
    new, twice = without_known(base, new)
    both = merged(base, new)
    dataset, tracks = both.dataset, both.tracks
    notes = _said(base, new, twice)
    fitted = engine.model if engine.facts["chosen"] else None
    drift = measured(engine, dataset, tracks, both.users) if fitted else {}
    model, learned = None, np.empty(0, np.int32)
    if fitted is not None:
        model = fitted.resized(tracks, both.users)  # type: ignore[attr-defined]
        before = spread(engine.listeners, tracks)
        now = np.bincount(dataset.matrix().indices, minlength=tracks.size)
        waiting = np.flatnonzero((before == 0) & (now > 0)).astype(np.int32)
        learned = model.absorb(dataset, np.union1d(waiting, tracks.new).astype(np.int32))
        late = np.setdiff1d(waiting, learned)
        if len(late):
            notes.append(f"{len(late):,} tracks with first plays wait for training: {fitted.name} can't take up tracks")
    elif len(new.plays):
        notes.append("the bundle was made without plays: these are kept, and recommend needs a training")
    index = _index(engine, dataset, tracks, model, learned, has_content(new), seed)
    counts = {
        "plays": len(new.plays),
        "pairs": int(new.plays.matrix().nnz),
        "skips": len(new.skips) if new.skips is not None else 0,
        "tracks": len(tracks.new),
        "listeners": len(both.users.new),
        "described": int((_described(dataset) & ~spread(_described(base), tracks)).sum()),
        "known_already": twice,
    }
    lost = np.setdiff1d(tracks.new, np.concatenate([learned, _found(index)]))
    if len(lost):
        notes.append(f"{len(lost):,} new tracks can't be found yet: nobody played them and nothing places them")
    return Updated(dataset, model, index, tracks, counts, drift, notes)


def known_dataset(engine: Engine) -> Dataset:
    """What a bundle knows of plays, skips and tracks; a play and its repetitions are one, at the last time."""
    heard = engine.listening
    plays = _events(engine, heard.histories, heard.last)
    skips = None if heard.skips is None else _events(engine, heard.skips, heard.skipped)
    return Dataset(plays, engine.catalogue, engine.contents, skips)


def _events(engine: Engine, matrix: sp.csr_array, time: NDArray[np.int64] | None) -> Interactions:
    user = np.repeat(np.arange(matrix.shape[0], dtype=np.int32), np.diff(matrix.indptr))
    return Interactions(engine.users, engine.tracks, user, matrix.indices, matrix.data, time)


def without_known(base: Dataset, new: Dataset) -> tuple[Dataset, int]:
    """New events without those that are no newer than what the base has of the same listener and track.

    So a log that goes on from an older one may be given whole. Without times every event is taken for new.

    Returns:
        The rest, and how many were left out.
    """
    plays, skips = _newer(base.plays, new.plays), _newer(base.skips, new.skips)
    assert plays is not None
    before, after = (sum(map(len, filter(None, layers))) for layers in ((new.plays, new.skips), (plays, skips)))
    return replace(new, plays=plays, skips=skips), before - after


def _newer(base: Interactions | None, new: Interactions | None) -> Interactions | None:
    if base is None or new is None or base.time is None or new.time is None or not len(base):
        return new
    user = base.users.rows(new.users.ids, missing="mark")[new.user]
    track = base.tracks.rows(new.tracks.ids, missing="mark")[new.track]
    width = np.int64(len(base.tracks))
    pairs, asked = base.user * width + base.track, user * width + track
    place = np.minimum(np.searchsorted(pairs, asked), len(pairs) - 1)
    known = (user >= 0) & (track >= 0) & (pairs[place] == asked)
    return new.take(~known | (new.time > base.time[place]))


def _said(base: Dataset, new: Dataset, twice: int) -> list[str]:
    """What of the new data is left out, in words."""
    notes = []
    if twice:
        notes.append(f"{twice:,} plays or skips left out: the bundle has later ones of the same listener and track")
    if base.plays.time is not None and new.plays.time is None and len(new.plays):
        notes.append("the new plays have no times, so the new bundle has none: not-heard rules and fading rest")
    if new.playlists is not None:
        notes.append("playlists teach nothing until the next training")
    if new.ratings is not None:
        notes.append("ratings count as plays and skips; a model of ratings learns them in the next training")
    return notes


# ---- the index ----------------------------------------------------------------------------------------


def _index(
    engine: Engine,
    dataset: Dataset,
    tracks: Place,
    model: Recommender | None,
    learned: Rows,
    described: bool,
    seed: int,
) -> Index | None:
    """The same blocks over all tracks; content is condensed anew where the new data ``described`` any track."""
    if not (engine.folder / "index").is_dir():
        return None
    blocks = {name: spread(np.asarray(engine.index.vectors(name)), tracks) for name in engine.index.blocks}
    taste = model.track_vectors() if model is not None and len(learned) else None
    if COLLABORATIVE in blocks and taste is not None:
        played = np.bincount(dataset.plays.track, minlength=tracks.size) > 0
        blocks[COLLABORATIVE] = np.where(played[:, None], taste, np.float32(0))
    blocks |= {name: dataset.contents[name].vectors for name in (SOUND, HARMONY) if name in dataset.contents}
    if described:
        blocks[CONTENT] = content_vectors(dataset)
    return Index.build({name: Embeddings.normalised(vectors, name) for name, vectors in blocks.items()}, seed=seed)


def _described(dataset: Dataset) -> NDArray[np.bool_]:
    """Tracks that any content space knows, (tracks,)."""
    known = [space.known for space in dataset.contents.values()]
    return np.any(known, axis=0) if known else np.zeros(len(dataset.tracks), np.bool_)


def _found(index: Index | None) -> Rows:
    """Tracks that any block of the index knows."""
    if index is None:
        return np.empty(0, np.int32)
    groups = [np.arange(index.tracks) if group.rows is None else group.rows for group in index.groups]
    return np.concatenate(groups).astype(np.int32) if groups else np.empty(0, np.int32)
