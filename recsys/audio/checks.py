"""What is wrong with a file, as named flags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recsys.audio.containers import SUFFIXES_OF, Container
from recsys.audio.tags import Tags

if TYPE_CHECKING:
    from recsys.audio.decode import Reading

FLAGS = {
    "truncated": "ends before its header or its structure says, or sound inside its length did not come",
    "damaged": "bytes inside are no sound or have another checksum, or the decoder stumbled",
    "wrong_length": "the length that is there and the declared one differ by more than a second and 2 %",
    "wrong_suffix": "the content is of another format than the name tells",
    "not_finite": "NaN or infinite samples, taken as 0",
    "silent": "no sample above −60 dB of full scale",
    "clipped": "more than one sample in a thousand at full scale",
    "dc_offset": "the mean of a channel is more than 2 % of full scale away from 0",
    "too_short": "less than 3 seconds: too short for tempo and key",
    "low_rate": "fewer than 16,000 samples per second: no high frequencies",
    "low_resolution": "8 bits a sample",
    "many_channels": "more than 2 channels, mixed to one",
    "long_tags": "a tag of more than 500 characters, cut",
}
JUNK = 1000
CLIPPED_SHARE = 1e-3
QUIET = 1e-3
OFFSET = 0.02
SHORT = 3.0


def of_file(path: str, container: Container, tags: Tags) -> list[str]:
    """Flags that show without decoding; ``path`` for its suffix."""
    more = container.seconds - tags.duration if container.seconds and tags.duration else 0.0
    differ = container.seconds and tags.duration and _differ(container.seconds, tags.duration)
    suffix = "." + path.rsplit(".", 1)[-1].lower()
    raised = {
        "truncated": container.cut or (differ and more < 0),
        "damaged": container.junk > JUNK or container.broken > 0,
        "wrong_length": differ and more > 0,
        "wrong_suffix": container.kind is not None and suffix not in SUFFIXES_OF[container.kind],
        "long_tags": tags.cut,
    }
    return [name for name in FLAGS if raised.get(name)]


def of_sound(reading: Reading, declared: float | None) -> list[str]:
    """Flags that show when a file is decoded.

    Args:
        reading: its windows.
        declared: its length in seconds by its header; None when unknown.
    """
    levels = reading.levels
    raised = {
        "truncated": reading.missing > 1.0,
        "damaged": reading.errors > 0,
        "wrong_length": declared is not None and _differ(reading.seconds, declared),
        "not_finite": levels.not_finite > 0,
        "silent": levels.peak < QUIET,
        "clipped": levels.clipped > CLIPPED_SHARE * levels.samples,
        "dc_offset": levels.offset > OFFSET,
        "too_short": sum(sound.seconds for sound in reading.sounds) < SHORT,
        "low_rate": reading.rate < 16_000,
        "low_resolution": reading.bits == 8,
        "many_channels": reading.channels > 2,
    }
    return [name for name in FLAGS if raised.get(name)]


def _differ(one: float, other: float) -> bool:
    return abs(one - other) > max(1.0, 0.02 * max(one, other))
