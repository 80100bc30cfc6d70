"""A real server in a thread of this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from recsys.serving.app import create_app
from recsys.serving.options import Options
from recsys.serving.run import bound, server


@contextmanager
def running(bundle: Path, options: Options) -> Iterator[httpx.Client]:
    """A client of a server over a bundle, on a port that is free."""
    limits = options.settings.serve
    listening = bound("127.0.0.1", 0)
    made = server(create_app(bundle, options, wait=True), limits)
    thread = threading.Thread(target=made.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not made.started:
        time.sleep(0.01)
    port = listening.getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
            yield client
    finally:
        made.should_exit = True
        thread.join(30)
        listening.close()
