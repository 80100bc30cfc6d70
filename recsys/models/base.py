"""What models share: parameters by name, fitted state as plain arrays, and weight transforms."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.contracts import Floats, Histories, Rows
from recsys.errors import SettingsError, did_you_mean
from recsys.tables.merge import Place, spread

if TYPE_CHECKING:
    from recsys.tables import Dataset

WEIGHTS = ("binary", "log", "raw")
PARTS = ("data", "indices", "indptr", "shape")


class Model:
    """Hyper-parameters in the constructor, fitted state in ``<name>_`` for each name in ``state``.

    Attributes:
        state: fitted arrays, dense or CSR, without their trailing underscore; ``arrays`` stores these.
        axes: what the axes of fitted arrays run over, one letter each: "t" tracks, "u" trained listeners, "-" neither.
        grid: parameter sets besides the defaults that are worth a try on small data.
        cold: whether tracks that nobody has played are scored by what they are.
        moved: of these, whether plays move a track away from what it is however few they are.
    """

    name: ClassVar[str]
    state: ClassVar[tuple[str, ...]] = ()
    axes: ClassVar[Mapping[str, str]] = {}
    grid: ClassVar[list[dict[str, Any]]] = []
    cold: ClassVar[bool] = False
    moved: ClassVar[bool] = False

    def params(self) -> dict[str, Any]:
        """The constructor's keyword arguments."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The fitted state; a sparse matrix takes four entries."""
        found: dict[str, NDArray[Any]] = {}
        for name in self.state:
            value = getattr(self, f"{name}_")
            if sp.issparse(value):
                found |= {f"{name}.{part}": np.asarray(getattr(value, part)) for part in PARTS}
            else:
                found[name] = value
        return found

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], **params: Any) -> Self:
        """The fitted model back from ``arrays()`` and ``params()``."""
        made = cls(**params)
        for name in cls.state:
            setattr(made, f"{name}_", arrays[name] if name in arrays else _sparse(arrays, name))
        return made

    def resized(self, tracks: Place, users: Place) -> Self:
        """The same fitted model over more tracks and listeners; what it knows of the new ones is nothing (zeros)."""
        made = type(self)(**self.params())
        for name in self.state:
            value = getattr(self, f"{name}_")
            for axis, over in enumerate(self.axes.get(name, "")):
                if over in "tu":
                    value = spread(value, tracks if over == "t" else users, axis)
            setattr(made, f"{name}_", value)
        return made

    def absorb(self, dataset: Dataset, rows: Rows) -> Rows:
        """Take up what came after training without fitting again, in place.

        Args:
            dataset: all plays, old and new, over the tracks of this model, and what is known of the new tracks.
            rows: tracks that had no plays in training.

        Returns:
            All tracks whose plays are now learned; none, for a model that can only be fitted again.
        """
        return rows[:0]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.params().items())})"


def weighted(histories: Histories, weight: str) -> sp.csr_array:
    """Histories with each weight w replaced by 1 (binary), log(1 + w) (log) or itself (raw), float32 CSR.

    >>> weighted(sp.csr_array([[0, 3.0]]), "binary").toarray()
    array([[0., 1.]], dtype=float32)
    """
    if weight not in WEIGHTS:
        raise SettingsError(f"weight = {weight!r}{did_you_mean(weight, WEIGHTS)}")
    changed = histories.data.astype(np.float32)
    if weight == "binary":
        changed = np.ones_like(changed)
    elif weight == "log":
        changed = np.log1p(changed)
    return sp.csr_array((changed, histories.indices, histories.indptr), shape=histories.shape)


def known_rows(users: Rows | None, count: int) -> Rows:
    """Trained user rows, −1 for all when ``users`` is None, int32 (count,)."""
    return np.full(count, -1, np.int32) if users is None else np.asarray(users, np.int32)


def divided(values: Any, by: Any) -> Any:
    """``values / by``, and 0 where ``by`` is 0."""
    return np.divide(values, by, out=np.zeros(np.broadcast_shapes(np.shape(values), np.shape(by))), where=by != 0)


def similar_vectors(similarity: Any, dimensions: int = 64) -> Floats:
    """Track vectors from a track–track matrix: its truncated SVD, float32 (tracks, at most ``dimensions``)."""
    from scipy.sparse.linalg import svds

    tracks = similarity.shape[0]
    size = min(dimensions, tracks - 1)
    if size < 1:
        return np.ones((tracks, 1), np.float32)
    left, strength, _ = svds(similarity.astype(np.float32), k=size, v0=np.ones(tracks, np.float32))
    return np.ascontiguousarray(left * np.sqrt(np.maximum(strength, 0)), dtype=np.float32)


def _sparse(arrays: Mapping[str, NDArray[Any]], name: str) -> sp.csr_array:
    data, indices, indptr, shape = (arrays[f"{name}.{part}"] for part in PARTS)
    return sp.csr_array((data, indices, indptr), shape=tuple(shape))
