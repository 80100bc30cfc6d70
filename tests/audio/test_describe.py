"""Everything about one sound, in words, in JSON and as a picture."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from recsys.audio import describe as describing
from recsys.audio import parts, picture
from recsys.audio.analyse import analyse
from recsys.audio.checks import FLAGS
from recsys.audio.describe import describe_file, describe_track, lines
from recsys.audio.ids import identify
from recsys.audio.journal import opened
from recsys.audio.scan import Found
from recsys.audio.sound import RATE, Sound
from recsys.audio.store import Features, open_features
from recsys.audio.traits import TRAITS
from recsys.errors import DataError, MissingExtra, UnknownId
from tests.audio.tones import MINOR_SONG, song


def a_minor() -> np.ndarray:
    """Sixteen seconds in A minor, a chord on each beat of 60 BPM."""
    return np.tile(song(9, MINOR_SONG), 4)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("describe") / "clip.flac"
    soundfile.write(path, a_minor(), RATE)
    return path


@pytest.fixture(scope="module")
def features(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Features:
    """The clip and a silent file."""
    silent = clip.with_name("silent.wav")
    soundfile.write(silent, np.zeros(4 * RATE), RATE)
    folder = tmp_path_factory.mktemp("store") / "features"
    with opened(folder) as journal:
        for path in (clip, silent):
            identity = identify(str(path))
            row = parts.identified(parts.file_row(Found(str(path), 1, 1), "x"), identity)
            journal.add(row, parts.analysis_row(identity.digest, "x", analyse(str(path))))
        journal.seal([str(clip), str(silent)], {})
    return open_features(folder)


def test_a_file_is_described(clip: Path) -> None:
    told = describe_file(clip)
    assert told["key"]["name"] == "A minor"
    assert told["key"]["camelot"] == "8A"
    assert told["key"]["probability"] == pytest.approx(told["traits"]["key_clarity"]["value"], abs=1e-3)
    assert told["seconds"] == pytest.approx(16, abs=0.01)
    assert told["paths"] == [str(clip)]
    assert told["events"]["onsets"] >= 12
    assert told["tags"]["title"] is None


def test_every_trait_is_told_with_what_it_means(clip: Path) -> None:
    told = describe_file(clip)["traits"]
    assert set(told) == set(TRAITS)
    for name, trait in told.items():
        assert (trait["unit"], trait["definition"], trait["caution"]) == TRAITS[name][1:2] + TRAITS[name][4:]


def test_octaves_of_the_tempo_are_alternatives() -> None:
    traits = {"tempo_bpm": 120.0, "tempo_confidence": 0.5, "tempo_half": 60.0, "tempo_double": 240.0}
    told = describing.facts(
        track="t", paths=[], tags={}, seconds=1.0, flags=[], traits=traits, posterior=None, events={}
    )
    assert told["tempo"] == {"bpm": 120.0, "confidence": 0.5, "alternatives": [60.0, 240.0]}
    assert told["key"] is None


def test_a_track_of_a_store_is_told_as_its_file_is(features: Features, clip: Path) -> None:
    track = next(t for t, path in features.catalogue["path"].items() if path == str(clip))
    fresh, stored = describe_file(clip), describe_track(features, track)
    assert stored["key"] == fresh["key"]
    assert stored["events"] == fresh["events"]
    assert stored["traits"] == fresh["traits"]
    assert stored["track"] == fresh["track"]


def test_silence_is_unknown_and_flagged_and_still_json(features: Features) -> None:
    track = next(t for t, path in features.catalogue["path"].items() if path.endswith("silent.wav"))
    told = describe_track(features, track)
    assert told["flags"]["silent"] == FLAGS["silent"]
    assert told["key"] is None
    assert told["tempo"] is None
    assert told["traits"]["loudness"]["value"] is None
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    text = "\n".join(lines(told))
    assert "silent: no sample above" in text
    assert "nan" not in text.lower().split()


def test_a_person_reads_key_tempo_and_definitions(clip: Path) -> None:
    told = describe_file(clip)
    told["tags"] |= {"title": "Dawn", "artist": "Ann", "genre": ["Folk", "Chant"]}
    text = list(lines(told))
    assert text[0] == "Dawn – Ann"
    assert any(line.split()[:3] == ["key", "A", "minor"] for line in text)
    assert any("Folk, Chant" in line for line in text)
    assert sum(trait.definition in line for trait in TRAITS.values() for line in text) >= len(TRAITS)


def test_an_unknown_track_and_a_broken_file_are_errors(features: Features, tmp_path: Path) -> None:
    with pytest.raises(UnknownId):
        describe_track(features, "gone")
    (tmp_path / "noise.mp3").write_bytes(np.random.default_rng(0).bytes(5000))
    with pytest.raises(DataError):
        describe_file(tmp_path / "noise.mp3")


def pixels(path: Path) -> np.ndarray:
    image = pytest.importorskip("matplotlib.image").imread(path)
    return np.asarray(image)


def test_a_picture_is_drawn(clip: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "new" / "clip.png"
    picture.draw_file(clip, out, "50 $ and $ more")
    image = pixels(out)
    assert image.shape[0] > 700
    assert image.shape[1] > 900
    assert len(np.unique(image.reshape(-1, image.shape[2]), axis=0)) > 200


@pytest.mark.parametrize("samples", [np.zeros(RATE * 2), np.full(1200, 0.2)])
def test_silence_and_clicks_can_be_drawn(samples: Any, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    picture.draw(Sound(samples.astype(np.float32)), tmp_path / "x.png")
    assert pixels(tmp_path / "x.png").std() > 0


def test_a_picture_needs_a_name_and_matplotlib(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"ends with \.png"):
        picture.draw_file(clip, tmp_path / "x.txt")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtra, match="matplotlib"):
        picture.draw_file(clip, tmp_path / "x.png")
    assert not (tmp_path / "x.png").exists()
