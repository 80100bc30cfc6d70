"""Cells of a column of labels in, a target out: classes, tags or numbers."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError

Floats = NDArray[np.float32]
Kind = Literal["single", "multi", "numeric"]
Reject = Callable[[int, str], None]
BETWEEN = (";", "|")  # what stands between the tags of a cell
UNKNOWN = frozenset({"", "na", "n/a", "nan", "null", "?"})
NO_NUMBER = UNKNOWN | {"none", "-"}
ENOUGH = 2  # files that a class or tag needs
FEW = 20  # different whole numbers up to which they are taken for names of classes


@dataclass(frozen=True, eq=False)
class Target:
    """What is to be learned of n files.

    Attributes:
        name: of the target; for several numeric columns learned together, a name of their own.
        kind: ``single``, ``multi`` or ``numeric``.
        classes: (c,) names of classes or tags, sorted; of a numeric target its columns.
        values: float32 (n, c): one-hot rows, 0/1, or numbers; NaN is unknown (of a single target the whole row).

    >>> genre = Target("genre", "single", ("jazz", "rock"), np.array([[1, 0], [np.nan, np.nan], [0, 1]], np.float32))
    >>> genre.known.tolist(), genre.codes.tolist()
    ([True, False, True], [0, -1, 1])
    """

    name: str
    kind: Kind
    classes: tuple[str, ...]
    values: Floats

    def __len__(self) -> int:
        return len(self.values)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which files have any label, (n,)."""
        return np.asarray(~np.isnan(self.values).all(axis=1))

    @property
    def codes(self) -> NDArray[np.int32]:
        """Of a single target the class of each file, (n,); −1 where unknown."""
        filled = np.nan_to_num(self.values, nan=-1.0)
        return np.where(self.known, filled.argmax(axis=1), -1).astype(np.int32)

    @property
    def titles(self) -> list[str]:
        """The columns of its predictions, as ``recsys.producers.labelling.predicting.columns_of`` names them."""
        if self.kind == "numeric":
            return [title for own in self.classes for title in (own, f"{own}_sigma")]
        best = [f"p_{self.name}"] if self.kind == "single" else []
        return [self.name, *best, *(f"p_{self.name}_{own}" for own in self.classes)]

    def take(self, rows: NDArray[Any]) -> Target:
        """Some of the files, in this order."""
        return replace(self, values=self.values[rows])


def target_of(name: str, cells: Sequence[str], reject: Reject, *, numbers: bool = False) -> Target:
    """A column as a target.

    Cells with ``;`` or ``|``, or lists in JSON, make it multi; numbers that are broken, or more than 20 different, make
    it numeric; anything else is single. Spellings that differ in case are one class, spelt as most often. Classes of
    one file only are left out.

    Args:
        name: of the column.
        cells: texts as in the table; empty, ``NA``, ``nan``, ``null`` and ``?`` are unknown.
        reject: called with the place of a cell and a reason why it can't be used.
        numbers: take it for numeric, whatever it looks like.

    Raises:
        DataError: nothing is known, or there is nothing to tell apart.

    >>> target_of("genre", ["Jazz", "jazz", "rock", "", "Rock"], print).classes
    ('Jazz', 'Rock')
    >>> target_of("mood", ["calm; sad", "sad", "calm|happy", "happy"], print).values.tolist()
    [[1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]]
    """
    present = [cell for cell in cells if cell.casefold() not in UNKNOWN]
    if not present:
        raise DataError(f"column {name!r} has no label; expected some, in files that are there")
    if numbers or _counted(present):
        return numeric(name, cells, reject)
    if any(_listed(cell) for cell in present):
        return _multi(name, cells)
    return _single(name, cells, reject)


