"""A path of the catalogue in, the sound file that may be sent out: nothing outside of the library's folders ever."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

TYPES = {
    **{".mp3": "audio/mpeg", ".flac": "audio/flac", ".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg"},
    **{".m4a": "audio/mp4", ".mp4": "audio/mp4", ".aac": "audio/aac", ".wav": "audio/wav"},
    **{".aif": "audio/aiff", ".aiff": "audio/aiff", ".wma": "audio/x-ms-wma"},
}


class Library:
    """Folders of sound files that may be sent.

    Links are followed before anything is compared, so that none leads out.

    >>> Library([]).find("/etc/passwd") is None
    True
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = [os.path.realpath(folder) for folder in folders]

    def find(self, path: object) -> Path | None:
        """The file that a path of the catalogue means; None where it is no sound file inside of the library."""
        if not isinstance(path, str) or not path or "\0" in path:
            return None
        for folder in self.folders:
            target = os.path.realpath(os.path.join(folder, path))
            inside = target.startswith(folder.rstrip(os.sep) + os.sep)
            if inside and os.path.splitext(target)[1].lower() in TYPES and os.path.isfile(target):
                return Path(target)
        return None
