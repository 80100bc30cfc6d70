"""Training of the note model in miniature, from music made by code and from a user's own recordings."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("torch")

from recsys.audio.sound import RATE
from recsys.producers.notation import Notes, Part, Piece, write_midi
from recsys.producers.transcription.models import open_model
from tests.measure import note_lessons, note_own
from tests.measure.note_made import DRUMS, HIGHEST, LOWEST
from tests.measure.note_music import KINDS, Shelf, music
from tests.measure.note_sounds import RATE as SAMPLED
from tests.measure.note_sounds import added, held, worn
from tests.measure.train_notes import keep, split
from tests.producers.transcription.test_shipped import SONG, played

EMPTY = Shelf([], [], [], [[[74, 70, 65, 58]] * 4 + [[75, 70, 58, 55]] * 12])


@pytest.mark.parametrize("kind", ["chance", "singles", "pianist", "exercise", "chorale", "noises"])
def test_music_made_by_code_can_be_played(kind: str) -> None:
    made = music(kind, EMPTY, 12.0, np.random.default_rng(3))
    assert kind == "noises" or len(made.parts)
    for part in made.parts:
        assert (part.rows[:, 1] > part.rows[:, 0]).all()
        assert part.program == DRUMS or part.rows[:, 2].min() >= LOWEST
        assert part.program == DRUMS or part.rows[:, 2].max() <= HIGHEST
    assert set(KINDS) >= {kind}


def test_pieces_are_split_and_none_is_on_both_sides() -> None:
    shelf = Shelf([Path(str(i)) for i in range(40)], [], [], [[[i]] for i in range(21)])
    taught, kept = split(shelf)
    assert len(kept.songs) == 2
    assert not set(taught.songs) & set(kept.songs)
    assert len(taught.chorales) + len(kept.chorales) == 21


def test_a_pedal_holds_notes_until_it_is_lifted_or_they_are_struck_again() -> None:
    rows = np.array([[0.0, 0.5, 60, 80], [0.2, 0.4, 64, 80], [0.8, 0.9, 60, 80]])
    longer = held(rows, np.array([[0.3, 2.0]]))
    assert longer[:, :3].tolist() == [[0.0, 0.8, 60], [0.8, 2.0, 60], [0.2, 2.0, 64]]


def test_a_network_learns_and_its_weights_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(note_lessons, "FRAMES", 48)
    rng = np.random.default_rng(0)
    for number in range(2):
        made, samples = added(music("singles", EMPTY, 5.0, rng), 5.0, rng)
        keep(tmp_path / f"t{number}.npy", made, *worn(samples[: 5 * SAMPLED], rng))
    clips = note_lessons.clips_of(tmp_path, "t")
    assert len(note_lessons.truth(clips[0])) >= 1
    network = note_lessons.learn(clips, clips[:1], 40, tmp_path / "a.safetensors", widths=(8, 4))
    first = note_lessons.learn(clips, clips[:1], 1, tmp_path / "b.safetensors", widths=(8, 4))
    losses = [_loss(one, clips) for one in (first, network)]
    assert losses[1] < 0.9 * losses[0]
    assert open_model(tmp_path / "a.safetensors").notes([]).onset.size == 0


def _loss(network: note_lessons.NoteNetwork, clips: list[note_lessons.Bytes]) -> float:
    import torch

    heard, told = note_lessons.batch(clips, np.full(len(clips), 1 / len(clips)), np.random.default_rng(5))
    with torch.no_grad():
        return note_lessons.loss_of(network.train()(heard), told).item()


def test_recordings_of_ones_own_are_paired_with_their_notes(tmp_path: Path) -> None:
    notes = Notes.of([(onset, onset + 0.4, pitch, 80) for onset, pitch in SONG])
    (tmp_path / "maestro").mkdir()
    soundfile.write(tmp_path / "maestro" / "one.wav", played(SONG, 6), RATE)
    write_midi(tmp_path / "maestro" / "one.midi", Piece([Part(notes, 0)]))
    (tmp_path / "slakh" / "Track1").mkdir(parents=True)
    soundfile.write(tmp_path / "slakh" / "Track1" / "mix.flac", played(SONG, 6), RATE)
    write_midi(tmp_path / "slakh" / "Track1" / "all_src.mid", Piece([Part(notes, 0)]))
    for room in ("audio", "annotation", "notes"):
        (tmp_path / "guitarset" / room).mkdir(parents=True)
    soundfile.write(tmp_path / "guitarset" / "audio" / "00_solo_mic.wav", played(SONG, 6), RATE)
    data = [{"time": onset, "duration": 0.4, "value": pitch + 0.1} for onset, pitch in SONG]
    told = {"annotations": [{"namespace": "note_midi", "data": data}]}
    (tmp_path / "guitarset" / "annotation" / "00_solo.jams").write_text(json.dumps(told))
    soundfile.write(tmp_path / "guitarset" / "audio" / "own.wav", played(SONG, 6), RATE)
    lines = ["onset_s,offset_s,midi_pitch,velocity", *(f"{t},{t + 0.4},{p},80" for t, p in SONG)]
    (tmp_path / "guitarset" / "notes" / "own.csv").write_text("\n".join(lines))
    found = note_own.recordings(tmp_path)
    assert [sound.name for sound, _ in found] == ["00_solo_mic.wav", "own.wav", "one.wav", "mix.flac"]
    for sound, source in found:
        parts = list(note_own.clips(sound, source, 4.0))
        assert [len(samples) for _, samples in parts] == [4 * RATE, 2 * RATE]
        rows = np.concatenate([made.parts[0].rows for made, _ in parts])
        assert sorted(rows[:, 2].tolist()) == sorted(pitch for _, pitch in SONG)
