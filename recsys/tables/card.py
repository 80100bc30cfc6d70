"""A dataset in, its data card out: sources, rows, rejects, time span, what is known of tracks, what of listeners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.tables.catalogue import FLAGS, LISTS
from recsys.tables.dataset import LAYERS, Dataset

NAME = "SUMMARY.md"
FILES = 20  # sources of one kind that are named
KINDS = 20  # values and reasons that are told apart
FORGET = "`recsys forget --user ID` takes one listener out of it, and writes a proof."
CHANGED = "\nA listener was forgotten since; the counts above are from before.\n"
TERMS = (
    "Under which licence or terms the sources came is not recorded here, so it counts as unknown: whoever has the "
    "sources has to know it."
)


def data_card(dataset: Dataset, rejects: pd.DataFrame, inputs: Mapping[str, Mapping[str, str]]) -> str:
    """The card of a folder of tables, as Markdown.

    Args:
        rejects: file, line, reason of the rows that could not be used.
        inputs: path and sha256 of the sources by kind.
    """
    parts = [
        f"# Tables: {counted(dataset)}",
        "## Sources\n\n" + (_sources(inputs) or "No file of rows."),
        "## Rows\n\n" + rows(dataset),
        "## Rows that could not be used\n\n" + _rejects(rejects),
        "## What is known of the tracks\n\n" + _columns(dataset.catalogue.frame, "tracks"),
        *_contents(dataset),
        "## Licences and marks\n\n" + licences(dataset.catalogue.frame) + f"\n\n{TERMS}",
        "## Listeners\n\n" + _people(dataset),
    ]
    return "\n\n".join(parts) + "\n"


def counted(dataset: Dataset) -> str:
    """How much there is, in words.

    >>> import numpy as np
    >>> from recsys.tables import Catalogue, IdMap, Interactions
    >>> counted(Dataset(Interactions.empty(IdMap([]), IdMap(["x"])), Catalogue.empty(1)))
    '0 plays of 1 tracks by 0 listeners'
    """
    return f"{len(dataset.plays):,} plays of {len(dataset.tracks):,} tracks by {len(dataset.users):,} listeners"


def rows(dataset: Dataset) -> str:
    """Rows, tracks and time span of each layer, as a Markdown table."""
    layers = {name: getattr(dataset, name) for name in LAYERS}
    found = []
    for name, part in layers.items():
        if part is not None:
            first, last = ("", "") if name == "playlists" else span(part.time)
            found.append((name, f"{len(part):,}", _distinct(part.user), _distinct(part.track), first, last))
    return table(("layer", "rows", "listeners (lists)", "tracks", "first", "last"), found)


def _distinct(rows: NDArray[Any]) -> str:
    return f"{np.count_nonzero(np.bincount(rows)):,}"


def span(time: Any) -> tuple[str, str]:
    """The first and the last day of some times in Unix seconds; empty texts where there are none.

    >>> span([86_400, 0]), span(None)
    (('1970-01-01', '1970-01-02'), ('', ''))
    """
    if time is None or not len(time):
        return "", ""
    first, last = (datetime.fromtimestamp(float(edge), UTC).date().isoformat() for edge in (np.min(time), np.max(time)))
    return first, last


def table(heads: Sequence[str], lines: Sequence[Sequence[object]]) -> str:
    """A Markdown table.

    >>> print(table(("name", "rows"), [("a|b", 3)]))
    | name | rows |
    |---|---|
    | a\\|b | 3 |
    """
    told = [[" ".join(str(cell).split()).replace("|", "\\|") for cell in line] for line in lines]
    return (
        "\n".join(f"| {' | '.join(line)} |" for line in [heads])
        + "\n"
        + "\n".join([f"|{'---|' * len(heads)}", *(f"| {' | '.join(line)} |" for line in told)])
    )


def licences(frame: pd.DataFrame) -> str:
    """How many tracks have which licence and mark."""
    lines = []
    for name in ("licence", *FLAGS):
        values = frame[name].dropna().astype(str)
        found = values.value_counts()
        order = sorted(found.index, key=lambda value: (-int(found[value]), value))
        lines += [(name, value, f"{int(found[value]):,}") for value in order[:KINDS]]
        left = len(values) - int(found[order[:KINDS]].sum())
        lines += [(name, "others", f"{left:,}")] if left else []
        lines.append((name, "not said", f"{len(frame) - len(values):,}"))
    return table(("column", "value", "tracks"), lines)


def _sources(inputs: Mapping[str, Mapping[str, str]]) -> str:
    lines = []
    for kind, files in inputs.items():
        lines += [(kind, Path(path).name, f"`{digest[:16]}`") for path, digest in sorted(files.items())[:FILES]]
        lines += [(kind, f"and {len(files) - FILES:,} more, see manifest.json", "")] if len(files) > FILES else []
    return table(("kind", "file", "sha256 begins with"), lines) if lines else ""


def _rejects(rejects: pd.DataFrame) -> str:
    """Rejects by reason, without the values that reasons quote: these may be somebody's."""
    if not len(rejects):
        return "None."
    found = rejects["reason"].astype(str).str.partition(":")[0].value_counts()
    order = sorted(found.index, key=lambda reason: (-int(found[reason]), reason))
    told = table(("reason", "rows"), [(reason, f"{int(found[reason]):,}") for reason in order[:KINDS]])
    return f"{told}\n\nEach with its file and line in `rejects.parquet`."


def _columns(frame: pd.DataFrame, noun: str) -> str:
    """How much of each column is known."""
    known = {str(name): frame[name].map(_filled) if name in LISTS else frame[name].notna() for name in frame}
    lines = [(name, f"{int(each.sum()):,}", _missing(each)) for name, each in known.items() if each.any()]
    empty = [f"`{name}`" for name, each in known.items() if not each.any()]
    told = table(("column", f"{noun} with it", "missing"), lines) if lines else f"Nothing but the ids of {noun}."
    return told + (f"\n\nNothing in {', '.join(empty)}." if empty else "")


def _missing(known: Any) -> str:
    return f"{100 * (1 - known.mean()):.1f} %" if len(known) else ""


def _filled(value: Any) -> bool:
    """Whether a cell of lists says something."""
    return hasattr(value, "__len__") and len(value) > 0


def _contents(dataset: Dataset) -> list[str]:
    spaces = sorted(dataset.contents.items())
    lines = [
        (name, space.vectors.shape[1], f"{int(space.known.sum()):,}", _missing(space.known)) for name, space in spaces
    ]
    return ["## Content spaces\n\n" + table(("space", "numbers", "tracks with it", "missing"), lines)] if lines else []


def _people(dataset: Dataset) -> str:
    held = f"These tables hold the ids of {len(dataset.users):,} listeners and every row of theirs counted above."
    if dataset.listeners is None or not len(dataset.listeners.columns):
        return f"{held} Nothing else is known of them. {FORGET}"
    return f"{held} Beyond that:\n\n{_columns(dataset.listeners, 'listeners')}\n\n{FORGET}"
