"""What each kind of part promises, so that any of them can stand in for another.

``tests/contracts.py`` holds one contract test per protocol and runs it on every implementation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, TypeAlias, runtime_checkable

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

if TYPE_CHECKING:
    from recsys.tables import Dataset

Floats = NDArray[np.float32]
Rows = NDArray[np.int32]
Histories: TypeAlias = sp.csr_array


@runtime_checkable
class Recommender(Protocol):
    """Interactions in, scores for any history out; known and new listeners come through the same door.

    scikit-learn manners: the constructor stores keyword hyper-parameters and does nothing else; fitted state
    ends in ``_``; fitting again forgets. ``name`` is the word used in settings and on the command line.
    """

    name: ClassVar[str]

    def fit(self, dataset: Dataset, *, rng: np.random.Generator) -> Self:
        """Learn from ``dataset.histories()`` (and what else the model uses)."""
        ...

    def scores(self, histories: Histories, users: Rows | None = None) -> Floats:
        """Scores of all tracks for each history, float32 (q, tracks), larger is better; finite everywhere.

        ``histories`` are weights as in ``Dataset.matrix()``, CSR (q, tracks). ``users`` names the trained
        user row behind each history, −1 for a listener the model has never seen; None means all unseen.
        """
        ...

    def track_vectors(self) -> Floats | None:
        """Vectors whose cosine says how alike two tracks are to listeners, float32 (tracks, d); or None."""
        ...

    def params(self) -> dict[str, Any]:
        """The constructor's keyword arguments."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The fitted state as plain arrays; with ``params()`` it is all there is to store."""
        ...

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], **params: Any) -> Self:
        """The fitted model back from ``arrays()`` and ``params()``."""
        ...


@runtime_checkable
class VectorRecommender(Recommender, Protocol):
    """A recommender whose score is a dot product, so that lists come from one fused kernel or an index.

    ``scores(h, u)`` equals ``user_vectors(h, u) @ item_vectors().T``; a bias is one more dimension.
    """

    def user_vectors(self, histories: Histories, users: Rows | None = None) -> Floats:
        """One vector per history, float32 (q, d)."""
        ...

    def item_vectors(self) -> Floats:
        """The track side of the dot product, float32 (tracks, d)."""
        ...


@runtime_checkable
class Blended(Recommender, Protocol):
    """A recommender whose score is a sum over members, so that each can be named as the source of a row."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the members."""
        ...

    def parts(self, histories: Histories, users: Rows | None, rows: Rows) -> Floats:
        """What each member added to the scores of some tracks, float32 (q, k, members)."""
        ...

    def shares(self, histories: Histories, users: Rows | None = None) -> Iterator[Floats]:
        """What each member adds to the scores of all tracks, float32 (q, tracks), one member after another."""
        ...
