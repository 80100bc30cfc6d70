"""Two datasets as one, and arrays that move along."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from recsys.errors import DataError
from recsys.tables import Catalogue, Dataset, Embeddings, IdMap, Interactions
from recsys.tables.merge import Place, merged, spread


def _dataset(events: list[tuple[object, object, float]], time: list[int] | None = None, **more: object) -> Dataset:
    users, tracks = IdMap([u for u, _, _ in events], "user"), IdMap([t for _, t, _ in events], "track")
    rows = users.rows([u for u, _, _ in events]), tracks.rows([t for _, t, _ in events])
    plays = Interactions(users, tracks, *rows, [w for _, _, w in events], time)
    return Dataset(plays, more.pop("catalogue", Catalogue.empty(len(tracks))), **more)  # type: ignore[arg-type]


OLD = [("ann", "b", 1.0), ("ann", "d", 2.0), ("cy", "d", 3.0)]
NEW = [("ann", "b", 5.0), ("bo", "a", 1.0), ("cy", "c", 4.0)]


def test_plays_add_up_under_their_ids() -> None:
    made = merged(_dataset(OLD), _dataset(NEW))
    both = made.dataset
    assert list(both.users.ids) == ["ann", "bo", "cy"]
    assert list(both.tracks.ids) == ["a", "b", "c", "d"]
    assert both.matrix().toarray().tolist() == [[0, 6, 0, 2], [1, 0, 0, 0], [0, 0, 4, 3]]
    assert made.tracks.rows.tolist() == [1, 3]
    assert made.tracks.new.tolist() == [0, 2]
    assert made.users.new.tolist() == [1]


def test_times_are_kept_when_both_have_them() -> None:
    assert merged(_dataset(OLD, [1, 2, 3]), _dataset(NEW)).dataset.plays.time is None
    both = merged(_dataset(OLD, [1, 2, 3]), _dataset(NEW, [9, 8, 7])).dataset.plays
    assert both.last_times().tolist() == [9, 2, 8, 7, 3]  # type: ignore[union-attr]


def test_the_newer_catalogue_is_believed_where_it_says_something() -> None:
    old = Catalogue(pd.DataFrame({"title": ["B", "D"], "year": [1990.0, np.nan], "tempo": [100.0, 120.0]}))
    new = Catalogue(pd.DataFrame({"title": ["A", None, "C"], "year": [2001.0, 2002.0, 2003.0]}))
    frame = merged(_dataset(OLD, catalogue=old), _dataset(NEW, catalogue=new)).dataset.catalogue.frame
    assert frame["title"].tolist() == ["A", "B", "C", "D"]
    assert frame["year"].fillna(-1).tolist() == [2001, 2002, 2003, -1]
    assert frame["tempo"].fillna(-1).tolist() == [-1, 100, -1, 120]
    assert frame["artist"].isna().all()


def test_spaces_of_other_lengths_are_refused() -> None:
    old = {"sound": Embeddings(np.ones((2, 4)), np.ones(2, bool), "sound")}
    new = {"sound": Embeddings(np.ones((3, 4)) * 2, np.array([True, False, True]), "sound")}
    both = merged(_dataset(OLD, contents=old), _dataset(NEW, contents=new)).dataset.contents["sound"]
    assert both.vectors[:, 0].tolist() == [2, 1, 2, 1]
    assert both.known.all()
    wrong = {"sound": Embeddings(np.ones((3, 5)), np.ones(3, bool), "sound")}
    with pytest.raises(DataError, match="5 dimensions; expected 4"):
        merged(_dataset(OLD, contents=old), _dataset(NEW, contents=wrong))


def test_integers_become_text_beside_text() -> None:
    both = merged(_dataset([("u", 10, 1.0)]), _dataset([("u", "x", 1.0), ("u", "10", 1.0)])).dataset
    assert list(both.tracks.ids) == ["10", "x"]
    assert both.matrix().toarray().tolist() == [[2, 1]]


@given(st.sets(st.integers(0, 40), min_size=1, max_size=12), st.sets(st.integers(0, 40), max_size=12), st.booleans())
def test_spread_moves_values_and_leaves_the_rest_empty(old: set[int], more: set[int], sparse: bool) -> None:
    place = Place.of(IdMap(old), IdMap(old | more))
    square = np.arange(1.0, len(old) ** 2 + 1).reshape(len(old), len(old))
    found = spread(spread(sp.csr_array(square) if sparse else square, place, 0), place, 1)
    found = found.toarray() if sparse else found
    assert np.array_equal(found[np.ix_(place.rows, place.rows)], square)
    assert found.sum() == square.sum()
    assert found.shape == (place.size, place.size)
