"""Groups are found and named by what they are; any name becomes one safe file."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.playlists.clusters import group
from recsys.playlists.facts import Facts
from recsys.playlists.names import LONGEST, named, safe_name
from recsys.tables import Catalogue


def library() -> Facts:
    genres = ["Jazz"] * 10 + ["Rock"] * 20 + [None] * 4
    frame = pd.DataFrame({"artist": [f"a{i % 5}" for i in range(34)], "title": [f"s{i}" for i in range(34)]})
    frame["genre"] = [[g] if g else None for g in genres]
    frame["energy"] = [0.2] * 10 + [0.3] * 10 + [0.9] * 14
    frame["year"] = [1975.0] * 15 + [2005.0] * 19
    return Facts(Catalogue(frame))


def test_groups_are_named_by_what_stands_out_and_differ() -> None:
    rows = [np.arange(*span, dtype=np.int32) for span in ((0, 10), (20, 30), (10, 20), (30, 34))]
    assert named(library(), rows) == ["Jazz", "Rock", "Calm Rock", "a0 & a1"]


def test_alike_groups_still_differ() -> None:
    rows = [np.arange(10, dtype=np.int32)] * 8
    names = named(library(), rows)
    assert len(set(names)) == 8
    assert all("Jazz" in name for name in names)


def test_nothing_known_gives_a_name_all_the_same() -> None:
    assert named(Facts(Catalogue.empty(3)), [np.arange(2, dtype=np.int32)] * 2) == ["Mix", "Mix 2"]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_one_safe_file_name(text: str) -> None:
    name = safe_name(text)
    assert name
    assert len(name.encode()) <= LONGEST
    for flavour in (PurePosixPath, PureWindowsPath):
        assert flavour(name).parts == (name,)
    assert name.strip(" .") == name
    assert safe_name(name) == name or name.endswith("_")


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), st.integers(1, 8), st.integers(0, 99))
def test_every_vector_belongs_to_its_nearest_centre(n: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, 5)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    made = group(vectors, k, np.random.default_rng(seed))
    cosines = vectors @ made.centres.T
    assert made.centres.shape[0] <= min(k, n)
    assert set(made.of.tolist()) == set(range(len(made.centres)))
    np.testing.assert_allclose(made.closeness, cosines.max(axis=1), atol=1e-5)
    sizes = np.bincount(made.of)
    assert (np.diff(sizes) <= 0).all()
    again = group(vectors, k, np.random.default_rng(seed))
    assert np.array_equal(again.of, made.of)


def test_plain_groups_are_found() -> None:
    rng = np.random.default_rng(3)
    centres = np.eye(4, dtype=np.float32)
    truth = rng.integers(0, 4, 25_000)
    vectors = centres[truth] + 0.1 * rng.normal(size=(25_000, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    made = group(vectors, 4, rng)
    assert len(set(zip(truth.tolist(), made.of.tolist(), strict=True))) == 4
