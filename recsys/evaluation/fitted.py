"""What whoever fits the models hands over: a ranker by name, which one would be used, and what else can be shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from recsys.contracts import Histories, Rows
from recsys.tables import Dataset, TopK


class Ranker(Protocol):
    """A fitted model as seen from here: the best ``k`` tracks for each history, seen ones left out."""

    def __call__(self, histories: Histories, users: Rows, pool: Rows | None, k: int) -> TopK:
        """Lists (q, k) for CSR (q, tracks) histories; arguments as the fields of ``Split``."""
        ...


@dataclass(frozen=True)
class Fitted:
    """Models that were fitted on one training side.

    Attributes:
        rankers: by name.
        default: the name of the model that ``train`` would have chosen on this training side.
        mixed: names of models that are made of others, and so no single models.
        sources: histories, hidden tracks and listeners in, what each source of candidates brings out: recall and
            number of tracks by name; None for models that have no candidates.
        dials: rankers of the default model by dial and where it stands, from 0 on.
    """

    rankers: Mapping[str, Ranker]
    default: str | None = None
    mixed: frozenset[str] = frozenset()
    sources: Callable[[Histories, Histories, Rows], Mapping[str, tuple[float, float]]] | None = None
    dials: Mapping[tuple[str, float], Ranker] = field(default_factory=dict)

    def beside(self, more: Mapping[str, Ranker]) -> Fitted:
        """The same with further rankers after the models."""
        return replace(self, rankers={**self.rankers, **more})


Fit = Callable[[Dataset], "Mapping[str, Ranker] | Fitted"]
