"""Text as people write it in, words and pieces of words out; the same rules for every language and every reader.

Case, accents and width don't count. Scripts without spaces between words (Han, Kana, Thai, …) and Hangul give single
characters and pairs of neighbours, which find a word wherever it stands in a run of text.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

ACCENTS = re.compile("[\u0300-\u036f]+")  # of Latin, Greek and Cyrillic; other scripts need their marks
SILENT = re.compile("['’ʼ`´]")
MARKS = (
    "\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc"
    "\u0711\u0730-\u074a\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963\u0980-\u0983\u09bc-\u09cd\u09d7"
    "\u0a01-\u0a03\u0a3c-\u0a51\u0a70\u0a71\u0a75\u0a81-\u0a83\u0abc-\u0acd\u0b01-\u0b03\u0b3c-\u0b57\u0b82"
    "\u0bbe-\u0bcd\u0bd7\u0c00-\u0c04\u0c3c-\u0c56\u0c81-\u0c83\u0cbc-\u0cd6\u0d00-\u0d03\u0d3b-\u0d4d\u0d57"
    "\u0d81-\u0d83\u0dca-\u0ddf\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd\u0f18-\u0fbc"
    "\u102b-\u103e\u1056-\u1059\u17b4-\u17d3\u1920-\u193b\u3099\u309a"
)
WORD = re.compile(f"[^\\W_][^\\W_{MARKS}]*(?:[{MARKS}]+[^\\W_]*)*")
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+"
)


@lru_cache(maxsize=1 << 15)
def folded(text: str) -> str:
    """Text without case, accents, apostrophes and forms of width.

    >>> folded("Déjà  Vu"), folded("Don’t"), folded("ﾎﾞｳｲ"), folded("Ⅳ")
    ('deja  vu', 'dont', 'ボウイ', 'iv')
    """
    if text.isascii():
        return text.replace("'", "").replace("`", "").lower()
    apart = unicodedata.normalize("NFKD", SILENT.sub("", text))
    return unicodedata.normalize("NFC", ACCENTS.sub("", apart)).casefold().replace("ø", "o").replace("ł", "l")


@lru_cache(maxsize=1 << 15)
def tokens(text: str) -> tuple[str, ...]:
    """Words in the order of the text, and of runs without spaces their characters and pairs of neighbours.

    >>> tokens("Hip-Hop & R'n'B (2011)"), tokens("東京の夜")
    (('hip', 'hop', 'rnb', '2011'), ('東', '東京', '京', '京の', 'の', 'の夜', '夜'))
    """
    found = WORD.findall(folded(text))
    if text.isascii():
        return tuple(found)
    return tuple(piece for word in found for piece in _pieces(word))


def _pieces(word: str) -> list[str]:
    made: list[str] = []
    end = 0
    for run in UNSPACED.finditer(word):
        made += [word[end : run.start()]] if run.start() > end else []
        end = run.end()
        made += _neighbours(run[0])
    return [*made, word[end:]] if end < len(word) else made


def _neighbours(run: str) -> list[str]:
    """Characters with their marks, and pairs of them."""
    single = re.findall(f"[^{MARKS}][{MARKS}]*", run) or [run]
    made: list[str] = []
    for place, one in enumerate(single):
        made += [one, one + single[place + 1]] if place + 1 < len(single) else [one]
    return made


def squashed(text: str) -> str:
    """Text as one word, so that "Hip-Hop", "hip hop" and "HipHop" are the same.

    >>> squashed("Hip-Hop"), squashed("hip hop"), squashed("!!!")
    ('hiphop', 'hiphop', '')
    """
    return "".join(WORD.findall(folded(text)))


def grams(word: str, size: int = 3) -> tuple[str, ...]:
    """Overlapping pieces of a word, its ends marked, so that words spelt alike share most of them.

    >>> grams("jazz")
    ('^ja', 'jaz', 'azz', 'zz$')
    """
    marked = f"^{word}$"
    return tuple(marked[i : i + size] for i in range(max(1, len(marked) - size + 1)))
