"""One BLAS thread at a time, for results that no number of threads changes and for small products that need no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit numpy's BLAS to one thread; libraries are looked for once, because that takes milliseconds.

    >>> import numpy as np
    >>> with one_blas_thread():
    ...     product = np.eye(2) @ np.eye(2)
    """
    with _found().limit(limits=1):
        yield


@cache
def _found() -> ThreadpoolController:
    import numpy as np

    np.eye(1) @ np.eye(1)  # a library is found once it is loaded
    return ThreadpoolController().select(user_api="blas")
