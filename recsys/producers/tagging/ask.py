"""Tracks of a library and models in, what they say of every track out; heard in parts that a killed run finds again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recsys import manifest
from recsys.producers.tagging.kept import EMBEDDING, Labelled, Said

if TYPE_CHECKING:
    from recsys.producers.instruments.tagger import Tagger
    from recsys.producers.labelling.examples import Examples
    from recsys.producers.labelling.kept import Model
    from recsys.producers.tagging.tags import Fair, Library

Rows = NDArray[np.integer[Any]]
Progress = Callable[[str, int, int], None]
INSTRUMENT = "instrument"
AT_ONCE = 128  # files


def ask(
    library: Library,
    model: Model | None,
    tagger: Tagger | None,
    version: str,
    *,
    before: Labelled | None = None,
    progress: Progress | None = None,
) -> Labelled:
    """What a model and the instrument tagger say of every track.

    Args:
        model: opened, or None; its predictions are by ``library@`` and ``version``.
        version: changes when the model does.
        before: what an earlier run said of the same tracks; of what the same producers said, nobody is asked again.

    Returns:
        Over all tracks; nothing of those that can't be heard.
    """
    held = nothing(model, tagger, version, len(library))
    if before is not None:
        held = _kept(held, before)
    known = [one.known for one in held.said.values()]
    todo = np.flatnonzero(~np.all(known, axis=0)) if known else np.empty(0, np.int64)
    for start in range(0, len(todo), AT_ONCE):
        rows = todo[start : start + AT_ONCE]
        _take_up(held, rows, _part(library, rows, model, tagger, version, _further(progress, start, len(todo))))
        if progress:
            progress("label", min(start + AT_ONCE, len(todo)), len(todo))
    return held


def nothing(model: Model | None, tagger: Tagger | None, version: str, tracks: int) -> Labelled:
    """Nothing said yet of so many tracks, by all who will be asked."""
    from recsys.producers.instruments.tagger import VERSION

    said: dict[str, Said] = {}
    for one in model.learned if model else ():
        empty = np.full((tracks, len(one.classes)), np.nan, np.float32)
        sigma = empty.copy() if one.kind == "numeric" else None
        said[one.name] = Said(one.name, one.kind, one.classes, empty, sigma, f"library@{version}")
    embedding = None
    if tagger is not None:
        empty = np.full((tracks, len(tagger.classes)), np.nan, np.float32)
        said[INSTRUMENT] = Said(INSTRUMENT, "multi", tagger.classes, empty, None, VERSION)
        embedding = np.full((tracks, tagger.dimensions), np.nan, np.float32)
    return Labelled(said, embedding)


def answered(heard: Examples, model: Model | None, tagger: Tagger | None, by: str) -> Labelled:
    """What a model and the instrument tagger say of what was heard; its predictions are by ``by``."""
    made, held = _answers(heard, model, tagger), nothing(model, tagger, "", len(heard))
    _take_up(held, np.arange(len(heard)), {**made, "place": np.arange(len(heard))})
    said = {name: one if name == INSTRUMENT else replace(one, by=by) for name, one in held.said.items()}
    return replace(held, said=said)


def put_fair(labelled: Labelled, digests: Sequence[str], fair: Mapping[str, Mapping[str, Fair]]) -> None:
    """Of tracks that were learned from, what was said before they had been seen."""
    for name, found in fair.items():
        one = labelled.said[name]
        for row, digest in enumerate(digests):
            if digest in found:
                one.mean[row], sigma = found[digest]
                if one.sigma is not None and sigma is not None:
                    one.sigma[row] = sigma


def _kept(held: Labelled, before: Labelled) -> Labelled:
    """What was said before by the same producers, where nothing else was asked for."""
    same = {n: one for n, one in before.said.items() if n in held.said and held.said[n].by == one.by}
    embedding = before.embedding if INSTRUMENT in same else held.embedding
    return replace(held, said={**held.said, **same}, embedding=embedding)


def _further(progress: Progress | None, start: int, total: int) -> Progress | None:
    """Progress of all files, from that of some."""
    return progress and (lambda _, done, __: progress("label", start + done, total))


def _part(
    library: Library, rows: Rows, model: Model | None, tagger: Tagger | None, version: str, progress: Progress | None
) -> dict[str, Any]:
    """What is said of some tracks, arrays by name; kept in a file, so that a killed run finds it."""
    from recsys.producers.instruments.tagger import VERSION

    heard_by = [version, str(model is None), VERSION if tagger is not None else ""]
    names = "".join([*(library.digests[row] for row in rows), *heard_by])
    place = library.cache / "parts" / f"{hashlib.sha256(names.encode()).hexdigest()[:24]}.npz"
    if place.is_file():
        with np.load(place, allow_pickle=False) as arrays:
            return dict(arrays)
    good, heard = _heard(library, rows, model, progress)
    made: dict[str, Any] = {"place": np.array(good, np.int64)}
    if heard is not None:
        made |= _answers(heard, model, tagger)
    _write(place, made)
    return made


def _heard(
    library: Library, rows: Rows, model: Model | None, progress: Progress | None
) -> tuple[list[int], Examples | None]:
    """Which of some tracks can be heard, and what was: what was learned from is not heard again, the rest not kept."""
    from recsys.producers.labelling.examples import assemble, hear
    from recsys.producers.labelling.hearing import kept

    paths, digests = ([several[row] for row in rows] for several in (library.paths, library.digests))
    known = {path: own for path, own in zip(paths, digests, strict=True) if kept(library.cache, own).is_file()}
    late = [path for path in paths if path not in known]
    new, _ = hear(late, folder=library.cache, workers=library.workers, progress=progress)
    there = {**known, **new}
    good = [place for place, path in enumerate(paths) if path in there]
    names = model.names if model else None
    own = [there[paths[place]] for place in good]
    heard = assemble([paths[place] for place in good], own, library.cache, names) if good else None
    for digest in set(new.values()) - set(known.values()):
        kept(library.cache, digest).unlink(missing_ok=True)
    return good, heard


def _answers(heard: Examples, model: Model | None, tagger: Tagger | None) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for one in model.learned if model else ():
        found = one.predict(heard)
        made[f"mean.{one.name}"] = found.mean
        if found.sigma is not None:
            made[f"sigma.{one.name}"] = found.sigma
    if tagger is not None:
        asked = [tagger.hear(mel[mask].astype(np.float32)) for mel, mask in zip(heard.mel, heard.mask, strict=True)]
        made[f"mean.{INSTRUMENT}"] = np.stack([chances.mean(axis=0) for chances, _ in asked])
        made[EMBEDDING] = np.stack([embedded.mean(axis=0) for _, embedded in asked])
    return made


def _take_up(held: Labelled, rows: Rows, part: Mapping[str, Any]) -> None:
    """Lay the answers of a part over the tracks they are of, where nothing was said of them."""
    mine = rows[part["place"]]
    for name, one in held.said.items():
        new = ~one.known[mine]
        if f"mean.{name}" in part:
            one.mean[mine[new]] = part[f"mean.{name}"][new]
        if one.sigma is not None and f"sigma.{name}" in part:
            one.sigma[mine[new]] = part[f"sigma.{name}"][new]
    if held.embedding is not None and EMBEDDING in part:
        held.embedding[mine] = part[EMBEDDING]


def _write(place: Path, arrays: Mapping[str, Any]) -> None:
    buffer = BytesIO()
    np.savez(buffer, **arrays)
    manifest.write_bytes(place, buffer.getvalue())