def numeric(name: str, cells: Sequence[str], reject: Reject) -> Target:
    """A column of numbers.

    Raises:
        DataError: most are none, or all are the same.
    """
    values = np.full((len(cells), 1), np.nan, np.float32)
    words = []
    for row, cell in enumerate(cells):
        if cell.casefold() in NO_NUMBER:
            continue
        number = number_of(cell)
        if number is None:
            words.append((row, cell))
        else:
            values[row] = number
    known = values[~np.isnan(values)]
    if len(words) > len(known):
        raise DataError(
            f"column {name!r} holds words such as {words[0][1]!r}; expected numbers: classes are learned with "
            "recsys learn classification"
        )
    for row, cell in words:
        reject(row, f"{name} is no number: {cell!r}")
    if len(known) == 0 or known.min() == known.max():
        told = f"{known[0]:g} everywhere" if len(known) else "unknown everywhere"
        raise DataError(f"column {name!r} is {told}; expected numbers that differ")
    return Target(name, "numeric", (name,), values)


def together(name: str, targets: Sequence[Target]) -> Target:
    """Numeric targets as one of several columns."""
    values = np.concatenate([target.values for target in targets], axis=1)
    return Target(name, "numeric", tuple(target.name for target in targets), values)


def number_of(cell: str) -> float | None:
    """A finite number, or None."""
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) < 1e30 else None


def _counted(cells: Sequence[str]) -> bool:
    """Whether these are measurements rather than names of classes."""
    found = [number_of(cell) for cell in cells]
    if any(number is None for number in found):
        return False
    return any(number % 1 for number in found if number is not None) or len(set(found)) > FEW


def _listed(cell: str) -> bool:
    return any(mark in cell for mark in BETWEEN) or (cell.startswith("[") and cell.endswith("]"))


def _split(cell: str) -> list[str]:
    """The tags of a cell."""
    if cell.startswith("[") and cell.endswith("]"):
        try:
            return [str(tag).strip() for tag in json.loads(cell.replace("'", '"'))]
        except ValueError:
            return [tag.strip(" \"'") for tag in cell[1:-1].split(",")]
    for mark in BETWEEN:
        cell = cell.replace(mark, "\n")
    return [tag.strip() for tag in cell.split("\n")]


def _spelling(words: Sequence[str]) -> dict[str, str]:
    """The commonest spelling of each word by its folded form; the first in the alphabet of equals."""
    counts = sorted(Counter(words).items(), key=lambda item: (-item[1], item[0]))
    spelling: dict[str, str] = {}
    for word, _ in counts:
        spelling.setdefault(word.casefold(), word)
    return spelling


def _single(name: str, cells: Sequence[str], reject: Reject) -> Target:
    spelling = _spelling([cell for cell in cells if cell.casefold() not in UNKNOWN])
    words = [spelling.get(cell.casefold(), "") for cell in cells]
    counts = Counter(word for word in words if word)
    classes = tuple(sorted(word for word, count in counts.items() if count >= ENOUGH))
    for row, word in enumerate(words):
        if word and counts[word] < ENOUGH:
            reject(row, f"{name} has a class with 1 file, expected {ENOUGH} or more: {word!r}")
    if len(classes) < 2:
        told = f"only the class {classes[0]!r}" if classes else "no class"
        raise DataError(f"column {name!r} has {told} with {ENOUGH} files or more; expected two classes to tell apart")
    values = np.full((len(cells), len(classes)), np.nan, np.float32)
    place = {word: column for column, word in enumerate(classes)}
    for row, word in enumerate(words):
        if word in place:
            values[row] = 0
            values[row, place[word]] = 1
    return Target(name, "single", classes, values)


def _multi(name: str, cells: Sequence[str]) -> Target:
    found = [None if cell.casefold() in UNKNOWN else [tag for tag in _split(cell) if tag] for cell in cells]
    spelling = _spelling([tag for tags in found for tag in tags or ()])
    tagged = [None if tags is None else {spelling[tag.casefold()] for tag in tags} for tags in found]
    known = sum(tags is not None for tags in tagged)
    counts = Counter(tag for tags in tagged for tag in tags or ())
    classes = tuple(sorted(tag for tag, count in counts.items() if ENOUGH <= count <= known - ENOUGH))
    if not classes:
        raise DataError(f"column {name!r} has no tag that {ENOUGH} files have and {ENOUGH} have not; expected some")
    values = np.full((len(cells), len(classes)), np.nan, np.float32)
    for row, tags in enumerate(tagged):
        if tags is not None:
            values[row] = [tag in tags for tag in classes]
    return Target(name, "multi", classes, values)
