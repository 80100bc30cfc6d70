"""The instrument tagger: its weights, its shapes, what it hears in sound made by code, and its making in miniature."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.audio.sound import Sound
from recsys.errors import DataError
from recsys.producers.instruments.names import CLASSES, EVENTS, FAMILIES, INSTRUMENTS, SILENCE, TOLD
from recsys.producers.instruments.tagger import VERSION, WEIGHTS, Tagger, read, silent
from recsys.producers.labelling.hearing import log_mel, mel_windows
from recsys.producers.tagging.kept import Said
from recsys.sources.sample.compose import HAT, KICK, SNARE, Note
from recsys.sources.sample.synth import render
from recsys.tables import where_mask
from tests.measure.instrument_notes import PLAYED
from tests.measure.instrument_synthetic import RECIPES, note

FLOOR = float(np.log(1e-4))
MELODY = (60, 64, 67, 72, 67, 64, 62, 59)


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger.open()


def _heard(tagger: Tagger, notes: list[Note]) -> dict[str, float]:
    """Mean probability of each class over the windows of a rendered clip."""
    mel = mel_windows([Sound(render(notes, seconds=4.0))])
    return dict(zip(tagger.classes, tagger.probabilities(mel).mean(axis=0).tolist(), strict=True))


def _melody(instrument: str, shift: int = 0) -> list[Note]:
    return [Note(0.5 * k, 0.5 * k + 0.45, pitch + shift, instrument, 1.0) for k, pitch in enumerate(MELODY)]


def test_the_card_names_these_weights() -> None:
    card = WEIGHTS.with_suffix(".md").read_text(encoding="utf-8")
    assert re.findall(r"`([0-9a-f]{64})`", card) == [hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()]
    assert WEIGHTS.stat().st_size < 2_000_000


def test_the_version_names_these_weights() -> None:
    """So that nothing an older tagger said passes for what this one says."""
    assert hashlib.sha256(WEIGHTS.read_bytes()).hexdigest().startswith(VERSION.partition("@")[2])
    assert len(VERSION) > len("instruments@1234567")


def test_classes_are_instruments_families_and_events(tagger: Tagger) -> None:
    assert tagger.classes == TOLD == (*CLASSES, SILENCE)
    assert list(CLASSES) == [*INSTRUMENTS, *FAMILIES, *EVENTS]
    assert len(set(CLASSES)) == len(CLASSES)
    assert {family for families in INSTRUMENTS.values() for family in families} == set(FAMILIES)


@pytest.mark.parametrize(
    ("instrument", "shift", "family"),
    [("pluck", 0, "plucked"), ("organ", 0, "organs"), ("flute", 12, "woodwind")],
)
def test_the_sample_synthesizer_is_heard_as_its_family(
    tagger: Tagger, instrument: str, shift: int, family: str
) -> None:
    heard = _heard(tagger, _melody(instrument, shift))
    assert max(FAMILIES, key=heard.__getitem__) == family, {name: round(heard[name], 2) for name in FAMILIES}


@pytest.mark.parametrize(
    ("instrument", "family"),
    [
        ("violin", "strings"),
        ("oboe", "woodwind"),
        ("trumpet", "brass"),
        ("piano", "keyboards"),
        ("guitar", "plucked"),
        ("vibraphone", "mallets"),
        ("organ", "organs"),
        ("electric bass", "bass"),
    ],
)
def test_each_family_is_heard_in_notes_made_by_code(tagger: Tagger, instrument: str, family: str) -> None:
    low, high, _ = PLAYED[instrument]
    rng = np.random.default_rng(100)
    sounds = [note(RECIPES[instrument], low + share * (high - low), share, rng) for share in (0.3, 0.45, 0.6, 0.75)]
    mel = mel_windows([Sound(sound / np.abs(sound).max()) for sound in sounds])
    heard = dict(zip(tagger.classes, tagger.probabilities(mel).mean(axis=0).tolist(), strict=True))
    first = sorted(FAMILIES, key=heard.__getitem__)[-2:]
    assert family in first, {name: round(heard[name], 2) for name in FAMILIES}


def test_drums_are_heard(tagger: Tagger) -> None:
    beats = [Note(0.25 * k, 0.25 * k + 0.2, (KICK, HAT, SNARE, HAT)[k % 4], "drums", 1.0) for k in range(16)]
    heard = _heard(tagger, beats)
    assert max(FAMILIES, key=heard.__getitem__) == "percussion"
    assert heard["percussion"] > 0.5


def test_silence_has_no_instruments_and_no_direction(tagger: Tagger) -> None:
    mel = np.stack([np.full((160, 64), FLOOR), log_mel(render(_melody("piano"), 4.0))[:160]])
    probabilities, embedding = tagger.hear(mel)
    assert silent(mel).tolist() == [True, False]
    assert probabilities[0].tolist() == [0] * len(CLASSES) + [1]
    assert not embedding[0].any()
    assert probabilities[1, :-1].any()
    assert probabilities[1, -1] == 0
    assert embedding[1].any()


def test_events_filter_playlists(tagger: Tagger) -> None:
    chances = np.zeros((3, len(tagger.classes)), np.float32)
    chances[:, [tagger.classes.index(name) for name in ("drums", "applause", SILENCE)]] = [
        (0.9, 0.0, 0.0),
        (0.8, 0.7, 0.0),
        (0.2, 0.0, 0.75),
    ]
    frame = pd.DataFrame(Said("instrument", "multi", tagger.classes, chances, None, VERSION).columns())
    assert where_mask(frame, "p_instrument_applause < 0.5 and p_instrument_silence < 0.5").tolist() == [
        True,
        False,
        False,
    ]
    assert where_mask(frame, "instrument = 'drums' and instrument != 'applause'").tolist() == [True, False, False]
    assert where_mask(frame, "instrument = 'silence'").tolist() == [False, False, True]


def test_level_does_not_matter(tagger: Tagger) -> None:
    mel = log_mel(render(_melody("organ"), 4.0))[None, :160].astype(np.float32)
    assert np.allclose(tagger.probabilities(mel), tagger.probabilities(mel + 2), atol=1e-4)


@settings(max_examples=8, deadline=None)
@given(frames=st.integers(8, 200), windows=st.integers(0, 3), seed=st.integers(0, 99))
def test_any_windows_give_probabilities_and_finite_vectors(frames: int, windows: int, seed: int) -> None:
    tagger = Tagger.open()
    mel = np.random.default_rng(seed).normal(-3, 4, (windows, frames, 64)).astype(np.float16)
    probabilities, embedding = tagger.hear(mel)
    assert probabilities.shape == (windows, len(TOLD))
    assert embedding.shape == (windows, tagger.dimensions)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    assert np.isfinite(embedding).all()
    assert np.array_equal(tagger.probabilities(mel), probabilities)


def test_windows_of_another_shape_are_refused(tagger: Tagger) -> None:
    with pytest.raises(DataError, match=r"\(2, 160, 80\).*64 bands"):
        tagger.probabilities(np.zeros((2, 160, 80)))


def test_what_is_no_weights_file_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.safetensors"
    with pytest.raises(DataError, match="cannot be read"):
        Tagger.open(wrong)
    for content in (b"", b"\x05\x00\x00\x00\x00\x00\x00\x00{}", b"RIFF" * 40, WEIGHTS.read_bytes()[:5000]):
        wrong.write_bytes(content)
        with pytest.raises(DataError):
            Tagger.open(wrong)
    wrong.write_bytes(b"\x02\x00\x00\x00\x00\x00\x00\x00{}")
    with pytest.raises(DataError, match="no weights of the instrument tagger"):
        Tagger.open(wrong)


def test_weights_are_read_as_safetensors_reads_them() -> None:
    library = pytest.importorskip("safetensors.numpy")
    ours, _ = read(WEIGHTS)
    theirs = library.load_file(WEIGHTS)
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name].astype(np.float32)) for name in ours)
