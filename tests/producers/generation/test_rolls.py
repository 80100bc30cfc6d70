from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.errors import DataError
from recsys.producers.generation.rolls import KEYS, moved, of_piece, part_of, read_folder, read_rolls
from recsys.producers.notation import read_midi
from tests.producers.generation.pieces import roll, rolls, save_midi, save_rolls


def test_rolls_are_read_back(tmp_path: Path) -> None:
    made = rolls()
    read = read_rolls(save_rolls(tmp_path / "r.npz", made))
    assert [len(part) for part in read] == [12, 2, 1]
    assert all((a == b).all() for one, other in zip(read, made, strict=True) for a, b in zip(one, other, strict=True))
    assert read.digest == made.digest


@pytest.mark.parametrize(
    ("held", "message"),
    [
        ({"train": np.zeros((4, 12)), "train_len": np.array([4])}, "expected \\(steps, 88\\)"),
        ({"train": np.zeros((4, 88)), "train_len": np.array([3])}, "adds up to 3"),
        ({"train": np.zeros((4, 88))}, "adds up to None"),
        ({"train": np.full((4, 88), 2), "train_len": np.array([4])}, "beside 0 and 1"),
        ({"train": np.zeros((4, 88)), "train_len": np.array([4])}, "no pieces of 'valid'"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, held: dict[str, np.ndarray], message: str) -> None:
    np.savez(tmp_path / "x.npz", **held)
    with pytest.raises(DataError, match=message):
        read_rolls(tmp_path / "x.npz")


def test_no_file_and_no_archive_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected an \.npz"):
        read_rolls(tmp_path / "none.npz")
    (tmp_path / "bad.npz").write_bytes(b"no archive")
    with pytest.raises(DataError, match=r"no \.npz"):
        read_rolls(tmp_path / "bad.npz")


def test_midi_becomes_steps_of_its_beats(tmp_path: Path) -> None:
    slow = of_piece(read_midi(save_midi(tmp_path / "slow.mid", beat=0.75)))
    assert slow.shape == (64, KEYS)
    assert (slow == roll(4)).all()


def test_a_folder_is_parted_by_its_folders_or_by_content(tmp_path: Path) -> None:
    for part, count in (("train", 3), ("valid", 1), ("test", 1)):
        for number in range(count):
            save_midi(tmp_path / "named" / part / f"{number}.mid", shift=number)
    assert [len(part) for part in read_folder(tmp_path / "named")] == [3, 1, 1]
    for bars in range(1, 5):
        for shift in range(12):
            save_midi(tmp_path / "loose" / f"{bars}-{shift}.mid", bars, shift)
    (tmp_path / "loose" / "torn.mid").write_bytes(b"MThd")
    loose = read_folder(tmp_path / "loose")
    assert sum(map(len, loose)) == 48
    assert all(part_of(piece) == part for part, pieces in zip(loose._fields, loose, strict=True) for piece in pieces)


def test_too_little_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a folder"):
        read_folder(tmp_path / "none")
    with pytest.raises(DataError, match=r"no .mid file"):
        read_folder(tmp_path)
    save_midi(tmp_path / "one.mid")
    with pytest.raises(DataError, match="some ten MIDI files"):
        read_folder(tmp_path)


@given(st.integers(-20, 20))
def test_moving_back_gives_the_same(steps: int) -> None:
    made = roll(1)
    assert (moved(moved(made, steps), -steps) == made).all()
    assert moved(made, steps).sum() == made.sum()
