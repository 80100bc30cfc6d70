"""What came of choosing an arm for a target: how each did, which one was chosen and what it learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys.producers.labelling.arms import Prediction
from recsys.producers.labelling.calibration import Calibration
from recsys.producers.labelling.grading import Interval
from recsys.producers.labelling.learned import Learned
from recsys.producers.labelling.rounds import Round
from recsys.producers.labelling.targets import Target

Folds = NDArray[np.int32]


class Tried(NamedTuple):
    """How an arm did: its out-of-fold predictions, each measure with interval, and both after calibration.

    ``calibration`` is fitted on all predictions, ``fair`` is what it does for files it was not fitted on.
    """

    arm: str
    round: Round
    grades: dict[str, Interval]
    calibration: Calibration
    fair: Prediction


class Together(NamedTuple):
    """What the winner says of a file whose group has others, in the light of what it says of these.

    Attributes:
        files: that are not alone.
        fair: calibrated predictions of all files.
        grades: of all files.
        gain, loss: paired, against the same files each by itself, in score and in log loss.
        by_chance: the calibration error that fair probabilities would show with as many groups.
    """

    files: int
    fair: Prediction
    grades: dict[str, Interval]
    gain: Interval
    loss: Interval
    by_chance: float


class Point(NamedTuple):
    """Of a learning curve: share of the groups, files learned from, score on unseen and on seen files."""

    share: float
    files: int
    unseen: float
    seen: float


@dataclass(frozen=True, eq=False)
class Choice:
    """What came of choosing.

    Attributes:
        target: what was learned.
        fold: (n,), −1 where the target is unknown.
        tried: arms by name, best first.
        left_out: reasons by name.
        against: the paired difference of the winner to each other arm, in score.
        curve: of ``curve_arm``.
        learned: the winner, fitted on everything.
        together: None where groups tell nothing more.
    """

    target: Target
    fold: Folds
    tried: Mapping[str, Tried]
    left_out: Mapping[str, str]
    against: Mapping[str, Interval]
    curve: Sequence[Point]
    curve_arm: str
    learned: Learned
    together: Together | None = None

    @property
    def winner(self) -> Tried:
        """The best arm."""
        return self.tried[self.learned.arm]
