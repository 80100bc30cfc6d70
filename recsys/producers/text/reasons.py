"""Tracks that a search found in, what matched of each in words out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recsys.producers.text.index import LABELS, NAMES, TextIndex
from recsys.producers.text.search import NEARNESS, Asked, Found, whole_name
from recsys.producers.text.spelling import distance, edits_forgiven
from recsys.tables.predicted import CHANCE, PREDICTED, SIGMA, listed, targets
from recsys.tables.words import squashed, tokens

if TYPE_CHECKING:
    from recsys.tables import Catalogue


def reasons(index: TextIndex, catalogue: Catalogue, found: Found) -> list[str]:
    """What matched of each track found, in words."""
    return [
        _reason(index, catalogue, found, int(row), float(near))
        for row, near in zip(found.rows, found.meaning, strict=True)
    ]


def _reason(index: TextIndex, catalogue: Catalogue, found: Found, row: int, near: float) -> str:
    told = [_told_name(index, found.asked, row)] if row in found.names else []
    where = _where(index, found.asked, row)
    for name, places in where.items():
        if name in NAMES and row in found.names:
            continue
        told += [_matched(index, catalogue, name, places, row)]
    if near >= NEARNESS and not where:
        told += [f"near in meaning ({near:.2f})", *_labels(catalogue, row)]
    return "; ".join(told)


def _where(index: TextIndex, asked: Asked, row: int) -> dict[str, list[int]]:
    """Fields in which words of the query stand at a track."""
    found: dict[str, list[int]] = {}
    for term in asked.terms:
        for place in term.places:
            for name, matrix in index.fields.items():
                rows = matrix.indices[matrix.indptr[place] : matrix.indptr[place + 1]]  # sorted
                at = int(np.searchsorted(rows, row))
                if at < len(rows) and rows[at] == row:
                    found.setdefault(name, []).append(place)
    return found


def _matched(index: TextIndex, catalogue: Catalogue, name: str, places: list[int], row: int) -> str:
    """A field and what of it matched: the labels themselves, or the words."""
    words = {index.words[place] for place in places}
    if name == "predicted":
        return ", ".join(_predictions(catalogue, words, row))
    if name in LABELS and name in catalogue.frame:
        labels = [str(label) for label in listed(catalogue.values(name)[row])]
        return f"{name} {', '.join(label for label in labels if _says(label, words))}"
    return f"{name} {', '.join(sorted(words))}"


def _predictions(catalogue: Catalogue, words: set[str], row: int) -> list[str]:
    """Predicted labels that have one of the words, each with its chance."""
    told = []
    for target in targets(catalogue.frame):
        start = f"{CHANCE}{target}_"
        for column in map(str, catalogue.frame):
            if column.startswith(start) and _says(column.removeprefix(start).replace("_", " "), words):
                chance = float(catalogue.values(column)[row])
                label = column.removeprefix(start).replace("_", " ")
                told += [f"{target} {label}, predicted with {100 * chance:.0f} %"] if chance == chance else []
        if not told and f"{target}{PREDICTED}" in catalogue.frame and f"{target}{SIGMA}" not in catalogue.frame:
            labels = map(str, listed(catalogue.values(f"{target}{PREDICTED}")[row]))
            told += [f"{target} {label}, predicted" for label in labels if _says(label, words)]
    return told


def _says(label: str, words: set[str]) -> bool:
    return bool(words & {*tokens(label), squashed(label)})


def _labels(catalogue: Catalogue, row: int) -> list[str]:
    """The first few labels of a track, for a person to see what it is."""
    labels = [str(label) for name in ("genre", "tags") for label in listed(catalogue.values(name)[row])]
    return [", ".join(labels[:3])] if labels else []


def _told_name(index: TextIndex, asked: Asked, row: int) -> str:
    """ "title", "artist" or both, and how they are spelt where the query spells them otherwise."""
    wholes = {name: whole_name(index, row, [name]) for name in NAMES}
    same = [name for name, whole in wholes.items() if whole and whole == asked.name]
    if same:
        return " and ".join(same)
    near = [name for name, whole in wholes.items() if whole and _close(asked.name, whole)]
    return f"{' and '.join(near)}, spelt otherwise" if near else "artist and title"


def _close(text: str, whole: str) -> bool:
    most = edits_forgiven(text)
    return bool(most) and distance(text, whole, most) <= most
