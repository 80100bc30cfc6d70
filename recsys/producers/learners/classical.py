"""The classical arms on descriptors, as a list; among them what others are measured against."""

from __future__ import annotations

from functools import partial

from recsys.producers.labelling.arms import Arm
from recsys.producers.learners import forest, machine, mixture, ridge
from recsys.producers.learners.kernels import Shape

STATISTICS = ("timbre:statistics",)
CLASSES = frozenset({"single"})
OTHERS = frozenset({"multi", "numeric"})

ARMS = (
    Arm("kernel", ridge.fit, ridge.from_arrays, cost=2),
    Arm("gmm", mixture.fit, mixture.from_arrays, kinds=CLASSES, cost=2, default=False),
    Arm("forest", forest.fit, forest.from_arrays, cost=3),
    Arm("svm", machine.fit, machine.from_arrays, kinds=CLASSES, cost=3),
    Arm(
        "statistics-ridge",
        partial(ridge.fit, only=STATISTICS, shapes=(Shape(1.0),)),
        ridge.from_arrays,
        kinds=OTHERS,
        cost=2,
    ),
    Arm(
        "statistics-svm",
        partial(machine.fit, only=STATISTICS),
        machine.from_arrays,
        kinds=CLASSES,
        cost=2,
    ),
)
