"""Titles and artists as people write them in, the same text for the same song out."""

from __future__ import annotations

import re
import unicodedata

BRACKETS = re.compile(r"[(\[{].*?[)\]}]")
AFTER_DASH = re.compile(
    r"\s[-–—]\s[^-–—]*\b(re-?master|live|mix|remix|edit|version|mono|stereo|acoustic|demo|instrumental|take)\w*\b.*$"
)
GUESTS = re.compile(r"\s(feat|ft|featuring)\b\.?\s.*$")
WORD = re.compile(r"\w+")


def plain_title(title: object) -> str:
    """A title without brackets, guests, accents and what tells one version from another; "" when there is none.

    >>> plain_title("Déjà Vu (Live at Home)"), plain_title("Deja vu - 2011 Remaster"), plain_title("(Untitled)")
    ('deja vu', 'deja vu', 'untitled')
    """
    text = _simple(title)
    short = GUESTS.sub("", AFTER_DASH.sub("", BRACKETS.sub(" ", text)))
    return _words(short) or _words(text)


def plain_artist(artist: object) -> str:
    """An artist without guests, accents and a leading article; "" when there is none.

    >>> plain_artist("The Ánn Band feat. Bo"), plain_artist(None)
    ('ann band', '')
    """
    return _words(GUESTS.sub("", _simple(artist))).removeprefix("the ")


def _simple(text: object) -> str:
    if not isinstance(text, str):
        return ""
    apart = unicodedata.normalize("NFKD", text.replace("'", "").replace("’", ""))
    return "".join(c for c in apart if not unicodedata.combining(c)).casefold()


def _words(text: str) -> str:
    return " ".join(WORD.findall(text))
