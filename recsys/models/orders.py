"""A ranker as it is kept: the net, the features it looks at, its calibration, and the members it was learned with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from recsys.contracts import Floats
from recsys.models.lessons import Examples
from recsys.ranking.calibration import Calibration, calibrate
from recsys.ranking.learned import Net
from recsys.ranking.trusted import between_listeners, guessed

NEVER = Calibration(np.zeros(1, np.float32), np.zeros(1, np.float32))


class Order(NamedTuple):
    """A learned ranker; it makes sense of no other members and no other features than it was learned with."""

    net: Net
    features: list[str]
    curve: Calibration
    members: tuple[str, ...]

    def told(self, examples: Examples) -> Floats:
        """The final scores of examples, comparable between listeners, (n,)."""
        scores, starts = self.net.score(examples.rows), examples.starts
        guesses = guessed(scores, examples.blend, examples.sure, starts)
        final = examples.sure * scores + (1 - examples.sure) * guesses
        return between_listeners(final, starts, examples.lengths)

    def calibrated(self, examples: Examples) -> Self:
        """The same with chances as these examples came out."""
        return self._replace(curve=calibrate(self.told(examples), examples.hits))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All there is to store."""
        words = np.array(json.dumps([self.features, self.members]))
        return {"words": words, "curve": np.stack(self.curve), **self.net.arrays()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The ranker back from ``arrays()``."""
        features, members = json.loads(arrays["words"].item())
        return cls(Net.from_arrays(arrays), features, Calibration(*arrays["curve"]), tuple(members))
