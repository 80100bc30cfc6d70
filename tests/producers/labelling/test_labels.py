"""Tables of labels, good and broken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recsys.errors import DataError
from recsys.producers.labelling.labels import read_labels
from recsys.producers.labelling.targets import target_of


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    for name in "abcdef":
        (tmp_path / f"{name}.wav").write_bytes(b"x")
    return tmp_path


def table(audio: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path = audio / "labels.csv"
    path.write_bytes("\n".join(lines).encode(encoding))
    return path


def test_rows_that_cannot_be_used_are_told_with_line_and_reason(audio: Path) -> None:
    lines = ["audio_file,genre,artist", "a.wav,jazz,x", "b.wav,rock,y", "none.wav,rock,y", ",jazz,y", "a.wav,rock,x",
             "c.wav,jazz", "d.wav,polka,z", "e.wav,Jazz,z", "f.wav,ROCK,q"]  # fmt: skip
    found = read_labels(table(audio, *lines), audio, ["genre"])
    assert found.paths == ("a.wav", "b.wav", "e.wav", "f.wav")
    assert found.targets["genre"].classes == ("Jazz", "ROCK")
    assert found.targets["genre"].codes.tolist() == [0, 1, 0, 1]
    assert found.grouped_by == "artist"
    reasons = dict(found.rejects)
    assert sorted(reasons) == [4, 5, 6, 7, 8]
    assert "no such file: 'none.wav'" in reasons[4]
    assert "missing" in reasons[5]
    assert "listed before, in line 2" in reasons[6]
    assert "2 cells, expected 3" in reasons[7]
    assert "1 file, expected 2 or more: 'polka'" in reasons[8]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
def test_marks_and_encodings(audio: Path, mark: str, encoding: str) -> None:
    lines = ["audio_file,genre", "a.wav,Fado é", "b.wav,rock", "c.wav,rock", "d.wav,Fado é"]
    path = table(audio, *(line.replace(",", mark) for line in lines), encoding=encoding)
    assert read_labels(path, audio, ["genre"]).targets["genre"].classes == ("Fado é", "rock")


def test_missing_labels_are_unknown_and_files_without_any_are_left_out(audio: Path) -> None:
    lines = ["audio_file,genre,speed", "a.wav,jazz,1.5", "b.wav,,2.5", "c.wav,jazz,NA", "d.wav,rock,", "e.wav,nan,?",
             "f.wav,rock,3"]  # fmt: skip
    found = read_labels(table(audio, *lines), audio, ["genre", "speed"])
    assert found.paths == ("a.wav", "b.wav", "c.wav", "d.wav", "f.wav")
    assert found.targets["genre"].known.tolist() == [True, False, True, True, True]
    assert found.targets["speed"].kind == "numeric"
    assert found.targets["speed"].values[:, 0].tolist()[:2] == [1.5, 2.5]
    assert found.rejects == ()


def test_numbers_are_learned_together(audio: Path) -> None:
    lines = ["audio_file,valence,arousal", "a.wav,0.1,-1", "b.wav,x,1", "c.wav,inf,0", "d.wav,0.3,0.5", "e.wav,0.2,"]
    found = read_labels(table(audio, *lines), audio, numbers=True)
    target = found.targets["emotion"]
    assert target.classes == ("valence", "arousal")
    assert np.isnan(target.values).sum() == 3
    assert [line for line, _ in found.rejects] == [3, 4]


def test_files_outside_the_folder_are_not_taken(audio: Path) -> None:
    outside = audio.parent / "outside.wav"
    outside.write_bytes(b"x")
    ways = ["../outside.wav", f"../{audio.name}/../outside.wav", str(outside)]
    inside = [f"../{audio.name}/a.wav", str(audio / "b.wav"), "c.wav", "./d.wav"]
    lines = [f"{path},{'jazz' if place % 2 else 'rock'}" for place, path in enumerate([*ways, *inside])]
    found = read_labels(table(audio, "audio_file,genre", *lines), audio, ["genre"])
    assert found.paths == ("a.wav", "b.wav", "c.wav", "d.wav")
    assert ["leads out of the folder" in reason for _, reason in found.rejects] == [True] * 3


@pytest.mark.parametrize(
    ("lines", "targets", "message"),
    [
        ([""], ["genre"], "is empty"),
        (["audio_file,genre"], ["genre"], "no row that can be used"),
        (["audio_file,genre", "no.wav,jazz"], ["genre"], "no such file: 'no.wav'"),
        (["track,genre", "a.wav,jazz"], ["genre"], "no column 'audio_file' that names the files; found 'track, genre'"),
        (["audio_file,genre", "a.wav,jazz"], ["gnere"], "did you mean genre"),
        (["audio_file,genre", "a.wav,jazz"], [], "no target is named"),
        (["audio_file,genre", "a.wav,jazz", "b.wav,jazz"], ["genre"], "only the class 'jazz'"),
        (["audio_file,genre", "a.wav,jazz", "b.wav,rock"], ["genre"], "no class with 2 files"),
        (["audio_file,genre", "a.wav,", "b.wav,"], ["genre"], "has no label"),
        (["audio_file,x,x", "a.wav,1,2"], ["x"], "'x' twice"),
        (["audio_file,tags", "a.wav,x;y", "b.wav,x;y"], ["tags"], "no tag that"),
        (["audio_file,genre", "a.wav,jazz"], ["audio_file"], "names the files"),
        (["audio_file,problem", "a.wav,x", "b.wav,y", "c.wav,x", "d.wav,y"], ["problem"], "column 'problem' twice"),
        (
            ["audio_file,g,g_a", "a.wav,a_1,1", "b.wav,b,2", "c.wav,a_1,1", "d.wav,b,2"],
            ["g", "g_a"],
            "column 'p_g_a_1' twice",
        ),
    ],
)
def test_what_cannot_be_learned_is_said_in_one_line(
    audio: Path, lines: list[str], targets: list[str], message: str
) -> None:
    with pytest.raises(DataError) as error:
        read_labels(table(audio, *lines), audio, targets)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_table(audio: Path) -> None:
    (audio / "labels.csv").write_bytes(bytes(range(256)) * 400)
    with pytest.raises(DataError) as error:
        read_labels(audio / "labels.csv", audio, ["genre"])
    assert len(str(error.value)) < 600


def test_words_are_no_emotions(audio: Path) -> None:
    path = table(audio, "audio_file,mood,flat", "a.wav,sad,1", "b.wav,happy,1")
    with pytest.raises(DataError, match="learn classification"):
        read_labels(path, audio, ["mood"], numbers=True)
    with pytest.raises(DataError, match="1 everywhere"):
        read_labels(path, audio, ["flat"], numbers=True)


def test_unknown_group_column(audio: Path) -> None:
    path = table(audio, "audio_file,mood,artist", "a.wav,sad,1", "b.wav,glad,1", "c.wav,sad,2", "d.wav,glad,2")
    with pytest.raises(DataError, match="did you mean artist"):
        read_labels(path, audio, ["mood"], "artits")


def test_what_is_learned_is_no_group(audio: Path) -> None:
    path = table(audio, "audio_file,mood", "a.wav,sad", "b.wav,glad", "c.wav,sad", "d.wav,glad")
    with pytest.raises(DataError, match="both name 'mood'"):
        read_labels(path, audio, ["mood"], "mood")


def test_files_of_unknown_group_are_their_own(audio: Path) -> None:
    lines = ["audio_file,g,band", "a.wav,x,q", "b.wav,y,q", "c.wav,x,", "d.wav,y,"]
    found = read_labels(table(audio, *lines), audio, ["g"], "band")
    assert len(np.unique(found.groups)) == 3
    assert found.groups[0] == found.groups[1]


def test_lists_in_json_are_tags() -> None:
    target = target_of("t", ["['a', 'b']", "[]", '["a"]', "", "['b']"], print)
    assert target.kind == "multi"
    assert target.values[:, 0].tolist()[:3] == [1, 0, 1]
    assert target.known.tolist() == [True, True, True, False, True]


def test_few_whole_numbers_are_classes_and_many_are_numbers() -> None:
    assert target_of("t", ["1", "2", "1", "2"], print).kind == "single"
    assert target_of("t", [str(i) for i in range(40)], print).kind == "numeric"
