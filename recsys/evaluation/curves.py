"""Training against validation: what the under- and over-fitting plot is drawn from."""

from __future__ import annotations

from typing import Any, NamedTuple


class Curve(NamedTuple):
    """A metric on both sides over the values of one setting.

    Where validation falls while training rises, the model learns its listeners by heart.

    Attributes:
        model: whose.
        setting: what is varied, e.g. "ials.factors".
        values: its values, in order.
        valid, train: the metric for each; NaN where not measured.
        metric: its name.
    """

    model: str
    setting: str
    values: list[Any]
    valid: list[float]
    train: list[float]
    metric: str = "ndcg@100"
