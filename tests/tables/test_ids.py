"""Ids to rows and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.errors import DataError, UnknownId
from recsys.tables import IdMap


@given(st.lists(st.text(min_size=1), min_size=1))
def test_strings_round_trip(ids: list[str]) -> None:
    known = IdMap(ids)
    assert list(known.ids) == sorted(set(ids))
    assert list(known.at(known.rows(ids))) == ids


@given(st.lists(st.integers(-(2**62), 2**62), min_size=1))
def test_integers_round_trip_as_integers_and_as_text(ids: list[int]) -> None:
    known = IdMap(ids)
    assert known.integer
    assert known.at(known.rows(ids)).tolist() == ids
    assert known.at(known.rows([str(i) for i in ids])).tolist() == ids


def test_integer_and_text_of_one_number_are_different_maps() -> None:
    assert IdMap([1, 2]).fingerprint != IdMap(["1", "2"]).fingerprint


@pytest.mark.parametrize("found", ["01", "1.0", " 1x", "", None, 1.5])
def test_what_does_not_spell_an_integer_is_unknown(found: object) -> None:
    assert IdMap([1, 15]).rows([found], missing="mark").tolist() == [-1]


def test_unknown_id_names_the_nearest() -> None:
    with pytest.raises(UnknownId, match=r"unknown track 'abd'; nearest by spelling: abc") as caught:
        IdMap(["abc", "xyz"], noun="track").rows(["abd"])
    assert caught.value.nearest == ["abc"]


def test_missing_can_be_dropped() -> None:
    assert IdMap(["a", "b"]).rows(["b", "q", "a"], missing="drop").tolist() == [1, 0]


@pytest.mark.parametrize("ids", [["a", None], ["a", float("nan")], [1, None]])
def test_a_missing_id_is_refused(ids: list[object]) -> None:
    with pytest.raises(DataError, match="missing"):
        IdMap(ids)


def test_fingerprint_depends_on_every_id() -> None:
    prints = {IdMap(ids).fingerprint for ids in (["a", "b"], ["a"], ["ab"], ["a", "c"], [])}
    assert len(prints) == 5


def test_rows_are_int32() -> None:
    assert IdMap(np.arange(10)).rows(np.array([3, 1])).dtype == np.int32
