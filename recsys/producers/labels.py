"""A table of labels in, targets aligned with sound files out; rows that can't be used are told with line and reason.

A target is ``single`` (one class per file), ``multi`` (any number of tags; ``;`` or ``|`` between them) or ``numeric``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Kind = Literal["single", "multi", "numeric"]


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

    def take(self, rows: NDArray[Any]) -> Target:
        """Some of the files, in this order."""
        return replace(self, values=self.values[rows])


@dataclass(frozen=True, eq=False)
class Labels:
    """Targets of n files.

    Attributes:
        paths: (n,) relative to the folder of sound, as the table names them.
        targets: by name, each over the same n files.
        groups: int32 (n,); files of one group never lie on both sides of a split.
        grouped_by: the column that groups are from, "" when each file is its own.
        rejects: (line, reason) of rows that can't be used.
    """

    paths: tuple[str, ...]
    targets: Mapping[str, Target]
    groups: NDArray[np.int32]
    grouped_by: str = ""
    rejects: Sequence[tuple[int, str]] = field(default_factory=tuple)

    def __len__(self) -> int:
        return len(self.paths)

    def take(self, rows: NDArray[Any]) -> Labels:
        """Some of the files, in this order."""
        targets = {name: target.take(rows) for name, target in self.targets.items()}
        return replace(self, paths=tuple(self.paths[r] for r in rows), targets=targets, groups=self.groups[rows])
