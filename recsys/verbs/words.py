"""A library of sound in, what it says besides its sound out: predictions, and the words that are sung, as columns."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from recsys.settings import Settings
from recsys.verbs.made import Pathlike

if TYPE_CHECKING:
    import pandas as pd

    from recsys.audio.store import Features
    from recsys.producers.tagging.kept import Labelled


def said_of(library: Features, labelled: Labelled | None, settings: Settings) -> pd.DataFrame:
    """A row for each track: what producers predicted, and ``lyrics`` where the settings ask for them."""
    import pandas as pd

    frame = pd.DataFrame(index=range(len(library))) if labelled is None else labelled.columns()
    if not settings.ingest.lyrics:
        return frame
    from recsys.audio.lyrics import lyrics_of

    words = [lyrics_of(path) for path in library.catalogue["path"]]
    return frame.assign(lyrics=pd.Series(words, frame.index, dtype=object))


def lyrics_state(features: Pathlike) -> str:
    """A code that changes when any file with words beside the sound does."""
    from recsys.audio.lyrics import state
    from recsys.audio.store import open_features

    return sha256(repr(state(open_features(features).catalogue["path"])).encode()).hexdigest()
