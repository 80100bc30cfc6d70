"""What can go wrong, as a tree.

::

    RecsysError
    ├── DataError        (also ValueError)   input that is not what it should be
    │   └── SettingsError                    a settings file or option with a wrong key or value
    ├── UnknownId        (also KeyError)     an id that is not in the catalogue; carries the nearest ones
    ├── ArtefactError    (also OSError)      a folder that is missing, torn, altered or too new
    └── MissingExtra     (also ImportError)  an optional package that is not installed

Every message says what was found (with its value), what was expected and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class RecsysError(Exception):
    """Base of all that this package raises on purpose; the command line prints one line and exits with 2."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class DataError(RecsysError, ValueError):
    """Input that is not what it should be; the message says what was found and what to do."""


class SettingsError(DataError):
    """A settings file or option with a wrong key or value."""


class ArtefactError(RecsysError, OSError):
    """A folder on disk that is missing, torn, altered or written by a newer version."""


class MissingExtra(RecsysError, ImportError):
    """An optional package that is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; install it with: pip install 'recsys[{extra}]'")


class UnknownId(RecsysError, KeyError):
    """An id that is not known here; ``nearest`` holds known ids that are spelt alike.

    >>> raise UnknownId("track", "t1", ["t01", "t10"])
    Traceback (most recent call last):
    ...
    recsys.errors.UnknownId: unknown track 't1'; nearest by spelling: t01, t10
    """

    def __init__(self, noun: str, found: object, nearest: Sequence[object] = ()) -> None:
        self.noun, self.found, self.nearest = noun, found, list(nearest)
        hint = f"; nearest by spelling: {', '.join(map(str, nearest))}" if nearest else ""
        super().__init__(f"unknown {noun} {found!r}{hint}")


def did_you_mean(found: str, known: Iterable[str]) -> str:
    """A short suffix for an error message that names the likeliest intended word.

    >>> did_you_mean("factrs", ["factors", "alpha"])
    '; did you mean factors?'
    >>> did_you_mean("xyz", ["factors", "alpha"])
    '; expected one of alpha, factors'
    """
    known = sorted(known)
    close = get_close_matches(found, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; expected one of {', '.join(known)}"
