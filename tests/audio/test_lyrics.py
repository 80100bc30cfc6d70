"""Words of songs: beside the file or in it, in any encoding, never an error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.audio.lyrics import LONGEST, lyrics_of, plain, state

pytest.importorskip("tinytag")


def tagged(path: Path, words: str) -> Path:
    """An mp3 of nothing but a tag of version 2.3 with words in it."""
    body = b"\x01eng\xff\xfe\x00\x00" + words.encode("utf-16")
    frame = b"USLT" + len(body).to_bytes(4, "big") + b"\0\0" + body
    size = bytes((len(frame) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    path.write_bytes(b"ID3\x03\x00\x00" + size + frame)
    return path


def test_words_in_the_tags_are_found_but_a_file_beside_is_believed(tmp_path: Path) -> None:
    song = tagged(tmp_path / "song.mp3", "Тихое море\n[00:01.00]piano")
    assert lyrics_of(song) == "Тихое море\npiano"
    (tmp_path / "song.txt").write_text("from text")
    assert lyrics_of(song) == "from text"
    (tmp_path / "song.lrc").write_text("[ti:x]\n[00:01.50]from lrc")
    assert lyrics_of(song) == "from lrc"
    (tmp_path / "song.lrc").write_text("[00:01.50]\n")
    assert lyrics_of(song) == "from text", "an empty file says nothing"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_any_usual_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.txt").write_bytes("déjà vu".encode(encoding))
    assert lyrics_of(tmp_path / "a.flac") == "déjà vu"


def test_what_is_no_text_or_cannot_be_read_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(bytes(range(256)) * 10)
    (tmp_path / "b.txt").mkdir()
    for name in ("a.mp3", "b.mp3", "none.mp3"):
        assert lyrics_of(tmp_path / name) is None


def test_very_long_words_are_cut_between_characters(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("京" * 10 * LONGEST)
    assert lyrics_of(tmp_path / "a.mp3") == "京" * LONGEST


def test_a_change_beside_a_file_is_seen(tmp_path: Path) -> None:
    songs = [tmp_path / "a.mp3", tmp_path / "b.mp3"]
    assert state(songs) == []
    (tmp_path / "a.lrc").write_text("one")
    before = state(songs)
    os.utime(tmp_path / "a.lrc", ns=(1, 1))
    assert len(before) == 1
    assert state(songs) != before


@given(st.text(max_size=300))
def test_any_text_gives_lines_that_can_be_printed(text: str) -> None:
    found = plain(text)
    assert found is None or all(line.isprintable() and line.strip() for line in found.split("\n"))
    assert found is None or plain(found) in (found, None) or "[" in text or "<" in text
