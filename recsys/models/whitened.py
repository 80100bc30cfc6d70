"""Many small ridge regressions at once: conjugate gradient in coordinates where the shared part is diagonal.

Each row u of a weighted factorisation solves ``(G + r_u I + sum_j w_uj y_j y_j') x = sum_j (1 + w_uj) y_j`` over the
entries j it has, where ``G = Y'Y`` is shared by all rows and ``r_u`` is its own ridge. In the basis of G's
eigenvectors the shared part is the diagonal ``s + r_u``, so dividing by it whitens every row exactly, whatever its
ridge, and a step costs one pass over the row's own entries: no d x d product is left.

Takács, Pilászy, Tikk (2011), Applications of the conjugate gradient method for implicit feedback collaborative
filtering, RecSys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.blas import one_blas_thread
from recsys.contracts import Floats

LANES = 16  # widths are multiples of this: float32 numbers in the widest register
BLOCK = 16384  # rows per matrix product: fixed, so that sums do not depend on the number of threads
PARTS = 64  # shares that the rows are cut into
Part = TypeVar("Part")
Result = TypeVar("Result")


class System(NamedTuple):
    """What the rows share: ``fixed`` (m, d) in the axes of its Gram matrix, ``spectrum`` (d,) the diagonal."""

    fixed: Floats
    spectrum: Floats


def padded(width: int) -> int:
    """The width that ``width`` factors are stored in.

    >>> padded(1), padded(64), padded(100)
    (16, 64, 112)
    """
    return -(-width // LANES) * LANES


def gram(matrix: Floats, threads: int) -> NDArray[np.float64]:
    """``matrix.T @ matrix``, float64 (d, d), the same for any number of threads."""

    def block(start: int) -> NDArray[np.float64]:
        rows = matrix[start : start + BLOCK]
        return (rows.T @ rows).astype(np.float64)

    total = np.zeros((matrix.shape[1], matrix.shape[1]))
    for part in shared(block, range(0, len(matrix), BLOCK), threads):
        total += part
    return total


def eigen(symmetric: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eigenvalues, smallest first, and eigenvectors in columns; the same for any number of BLAS threads."""
    with one_blas_thread():
        values, vectors = np.linalg.eigh(symmetric.astype(np.float64))
    return values, vectors


def diagonalise(fixed: Floats, warm: Floats, rank: int, threads: int) -> System:
    """Turn both sides, in place, into the basis where ``fixed.T @ fixed`` is diagonal, largest axis first.

    Their products stay as they are. Only the first ``rank`` axes are kept; the padding stays zero.
    """
    values, axes = eigen(gram(fixed, threads))
    values, turn = values[::-1].copy(), axes[:, ::-1].astype(np.float32)
    values[rank:], turn[:, rank:] = 0, 0
    for side in (fixed, warm):

        def block(start: int, side: Floats = side) -> None:
            side[start : start + BLOCK] = side[start : start + BLOCK] @ turn

        list(shared(block, range(0, len(side), BLOCK), threads))
    return System(fixed, np.maximum(values, 0).astype(np.float32))


def solve(
    system: System,
    extra: sp.csr_array,
    ridge: Floats,
    out: Floats,
    *,
    pull: Floats | None = None,
    steps: int,
    tolerance: float,
    threads: int,
) -> float:
    """Improve every row of ``out`` (n, d), in place, by at most ``steps`` conjugate gradient steps.

    Args:
        system: the other side, from ``diagonalise``.
        extra: CSR (n, m), confidence above that of an absent entry, >= 0; stored zeros count as present.
        ridge: (n,), each row's own regularisation, > 0.
        out: where to start, and the answer; rows without entries become 0.
        pull: (n, d), what is added to each row's right-hand side: its ridge times the point that it pulls towards.
        steps, tolerance: a row is done after ``steps``, or when its whitened residual fell below ``tolerance`` times
            the right-hand side.

    Returns:
        The weighted squared error plus these rows' ridge penalty, at the answer, less 2 ``pull`` . ``out``.
    """
    from recsys.models.whitened_kernels import solve_rows

    lanes = (0,) * (out.shape[1] // LANES)
    own = np.zeros((0, 1), np.float32) if pull is None else pull
    indptr, indices, data = extra.indptr.astype(np.int64), extra.indices.astype(np.int32, copy=False), extra.data

    def part(span: tuple[int, int]) -> float:
        return solve_rows(lanes, *span, indptr, indices, data, *system, ridge, own, out, steps, np.float32(tolerance))

    return float(sum(shared(part, _spans(indptr), threads)))


def _spans(indptr: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Runs of rows with about the same number of entries each."""
    cost = indptr + np.arange(len(indptr))
    cuts = np.searchsorted(cost, np.linspace(0, cost[-1], PARTS + 1)).tolist()
    return [(a, b) for a, b in pairwise(cuts) if b > a]


def shared(work: Callable[[Part], Result], parts: Any, threads: int) -> Iterator[Result]:
    """``work`` over ``parts`` by ``threads`` workers with one BLAS thread each; results in the order of ``parts``."""
    with one_blas_thread():
        if threads == 1:
            yield from map(work, parts)
            return
        with ThreadPoolExecutor(threads) as pool:
            yield from pool.map(work, parts)
