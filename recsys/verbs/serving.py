"""A bundle in, answers over HTTP out, until somebody stops it: serve."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from recsys.errors import MissingExtra
from recsys.settings import Settings, changed
from recsys.verbs.made import Pathlike

KEY = "RECSYS_API_KEY"


def serve(
    bundle: Pathlike,
    *,
    host: str | None = None,
    port: int | None = None,
    library: Sequence[Pathlike] = (),
    writable: Pathlike | None = None,
    log: str = "text",
    log_requests: bool = False,
    settings: Settings | None = None,
) -> None:
    """Answer over HTTP from a bundle, or from the newest of a folder of bundles, until SIGINT or SIGTERM.

    What has begun is answered to the end, then it returns.

    A newer bundle in the folder takes over without a dropped request. Nothing is written unless ``writable`` is given.
    Where the environment has RECSYS_API_KEY, every question must bring it. Limits are in the settings (``serve``).

    Args:
        bundle: a bundle, or the folder of bundles.
        host, port: where to listen; default: ``serve.host``, ``serve.port``.
        library: folders of sound files that may be sent; default: ``serve.library``, else ``paths.audio``.
        writable: a folder that takes what was heard (POST /feedback), as a log for ``ingest`` and ``update``.
        log: "text", "json" or "quiet".
        log_requests: tell of every request.
        settings: limits, and defaults of ``similar``.

    Raises:
        ArtefactError: there is no bundle.
        DataError: the port is taken.
        MissingExtra: fastapi and uvicorn are not installed.
    """
    for package in ("fastapi", "uvicorn"):
        if find_spec(package) is None:
            raise MissingExtra(package, "serve")
    from recsys.serving import logs, run
    from recsys.serving.options import Options

    settings = changed(settings or Settings(), "serve", host=host, port=port)
    logs.set_up(log, every=log_requests)
    folders = [*map(Path, library or settings.serve.library or settings.paths.audio)]
    where = None if writable is None else Path(writable)
    options = Options(tuple(folders), where, os.environ.get(KEY) or None, settings=settings)
    run.serve(Path(bundle), replace(options, hosts=run.hosts(options)))
