"""What harmony and notes are worth to models that rank new tracks.

    python -m tests.measure.symbol_blocks --audio EMOTIFY --features FEATURES [--seed 0 1 2 3 4]

EMOTIFY is as in ``tests.measure.simulate``: real sound, SIMULATED listening, three tenths of the artists new. FEATURES
are of it, made by ``recsys analyze --with notes,chords``. N@100 among new tracks with the content spaces ``harmony``
and ``trans`` beside the sound and without, and paired differences as shares, pooled over seeds; 95 % over listeners.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from recsys.audio.store import open_features
from recsys.joining import join, nothing
from recsys.producers.transcription.library import HARMONY, TRANS, open_symbols
from recsys.tables import Catalogue
from recsys.verbs.symbols import symbols_of
from tests.measure import simulate
from tests.measure.content_blocks import MODELS, Found, measure, show


def main() -> None:
    """Parse, fit with and without, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, required=True)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--seed", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    given = parser.parse_args()
    library = simulate.of_emotify(given.audio, given.features)
    opened = open_features(given.features)
    said = open_symbols(symbols_of(given.features), opened.catalogue["digest"].tolist())
    contents = join(nothing().dataset, opened, said.spaces()).dataset.contents
    spaces = {name: contents[name] for name in (HARMONY, TRANS)}
    print({name: int(space.known.sum()) for name, space in spaces.items()}, "known of", len(opened))
    found: Found = {}
    for seed in given.seed:
        dataset, _ = simulate.simulated(library, seed)
        hidden = simulate.new_artists(dataset, seed)
        bare = hidden.train
        empty = Catalogue.empty(len(bare.tracks))
        variants = {
            "sound": bare,
            **{f"sound + {n}": replace(bare, contents={**bare.contents, n: s}) for n, s in spaces.items()},
            "sound + both": replace(bare, contents={**bare.contents, **spaces}),
            **{f"{n} alone": replace(bare, catalogue=empty, contents={n: s}) for n, s in spaces.items()},
        }
        measure(found, hidden, MODELS, variants)
    show("emotify, SIMULATED listening, new artists", found, ["sound"])


if __name__ == "__main__":
    main()
