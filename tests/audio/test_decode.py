"""Windows of every format lie where they should; every broken file fails with its cause or is flagged."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from recsys.audio.checks import FLAGS, of_sound
from recsys.audio.decode import Levels, duration, read, spread, windows
from recsys.audio.ids import identify
from recsys.audio.sound import RATE, Sound
from recsys.errors import DataError
from tests.audio.sounds import corrupt, cut, id3, noise, save, sweep, text

SUFFIXES = [".wav", ".flac", ".ogg", ".aiff", ".mp3", ".m4a", ".opus"]


def flags(path: Path) -> set[str]:
    """All flags of a file, as the catalogue has them."""
    identity = identify(str(path))
    return {*identity.flags, *of_sound(read(path), identity.tags.duration)}


def pitch(sound: Sound, second: float) -> float:
    """Hz in the half second around ``second`` of the file."""
    middle = round((second - sound.start) * RATE)
    part = sound.samples[middle - RATE // 4 : middle + RATE // 4]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 1 << 17))
    return float(spectrum.argmax() * RATE / (1 << 17))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_windows_lie_where_they_should(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"a{suffix}", sweep(40, 48000, 2), 48000)
    found = windows(path, count=3, seconds=5.0)
    assert [round(sound.start, 1) for sound in found] == pytest.approx([4.2, 17.5, 30.8], abs=0.15)
    for sound in found:
        assert sound.seconds == pytest.approx(5.0, abs=0.05)
        assert (sound.samples.dtype, sound.rate) == (np.float32, RATE)
        second = sound.start + 2.5
        assert pitch(sound, second) == pytest.approx(300 + 20 * second, abs=1.5)  # 75 ms
    assert duration(path) == pytest.approx(40.0, abs=0.2)
    assert flags(path) == set()


def test_a_short_file_comes_whole(tmp_path: Path) -> None:
    found = windows(save(tmp_path / "a.wav", sweep(7)), count=3, seconds=5.0)
    assert [(sound.start, sound.seconds) for sound in found] == [(0.0, 3.5), (3.5, 3.5)]


@given(st.floats(0.01, 10_000), st.integers(1, 9), st.floats(1, 60))
def test_a_plan_stays_inside_the_file(total: float, count: int, seconds: float) -> None:
    plan = spread(total, count, seconds)
    ends = [start + length for start, length in plan]
    assert plan[0][0] >= -1e-6
    assert ends[-1] <= total + 1e-6
    assert all(length <= seconds + 1e-6 for _, length in plan)
    assert all(start >= end - 1e-6 for (start, _), end in zip(plan[1:], ends, strict=False))
    assert sum(length for _, length in plan) == pytest.approx(min(total, count * seconds))


@pytest.mark.parametrize("rate", [4000, 8000, 44100, 192_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_any_rate_and_number_of_channels(tmp_path: Path, rate: int, channels: int) -> None:
    path = save(tmp_path / "a.wav", sweep(8, rate, channels), rate)
    (sound,) = windows(path)
    assert pitch(sound, 4.0) == pytest.approx(380, abs=1)
    assert np.abs(sound.samples).max() == pytest.approx(0.3, abs=0.02)
    expected = {"low_rate"} if rate < 16_000 else set()
    assert flags(path) == expected | ({"many_channels"} if channels > 2 else set())


Maker = Callable[[Path], Path]


def _not_finite(folder: Path) -> Path:
    samples = sweep(5)
    samples[1000:1100] = np.nan
    samples[2000] = np.inf
    return save(folder / "a.wav", samples, subtype="FLOAT")


def _clipped(folder: Path) -> Path:
    return save(folder / "a.wav", np.clip(5 * sweep(5), -1, 1))


def _renamed(folder: Path, before: str, after: str) -> Path:
    return save(folder / f"a{before}", noise(5)).rename(folder / f"a{after}")


def _long_tags(folder: Path) -> Path:
    path = save(folder / "a.mp3", noise(5))
    path.write_bytes(id3((b"TIT2", text("x" * 10_000)), (b"TPE1", text("\0" * 10_000))) + path.read_bytes())
    return path


def _glued(folder: Path) -> Path:
    path = save(folder / "a.mp3", noise(10))
    path.write_bytes(2 * path.read_bytes())
    return path


FLAWED: dict[str, tuple[Maker, set[str]]] = {
    "truncated mp3": (lambda f: cut(save(f / "a.mp3", noise(20)), 0.4), {"truncated"}),
    "truncated ogg": (lambda f: cut(save(f / "a.ogg", noise(20)), 0.6), {"truncated"}),
    "truncated opus": (lambda f: cut(save(f / "a.opus", noise(20)), 0.6), {"truncated"}),
    "truncated wav": (lambda f: cut(save(f / "a.wav", noise(20)), 0.4), {"truncated"}),
    "truncated aiff": (lambda f: cut(save(f / "a.aiff", noise(20)), 0.4), {"truncated"}),
    "truncated flac": (lambda f: cut(save(f / "a.flac", noise(20)), 0.4), {"truncated"}),
    "corrupt mp3": (lambda f: corrupt(save(f / "a.mp3", noise(20))), {"damaged"}),
    "corrupt ogg": (lambda f: corrupt(save(f / "a.ogg", noise(20))), {"damaged"}),
    "corrupt opus": (lambda f: corrupt(save(f / "a.opus", noise(20))), {"damaged"}),
    "corrupt flac": (lambda f: corrupt(save(f / "a.flac", noise(20))), {"damaged"}),
    "corrupt m4a": (lambda f: corrupt(save(f / "a.m4a", noise(20))), {"damaged"}),
    "NaN samples": (_not_finite, {"not_finite"}),
    "silence": (lambda f: save(f / "a.wav", 0 * sweep(5)), {"silent"}),
    "a tenth of a second": (lambda f: save(f / "a.wav", sweep(0.1)), {"too_short"}),
    "8 bits": (lambda f: save(f / "a.wav", sweep(5), subtype="PCM_U8"), {"low_resolution"}),
    "clipped": (_clipped, {"clipped"}),
    "an offset": (lambda f: save(f / "a.wav", sweep(5) + 0.1), {"dc_offset"}),
    "wav named mp3": (lambda f: _renamed(f, ".wav", ".mp3"), {"wrong_suffix"}),
    "m4a named flac": (lambda f: _renamed(f, ".m4a", ".flac"), {"wrong_suffix"}),
    "mp3 named ogg": (lambda f: _renamed(f, ".mp3", ".ogg"), {"wrong_suffix"}),
    "long tags": (_long_tags, {"long_tags"}),
    "two mp3 glued": (_glued, {"wrong_length"}),
}


@pytest.mark.parametrize("name", FLAWED)
def test_a_flawed_file_is_flagged(tmp_path: Path, name: str) -> None:
    make, expected = FLAWED[name]
    path = make(tmp_path)
    found = flags(path)
    assert expected <= found
    assert found - expected <= {"truncated", "damaged", "wrong_length"}
    for sound in windows(path):
        assert np.isfinite(sound.samples).all()


def _random(folder: Path) -> Path:
    path = folder / "a.mp3"
    path.write_bytes(np.random.default_rng(0).bytes(100_000))
    return path


def _empty(folder: Path) -> Path:
    path = folder / "a.wav"
    path.touch()
    return path


def _words(folder: Path) -> Path:
    path = folder / "a.m4a"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nother.mp3\n#EXT-X-ENDLIST\n")
    return path


def _bare_header(folder: Path) -> Path:
    return cut(save(folder / "a.wav", np.zeros((0, 1), np.float32)), 1.0)


HOPELESS: dict[str, tuple[Maker, str]] = {
    "random bytes": (_random, "not a sound file of a known format"),
    "zero bytes": (_empty, "the file is empty"),
    "a playlist": (_words, "not a sound file of a known format"),
    "no samples": (_bare_header, "no sound in it could be decoded"),
    "truncated m4a": (lambda f: cut(save(f / "a.m4a", noise(20)), 0.4), "not a sound file of a known format"),
}


@pytest.mark.parametrize("name", HOPELESS)
def test_a_hopeless_file_fails_with_its_cause(tmp_path: Path, name: str) -> None:
    make, cause = HOPELESS[name]
    with pytest.raises(DataError, match=cause):
        windows(make(tmp_path))


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_never_pass_unnoticed(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(b"\xff\xfb\x90\x00" + np.random.default_rng(seed).bytes(30_000))
    with suppress(DataError):
        assert flags(path)


def test_an_unreadable_file_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        windows(tmp_path / "gone.wav")
    with pytest.raises(IsADirectoryError):
        windows(tmp_path)


def test_an_absurd_rate_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 10)
    with pytest.raises(DataError, match="10 samples per second; expected 1000 to 768000"):
        windows(tmp_path / "a.wav")


def test_every_flag_is_raised_by_some_file() -> None:
    raised = {flag for _, expected in FLAWED.values() for flag in expected} | {"low_rate", "many_channels"}
    assert raised == set(FLAGS)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=5))
def test_levels_do_not_depend_on_the_blocks(sizes: list[int]) -> None:
    samples = np.random.default_rng(sum(sizes)).uniform(-1, 1, (sum(sizes), 2)).astype(np.float32)
    whole, parts = Levels(), Levels()
    whole.take_in(samples)
    for part in np.split(samples, np.cumsum(sizes)[:-1]):
        parts.take_in(part)
    assert (whole.samples, whole.clipped, whole.peak) == (parts.samples, parts.clipped, parts.peak)
    assert whole.offset == pytest.approx(parts.offset, abs=1e-5)
