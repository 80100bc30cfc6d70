"""Whom to forget: how their id is found in columns, in text and in names of files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from recsys.playlists.names import safe_name
from recsys.sources.columns import ALIASES, plain
from recsys.tables import IdMap

COLUMNS = {"userid", *ALIASES["user_id"]}
SHORTEST = 3  # letters of an id that is looked for as a word; shorter ones and numbers are words like any other
MASK = "(listener)"


@dataclass(frozen=True)
class Who:
    """A listener by id.

    >>> ann = Who("ann7")
    >>> ann.row(IdMap(["ann", "ann7", "bo"])), ann.named("ann7 + bo"), ann.named("ann77")
    (1, True, False)
    >>> ann.masked("data/out/ann7/evening.m3u8")
    'data/out/(listener)/evening.m3u8'
    """

    id: str

    def row(self, users: IdMap) -> int:
        """Their row, −1 where they are not."""
        return int(users.rows([self.id], missing="mark")[0])

    def named(self, text: str) -> bool:
        """Whether a cell or a folder's name is theirs, alone or as one of a household."""
        parts = text.split(" + ")
        return self.id in parts or safe_name(self.id, "listener") in parts

    @cached_property
    def searchable(self) -> bool:
        """Whether their id can be told from other words."""
        return len(self.id) >= SHORTEST and not self.id.isdigit()

    @cached_property
    def word(self) -> re.Pattern[bytes]:
        """Their id as a word of its own, in UTF-8."""
        return re.compile(rb"(?<![\w-])" + re.escape(self.id.encode()) + rb"(?![\w-])")

    def masked(self, text: str) -> str:
        """A text without their id."""
        shown = self.word.sub(MASK.encode(), str(text).encode()).decode()
        return shown if self.searchable else str(text)


def is_listener(column: str) -> bool:
    """Whether a column of that name says who listens."""
    return plain(column) in COLUMNS
