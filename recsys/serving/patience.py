"""Connections that wait for ever, or send a head without end, are closed: uvicorn by itself would keep them.

A connection that is open must have sent the whole head of a request within some seconds, and the head may have only so
many bytes. How long a body may take is the guard's to say; between requests uvicorn's own limit holds.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from importlib.util import find_spec
from typing import Any

HEAD_SECONDS = 10.0
HEAD_BYTES = 65_536
LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class Patience:
    """Beside a protocol of uvicorn that parses with httptools or h11; put it first among the bases."""

    loop: asyncio.AbstractEventLoop
    transport: Any
    cycle: Any

    _late: asyncio.TimerHandle | None = None
    _head = 0

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first head."""
        super().connection_made(transport)  # type: ignore[misc]
        self._wait()

    def connection_lost(self, error: Exception | None) -> None:
        """Wait no longer."""
        self._stop()
        super().connection_lost(error)  # type: ignore[misc]

    def data_received(self, data: bytes) -> None:
        """Parse, and look whether a head is complete."""
        super().data_received(data)  # type: ignore[misc]
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop()
            self._head = 0
            return
        self._head += len(data)
        if self._head > HEAD_BYTES:
            self._close(LONG)
        elif self._late is None:
            self._wait()

    def _wait(self) -> None:
        self._late = self.loop.call_later(HEAD_SECONDS, self._close, LATE)

    def _stop(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _close(self, words: bytes) -> None:
        self._stop()
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(words)
            self.transport.close()


def protocol() -> type[asyncio.Protocol]:
    """The quicker parser that is installed, with patience."""
    home = "httptools_impl" if find_spec("httptools") else "h11_impl"
    module: Any = import_module(f"uvicorn.protocols.http.{home}")
    base = module.HttpToolsProtocol if find_spec("httptools") else module.H11Protocol
    made: type[asyncio.Protocol] = type("PatientProtocol", (Patience, base), {})
    return made
