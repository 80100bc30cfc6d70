"""Scores and what is played from them keep their beats."""

from pathlib import Path

import numpy as np

from tests.measure.perform import _midi
from tests.measure.scores import abc, midi_parts, musicxml

XML = """<score-partwise><part id="P1"><measure number="1"><attributes><divisions>2</divisions>
<time><beats>6</beats><beat-type>8</beat-type></time></attributes>
<note><pitch><step>A</step><octave>4</octave></pitch><duration>3</duration></note>
<note><chord/><pitch><step>C</step><alter>1</alter><octave>5</octave></pitch><duration>3</duration></note>
<note><pitch><step>B</step><octave>4</octave></pitch><duration>3</duration></note></measure>
<measure number="2"><note><pitch><step>A</step><octave>4</octave></pitch><duration>6</duration></note></measure>
</part></score-partwise>"""


def test_midi_is_read_as_it_was_written(tmp_path: Path) -> None:
    notes = np.array([[0.5, 0.9, 60, 80], [1.0, 2.5, 64, 90]])
    (tmp_path / "a.mid").write_bytes(_midi([(0, 5, notes)]))
    np.testing.assert_allclose(midi_parts(tmp_path / "a.mid")[0], notes[:, :3], atol=0.001)


def test_compound_metres_count_dotted_beats(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(XML)
    score = musicxml(tmp_path / "a.xml")
    np.testing.assert_allclose(score.parts[0], [[0, 1, 69], [0, 1, 73], [1, 1, 71], [2, 2, 69]])
    assert score.bars.tolist() == [True, False, True, False]


def test_abc_knows_tuplets_dots_and_keys(tmp_path: Path) -> None:
    (tmp_path / "a.abc").write_text("X:1\nM:2/4\nL:1/8\nK:D\nF2 (3ABc|d>c A2|\n")
    score = abc(tmp_path / "a.abc")
    assert score.parts[0][:, 2].tolist() == [66, 69, 71, 73, 74, 73, 69]
    np.testing.assert_allclose(score.parts[0][:, 0], [0, 1, 4 / 3, 5 / 3, 2, 2.75, 3], atol=1e-6)
    assert score.bars.tolist() == [True, False, True, False]
