"""A folder of sound to a folder of symbols: what is new is heard, what fails is remembered."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from recsys import api, manifest
from recsys.audio.sound import RATE
from recsys.errors import ArtefactError, DataError
from recsys.producers.notation import read_beats, read_lab, read_midi
from recsys.producers.transcription.folder import KIND, VECTORS, estimate
from recsys.producers.transcription.models import open_model
from recsys.verbs.symbols import expected
from tests.producers.harmony.test_chords import song


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    (folder / "b").mkdir()
    soundfile.write(folder / "one.wav", song().samples, RATE)
    soundfile.write(folder / "b" / "one.wav", song(5).samples, RATE)
    (folder / "bad.mp3").write_bytes(b"no sound at all")
    return folder


def test_what_is_new_is_heard_and_only_that(music: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    made = api.transcribe([music], out=out, workers=1, vocabulary="sevenths")
    assert (made.facts["tracks"], made.facts["failed"], made.facts["transcribed"]) == (2, 1, 2)
    assert list(made.facts["failures"]) == [str(music / "bad.mp3")]
    assert {"one.mid", "one-2.mid", "one.chords.lab", "one.keys.lab", "one.beats.csv"} <= set(os.listdir(out))
    sure = pd.read_csv(out / "one.chords.csv")
    assert sure["label"].tolist() == read_lab(out / "one.chords.lab").labels
    assert sure["confidence"].between(0, 1).all()
    assert not manifest.problems(out)
    assert manifest.read(out)["kind"] == KIND
    _is_a_song(out / "one-2", 0)
    _is_a_song(out / "one", 5)
    vectors = np.stack(pd.read_parquet(out / VECTORS)["vector"])
    assert vectors[0] @ vectors[1] / np.prod(np.linalg.norm(vectors, axis=1)) > 0.95
    again = api.transcribe([music], out=out, workers=1, vocabulary="sevenths")
    assert again.unchanged
    (out / "one.mid").unlink()
    (music / "bad.mp3").unlink()
    mended = api.transcribe([music], out=out, workers=1, vocabulary="sevenths")
    assert (mended.facts["transcribed"], mended.facts["removed"], mended.facts["failed"]) == (1, 1, 0)
    assert (out / "one.mid").exists()


def _is_a_song(stem: Path, key: int) -> None:
    chords = read_lab(f"{stem}.chords.lab")
    assert chords.intervals[0, 0] == 0
    assert chords.intervals[-1, 1] == pytest.approx(16, abs=0.01)
    assert len(set(chords.labels)) >= 3
    piece = read_midi(f"{stem}.mid")
    assert piece.key == key
    beats, _ = read_beats(f"{stem}.beats.csv")
    assert all(np.abs(piece.beats - beat).min() < 0.002 for beat in beats)


def test_a_lead_sheet_when_asked_for(music: Path, tmp_path: Path) -> None:
    made = api.transcribe([music / "one.wav"], out=tmp_path / "out", workers=1, musicxml=True)
    assert made.facts["transcribed"] == 1
    assert "<root-step>F</root-step>" in (tmp_path / "out" / "one.musicxml").read_text()


def test_the_cost_is_said_before(music: Path) -> None:
    files, seconds = estimate([music], ("chords",), 2)
    assert files >= 2
    assert 0 < seconds < 60
    assert re.fullmatch(
        r"chords of \d files: about \d s if all are new, .* s of one core each", expected([music], ["chords"])
    )
    with pytest.raises(DataError, match=r"expected the nmp\.onnx"):
        estimate([music], ("notes",), 2, str(music / "none.onnx"))


def test_what_can_not_be_done_is_said(music: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected one or more of beats, chords, notes"):
        api.transcribe([music], out=tmp_path / "x", with_="drums")
    with pytest.raises(DataError, match=r"expected the nmp\.onnx"):
        open_model(tmp_path / "none.onnx")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(ArtefactError, match="holds no transcriptions"):
        api.transcribe([music], out=tmp_path / "mine")
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "ledger.json").write_text(json.dumps({})[:1])
    with pytest.raises(ArtefactError, match="not readable"):
        api.transcribe([music], out=tmp_path / "torn")


def test_what_was_written_before_and_is_not_now_goes(tmp_path: Path) -> None:
    music, out = tmp_path / "music", tmp_path / "out"
    music.mkdir()
    soundfile.write(music / "one.wav", song().samples, RATE)
    api.transcribe([music], out=out, workers=1, with_="chords", musicxml=True)
    assert (out / "one.musicxml").exists()
    api.transcribe([music], out=out, workers=1, with_="chords")
    assert not (out / "one.musicxml").exists()
    (music / "one.wav").write_bytes(b"no longer sound")
    made = api.transcribe([music], out=out, workers=1, with_="chords")
    assert made.facts["failed"] == 1
    assert not list(out.glob("one.*"))
    assert not manifest.problems(out)


def test_an_unknown_vocabulary_is_said_before_anything_is_heard(music: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="vocabulary 'jazz'; expected one of majmin, sevenths, all"):
        api.transcribe([music], out=tmp_path / "out", vocabulary="jazz")
    assert not (tmp_path / "out").exists()
