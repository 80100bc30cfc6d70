"""What hearing costs: processor time per window against decoding alone, memory, and two workers against one.

Measured on music made by code, as stereo mp3 and ogg of 44.1 kHz; with ``RECSYS_BENCH_AUDIO=FOLDER`` in the
environment also on the sound files of a folder, as they are and as mp3. Times are of a worker as ``recsys analyze``
starts it, the least of three rounds of each file. Two workers are timed on 1,024 clips of 30 s, each a different
stretch of eight made pieces, through the whole of ``recsys analyze``.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from recsys.audio.analyse import analyse
from recsys.audio.decode import read
from recsys.audio.library import ANALYSE, PREPARE, analyze
from recsys.audio.scan import scan
from recsys.audio.workers import Task, Workers
from tests.audio.sounds import save
from tests.benchmarks import Row

RATE, BEAT = 44100, 0.5
WINDOW = 30.0
CLIPS, ROUNDS = 24, 3  # clips of each kind, rounds of each clip
SCALED, PIECES, MINUTES = 1024, 8, 3
HOURS = 2
FOLDER = "RECSYS_BENCH_AUDIO"
TIMED = "tests.benchmarks.analyse:timed"


def measure() -> list[Row]:
    """Each kind of file, then memory, then workers."""
    with TemporaryDirectory() as scratch:
        root = Path(scratch)
        rows = [cost(name, paths) for name, paths in kinds(root)]
        pieces = [frames(save(root / "piece.mp3", piece(seed, 60.0 * MINUTES), RATE)) for seed in range(PIECES)]
        return [*rows, *memory(root, pieces), workers(root, pieces)]


def kinds(root: Path) -> Iterator[tuple[str, list[Path]]]:
    """Names of kinds of file, with files of each."""
    pieces = [piece(seed, WINDOW) for seed in range(CLIPS)]
    for suffix in (".mp3", ".ogg"):
        yield (
            f"made {suffix[1:]}, 44.1 kHz stereo",
            [save(root / f"{n}{suffix}", p, RATE) for n, p in enumerate(pieces)],
        )
    if FOLDER in os.environ:
        found = [Path(file.path) for file in scan([os.environ[FOLDER]]).files]
        found = found[:: max(1, len(found) // CLIPS)]
        yield f"{len(found)} files of the folder as they are", found
        yield f"{len(found)} files of the folder as mp3", [_as_mp3(path, root / f"{path.stem}.mp3") for path in found]


def _as_mp3(path: Path, target: Path) -> Path:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return save(target, samples, rate)


def piece(seed: int, seconds: float) -> NDArray[np.float32]:
    """Chords with overtones over drums of noise, each voice elsewhere between left and right; (n, 2)."""
    rng = np.random.default_rng(seed)
    clock = np.arange(round(BEAT * RATE)) / RATE
    fade, hit = np.exp(-3 * clock), np.exp(-40 * clock)
    out = np.zeros((round(seconds / BEAT) * len(clock), 2), np.float32)
    for beat, block in enumerate(out.reshape(-1, len(clock), 2)):
        root = 110 * 2 ** (int(rng.choice([0, 3, 5, 7, 10])) / 12)
        for step, side in ((1, 0.5), (2, 0.3), (2 * 2 ** (1 / 3), 0.7), (3, rng.random())):
            tone = fade * sum(np.sin(2 * np.pi * root * step * k * clock) / k**1.5 for k in range(1, 9))
            block += 0.08 * np.outer(tone, (1 - side, side)).astype(np.float32)
        block += (0.15 if beat % 2 else 0.05) * hit[:, None] * rng.normal(0, 1, (len(clock), 2))
    return out[: round(seconds * RATE)]


def cost(name: str, paths: Sequence[Path]) -> Row:
    """Processor time per 30 s of sound, with decoding and without anything else."""
    reading = read(paths[0])
    with Workers(1, prepare=PREPARE) as pool:  # the first file is done twice: once to compile what is not compiled yet
        outcomes = list(pool.run(deque(Task(TIMED, str(path)) for path in (paths[0], *paths))))[1:]
    assert all(outcome.cause is None for outcome in outcomes), outcomes
    seconds, whole, decoding = map(sum, zip(*(outcome.value for outcome in outcomes), strict=True))
    windows = seconds / WINDOW
    whole, decoding = whole / windows, decoding / windows
    facts = f"{reading.rate} Hz, {reading.channels} channels, {windows:.0f} windows of 30 s"
    speed = f"{whole / decoding:.2f} x decoding, {WINDOW / whole:.0f} x real time on one core"
    numbers = (whole * 1e3, "CPU ms per window", "decoding alone", decoding * 1e3, decoding / whole)
    return Row(f"analyse {name}", *numbers, note=f"{speed}; {facts}")


def timed(path: str) -> tuple[float, float, float]:
    """Seconds of sound that a file gives, and of processor time to analyse and to decode it."""
    seconds = sum(sound.seconds for sound in read(path).sounds)
    return seconds, _least(lambda: analyse(path)), _least(lambda: read(path))


def _least(work: Callable[[], object]) -> float:
    took = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        took.append(time.process_time() - start)
    return min(took)


def frames(path: Path) -> list[bytes]:
    """The frames of an mp3, without what stands before and after them."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]


def memory(root: Path, pieces: Sequence[list[bytes]]) -> list[Row]:
    """The highest memory of a worker, without limits, after clips of 30 s and after a long file."""
    long, short = root / "long.mp3", root / "short.mp3"
    once = [frame for one in pieces for frame in one]
    long.write_bytes(b"".join(once) * max(1, round(HOURS * 60 / (MINUTES * PIECES))))
    short.write_bytes(b"".join(pieces[0][: len(pieces[0]) // (2 * MINUTES)]))
    rows = []
    with Workers(1, megabytes=1 << 20, prepare=PREPARE) as pool:
        for path, name in ((short, "a clip of 30 s"), (long, f"a file of {read(long).seconds / 3600:.1f} hours")):
            (outcome,) = pool.run(deque([Task(ANALYSE, str(path))]))
            assert outcome.cause is None, outcome.cause
            rows.append(Row(f"analyse, peak memory of a worker after {name}", outcome.megabytes, "MB"))
    return rows


def workers(root: Path, pieces: Sequence[list[bytes]]) -> Row:
    """Wall seconds of two workers against one, in turn, the least of two rounds each."""
    folder = root / "clips"
    folder.mkdir()
    share = SCALED // len(pieces)
    for number, one in enumerate(pieces):
        length = len(one) // (2 * MINUTES)
        for place in range(share):
            start = place * (len(one) - length) // share
            (folder / f"{number}-{place}.mp3").write_bytes(b"".join(one[start : start + length]))
    seconds = {count: [_timed(folder, root / f"features-{count}-{turn}", count) for turn in (0, 1)] for count in (1, 2)}
    one_worker, two = min(seconds[1]), min(seconds[2])
    note = f"{share * len(pieces):,} clips of 30 s, from files to features; start of the workers included"
    return Row("analyse, two workers", two, "s", "one worker", one_worker, one_worker / two, note)


def _timed(folder: Path, out: Path, count: int) -> float:
    start = time.perf_counter()
    facts = analyze([folder], out, workers=count)
    assert not facts["failed"], facts
    return time.perf_counter() - start
