"""Listening logs and sound in, recommendations, playlists and similar tracks out, measured on your own data.

The public names below are loaded when they are first used: importing this package loads nothing heavy.

>>> import recsys
>>> sorted(recsys.__all__)[:3]
['Catalogue', 'DataError', 'Dataset']
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "recsys.api": (
        *("ingest", "analyze", "train", "evaluate", "tune", "update", "feedback", "recommend", "similar", "playlist"),
        *("playlist_new", "playlist_run", "playlist_match", "playlist_ledger", "search", "label", "serve"),
        *("learn_classification", "learn_emotion", "learn_generation", "predict", "transcribe", "compose"),
        *("describe", "forget", "inspect", "init", "run", "open_engine"),
    ),
    "recsys.engine": ("Engine",),
    "recsys.settings": ("Settings",),
    "recsys.tables": ("Catalogue", "Dataset", "Embeddings", "IdMap", "Interactions", "TopK"),
    "recsys.errors": ("RecsysError", "DataError", "UnknownId"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)  # noqa: PLE0605
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'recsys' has no attribute {name!r}; expected one of {', '.join(__all__)}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
