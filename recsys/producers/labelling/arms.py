"""What every arm promises: examples and a target in, something that predicts out; and the list of all arms.

An arm learns one target from some rows of the examples. Whatever it has learned are plain arrays, so that a model on
disk is data and never code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from recsys.producers.labelling.examples import Examples
    from recsys.producers.labelling.labels import Target

Floats = NDArray[np.float32]
Rows = NDArray[np.integer[Any]]
Arrays = Mapping[str, NDArray[Any]]
Progress = Callable[[str, int, int], None]
EVERY = frozenset({"single", "multi", "numeric"})
MODULES = (  # each lists its arms in ``ARMS``
    *("learners.linear", "learners.classical", "networks.network", "networks.trunks", "networks.tuned"),
    "learners.stacking",
)


class Prediction(NamedTuple):
    """What is said of m files.

    Attributes:
        mean: float32 (m, c): probabilities of a single target (rows sum to 1) or of the tags of a multi target;
            numbers of a numeric target.
        sigma: float32 (m, c), standard deviations of a numeric target; None where the arm has none of its own (then
            the spread of its errors on files it has not seen is taken).
    """

    mean: Floats
    sigma: Floats | None = None


class Fitted(Protocol):
    """An arm that has learned."""

    def predict(self, examples: Examples, rows: Rows) -> Prediction:
        """Say something of these rows of any examples made by the same front end."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All it has learned: numbers, or texts of fixed width; never objects."""


class Fit(Protocol):
    """How an arm learns."""

    def __call__(
        self, examples: Examples, target: Target, rows: Rows, *, seed: int, progress: Progress | None = None
    ) -> Fitted:
        """Learn ``target`` (aligned with ``examples``) from ``rows`` only.

        Of a single target every row is known; of the others single values may be NaN. The same arguments give the
        same result. ``examples.groups`` is there for inner splits.
        """


@dataclass(frozen=True)
class Arm:
    """One way to learn.

    Attributes:
        name: as in ``--arms``.
        fit: how it learns.
        from_arrays: what ``Fitted.arrays()`` gave, as something that predicts the same.
        kinds: of targets that it can learn.
        cost: 1 (seconds) to 9 (minutes): cheap arms are tried first, and dear ones only when there is time.
        mel: whether it needs log-mel windows beside the descriptors.
        default: whether it is tried when no arms are named.
        members: of an arm that combines others, their names: it is given their out-of-fold predictions, see
            ``Combine``; empty for all others.
        combine: how it combines.
    """

    name: str
    fit: Fit | None
    from_arrays: Callable[[Arrays], Any]
    kinds: frozenset[str] = EVERY
    cost: int = 1
    mel: bool = False
    default: bool = True
    members: tuple[str, ...] = ()
    combine: Combine | None = None


class Combined(Protocol):
    """A combination that has learned."""

    def predict(self, members: Mapping[str, Prediction]) -> Prediction:
        """From what each member says of the same m files."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As of ``Fitted``."""


class Combine(Protocol):
    """How an arm with ``members`` learns: from predictions for rows that the members had not seen.

    It costs next to nothing: choosing has these predictions anyway. Members that were left out (no time, not for this
    kind of target) are not in the mapping.
    """

    def __call__(
        self, members: Mapping[str, Prediction], target: Target, rows: Rows, groups: Rows, *, seed: int
    ) -> Combined:
        """``members[name].mean[i]`` is about example ``rows[i]``; ``groups`` (m,) are those of the rows."""


def arms() -> dict[str, Arm]:
    """All arms by name, cheap ones first."""
    places = [f"recsys.producers.{name}" for name in MODULES]
    found: list[Arm] = [arm for place in places if find_spec(place) for arm in import_module(place).ARMS]
    return {arm.name: arm for arm in sorted(found, key=lambda arm: arm.cost)}


def arm(name: str) -> Arm:
    """The arm of this name.

    Raises:
        DataError: there is none.

    >>> arm("linear").name
    'linear'
    """
    known = arms()
    if name not in known:
        raise DataError(f"unknown arm {name!r}{did_you_mean(name, known)}")
    return known[name]
