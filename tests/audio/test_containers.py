"""Damage that shows without decoding: checksums of Ogg pages and of FLAC frames."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys.audio import checks, flac
from recsys.audio.containers import look
from recsys.audio.kernels import crc16
from recsys.audio.tags import read_tags
from tests.audio.sounds import noise, save, sweep

CHECKED = [".ogg", ".opus", ".flac"]


@pytest.fixture(scope="module", params=CHECKED)
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("whole") / f"a{request.param}", noise(12.0))


def flags(path: Path) -> list[str]:
    return checks.of_file(str(path), look(str(path)), read_tags(str(path)))


def test_whole_files_have_right_checksums(whole: Path) -> None:
    found = look(str(whole))
    assert (found.broken, found.cut, found.junk) == (0, False, 0)
    assert flags(whole) == []


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0.1, 0.98), bit=st.integers(0, 7))
def test_one_flipped_bit_is_damage(whole: Path, tmp_path: Path, place: float, bit: int) -> None:
    data = bytearray(whole.read_bytes())
    data[int(place * len(data))] ^= 1 << bit
    other = tmp_path / f"b{whole.suffix}"
    other.write_bytes(data)
    assert {"damaged", "truncated"} & set(flags(other))


def test_a_missing_page_is_damage(tmp_path: Path) -> None:
    data = save(tmp_path / "a.ogg", noise(12.0)).read_bytes()
    starts = [place for place in range(len(data)) if data[place : place + 4] == b"OggS"]
    (tmp_path / "b.ogg").write_bytes(data[: starts[4]] + data[starts[5] :])
    assert "damaged" in flags(tmp_path / "b.ogg")


def test_frames_are_found_wherever_parts_end(tmp_path: Path) -> None:
    data = save(tmp_path / "a.flac", sweep(5.0)).read_bytes()
    (start, length), *_ = look(str(tmp_path / "a.flac")).regions
    sound = data[start : start + length]
    counts = {flac.count(iter([sound])).frames}
    for step in (997, 5000, 20_000):
        found = flac.count(sound[place : place + step] for place in range(0, length, step))
        assert (found.broken, found.cut) == (0, False)
        counts.add(found.frames)
    assert counts == {-(-5 * 22050 // 4096)}


def test_a_cut_frame_is_told(tmp_path: Path) -> None:
    data = save(tmp_path / "a.flac", noise(5.0)).read_bytes()
    (start, length), *_ = look(str(tmp_path / "a.flac")).regions
    found = flac.count(iter([data[start : start + length - 300]]))
    assert found.cut
    assert found.broken == 0


@given(st.binary(max_size=70))
def test_the_checksum_is_that_of_long_division(data: bytes) -> None:
    register = 0
    for byte in data:
        register ^= byte << 8
        for _ in range(8):
            register = (register << 1) ^ (0x18005 if register & 0x8000 else 0)
    assert crc16(data) == register
    assert crc16(data + struct.pack(">H", register)) == 0


def test_noise_is_no_flac() -> None:
    data = np.random.default_rng(0).integers(0, 256, 300_000, dtype=np.uint8).tobytes()
    assert flac.count(iter([data])).frames <= 2
