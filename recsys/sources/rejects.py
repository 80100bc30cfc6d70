"""Rows that can't be used: kept with file, line and reason, and counted against the share that is allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from recsys.errors import DataError

LISTED = 1_000_000
FORGOTTEN = "forgotten listener"  # the reason of rows that are no fault of the file's
SHOWN = 60


def shown(value: object) -> str:
    """A found value for a message: quoted, on one line, cut to a readable length.

    >>> shown("a" * 100)[-6:]
    "aaaa…'"
    """
    text = repr(value if isinstance(value, (str, int, float)) else str(value))
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 2]}…{text[-1]}"


class Rejects:
    """Collects bad rows while files are read; the first million are listed, the rest is counted.

    A reason reads ``what is wrong: value``; what stands before the colon is what is counted together.

    >>> rejects = Rejects()
    >>> rejects.add("plays", "a.csv", [(3, "count is negative: '-1'")])
    >>> rejects.saw("plays", 2)
    >>> rejects.check("plays", 0.05)
    Traceback (most recent call last):
    ...
    recsys.errors.DataError: 1 of 2 plays rows (50.0 %) can't be used; at most 5.0 % may be bad. Most often: count is \
negative (1 times, e.g. a.csv line 3: count is negative: '-1'). Repair the file, map the right columns in recsys.toml \
[ingest.columns], or raise ingest.max_reject_share
    """

    def __init__(self) -> None:
        self.rows: list[tuple[str, int, str]] = []
        self.reasons: dict[str, Counter[str]] = {}
        self.examples: dict[tuple[str, str], str] = {}
        self.seen: Counter[str] = Counter()

    def saw(self, what: str, rows: int) -> None:
        """Count rows read, good and bad, of one kind of input."""
        self.seen[what] += rows

    def add(self, what: str, file: str | Path, faults: Iterable[tuple[int, str]]) -> None:
        """Keep bad rows of one file as (line, reason)."""
        counter = self.reasons.setdefault(what, Counter())
        for line, reason in faults:
            kind = reason.partition(":")[0]
            counter[kind] += 1
            self.examples.setdefault((what, kind), f"{file} line {line}: {reason}")
            if len(self.rows) < LISTED:
                self.rows.append((str(file), int(line), reason))

    def count(self, what: str) -> int:
        """How many rows of one kind of input were refused."""
        return sum(self.reasons.get(what, Counter()).values())

    @property
    def total(self) -> int:
        """How many rows were refused altogether."""
        return sum(map(self.count, self.reasons))

    def check(self, what: str, allowed: float) -> None:
        """Refuse to go on when too much of one kind of input is bad.

        Raises:
            DataError: the share of bad rows is above ``allowed``; names the commonest reason with an example.
        """
        faults = self.reasons.get(what, Counter()) - Counter({FORGOTTEN: self.count(what)})
        bad = sum(faults.values())
        seen = self.seen[what] - self.count(what) + bad
        if not bad or bad <= allowed * seen:
            return
        kind, times = faults.most_common(1)[0]
        raise DataError(
            f"{bad:,} of {seen:,} {what} rows ({bad / max(seen, 1):.1%}".replace("%", " %")
            + f") can't be used; at most {allowed * 100:.1f} % may be bad. Most often: {kind} ({times:,} times, e.g. "
            f"{self.examples[what, kind]}). Repair the file, map the right columns in recsys.toml [ingest.columns], "
            "or raise ingest.max_reject_share"
        )

    def frame(self) -> pd.DataFrame:
        """One row per listed reject: file, line (1-based, as an editor shows it), reason; in reading order."""
        made = pd.DataFrame(self.rows, columns=["file", "line", "reason"])
        return made.astype({"file": object, "line": "int64", "reason": object})
