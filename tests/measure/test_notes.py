"""How heard notes are scored, and what a mistake is called."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from recsys.audio.sound import RATE, Sound
from recsys.producers.notation import Notes
from tests.measure.notes import measured, mistakes, score, singles, table

TRUTH = Notes.of([(0.0, 0.5, 60, 80), (1.0, 1.5, 64, 80), (2.0, 2.5, 67, 80), (3.0, 3.5, 72, 80)])


class Told:
    """A model that hears the same whatever there is."""

    name, speed = "told@1", 1.0

    def __init__(self, notes: Notes) -> None:
        self.told = notes

    def notes(self, sounds: list[Sound]) -> Notes:
        """What it was told."""
        return self.told


def test_mistakes_are_named_by_what_is_near() -> None:
    rows = [(0.0, 0.5, 60, 80), (0.01, 0.5, 72, 80), (1.0, 1.5, 65, 80), (2.2, 2.5, 67, 80), (3.0, 3.5, 60, 80)]
    rows += [(3.0, 3.4, 77, 80), (8.0, 8.5, 50, 80)]
    counts = mistakes(TRUTH, Notes.of(rows))
    assert counts == {
        "right": 1, "missed": 3, "octave above": 1, "semitone": 1, "same pitch at another time": 1, "octave below": 1,
        "another interval": 1, "nothing near": 1,
    }  # fmt: skip
    assert mistakes(TRUTH, Notes.none())["missed"] == 4


def test_scores_are_between_nothing_and_all() -> None:
    assert score(TRUTH, TRUTH) == (1, 1, 1, 1)
    assert score(TRUTH, Notes.none()) == (0, 0, 0, 0)
    assert score(Notes.none(), Notes.none()) == (1, 1, 1, 1)
    later = Notes(TRUTH.onset + 0.049, TRUTH.offset + 0.2, TRUTH.pitch, TRUTH.velocity, TRUTH.confidence)
    assert score(TRUTH, later) == pytest.approx((1, 1, 1, 0))


def test_folders_are_measured(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    soundfile.write(tmp_path / "a.wav", np.zeros(RATE), RATE)
    facts = {"clip": ["a"], "audio_file": ["a.wav"], "duration_s": [1.0], "midi_pitch": [64.0], "instrument": ["harp"]}
    pd.DataFrame(facts).to_csv(tmp_path / "labels.csv")
    columns = {"onset_s": TRUTH.onset, "offset_s": TRUTH.offset, "midi_pitch": TRUTH.pitch}
    pd.DataFrame(columns).to_csv(tmp_path / "notes" / "a.csv")
    half = TRUTH.take(np.array([0, 1]))
    clips, counts = measured(tmp_path, Told(half))
    assert clips["recall"].tolist() == [0.5]
    assert counts == {"right": 2, "missed": 2}
    assert "1.000 [1.000, 1.000]" in table([tmp_path], Told(half))[0]
    sure = Notes(half.onset, half.offset, half.pitch, half.velocity, np.float32([0.4, 0.9]))
    assert "pitch right 1.000" in singles(tmp_path, Told(sure))
    assert "silent" in singles(tmp_path, Told(Notes.none()))
