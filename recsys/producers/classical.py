"""The classical arms on descriptors, as a list."""

from __future__ import annotations

from recsys.producers import forest, machine, ridge
from recsys.producers.arms import Arm

ARMS = (
    Arm("kernel", ridge.fit, ridge.from_arrays, cost=2),
    Arm("forest", forest.fit, forest.from_arrays, cost=3),
    Arm("svm", machine.fit, machine.from_arrays, kinds=frozenset({"single"}), cost=3),
)
