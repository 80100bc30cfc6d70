"""Tables of listeners, whatever they say of them, to one row per listener of the log."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recsys.settings import Ingest
from recsys.sources.cells import decoded
from recsys.sources.chunks import Chunk
from recsys.sources.coding import Ids
from recsys.sources.columns import find, missing
from recsys.sources.faulty import Faulty
from recsys.sources.read import Progress, guarded, open_source
from recsys.sources.rejects import FORGOTTEN, Rejects
from recsys.tables import IdMap


class ListenersReader:
    """Reads tables with a listener id; every other column is something that is known of them.

    The first row of an id counts. Columns of a text file in which every value is a number become numbers. Listeners
    that no log mentions are listeners without plays.
    """

    def __init__(self, users: Ids, settings: Ingest, rejects: Rejects, forgotten: Container[Any] | None = None) -> None:
        self.users, self.settings, self.rejects, self.forgotten = users, settings, rejects, forgotten
        self.pieces: list[tuple[int, pd.DataFrame]] = []
        self.counts = {"duplicate_listeners": 0}

    def read(self, files: list[Path], progress: Progress | None = None) -> None:
        """Read files one after another.

        Raises:
            DataError: no listener id, an unreadable file, or more bad rows than the settings allow.
        """
        for number, file in enumerate(files, 1):
            source = open_source(file)
            found = find(source.names, self.settings.columns, ["user_id"])
            if not found:
                raise missing(file, source.names, ["user_id"], "listeners")
            for chunk in guarded(source, source.chunks(source.names)):
                self._keep(file, chunk, found["user_id"])
            if progress:
                progress("listeners", number, len(files))
        self.rejects.check("listeners", self.settings.max_reject_share)

    def _keep(self, file: Path, chunk: Chunk, column: str) -> None:
        faulty = Faulty(chunk)
        ids = faulty.ids(column, "user")
        faulty.unwanted(ids, self.forgotten, FORGOTTEN)
        self.rejects.saw("listeners", faulty.seen)
        self.rejects.add("listeners", file, faulty.rows())
        told = {name: decoded(values).to_pandas() for name, values in chunk.columns.items() if name != column}
        frame = pd.DataFrame(told, index=range(len(chunk.lines)))
        self.pieces.append((self.users.add(ids.take(faulty.good)), frame.loc[faulty.good]))

    def frame(self, users: IdMap) -> pd.DataFrame | None:
        """One row per user, missing where no table tells; None when no table was read."""
        if not self.pieces:
            return None
        frame = pd.concat([piece for _, piece in self.pieces], ignore_index=True)
        rows = np.concatenate([self.users.rows(number) for number, _ in self.pieces])
        first = ~pd.Series(rows).duplicated().to_numpy()
        self.counts["duplicate_listeners"] = int((~first).sum())
        laid = frame[first].set_axis(rows[first]).reindex(range(len(users)))
        return pd.DataFrame({str(name): _numbers_if_all(laid[name]) for name in laid})


def _numbers_if_all(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column of text that is numbers throughout as numbers; other text with None where there is none."""
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        return column
    values = column.astype(object).where(column.notna() & (column.astype(str).str.strip() != ""), None)
    numbers = pd.to_numeric(values, errors="coerce")
    whole = bool((numbers.notna() == values.notna()).all()) and not values.map(lambda v: isinstance(v, bool)).any()
    return numbers.astype(float) if whole else values
