"""Answers that take long: made in a few threads, with a limit to how many may wait and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from recsys.serving.problems import Refused
from recsys.settings import Serve

P = ParamSpec("P")
T = TypeVar("T")


class Room:
    """A few threads.

    Attributes:
        waiting: questions that are inside, being answered or not.
    """

    def __init__(self, limits: Serve) -> None:
        self.limits, self.waiting = limits, 0
        self._threads = ThreadPoolExecutor(limits.threads, "recsys-answer", _one_thread)

    async def run(self, work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        """What ``work`` gives.

        Raises:
            Refused: too many wait already, or it took too long.
        """
        if self.waiting >= self.limits.waiting:
            raise Refused(503, "busy", f"{self.waiting} questions are waiting already; ask again", {"Retry-After": "1"})
        self.waiting += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, lambda: work(*given, **named))
        future.add_done_callback(self._out)
        try:
            return await asyncio.wait_for(asyncio.shield(future), self.limits.answer_seconds)
        except TimeoutError:
            future.cancel()
            words = f"no answer within {self.limits.answer_seconds:g} seconds; ask for less"
            raise Refused(503, "slow", words, {"Retry-After": "5"}) from None

    def _out(self, future: asyncio.Future[T]) -> None:
        self.waiting -= 1
        if not future.cancelled():
            future.exception()  # looked at, so that one which nobody waits for any more is not complained of

    def close(self) -> None:
        """No more questions."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _one_thread() -> None:
    """One listener is no work for several threads: they would only wait for each other."""
    import numba

    numba.set_num_threads(1)
