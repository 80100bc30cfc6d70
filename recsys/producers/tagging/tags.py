"""A library of sound and the labels that its tracks have in, what they teach out.

Learned is from at most so many of the tracks, and kept is what tells labels apart better than their frequency does,
beyond doubt. Of a track that was learned from counts what was said before it had been seen, so that all chances are
equally honest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.blas import one_blas_thread
from recsys.producers.labelling.targets import Target
from recsys.producers.tagging.given import given

if TYPE_CHECKING:
    from recsys.producers.labelling.choice import Choice
    from recsys.producers.labelling.examples import Examples

Rows = NDArray[np.integer[Any]]
Progress = Callable[[str, int, int], None]
Seconds = Callable[[], float]
Fair = tuple[NDArray[np.float32], NDArray[np.float32] | None]  # mean and sigma of one track, (c,)
MEASURES = ("accuracy", "average_precision", "spearman")  # of which a target has one


@dataclass(frozen=True, eq=False)
class Library:
    """Tracks that can be heard; position i of everything is track i.

    Attributes:
        paths, digests: of the files and the hashes of their sounds, (n,).
        groups: artists as codes, −1 unknown, (n,).
        frame: what was given of each, columns as of a catalogue.
        cache: folder for what was heard and half-done work.
        workers: processes.
    """

    paths: Sequence[str]
    digests: Sequence[str]
    groups: NDArray[np.int32]
    frame: pd.DataFrame
    cache: Path
    workers: int = 2

    def __len__(self) -> int:
        return len(self.paths)


@dataclass(frozen=True, eq=False)
class Learnt:
    """What came of learning.

    Attributes:
        choices: by target, those that tell labels apart beyond doubt.
        names: of the descriptors that were learned from.
        fair: by target, what was said of each track learned from before it had been seen, mean and sigma by digest.
        reasons: why other targets were not learned, by name.
    """

    choices: Mapping[str, Choice] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    fair: Mapping[str, Mapping[str, Fair]] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)


def lessons(library: Library, wanted: Sequence[str]) -> tuple[dict[str, Target], dict[str, str]]:
    """What the library can teach, and why it can't teach the rest; a target that every track has teaches nobody."""
    found = given(library.frame, library.groups, wanted, np.arange(len(library)))
    done = {n: "every track has it" for n, target in found.targets.items() if _said_of_all(library.frame, n, target)}
    return {n: one for n, one in found.targets.items() if n not in done}, {**found.reasons, **done}


def learn(
    library: Library,
    targets: Mapping[str, Target],
    *,
    most: int,
    seconds: float,
    seed: int,
    clock: Seconds,
    progress: Progress | None = None,
) -> Learnt:
    """Choose the best arm for each target by cross-validation over artists, and fit it.

    Args:
        library: the tracks.
        targets: over them, from ``lessons``.
        most: tracks that are learned from at most, drawn evenly over labels.
        seconds: for choosing and fitting, hearing not counted.
        seed: of drawing, folds and fits.
        clock: seconds that pass.

    Returns:
        What was learned; a target whose labels are not told apart better than by their frequency, beyond doubt, is
        among the reasons.
    """
    from recsys.producers.labelling.examples import examples
    from recsys.producers.labelling.folds import same_sound

    rows = _drawn(targets, most, seed)
    paths = {library.paths[row]: int(row) for row in rows}
    heard = examples(list(paths), folder=library.cache, workers=library.workers, progress=progress)
    mine = np.array([paths[path] for path in heard.paths])
    alone = np.where(library.groups < 0, np.arange(len(library)) + library.groups.max(initial=0) + 1, library.groups)
    heard = replace(heard, groups=same_sound(alone[mine].astype(np.int32), heard.digests))
    choices: dict[str, Choice] = {}
    reasons: dict[str, str] = {}
    ends = clock() + seconds
    for place, (name, target) in enumerate(targets.items()):
        until = clock() + max(0.0, ends - clock()) / (len(targets) - place)
        found = _chosen(heard, target.take(mine), library.cache, seed, partial(_left, clock, until), progress)
        if isinstance(found, str):
            reasons[name] = found
        else:
            choices[name] = found
    fair = {name: _fair(choice, heard) for name, choice in choices.items()}
    return Learnt(choices, heard.names, fair, reasons)


def _said_of_all(frame: pd.DataFrame, name: str, target: Target) -> bool:
    """Whether every track has a label, be it a rare one."""
    if name in frame:
        empty = frame[name].map(lambda value: isinstance(value, list | tuple | np.ndarray) and not len(value))
        return bool((frame[name].notna() & ~empty).all())
    return bool(target.known.all())


def _drawn(targets: Mapping[str, Target], most: int, seed: int) -> Rows:
    """Tracks to learn from: all that are known in any target, or as many of each label in turn."""
    known = np.flatnonzero(np.any([target.known for target in targets.values()], axis=0))
    if len(known) <= most:
        return known
    rng = np.random.default_rng(seed)
    labels = [np.nan_to_num(t.values) > 0 for t in targets.values() if t.kind != "numeric"]
    marks = np.concatenate(labels, axis=1) if labels else np.zeros((len(known), 0), bool)
    turn = np.full(int(known.max()) + 1, np.inf)
    for column in marks.T:
        mine = rng.permutation(np.flatnonzero(column))
        turn[mine] = np.minimum(turn[mine], np.arange(len(mine)))
    order = known[np.lexsort((rng.random(len(known)), turn[known]))]
    return np.sort(order[:most])


def _left(clock: Seconds, until: float) -> float:
    return until - clock()


def _chosen(
    heard: Examples, target: Target, cache: Path, seed: int, left: Seconds, progress: Progress | None
) -> Choice | str:
    """The best arm, or why none is good enough."""
    from recsys.errors import DataError
    from recsys.producers.labelling.choosing import Chooser
    from recsys.producers.labelling.rounds import Kept

    try:
        with one_blas_thread():
            choice = Chooser(heard, (), seed, Kept(cache / "folds"), left, progress).choose(target)
    except DataError as error:
        return str(error)
    name = next(name for name in MEASURES if name in choice.winner.grades)
    grade, chance = choice.winner.grades[name], _chance(target)
    if grade.low <= chance:
        return f"{name.replace('_', ' ')} {grade} by {choice.winner.arm} is no better than chance, {chance:.3f}"
    return choice


def _chance(target: Target) -> float:
    """What knowing how frequent labels are would give."""
    if target.kind == "numeric":
        return 0.0
    often = np.nanmean(target.values[target.known], axis=0)
    return float(often.max() if target.kind == "single" else often.mean())


def _fair(choice: Choice, heard: Examples) -> dict[str, Fair]:
    """Calibrated predictions for files that the fold's model had not seen, by digest."""
    said = choice.winner.fair
    rows = np.flatnonzero(choice.fold >= 0).tolist()
    return {heard.digests[row]: (said.mean[row], None if said.sigma is None else said.sigma[row]) for row in rows}
