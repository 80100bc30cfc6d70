"""The application on a port, until it is told to stop."""

from __future__ import annotations

import gc
import logging
import signal
import socket
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from threadpoolctl import threadpool_limits

from recsys.errors import DataError
from recsys.serving.app import create_app
from recsys.serving.options import Options
from recsys.serving.patience import protocol
from recsys.settings import Serve

HERE = ("127.0.0.1", "localhost", "::1", "[::1]")
GRACE = 20  # seconds that requests have to end
TURN = 0.001  # seconds after which a thread that computes lets the others have a turn
log = logging.getLogger("recsys.serving")


def serve(bundle: Path, options: Options) -> None:
    """Answer until SIGINT or SIGTERM comes; requests that have begun are answered to the end.

    Raises:
        ArtefactError: there is no bundle.
        DataError: the port is taken.
    """
    limits = options.settings.serve
    listening = bound(limits.host, limits.port)
    with threadpool_limits(1, user_api="blas"):  # each answer has a thread, and the processors are shared by answers
        _answer(bundle, options, listening)


def _answer(bundle: Path, options: Options, listening: socket.socket) -> None:
    limits = options.settings.serve
    app = create_app(bundle, options, wait=True)
    sys.setswitchinterval(TURN)
    host, port = listening.getsockname()[:2]
    if options.key is None and host not in HERE:
        log.warning("no key is set: whoever reaches this address may ask; see RECSYS_API_KEY")
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # what it tells of its steps we tell in a line
    gc.collect()
    gc.freeze()  # what a bundle holds is not looked through again
    log.info("listening on http://%s:%s", f"[{host}]" if ":" in host else host, port)
    server(app, limits).run(sockets=[listening])
    log.info("stopped")


class _Server(uvicorn.Server):
    """Ends when it is told to, as any other command that is done; told twice by Ctrl-C, it does not wait."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGINT or SIGTERM came."""
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def server(app: ASGIApp, limits: Serve) -> uvicorn.Server:
    """What answers on a socket; ``run(sockets=[…])`` begins, ``should_exit`` ends."""
    told: dict[str, Any] = {"log_config": None, "access_log": False, "server_header": False, "proxy_headers": False}
    config = uvicorn.Config(
        app,
        http=protocol(),
        ws="none",
        lifespan="on",
        limit_concurrency=limits.connections,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=GRACE,
        backlog=1024,
        **told,
    )
    return _Server(config)


def hosts(options: Options) -> tuple[str, ...]:
    """By which names the server may be called: on this machine's own address only those that mean it."""
    serve = options.settings.serve
    if serve.host not in HERE:
        return tuple(serve.hosts)
    return (*HERE, *serve.hosts)


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        DataError: the port is taken, or there is no such address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except (OSError, OverflowError) as error:
        made.close()
        raise DataError(f"can't listen on {host}:{port} ({error}); give another --host or --port") from error
    return made
