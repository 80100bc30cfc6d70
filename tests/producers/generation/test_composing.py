from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from recsys import api
from recsys.errors import DataError
from recsys.producers.generation import composer_learning, composing
from recsys.producers.generation.arranging import arrange
from recsys.producers.generation.composer import Composer, Stored, stored
from recsys.producers.generation.composing import Wish
from recsys.producers.generation.copies import CEILING, Learned, copied
from recsys.producers.generation.songs import MELODY, Song, scale
from recsys.producers.generation.teaching import Lesson
from recsys.producers.generation.transitions import transition
from recsys.producers.notation import read_midi, write_midi
from recsys.verbs import sounding
from tests.producers.generation.test_songs import song


def _inside(path: Path, key: int) -> float:
    pitch = read_midi(path).notes.pitch
    return float(np.isin(pitch % 12, sorted(scale(key))).mean())


def _saved(path: Path, made: Song) -> Path:
    write_midi(path, arrange(made)[0])
    return path


def test_numpy_and_torch_tell_the_same() -> None:
    torch.manual_seed(0)
    network = composer_learning.Network(16, 12).eval()
    one = Composer({name: tensor.numpy() for name, tensor in network.state_dict().items()})
    made = song(6)
    with torch.no_grad():
        theirs = network(composer_learning.side_by_side(composer_learning.stretches(made)))[0].numpy()
    assert np.allclose(one.listen(made)[1], theirs[: len(made.notes)], atol=1e-4)


def test_the_composer_learns() -> None:
    torch.set_num_threads(1)
    songs = [song(8, seed) for seed in range(4)]
    lesson = Lesson(epochs=4, batch=2, rate=1e-2)
    weights, judged = composer_learning.learn_composer(songs, songs[:2], 0, lesson=lesson, width=16)
    assert judged[-1] < 0.8 * judged[0]
    heard = Composer(weights).listen(songs[0].part(0, 6))[1]
    assert heard.mean() < judged[0]


@pytest.mark.parametrize(("key", "number"), [("Eb", 3), ("F# minor", 18)])
@pytest.mark.parametrize("bars", [2, 13])
def test_a_piece_has_the_length_and_key_that_was_asked(tmp_path: Path, key: str, number: int, bars: int) -> None:
    made = api.compose(out=tmp_path / "x.mid", key=key, bars=bars, tempo=90, seed=4)
    piece = read_midi(tmp_path / "x.mid")
    assert piece.key == number
    assert _inside(tmp_path / "x.mid", number) >= 0.95
    assert piece.notes.offset.max() == pytest.approx(bars * 4 * 60 / 90, rel=0.02)
    assert [part.name for part in piece.parts] == ["melody", "chords", "bass", "drums"]
    assert made.facts["copied_beats"] < CEILING


def test_a_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first, again, other = (
        api.compose(out=tmp_path / f"{i}.mid", bars=4, seed=seed) for i, seed in enumerate((1, 1, 2))
    )
    assert first.path.read_bytes() == again.path.read_bytes() != other.path.read_bytes()
    assert api.compose(out=tmp_path / "0.mid", bars=4, seed=1).unchanged


def test_every_piece_says_where_it_comes_from(tmp_path: Path) -> None:
    api.compose(out=tmp_path / "x.mid", bars=4, chords="C G", seed=7, audio=tmp_path / "x.flac")
    content = (tmp_path / "x.mid").read_bytes()
    assert b"AI-generated" in content
    place = content.index(b'{"origin"')
    told = json.loads(content[place : content.index(b"}", content.index(b'"card"')) + 1])
    assert told["origin"] == "generated"
    assert told["seed"] == 7
    assert told["prompt"]["chords"] == ["C:maj", "G:maj"]
    assert "POP909" in told["trained_on"]
    with soundfile.SoundFile(tmp_path / "x.flac") as file:
        assert "AI-generated" in file.comment
        assert file.frames / file.samplerate >= 4 * 4 * 60 / 126
        assert np.abs(file.read()).max() > 0.01


def test_without_fluidsynth_our_own_synthesizer_plays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sounding.shutil, "which", lambda name: None)
    made = api.compose(out=tmp_path / "x.mid", bars=2, seed=1, audio=tmp_path / "x.wav")
    assert made.facts["played_by"] == "recsys synthesizer"
    samples, _ = soundfile.read(tmp_path / "x.wav")
    assert np.abs(samples).max() > 0.1


