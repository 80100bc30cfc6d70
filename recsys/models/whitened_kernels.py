"""Loops of ``whitened``, compiled by numba on first use and then cached; the innermost is written in LLVM's words."""
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

BUFFER = 512  # rows copied side by side before they are used


@intrinsic
def _absorb(typing: Any, lanes: Any, block: Any, n: Any, p: Any, a: Any, b: Any, total: Any) -> Any:
    """For each of the first n rows v of ``block``: t = v.p; total += (a + b t) v. Returns the sum of a t.

    Written in LLVM's own vector type, so that ``total`` and ``p`` live in registers: twice as fast as the same
    loops in Python, which go through memory. The width is the length of the tuple ``lanes``, known to the compiler.
    """
    width = 16 * lanes.count

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        arrays = [context.make_array(signature.args[i])(context, builder, args[i]).data for i in (1, 3, 4, 5, 6)]
        return _absorb_loop(builder, width, args[2], *arrays)

    return types.float32(lanes, block, n, p, a, b, total), generate


def _absorb_loop(builder: Any, width: int, n: Any, block: Any, p: Any, a: Any, b: Any, total: Any) -> Any:
    one, many, count = ir.FloatType(), ir.VectorType(ir.FloatType(), width), ir.IntType(64)
    dot_type = ir.FunctionType(one, [one, many])
    add_up = cgutils.get_or_insert_function(builder.module, dot_type, f"llvm.vector.reduce.fadd.v{width}f32")
    fast: dict[str, Any] = {"flags": ("fast",)}
    zero, direction = ir.Constant(one, 0.0), _load(builder, p, many)
    sums, known = (cgutils.alloca_once_value(builder, start) for start in (_load(builder, total, many), zero))
    with cgutils.for_range(builder, n, intp=count) as loop:
        row = _load(builder, builder.gep(block, [builder.mul(loop.index, count(width))]), many)
        t = builder.call(add_up, [zero, builder.fmul(row, direction, **fast)], fastmath=("fast",))
        a_j, b_j = (builder.load(builder.gep(array, [loop.index])) for array in (a, b))
        weight = _splat(builder, builder.fadd(a_j, builder.fmul(b_j, t, **fast), **fast), many)
        builder.store(builder.fadd(builder.load(sums), builder.fmul(weight, row, **fast), **fast), sums)
        builder.store(builder.fadd(builder.load(known), builder.fmul(a_j, t, **fast), **fast), known)
    builder.store(builder.load(sums), builder.bitcast(total, many.as_pointer()), align=4)
    return builder.load(known)


def _load(builder: Any, pointer: Any, many: Any) -> Any:
    return builder.load(builder.bitcast(pointer, many.as_pointer()), align=4)


def _splat(builder: Any, value: Any, many: Any) -> Any:
    """A vector with ``value`` in every place."""
    index, nothing = ir.IntType(32), ir.Constant(many, ir.Undefined)
    first = builder.insert_element(nothing, value, index(0))
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(index, many.count), None))


@njit(nogil=True, cache=True, fastmath=True)
def _gather(fixed: Any, indices: Any, block: Any) -> None:
    for j in range(len(indices)):
        row = indices[j]
        for k in range(fixed.shape[1]):
            block[j, k] = fixed[row, k]


@njit(nogil=True, cache=True, fastmath=True)
def _pass(lanes: Any, fixed: Any, indices: Any, block: Any, ready: Any, p: Any, a: Any, b: Any, total: Any) -> Any:
    """One pass over a row's entries, through ``block``; ``ready`` when they are in it already."""
    known = np.float32(0)
    for start in range(0, len(indices), len(block)):
        stop = min(start + len(block), len(indices))
        if not ready:
            _gather(fixed, indices[start:stop], block)
        here = slice(start, stop)
        known += _absorb(lanes, block, stop - start, p, a[here], b[here], total)  # type: ignore[call-arg]
    return known


@njit(nogil=True, cache=True, fastmath=True)
def solve_rows(
    lanes: Any, start: Any, stop: Any, indptr: Any, indices: Any, extra: Any, fixed: Any, spectrum: Any, ridge: Any,
    pull: Any, out: Any, steps: Any, tolerance: Any,
) -> float:  # fmt: skip
    longest = 0
    for u in range(start, stop):
        longest = max(longest, indptr[u + 1] - indptr[u])
    a, b = np.empty(longest, np.float32), np.empty(longest, np.float32)
    block = np.empty((BUFFER, out.shape[1]), np.float32)
    loss = 0.0
    for u in range(start, stop):
        mine = slice(indptr[u], indptr[u + 1])
        if mine.start == mine.stop:
            out[u] = 0
        else:
            shift = spectrum + ridge[u]
            own = pull[u] if len(pull) else pull[:, 0]
            loss += _solve_row(
                lanes, indices[mine], extra[mine], fixed, shift, own, out[u], steps, tolerance, a, b, block
            )
    return loss


@njit(nogil=True, cache=True, fastmath=True)
def _solve_row(
    lanes: Any, indices: Any, extra: Any, fixed: Any, shift: Any, pull: Any, x: Any, steps: Any, tolerance: Any,
    a: Any, b: Any, block: Any,
) -> float:  # fmt: skip
    """Preconditioned conjugate gradient for one row; ``shift`` is the diagonal shared part, ``pull`` (d or 0) is
    added to the right-hand side."""
    n, d, target = len(indices), len(x), np.float64(0)
    for j in range(n):
        a[j], b[j] = 1 + extra[j], -extra[j]
        target += a[j]
    r, q, p = np.zeros(d, np.float32), np.empty(d, np.float32), np.empty(d, np.float32)
    fits = n <= len(block)
    known = _pass(lanes, fixed, indices, block, False, x, a, b, r)
    rx, rz, size = np.float32(0), np.float32(0), np.float32(0)
    for k in range(len(pull)):
        r[k] += pull[k]
        known += pull[k] * x[k]
    for k in range(d):
        size += r[k] * r[k] / shift[k]
        r[k] -= shift[k] * x[k]
        p[k] = r[k] / shift[k]
        rx += r[k] * x[k]
        rz += r[k] * p[k]
    loss = target - known - rx
    for j in range(n):
        a[j], b[j] = 0, extra[j]
    enough = tolerance * tolerance * max(size, np.float32(1e-30))
    for _ in range(steps):
        if rz <= enough:
            break
        for k in range(d):
            q[k] = shift[k] * p[k]
        _pass(lanes, fixed, indices, block, fits, p, a, b, q)
        pq = np.float32(0)
        for k in range(d):
            pq += p[k] * q[k]
        step = rz / pq
        loss -= step * rz
        new = np.float32(0)
        for k in range(d):
            x[k] += step * p[k]
            r[k] -= step * q[k]
            new += r[k] * r[k] / shift[k]
        for k in range(d):
            p[k] = r[k] / shift[k] + (new / rz) * p[k]
        rz = new
    return loss
