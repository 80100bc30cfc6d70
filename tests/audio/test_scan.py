"""Files are found whatever the folders look like, and known by their sound whatever their tags and names."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.audio import mpeg
from recsys.audio.containers import look
from recsys.audio.ids import identify
from recsys.audio.scan import scan
from recsys.audio.tags import read_tags
from recsys.errors import DataError
from tests.audio.sounds import corrupt, id3, noise, retag_m4a, save, text

MBID = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"


def names(*folders: Path) -> list[str]:
    return [os.path.basename(file.path) for file in scan(folders).files]


def test_sound_files_are_found_by_suffix(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for name in ["b.MP3", "a.flac", "deep/c.opus", "deep/er/d.m4a", "cover.jpg", "._a.flac", "e.wav.txt"]:
        (tmp_path / name).touch()
    assert names(tmp_path) == ["a.flac", "b.MP3", "c.opus", "d.m4a"]
    assert names(tmp_path / "deep", tmp_path) == ["a.flac", "b.MP3", "c.opus", "d.m4a"]
    assert names(tmp_path / "cover.jpg") == ["cover.jpg"]


def test_link_loops_end_and_dangling_links_are_told(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.mp3").touch()
    (tmp_path / "in" / "loop").symlink_to(tmp_path)
    (tmp_path / "self.mp3").symlink_to(tmp_path / "self.mp3")
    (tmp_path / "gone.mp3").symlink_to(tmp_path / "nothing.mp3")
    found = scan([tmp_path])
    assert [os.path.basename(file.path) for file in found.files] == ["a.mp3"]
    causes = {os.path.basename(path): cause for path, cause in found.problems.items()}
    assert causes == {
        "gone.mp3": "a link that leads nowhere: No such file or directory",
        "self.mp3": "a link that leads nowhere: Too many levels of symbolic links",
    }


def test_what_is_no_regular_file_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp3")
    (tmp_path / "folder.mp3").mkdir()
    assert list(scan([tmp_path]).problems.values()) == ["not a regular file"]


def test_an_unreadable_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.mp3").touch()
    (tmp_path / "closed").mkdir()
    whole = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return whole(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = scan([tmp_path])
    assert [os.path.basename(file.path) for file in found.files] == ["a.mp3"]
    assert found.problems == {str(tmp_path / "closed"): "folder cannot be read: Permission denied"}


def test_a_name_that_is_not_text_is_told(tmp_path: Path) -> None:
    try:
        with open(os.fsencode(tmp_path) + b"/caf\xe9.mp3", "wb"):
            pass
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    assert list(scan([tmp_path]).problems.values()) == ["the name is not valid UTF-8; rename the file"]


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no .*nowhere; expected a folder of sound files"):
        scan([tmp_path / "nowhere"])


def _retag_mp3(path: Path) -> Path:
    other = path.with_name("other.mp3")
    ape = bytes(8) + b"APETAGEX" + (2000).to_bytes(4, "little") + (40).to_bytes(4, "little") + bytes(16)
    tail = ape + b"TAG" + b"title".ljust(125, b"\0")
    first, second = id3((b"TIT2", text("new title"))), id3((b"TPE1", text("x" * 5000)))
    other.write_bytes(first + second + path.read_bytes() + tail)
    return other


def _retag_flac(path: Path) -> Path:
    data = path.read_bytes()
    padding = b"\x01" + (500).to_bytes(3, "big") + bytes(500)
    other = path.with_name("other.flac")
    other.write_bytes(data[:4] + data[4:42] + padding + data[42:])  # after the stream information
    return other


def _retag_ogg(path: Path) -> Path:
    other = path.with_name("other.ogg")
    with soundfile.SoundFile(other, "w", 22050, 1) as file:
        file.title = "a title " * 2000
        file.write(noise(4))
    return other


def _retag_wav(path: Path) -> Path:
    data = path.read_bytes()
    chunk = b"LIST" + (16).to_bytes(4, "little") + b"INFOINAM" + (4).to_bytes(4, "little") + b"new\0"
    other = path.with_name("other.wav")
    other.write_bytes(data[:4] + (len(data) + len(chunk) - 8).to_bytes(4, "little") + data[8:] + chunk)
    return other


def _retag_m4a(path: Path) -> Path:
    return retag_m4a(path, path.with_name("other.m4a"), "another title, much longer than before")


RETAG: dict[str, Callable[[Path], Path]] = {
    ".mp3": _retag_mp3,
    ".flac": _retag_flac,
    ".ogg": _retag_ogg,
    ".wav": _retag_wav,
    ".m4a": _retag_m4a,
}


@pytest.mark.parametrize("suffix", RETAG)
def test_new_tags_do_not_change_the_sound(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"a{suffix}", noise(4))
    other = RETAG[suffix](path)
    assert other.read_bytes() != path.read_bytes()
    assert look(str(other)).digest == look(str(path)).digest


@pytest.mark.parametrize("suffix", [*RETAG, ".opus", ".aiff"])
def test_another_sound_has_another_digest(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"a{suffix}", noise(4))
    before = look(str(path))
    assert before.kind is not None
    assert not before.cut
    corrupt(path, 10)
    assert look(str(path)).digest != before.digest


def test_tags_are_read_and_cleaned(tmp_path: Path) -> None:
    ufid = b"http://musicbrainz.org\0" + MBID.encode()
    tag = id3(
        (b"TIT2", text("  Blue\x07  Moon ")),
        (b"TPE1", text("Ann")),
        (b"TALB", text("x" * 10_000)),
        (b"TDRC", text("1997-05-21")),
        (b"TSRC", text("GB-AYE-06-01498")),
        (b"UFID", ufid),
    )
    path = save(tmp_path / "a.mp3", noise(4))
    path.write_bytes(tag + path.read_bytes())
    tags = read_tags(str(path))
    assert (tags.title, tags.artist, tags.year, tags.isrc, tags.mbid) == (
        "Blue Moon",
        "Ann",
        1997,
        "GBAYE0601498",
        MBID,
    )
    assert len(tags.album or "") == 500
    assert tags.cut
    assert tags.duration == pytest.approx(4.0, abs=0.1)


def test_tags_of_other_formats(tmp_path: Path) -> None:
    with soundfile.SoundFile(tmp_path / "a.flac", "w", 22050, 1) as file:
        file.title, file.artist, file.date = "Song", "Bo", "2001"
        file.write(noise(4))
    assert (read_tags(str(tmp_path / "a.flac")).title, read_tags(str(tmp_path / "a.flac")).year) == ("Song", 2001)
    save(tmp_path / "a.m4a", noise(4), title="Lied", artist="Bo")
    assert (read_tags(str(tmp_path / "a.m4a")).title, read_tags(str(tmp_path / "a.m4a")).artist) == ("Lied", "Bo")


@pytest.mark.parametrize("code", ["", "GBAYE060149", "000000000000", "not an isrc at all"])
def test_a_wrong_isrc_is_no_isrc(tmp_path: Path, code: str) -> None:
    path = save(tmp_path / "a.mp3", noise(1))
    path.write_bytes(id3((b"TSRC", text(code))) + path.read_bytes())
    assert read_tags(str(path)).isrc is None


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=600), st.sampled_from([b"", b"ID3\x04\0\0\0\0\x02\0", b"fLaC", b"OggS\0", b"RIFF1234WAVEfmt "])
)
def test_any_bytes_can_be_looked_at(tmp_path_factory: pytest.TempPathFactory, body: bytes, head: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.mp3"
    path.write_bytes(head + body + b"\0")
    identity = identify(str(path))
    assert len(identity.digest) == 64


@given(st.lists(st.binary(min_size=1, max_size=3000), max_size=5))
def test_counting_frames_does_not_depend_on_the_parts(parts: list[bytes]) -> None:
    frame = b"\xff\xfb\x90\x00" + bytes(413)
    stream = b"".join(3 * frame + part.replace(b"\xff", b"\0") for part in parts) + 3 * frame
    whole = mpeg.count(iter([stream]))
    pieces = mpeg.count(iter([stream[start : start + 6000] for start in range(0, len(stream), 6000)]))
    assert (whole.junk, whole.cut) == (pieces.junk, pieces.cut) == (sum(map(len, parts)), False)
    assert whole.seconds == pytest.approx(pieces.seconds)
    assert whole.seconds == pytest.approx(3 * (len(parts) + 1) * 1152 / 44100)


def test_frames_of_every_kind_have_the_right_length() -> None:
    assert mpeg.FRAME[0xFB << 8 | 0x90] == (417, pytest.approx(1152 / 44100))  # 128 kbit/s at 44.1 kHz
    assert mpeg.FRAME[0xFB << 8 | 0x92] == (418, pytest.approx(1152 / 44100))  # padded
    assert mpeg.FRAME[0xF3 << 8 | 0x40][0] == 72 * 32000 // 22050  # MPEG-2, 32 kbit/s at 22.05 kHz
    assert not mpeg.is_frame(b"\xff\xff\xff\xff")


def test_an_empty_file_has_no_identity(tmp_path: Path) -> None:
    (tmp_path / "a.mp3").touch()
    with pytest.raises(DataError, match="the file is empty"):
        identify(str(tmp_path / "a.mp3"))
