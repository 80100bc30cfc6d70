"""What should be seen wherever a track is named: whether it is explicit, whether a machine made it, and its licence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.tables import Catalogue
from recsys.tables.catalogue import FLAGS


class Marks:
    """Marks and licences of tracks, kept as codes so that long lists carry them cheaply.

    >>> songs = Catalogue(pd.DataFrame({"explicit": [True, None, True], "generated": [None, False, True]}))
    >>> {name: list(column) for name, column in Marks(songs).columns(np.array([2, 1, 0])).items()}
    {'marks': ['explicit, generated', '', 'explicit']}
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.kept = {"marks": _marks(catalogue), "licence": _licences(catalogue)}

    def columns(self, rows: NDArray[Any]) -> dict[str, pd.Categorical]:
        """Columns ``marks`` and ``licence`` for some track rows; one that says nothing of any track is left out."""
        return {name: column.take(rows) for name, column in self.kept.items() if column is not None}

    def text(self, name: str, row: int) -> str | None:
        """One cell; None for nothing."""
        column = self.kept[name]
        value = None if column is None else column[row]
        return value if isinstance(value, str) and value else None


def _marks(catalogue: Catalogue) -> pd.Categorical | None:
    flagged = {
        flag: np.array([value is True or value is np.True_ for value in catalogue.values(flag)]) for flag in FLAGS
    }
    if not any(column.any() for column in flagged.values()):
        return None
    code = sum((column.astype(np.int8) << place for place, column in enumerate(flagged.values())), np.int8(0))
    names = [", ".join(f for i, f in enumerate(FLAGS) if which >> i & 1) for which in range(2 ** len(FLAGS))]
    return pd.Categorical.from_codes(code, names)


def _licences(catalogue: Catalogue) -> pd.Categorical | None:
    column = catalogue.frame["licence"]
    return pd.Categorical(column) if column.notna().any() else None
