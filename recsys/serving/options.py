"""How a server is run: what it may send and write, and how much anybody may ask of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from recsys.settings import Settings


@dataclass(frozen=True)
class Options:
    """Everything but the bundle; limits are in ``settings.serve``.

    Attributes:
        library: folders of sound files that may be sent; none = no sound.
        writable: folder that takes what was heard (POST /feedback); None = the server writes nothing.
        key: what every question must bring, as ``Authorization: Bearer``, ``X-API-Key`` or ``apiKey=``; None = nothing.
        hosts: names by which it may be called, so that a foreign page can't pretend to be here; () = any.
        settings: limits, and defaults of ``similar``.
    """

    library: tuple[Path, ...] = ()
    writable: Path | None = None
    key: str | None = None
    hosts: tuple[str, ...] = ()
    settings: Settings = field(default_factory=Settings)
