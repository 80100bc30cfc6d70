"""An arm that was chosen and fitted on everything, with its members and its calibration: what a model on disk holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.producers.labelling.arms import Arm, Arrays, Combined, Fitted, Prediction, Progress, Rows, arm
from recsys.producers.labelling.calibration import Calibration
from recsys.producers.labelling.examples import Examples
from recsys.producers.labelling.sharing import Groups, Sharing
from recsys.producers.labelling.targets import Kind, Target

COMBINED, CALIBRATION, SHARING = "combined", "calibration", "sharing"


@dataclass(frozen=True, eq=False)
class Learned:
    """One target, ready to predict.

    Attributes:
        name, kind, classes: of the target.
        arm: the name of the arm that was chosen.
        members: the fitted arm by its name; of an arm that combines others, all of these.
        combined: how they are combined; None for one arm.
        calibration: applied last.
        sharing: what comes after that where it is known which files belong together.
    """

    name: str
    kind: Kind
    classes: tuple[str, ...]
    arm: str
    members: Mapping[str, Fitted]
    combined: Combined | None
    calibration: Calibration
    sharing: Sharing = field(default_factory=Sharing)

    def predict(self, examples: Examples, rows: Rows | None = None, groups: Groups | None = None) -> Prediction:
        """Calibrated predictions of rows, or of all; ``groups`` as of ``together``."""
        rows = np.arange(len(examples)) if rows is None else rows
        said = {name: member.predict(examples, rows) for name, member in self.members.items()}
        one = said[self.arm] if self.combined is None else self.combined.predict(said)
        alone = self.calibration.apply(one)
        return alone if groups is None else self.together(alone, groups)

    def together(self, prediction: Prediction, groups: Groups) -> Prediction:
        """What ``predict`` said of files, in the light of what it said of others of their group; −1 is none."""
        return self.sharing.apply(prediction, groups)

    def facts(self) -> dict[str, Any]:
        """What is needed beside the arrays."""
        facts = {"name": self.name, "kind": self.kind, "classes": list(self.classes), "arm": self.arm}
        return {**facts, "members": list(self.members)}

    def arrays(self) -> dict[str, dict[str, NDArray[Any]]]:
        """Arrays by part: each member, ``calibration``, ``sharing``, and ``combined`` where there is one."""
        parts = {name: member.arrays() for name, member in self.members.items()}
        parts |= {CALIBRATION: self.calibration.arrays(), SHARING: self.sharing.arrays()}
        return parts if self.combined is None else {**parts, COMBINED: self.combined.arrays()}

    @classmethod
    def from_arrays(cls, facts: Mapping[str, Any], parts: Mapping[str, Arrays]) -> Learned:
        """The inverse of ``facts`` and ``arrays``."""
        members = {name: arm(name).from_arrays(parts[name]) for name in facts["members"]}
        combined = arm(facts["arm"]).from_arrays(parts[COMBINED]) if COMBINED in parts else None
        calibration = Calibration.from_arrays(facts["kind"], parts[CALIBRATION])
        sharing = Sharing.from_arrays(parts[SHARING]) if SHARING in parts else Sharing()
        classes = tuple(facts["classes"])
        return cls(facts["name"], facts["kind"], classes, facts["arm"], members, combined, calibration, sharing)


@dataclass(frozen=True, eq=False)
class Lessons:
    """How an arm is fitted on everything; ``predictions`` are those of members for rows they had not seen."""

    examples: Examples
    target: Target
    seed: int
    predictions: Mapping[str, Prediction] = field(default_factory=dict)
    progress: Progress | None = None

    def learn(self, chosen: Arm, calibration: Calibration, sharing: Sharing) -> Learned:
        """Fit an arm, or all that it combines, on every row whose target is known."""
        rows = np.flatnonzero(self.target.known)
        names = [name for name in chosen.members if name in self.predictions] or [chosen.name]
        members = {name: self._fit(arm(name), rows, place, len(names)) for place, name in enumerate(names)}
        combined = combine(chosen, self.predictions, self.target, rows, self.examples.groups, self.seed)
        target = self.target
        about = target.name, target.kind, target.classes, chosen.name
        return Learned(*about, members, combined, calibration, sharing)

    def _fit(self, one: Arm, rows: Rows, done: int, total: int) -> Fitted:
        if self.progress:
            self.progress(f"{self.target.name}: fit on all", done, total)
        assert one.fit is not None
        fitted = one.fit(self.examples, self.target, rows, seed=self.seed, progress=self.progress)
        if self.progress:
            self.progress(f"{self.target.name}: fit on all", done + 1, total)
        return fitted


def combine(
    chosen: Arm,
    predictions: Mapping[str, Prediction],
    target: Target,
    rows: Rows,
    groups: NDArray[np.int32],
    seed: int,
) -> Combined | None:
    """How an arm combines its members, learned from what they say of ``rows``; None for an arm that combines none."""
    if chosen.combine is None:
        return None
    said = {name: of_rows(predictions[name], rows) for name in chosen.members if name in predictions}
    return chosen.combine(said, target, rows, groups[rows], seed=seed)


def of_rows(prediction: Prediction, rows: NDArray[Any]) -> Prediction:
    """Of some files."""
    return Prediction(prediction.mean[rows], None if prediction.sigma is None else prediction.sigma[rows])