def test_chords_are_those_that_were_asked(tmp_path: Path) -> None:
    made = composing.compose(stored(), Wish(bars=8, chords=[0, 63, 82, 45]), np.random.default_rng(0))
    assert made.chords.tolist() == [0, 0, 63, 63, 82, 82, 45, 45] * 2
    assert made.key == 0


def test_a_piece_goes_on_where_another_ends(tmp_path: Path) -> None:
    like = _saved(tmp_path / "a.mid", song(8).moved(2))
    api.compose(out=tmp_path / "x.mid", like=like, bars=6, seed=1)
    piece = read_midi(tmp_path / "x.mid")
    assert piece.key == 2
    assert piece.notes.offset.max() == pytest.approx(6 * 4 * 0.6, rel=0.02)
    assert _inside(tmp_path / "x.mid", 2) >= 0.95


def test_a_bridge_has_its_length_and_leads_better_than_chance(tmp_path: Path) -> None:
    first, second = _saved(tmp_path / "a.mid", song(8, 1)), _saved(tmp_path / "b.mid", song(8, 2))
    api.compose(out=tmp_path / "x.mid", like=first, to=second, bars=4, seed=1)
    assert read_midi(tmp_path / "x.mid").notes.offset.max() <= 4 * 4 * 0.6 + 1e-6


def test_the_manner_of_another_leaves_the_melody(tmp_path: Path) -> None:
    a, b = song(6, 1), song(6, 2)
    made = composing.restyle(stored(), a, b, Wish(bars=6), np.random.default_rng(0))
    mine = made.notes[made.notes[:, 1] == MELODY][:, [0, 2]]
    assert (mine == a.notes[a.notes[:, 1] == MELODY][:, [0, 2]]).all()
    assert (made.chords == a.chords).all()
    assert (made.notes[:, 1] != MELODY).sum() > 6


def test_copies_are_drawn_again_or_refused() -> None:
    kept = stored()
    wish = Wish(bars=8, key=0)
    draws = [composing.compose(kept, wish, np.random.default_rng(0))]
    known = kept._replace(learned=Learned.of(draws))
    again = composing.compose(known, wish, np.random.default_rng(0))
    assert copied(again, known.learned) < CEILING
    with pytest.raises(DataError, match="beats of a learned song"):
        composing.fresh(lambda: draws[0], known, 8)


def test_what_goes_on_follows_better_than_what_does_not() -> None:
    made = [composing.compose(stored(), Wish(bars=12, key=0), np.random.default_rng(seed)) for seed in range(3)]
    halves = [(one.part(0, 8), one.part(8, 12)) for one in made]
    right = [transition(stored(), first, second) for first, second in halves]
    wrong = [transition(stored(), halves[i][0], halves[(i + 1) % 3][1]) for i in range(3)]
    assert np.mean(right) > np.mean(wrong)


def test_a_transition_is_the_same_in_every_key() -> None:
    first, second = song(8, 1), song(4, 2)
    there = transition(stored(), first.moved(2), second.moved(2))
    assert there == pytest.approx(transition(stored(), first, second), abs=1e-4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"out": "x.wav"}, r"ends in \.mid"),
        ({"bars": 1}, "bars 1; expected 2 to 256"),
        ({"tempo": 5}, "tempo 5"),
        ({"temperature": 0}, "temperature 0"),
        ({"to": "self"}, "without --like"),
        ({"like": "none.mid"}, "no MIDI file none.mid"),
        ({"audio": "x.aiff"}, "expected a name that ends in"),
    ],
)
def test_what_cannot_be_is_said(tmp_path: Path, words: dict[str, object], message: str) -> None:
    here = _saved(tmp_path / "self.mid", song())
    words = {name: here if value == "self" else value for name, value in words.items()}
    with pytest.raises(DataError, match=message):
        api.compose(**{"out": tmp_path / "x.mid", **words})


def test_composing_needs_no_torch(tmp_path: Path) -> None:
    import subprocess

    code = (
        "import sys; from recsys import api; "
        f"api.compose(out={str(tmp_path / 'x.mid')!r}, bars=2); "
        "print([m for m in ('torch', 'librosa', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_shipped_composer_prefers_music_to_chance() -> None:
    kept: Stored = stored()
    calm = song(4)
    wild = replace(calm, notes=calm.notes.copy())
    wild.notes[:, 2] = np.random.default_rng(0).integers(21, 108, len(wild.notes))
    assert kept.composer.listen(calm)[1].mean() < kept.composer.listen(wild.moved(0))[1].mean() - 0.5
