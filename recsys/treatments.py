"""A dataset in, the same with some content blocks removed, permuted, made noise or cut to what is their own, out.

Each treatment takes something else away: ``removed`` all, ``permuted`` what a block says beyond popularity and genre,
``noise`` all but its size and spread, ``residual`` what the other blocks say as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.models.blocks import NOT_CONTENT, NUMBERS, WORDS, Block, blocks
from recsys.tables import Catalogue, Dataset, Embeddings
from recsys.tables.predicted import is_predicted

TREATMENTS = ("removed", "permuted", "noise", "residual")
DECILES = 10
DIMENSIONS = 64  # of words, condensed
RIDGES = np.logspace(-6, 2, 25)  # shares of the largest squared singular value, tried for residuals
Doubles = NDArray[np.float64]


def treat(
    dataset: Dataset, names: Iterable[str], treatment: str, *, popularity: NDArray[np.integer], rng: np.random.Generator
) -> Dataset:
    """The dataset with these blocks treated; plays and other blocks stay as they are.

    Args:
        names: of blocks, as ``models.blocks`` calls them.
        treatment: one of ``TREATMENTS``.
        popularity: listeners of each track in the whole log, (tracks,): permuted are tracks alike in this and genre.
        rng: for ``permuted`` and ``noise``.

    >>> from recsys.tables import IdMap, Interactions
    >>> songs = Catalogue(pd.DataFrame({"genre": [["rock"], ["jazz"]], "tags": [["a", "b"], ["c"]]}))
    >>> data = Dataset(Interactions.empty(IdMap(["ann"]), IdMap(["x", "y"])), songs)
    >>> less = treat(data, ["tags"], "removed", popularity=np.zeros(2, int), rng=np.random.default_rng(0))
    >>> [block.name for block in blocks(data)], [block.name for block in blocks(less)]
    (['genre', 'tags'], ['genre'])
    """
    chosen = set(names)
    if treatment == "removed":
        return _without(dataset, chosen)
    if treatment == "permuted":
        return _permuted(dataset, chosen, _strata(dataset, chosen, popularity), rng)
    present = {block.name: block for block in blocks(dataset)}
    mine = [present[name] for name in present if name in chosen]
    if treatment == "noise":
        return _noisy(dataset, mine, rng)
    others = [block for name, block in present.items() if name not in chosen]
    return _residual(dataset, mine, others)


def _without(dataset: Dataset, names: set[str]) -> Dataset:
    """Columns of these blocks emptied, spaces gone."""
    columns = {column: _empty(dataset, column) for column in _columns(dataset, names)}
    contents = {name: space for name, space in dataset.contents.items() if name not in names}
    return _changed(dataset, columns, contents)


def _permuted(dataset: Dataset, names: set[str], strata: NDArray[np.int64], rng: np.random.Generator) -> Dataset:
    """Each track gets what another of its stratum has."""
    shuffled = np.lexsort((rng.random(len(strata)), strata))
    source = np.empty(len(strata), np.int64)
    source[np.argsort(strata, kind="stable")] = shuffled
    columns = {c: dataset.catalogue.frame[c].to_numpy()[source] for c in _columns(dataset, names)}
    contents = {
        name: replace(space, vectors=space.vectors[source], known=space.known[source]) if name in names else space
        for name, space in dataset.contents.items()
    }
    return _changed(dataset, columns, contents)


def _strata(dataset: Dataset, names: set[str], popularity: NDArray[np.integer]) -> NDArray[np.int64]:
    """Decile of popularity, and within it the first genre, unless genre is what is treated."""
    edges = np.unique(np.quantile(popularity, np.linspace(0, 1, DECILES + 1)[1:-1]))
    decile = np.searchsorted(edges, popularity)
    if "genre" in names:
        return decile.astype(np.int64)
    genre = pd.factorize(pd.Series([_first(v) for v in dataset.catalogue.values("genre")], dtype=object))[0]
    return (decile * (genre.max(initial=0) + 2) + genre + 1).astype(np.int64)


def _first(value: Any) -> str | None:
    if isinstance(value, (list, tuple, np.ndarray)) and len(value):
        value = value[0]
    return value.casefold() if isinstance(value, str) else None


def _noisy(dataset: Dataset, chosen: Sequence[Block], rng: np.random.Generator) -> Dataset:
    """Words drawn by how frequent they are, numbers from a bell curve with the same mean and covariance."""
    columns: dict[str, Any] = {}
    contents = dict(dataset.contents)
    for block in chosen:
        if block.name in WORDS:
            columns[block.name] = _random_words(block, rng, single=block.name in ("artist", "album"))
        elif block.name in contents:
            space = contents[block.name]
            contents[block.name] = replace(space, vectors=_bell(space.vectors, space.known, rng))
        else:
            for column in _columns(dataset, {block.name}):
                values = dataset.catalogue.frame[column].to_numpy(np.float64, na_value=np.nan)
                columns[column] = _bell(values[:, None], np.isfinite(values), rng)[:, 0]
    return _changed(dataset, columns, contents)


def _random_words(block: Block, rng: np.random.Generator, *, single: bool) -> NDArray[Any]:
    matrix = sp.csr_array(block.matrix)
    drawn = [f"word {w}" for w in rng.permutation(matrix.indices)]
    bounds = matrix.indptr
    found = np.full(matrix.shape[0], None, object)
    for row in np.flatnonzero(np.diff(bounds)):
        mine = drawn[bounds[row] : bounds[row + 1]]
        found[row] = mine[0] if single else mine
    return found


def _bell(values: NDArray[Any], known: NDArray[np.bool_], rng: np.random.Generator) -> Any:
    """Rows that are known replaced by draws with their mean and covariance."""
    there = values[known].astype(np.float64)
    made = values.copy()
    if len(there) > 1:
        centred = there - there.mean(axis=0)
        spread, axes = np.linalg.eigh(centred.T @ centred / (len(there) - 1))
        drawn = rng.standard_normal(there.shape) * np.sqrt(np.maximum(spread, 0))
        made[known] = there.mean(axis=0) + drawn @ axes.T
    return made


def _residual(dataset: Dataset, chosen: Sequence[Block], others: Sequence[Block]) -> Dataset:
    """Each block as a space of what a regression on the other blocks leaves unexplained."""
    design = _design(others, len(dataset.tracks))
    made = _without(dataset, {block.name for block in chosen})
    contents = dict(made.contents)
    for block in chosen:
        known = block.known
        left = _unexplained(_numbers_of(block), design, known)
        contents[block.name] = Embeddings(left.astype(np.float32), known & left.any(axis=1), block.name)
    return replace(made, contents=contents)


def _unexplained(target: Doubles, design: Doubles, known: NDArray[np.bool_]) -> Doubles:
    """Residuals (tracks, d), 0 where unknown, of a ridge regression by generalised cross-validation.

    Golub, Heath & Wahba, Technometrics 1979: many explaining numbers and few tracks then explain nothing by chance.
    """
    mine, wanted = (each[known] - each[known].mean(axis=0) for each in (design, target))
    left, strength, _ = np.linalg.svd(mine, full_matrices=False)
    power, inside = strength**2, left.T @ wanted
    total = (wanted**2).sum()
    best, shares = np.inf, np.zeros_like(power)
    for ridge in RIDGES * max(1.0, power.max(initial=0.0)):
        share = power / (power + ridge)
        unexplained = total - ((1 - (1 - share) ** 2)[:, None] * inside**2).sum()
        error = unexplained / max(1e-9, 1 - share.sum() / len(mine)) ** 2
        if error < best:
            best, shares = error, share
    made = np.zeros_like(target)
    made[known] = wanted - left @ (shares[:, None] * inside)
    return made


def _design(others: Sequence[Block], tracks: int) -> Doubles:
    """All numbers of some blocks side by side, each in standard units, unknown = mean."""
    parts = [_numbers_of(block) for block in others]
    if not parts:
        return np.zeros((tracks, 1))
    joined = np.concatenate(parts, axis=1)
    spread = joined.std(axis=0)
    return (joined - joined.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def _numbers_of(block: Block) -> Doubles:
    """A block as dense numbers (tracks, d): words condensed, unknown replaced by the mean of the known."""
    if block.sparse:
        return _condensed(block.matrix)
    values = np.asarray(block.matrix, np.float64)
    some = np.isfinite(values)
    count = np.maximum(some.sum(axis=0), 1)
    mean = np.where(some, values, 0).sum(axis=0) / count
    return np.where(some, values, mean)


def _condensed(words: sp.csr_array) -> Doubles:
    """Words that several tracks share, as ``DIMENSIONS`` numbers at most; zeros where there are none."""
    from scipy.sparse.linalg import svds

    words = sp.csr_array(words[:, np.flatnonzero(np.bincount(words.indices, minlength=words.shape[1]) > 1)])
    if not words.nnz:
        return np.zeros((words.shape[0], 1))
    size = min(DIMENSIONS, min(words.shape) - 1)
    if size < 1 or min(words.shape) <= DIMENSIONS:
        return np.asarray(words.toarray(), np.float64)
    rarity = np.log(1 + words.shape[0] / np.maximum(np.bincount(words.indices, minlength=words.shape[1]), 1))
    scaled = sp.csr_array((words.data * rarity[words.indices], words.indices, words.indptr), shape=words.shape)
    left, strength, _ = svds(scaled.astype(np.float64), k=size, v0=np.ones(min(words.shape)))
    return np.asarray(left * strength, np.float64)


def _columns(dataset: Dataset, names: set[str]) -> list[str]:
    """Columns of the catalogue that these blocks are made of."""
    frame = dataset.catalogue.frame
    found = [column for column in (*WORDS, "year") if column in names]
    if NUMBERS in names:
        found += [
            str(c) for c in frame if c not in NOT_CONTENT and _numeric(frame[c]) and not is_predicted(str(c), frame)
        ]
    return found


def _numeric(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype)


def _empty(dataset: Dataset, column: str) -> NDArray[Any]:
    numeric = _numeric(dataset.catalogue.frame[column])
    return np.full(len(dataset.tracks), np.nan if numeric else None, np.float64 if numeric else object)


def _changed(dataset: Dataset, columns: dict[str, Any], contents: dict[str, Embeddings]) -> Dataset:
    """The dataset with other columns in the catalogue, and these spaces."""
    frame = dataset.catalogue.frame.copy()
    for column, values in columns.items():
        frame[column] = pd.Series(values, index=frame.index, dtype=None if len(values) else object)
    return replace(dataset, catalogue=Catalogue(frame), contents=contents)
