"""The bundle that answers now; a newer one takes its place between two requests and drops none."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from recsys import bundle
from recsys.errors import RecsysError
from recsys.serving.answers.library import Library
from recsys.serving.answers.similar import Near, similar
from recsys.serving.answers.stand import Stand
from recsys.serving.metrics import Metrics
from recsys.settings import Settings

LARGE = 300_000  # tracks from which what only recommendations need is read when the first comes
log = logging.getLogger("recsys.serving")


class Live:
    """Holds the stand of the newest bundle.

    A request takes ``stand`` once and keeps it to its end, so an answer never mixes two bundles; the old one goes
    when the last request that holds it is done.

    Args:
        path: a bundle, or the folder of bundles, whose CURRENT is then watched.
        library: folders of sound.
        settings: of the server.
        metrics: where swaps are counted.
    """

    def __init__(self, path: Path, library: Library, settings: Settings, metrics: Metrics) -> None:
        self.path, self.library, self.settings, self.metrics = path, library, settings, metrics
        self.stand: Stand | None = None
        self._refused: Path | None = None
        self._opener = ThreadPoolExecutor(1, "recsys-open")
        self._task: asyncio.Task[None] | None = None

    def open(self) -> Stand:
        """Open the newest bundle now.

        Raises:
            ArtefactError: there is none.
        """
        self.stand = opened(bundle.resolve(self.path), self.library, self.settings)
        return self.stand

    def start(self) -> None:
        """Go on in the background: read what the first recommendation needs, and watch for newer bundles."""
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def stop(self) -> None:
        """Watch no longer."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self._opener.shutdown(wait=False, cancel_futures=True)

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        if self.stand is None:
            await loop.run_in_executor(self._opener, self.open)
        await loop.run_in_executor(self._opener, self._prepare, self.stand)
        while True:
            await asyncio.sleep(self.settings.serve.watch_seconds)
            if await loop.run_in_executor(self._opener, self.refresh):
                await loop.run_in_executor(self._opener, self._prepare, self.stand)

    def refresh(self) -> bool:
        """Take the newest bundle if it is another; whether it was. One that can't be opened changes nothing."""
        try:
            target = bundle.resolve(self.path)
        except (RecsysError, OSError):
            return False  # between two renames, or taken away: what is open goes on answering
        if self.stand is not None and (target.name == self.stand.version or target == self._refused):
            return False
        try:
            fresh = opened(target, self.library, self.settings)
        except Exception as error:
            self._refused = target
            self.metrics.swap_failures += 1
            log.warning("bundle %s can't be opened: %s; %s goes on", target.name, error, self.stand and "the old one")
            return False
        self.stand, self._refused = fresh, None
        self.metrics.swaps += 1
        log.info("bundle %s answers now", fresh.version)
        return True

    def _prepare(self, stand: Stand | None) -> None:
        if stand is None or len(stand.tracks) > LARGE:
            return
        try:
            stand.prepare()
        except Exception as error:
            log.warning("bundle %s: %s", stand.version, error)


def opened(folder: Path, library: Library, settings: Settings) -> Stand:
    """Open a bundle and ask it once, so that the first request finds everything read and compiled.

    Raises:
        ArtefactError: no bundle there, torn or too new.
    """
    stand = Stand(folder, library, settings)
    if len(stand.tracks) and (folder / "index").is_dir():
        similar(stand, Near(track=str(stand.tracks.ids[0])))
    return stand
