"""A sound file in, the words that are sung in it out: from a file of the same name beside it, or from its tags."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from pathlib import Path

BESIDE = (".lrc", ".txt")  # of the same name, the first that is there
LONGEST = 20_000  # characters
STAMP = re.compile(r"[\[<]\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?[\]>]")  # [01:02.50] of a line, <01:02.50> of a word
ABOUT = re.compile(r"(?m)^\s*\[[a-zA-Z#]{1,8}:[^\]\n]*\]\s*$")  # [ar:Ann]


def lyrics_of(path: str | Path) -> str | None:
    """The words of a song, None where nobody wrote them down; never an error.

    Looked for in ``song.lrc``, then ``song.txt`` beside ``song.mp3``, then in the tags of the file.
    """
    for place in beside(path):
        try:
            with open(place, "rb") as file:
                found = plain(_decoded(file.read(4 * LONGEST)))
        except OSError:
            continue
        if found:
            return found
    return plain(_of_tags(path))


def beside(path: str | Path) -> list[Path]:
    """The files beside a sound file that may hold its words.

    >>> beside("nowhere/song.mp3")
    []
    """
    places = [Path(path).with_suffix(ending) for ending in BESIDE] if Path(path).name else []
    return [place for place in places if place.is_file()]


def state(paths: Iterable[str | Path]) -> list[tuple[str, int, int]]:
    """Name, size and time of change of all files beside some, so that a change is seen."""
    found = ((place, place.stat()) for path in paths for place in beside(path))
    return [(str(place), facts.st_size, facts.st_mtime_ns) for place, facts in found]


def plain(text: str) -> str | None:
    """Words without times and notes of the format LRC, None where nothing is left.

    >>> plain("[ar:Ann]\\n[00:12.00]Calm <00:13.5>sea\\n\\n[00:20]\\x00Calm"), plain("[00:01]\\n")
    ('Calm sea\\nCalm', None)
    """
    spoken = STAMP.sub("", ABOUT.sub("", text[: 4 * LONGEST]))
    lines = ("".join(c for c in line if c.isprintable() or c == "\t") for line in spoken.splitlines())
    kept = "\n".join(words for line in lines if (words := " ".join(line.split())))
    return kept[:LONGEST] or None


def _decoded(content: bytes) -> str:
    """UTF-8 with or without a mark, else UTF-16 with one, else Latin-1; what is no text at all is empty."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace")
    if b"\0" in content:
        return ""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        whole = error.start >= len(content) - 4  # only the last character was cut
        return content.decode("utf-8-sig", "ignore") if whole else content.decode("latin-1")


def _of_tags(path: str | Path) -> str:
    from tinytag import TinyTag

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            other = {name.lower(): values for name, values in (TinyTag.get(str(path)).other or {}).items()}
    except Exception:  # whatever a broken tag makes of a parser: the file has no words then
        return ""
    known = (other[name] for name in ("lyrics", "unsyncedlyrics", "unsynced lyrics") if other.get(name))
    return str(next(iter(next(known, [""])), ""))
