"""Lists and held-out plays in, numbers and a report out."""

from recsys.evaluation.intervals import Interval, interval, paired
from recsys.evaluation.protocols import PROTOCOLS, REFERENCES, Fit, Prepared, Ranker, Result, measure, prepare, run
from recsys.evaluation.split import Split, cold, continuation, folds, strong, temporal, warm

__all__ = [
    "PROTOCOLS",
    "REFERENCES",
    "Fit",
    "Interval",
    "Prepared",
    "Ranker",
    "Result",
    "Split",
    "cold",
    "continuation",
    "folds",
    "interval",
    "measure",
    "paired",
    "prepare",
    "run",
    "strong",
    "temporal",
    "warm",
]
