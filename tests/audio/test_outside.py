"""What a file that is no track is to a bundle, and how it is heard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys.audio.alone import alone
from recsys.audio.ids import Identity
from recsys.audio.outside import by_tags, known_as, save_sounds
from recsys.audio.tags import Tags
from recsys.errors import DataError
from recsys.tables import Catalogue

MBID = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue(
        pd.DataFrame(
            {
                "title": ["Dawn", "Dawn (Live)", "Dusk", None],
                "artist": ["The Dots", "Dots", "Bo", None],
                "duration": [200.0, 260.0, np.nan, 100.0],
                "mbid": [None, None, MBID.upper(), None],
                "isrc": [None, None, None, "GBAYE0601498"],
            }
        )
    )


def known(digest: str, tags: Tags, folder: Path, catalogue: Catalogue) -> int:
    return known_as(Identity(digest, tags, []), folder, catalogue)


def test_a_sound_is_known_by_its_hash_or_code(catalogue: Catalogue, tmp_path: Path) -> None:
    save_sounds(tmp_path, pd.Series(["ff" * 32, None, "aa" * 32, "bb" * 32]))
    assert known("aa" * 32, Tags(), tmp_path, catalogue) == 2
    assert known("ff" * 32, Tags(), tmp_path, catalogue) == 0
    assert [known(d * 32, Tags(), tmp_path, catalogue) for d in ("00", "ab", "fe", "0f")] == [-1] * 4
    assert known("00" * 32, Tags(mbid=MBID), tmp_path, catalogue) == 2
    assert known("00" * 32, Tags(isrc="GBAYE0601498", duration=103.0), tmp_path, catalogue) == 3
    assert known("00" * 32, Tags(isrc="GBAYE0601498", duration=300.0), tmp_path, catalogue) == -1, "a wrong code"


def test_a_bundle_without_hashes_knows_codes(catalogue: Catalogue, tmp_path: Path) -> None:
    assert known("aa" * 32, Tags(), tmp_path, catalogue) == -1
    assert known("aa" * 32, Tags(mbid=MBID), tmp_path, catalogue) == 2
    save_sounds(tmp_path, pd.Series([None, None], dtype=object))
    assert known("aa" * 32, Tags(), tmp_path, catalogue) == -1


@pytest.mark.parametrize(
    ("tags", "artist", "same"),
    [
        (Tags(title="dawn - Remastered 2011", artist="DOTS feat. Bo", duration=203.0), 0, [0]),
        (Tags(title="Dawn", artist="The Dots", duration=230.0), 0, []),
        (Tags(title="Dawn", artist="The Dots"), 0, [0, 1]),
        (Tags(title="Dusk", artist="Bó", duration=10.0), 2, [2]),
        (Tags(artist="Dots"), 0, []),
        (Tags(title="Dawn", artist="Cy"), -1, []),
        (Tags(title="Dawn"), -1, []),
    ],
)
def test_tags_tell_the_artist_and_the_track_itself(
    tags: Tags, artist: int, same: list[int], catalogue: Catalogue
) -> None:
    found, rows = by_tags(tags, catalogue)
    assert found == (-1 if artist < 0 else catalogue.artists[artist])
    assert rows.tolist() == same


@pytest.mark.parametrize(
    ("stunt", "cause"),
    [
        ("hang", r"/m/a\.mp3: took longer than 1 seconds"),
        ("hang_inside", "took longer"),
        ("crash", r"a\.mp3: crashed its worker"),
        ("eat", "needs more than 300 MB"),
        ("refuse", "found nothing; expected something"),
        ("closed", "the file cannot be read: Permission denied"),
        ("stumble", "KeyError: 'odd'"),
    ],
)
def test_what_fails_alone_fails_with_its_cause(stunt: str, cause: str) -> None:
    with pytest.raises(DataError, match=cause):
        alone(f"tests.audio.stunts:{stunt}", "/m/a.mp3", seconds=1, megabytes=300)


def test_options_reach_the_function() -> None:
    assert alone("tests.audio.stunts:answer", "a", {"windows": 2}) == "A"
