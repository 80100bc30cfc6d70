"""The note model that comes with this package: what it hears, and that it hears the same however sound is cut."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")
import torch

from recsys.audio.sound import RATE, Sound
from recsys.errors import DataError
from recsys.producers.notation import Notes
from recsys.producers.transcription import keys
from recsys.producers.transcription.heard import BLOCK, MARGIN, ShippedNotes
from recsys.producers.transcription.models import NoteModel, open_model
from recsys.producers.transcription.network import NoteNetwork, combed, woven
from recsys.producers.transcription.peaks import FRAME, Odds, find
from tests.measure.note_made import Music, Part
from tests.measure.note_sounds import coloured, targets

Floats = np.ndarray


@pytest.fixture(scope="module")
def model() -> NoteModel:
    return open_model(None)


def tone(pitch: float, seconds: float = 0.45) -> Floats:
    """A plucked string of ten partials."""
    time, hz = np.arange(round(seconds * RATE)) / RATE, 440 * 2 ** ((pitch - 69) / 12)
    sound = sum(np.sin(2 * np.pi * k * hz * time) / k for k in range(1, 11) if k * hz < 10_000)
    return (0.2 * sound * np.exp(-3 * time) * np.minimum(1, (seconds - time) / 0.05)).astype(np.float32)


def played(rows: list[tuple[float, int]], seconds: float) -> Floats:
    out = np.zeros(round(seconds * RATE), np.float32)
    for onset, pitch in rows:
        sound = tone(pitch)[: len(out) - round(onset * RATE)]
        out[round(onset * RATE) :][: len(sound)] += sound
    return out


MELODY, CHORD = (57, 60, 64, 69, 72, 67, 62, 55), (48, 60, 64, 67)
SONG = [(0.5 + 0.5 * place, pitch) for place, pitch in enumerate(MELODY)] + [(4.5, pitch) for pitch in CHORD]


def test_a_melody_and_a_chord_are_heard(model: NoteModel) -> None:
    found = model.notes([Sound(played(SONG, 6))])
    sure = found.take(found.confidence > 0.8)
    heard = [(round(2 * t) / 2, p) for t, p in zip(sure.onset.tolist(), sure.pitch.tolist(), strict=True)]
    assert sorted(heard) == SONG
    assert len(found) <= 2 * len(SONG)
    assert np.abs(found.onset * 2 - np.rint(found.onset * 2)).max() < 2 * 0.05
    assert ((found.confidence > 0) & (found.confidence <= 1)).all()
    assert (found.offset > found.onset).all()


@given(st.lists(st.integers(0, 6 * RATE), max_size=4))
@settings(deadline=None, max_examples=4)
def test_it_does_not_matter_how_sound_is_cut(cuts: list[int]) -> None:
    samples, model = played(SONG, 6), open_model(None)
    edges = [0, *sorted(cuts), len(samples)]
    parts = [Sound(samples[a:b], RATE, a / RATE) for a, b in itertools.pairwise(edges)]
    whole, pieces = model.notes([Sound(samples)]), model.notes(parts)
    np.testing.assert_array_equal(whole.pitch, pieces.pitch)
    np.testing.assert_array_equal(whole.onset, pieces.onset)


def test_long_sound_is_heard_block_by_block_as_at_once(model: ShippedNotes) -> None:
    seconds = 1.4 * BLOCK * FRAME
    rows = [(0.3 + 0.4 * i, 50 + i % 25) for i in range(int(seconds / 0.4) - 2)]
    samples = played(rows, seconds)
    blocks = model.odds([Sound(samples)])
    once = model._heard(np.pad(samples, MARGIN * keys.HOP + 8 * keys.HOP), len(blocks.onset) + 8)[:, 8:]
    assert len(blocks.onset) == -(-len(samples) // keys.HOP)
    for side, whole in zip(blocks, once, strict=True):
        assert np.abs(side.astype(int) - whole[: len(side)]).max() <= 1


@pytest.mark.parametrize("kind", ["silence", "noise", "quiet", "clicks"])
def test_what_is_no_music_has_few_notes(model: NoteModel, kind: str) -> None:
    rng = np.random.default_rng(0)
    samples = np.zeros(20 * RATE, np.float32)
    if kind in ("noise", "quiet"):
        samples += coloured(len(samples), rng) * (0.5 if kind == "noise" else 0.001)
    if kind == "clicks":
        for start in range(0, len(samples) - 4000, RATE // 4):
            samples[start : start + 4000] += rng.normal(size=4000) * np.exp(-np.arange(4000) / 600)
    found = model.notes([Sound(samples.astype(np.float32))])
    assert len(found) <= (0 if kind == "silence" else 8)
    assert (found.confidence < 0.8).all()


def test_no_sound_has_no_notes(model: NoteModel) -> None:
    assert len(model.notes([])) == 0
    assert len(model.notes([Sound(np.zeros(0, np.float32))])) == 0
    assert len(model.notes([Sound(np.zeros(10, np.float32))])) == 0


def test_other_files_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"other": torch.zeros(2)}, tmp_path / "a.safetensors")
    with pytest.raises(DataError, match="expected the weights of the note network"):
        open_model(tmp_path / "a.safetensors")
    (tmp_path / "b.safetensors").write_bytes(b"no weights at all")
    with pytest.raises(DataError, match="expected the weights of the note network"):
        open_model(tmp_path / "b.safetensors")
    short = {name: array for name, array in NoteNetwork(8, 4).state_dict().items() if name != "head.bias"}
    save_file(short, tmp_path / "c.safetensors")
    with pytest.raises(DataError, match="holds no weights of the note network"):
        open_model(tmp_path / "c.safetensors")


def test_frames_a_step_apart_are_neighbours_where_they_are_combed() -> None:
    hidden = torch.randn(2, 3, 16, 5)
    assert torch.equal(woven(combed(hidden, 4), 4), hidden)
    gaps, plain = torch.nn.Conv2d(3, 3, 3, padding=(4, 1), dilation=(4, 1)), torch.nn.Conv2d(3, 3, 3, padding=1)
    plain.load_state_dict(gaps.state_dict())
    torch.testing.assert_close(woven(plain(combed(hidden, 4)), 4), gaps(hidden))


@pytest.mark.parametrize("frames", [1, 7, 50])
def test_any_number_of_frames_is_heard(frames: int) -> None:
    assert NoteNetwork(8, 4).eval()(torch.zeros(1, 2, frames, keys.BINS)).shape == (1, 3, frames, keys.KEYS)


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=25)
def test_what_is_told_is_found_again(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = []
    for pitch in rng.choice(np.arange(21, 109), 6, replace=False):
        edges = 0.1 + np.cumsum(rng.uniform(0.18, 0.6, 10))
        rows += [(a, b, pitch, rng.integers(20, 120)) for a, b in zip(edges[:-1:2], edges[1::2], strict=True)]
    real = Notes.of(rows)
    told = targets(Music([Part(0, np.array(rows, float))]), 400, 1.0)
    found = find(Odds(told[0], np.uint8(255) * (told[1] > 0), np.rint(told[1] * (255 / 127)).astype(np.uint8)))
    np.testing.assert_array_equal(found.pitch, real.pitch)
    np.testing.assert_array_equal(found.velocity, real.velocity)
    np.testing.assert_allclose(found.onset, real.onset, atol=0.002)
    np.testing.assert_allclose(found.offset, real.offset, atol=0.75 * FRAME)


def test_louder_sound_has_higher_levels_of_the_same_shape() -> None:
    soft = keys.levels(tone(60, 1.0))
    loud = keys.levels(2 * tone(60, 1.0))
    heard = soft > 0.1
    np.testing.assert_allclose((loud - soft)[heard], 20 * np.log10(2) / keys.FLOOR, atol=1e-3)


@pytest.mark.parametrize("shape", [(), (40,), (100_000, 18, 3, 5)])
def test_a_file_cannot_ask_for_a_network_of_any_size(tmp_path: Path, shape: tuple[int, ...]) -> None:
    from safetensors.torch import save_file

    stem = torch.zeros(shape, dtype=torch.float16)
    save_file({"stem.weight": stem, "blocks.0.narrow.weight": torch.zeros(20, 40, 3, 1)}, tmp_path / "a.safetensors")
    with pytest.raises(DataError, match="expected those of the note network"):
        open_model(tmp_path / "a.safetensors")
