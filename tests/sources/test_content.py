"""Features brought along: numeric tables, vectors, archives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recsys.errors import DataError
from tests.sources.conftest import Write, ingest, reasons


def test_numeric_columns_are_scaled_and_missing_ones_are_the_mean(write: Write) -> None:
    table = write("mood.csv", "track_id,energy,label,tempo,same\na,1,x,100,5\nb,3,y,,5\nc,5,z,140,5\n")
    log = write("log.csv", "user,track\nu,a\nu,zz\n")
    space = ingest(log, content=[table]).dataset.contents["mood"]
    deep = np.sqrt(1.5)
    expected = np.array([[-deep, -1], [0, 0], [deep, 1], [0, 0]])
    expected[[0, 2]] /= np.linalg.norm(expected[[0, 2]], axis=1, keepdims=True)
    np.testing.assert_allclose(space.vectors, expected, atol=1e-6)
    assert space.known.tolist() == [True, False, True, False]
    assert (space.space, space.metric) == ("mood", "cosine")


@pytest.mark.parametrize("kind", ["list", "fixed", "csv", "jsonl", "npz"])
def test_vectors_stay_and_are_brought_to_length_one(kind: str, write: Write, tmp_path: Path) -> None:
    ids, vectors = ["b", "a"], [[3.0, 4.0], [0.0, 2.0]]
    path = tmp_path / f"sound.{'parquet' if kind in ('list', 'fixed') else kind}"
    if kind == "npz":
        np.savez(path, ids=np.array(ids), vectors=np.array(vectors, np.float32))
    elif kind == "csv":
        write("sound.csv", 'track_id,v\nb,"[3, 4]"\na,"[0, 2]"\n')
    elif kind == "jsonl":
        write("sound.jsonl", '{"track_id": "b", "v": [3, 4.0]}\n{"track_id": "a", "v": [0, 2]}\n')
    else:
        column = pa.array(vectors, pa.list_(pa.float32(), 2 if kind == "fixed" else -1))
        pq.write_table(pa.table({"track_id": ids, "v": column}), path)
    dataset = ingest(content=[path]).dataset
    assert dataset.tracks.ids.tolist() == ["a", "b"]
    np.testing.assert_allclose(dataset.contents["sound"].vectors, [[0, 1], [0.6, 0.8]], atol=1e-6)


def test_vectors_of_another_length_are_rejected(write: Write) -> None:
    lines = [
        '{"track_id": 1, "v": [1, 2]}',
        '{"track_id": 2, "v": [1]}',
        '{"track_id": 3}',
        '{"track_id": 4, "v": [1, 1]}',
    ]
    gathered = ingest(content=[write("v.jsonl", "\n".join(lines))])
    assert reasons(gathered) == [(2, "vector has another length than 2"), (3, "vector is missing or unreadable")]
    assert gathered.dataset.tracks.ids.tolist() == [1, 4]


def test_archives_without_the_right_arrays_are_an_error(tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", ids=np.array([1, 2]), other=np.zeros((2, 2)))
    with pytest.raises(DataError, match=r"expected arrays ids \(n,\)"):
        ingest(content=[tmp_path / "v.npz"])
    np.savez(tmp_path / "w.npz", ids=np.array(["a", None], dtype=object), vectors=np.zeros((2, 2)))
    with pytest.raises(DataError, match=r"expected arrays ids \(n,\)"):
        ingest(content=[tmp_path / "w.npz"])
    np.savez(tmp_path / "x.npz", ids=np.array([1, 2]), vectors=np.zeros(2))
    with pytest.raises(DataError, match=r"ids \(2,\) and vectors \(2,\)"):
        ingest(content=[tmp_path / "x.npz"])


def test_a_space_needs_a_plain_name_and_numbers(write: Write) -> None:
    with pytest.raises(DataError, match="'my mood' can't name a content space"):
        ingest(content=[write("my mood.csv", "track_id,a\n1,2\n")])
    with pytest.raises(DataError, match="none of them numbers or vectors"):
        ingest(content=[write("words.csv", "track_id,a\n1,x\n")])
    same = [write("a/x.csv", "track_id,a\n1,2\n"), write("b/x.csv", "track_id,a\n1,2\n")]
    with pytest.raises(DataError, match="there is a content space 'x' already"):
        ingest(content=same)
