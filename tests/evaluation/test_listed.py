"""Tallies of lists: the same over any parts, and nothing told of a few listeners."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.evaluation.listed import Tally, lorenz, parts_of
from recsys.evaluation.listed_page import page
from recsys.tables import Catalogue, IdMap

TRACKS = IdMap([f"t{i}" for i in range(6)])
SONGS = Catalogue(
    pd.DataFrame(
        {
            "title": ["<b>One</b>", *"BCDEF"],
            "artist": ["Ann", "Ann", "Bo", "Bo", None, "Cy"],
            "explicit": [True, False, False, False, None, False],
            "licence": ["CC0", "CC0", "CC0", "CC0", "rare", None],
        }
    )
)
HEARD = np.array([9, 5, 3, 2, 1, 0], np.float32)


def lists(listeners: int, k: int = 3) -> pa.Table:
    rng = np.random.default_rng(listeners)
    picks = np.concatenate([rng.permutation(4)[:k] for _ in range(listeners)])
    parts = [{"parts": {"taste": 1.0, "dials": -0.25}, "plays": []}] * len(picks)
    return pa.table(
        {
            "user_id": np.repeat([f"u{i:03d}" for i in range(listeners)], k),
            "rank": np.tile(np.arange(1, k + 1), listeners),
            "track_id": [f"t{i}" for i in picks],
            "source": ["als", "content", "als"] * listeners,
            "reason": ["because"] * len(picks),
            "why": parts,
        }
    )


def tally(*parts: pa.Table, examples: list[str] | None = None) -> Tally:
    made = Tally(TRACKS, examples or [])
    for part in parts:
        made.add(part)
    return made


@given(st.integers(1, 19))
def test_parts_do_not_matter(cut: int) -> None:
    table = lists(20)
    whole, parted = tally(table), tally(table.slice(0, 3 * cut), table.slice(3 * cut))
    assert whole.places.tolist() == parted.places.tolist()
    assert whole.listeners == parted.listeners == 20
    assert whole.sources() == parted.sources()


def test_shares_of_sources_and_bands_are_whole() -> None:
    made = tally(lists(30))
    assert {s.label: pytest.approx(s.places) for s in made.sources()} == {"als": 2 / 3, "content": 1 / 3}
    assert sum(s.places for s in made.bands(HEARD)) == pytest.approx(1)
    assert sum(s.beside["catalogue"] for s in made.bands(HEARD)) == pytest.approx(1)


def test_what_concerns_few_listeners_is_told_together() -> None:
    few = pa.table({"user_id": ["x", "y"], "rank": [1, 1], "track_id": ["t4", "t5"], "source": ["odd", "odd"]})
    made = tally(lists(20).select(["user_id", "rank", "track_id", "source"]), few)
    assert [s.label for s in made.sources()] == ["als", "content", "rarer"]
    assert "Cy" not in [s.label for s in made.artists(SONGS, HEARD)]
    assert [s.label for s in made.marks(SONGS, HEARD)["licence"]] == ["CC0", "rarer"]


def test_the_page_escapes_words_and_closes_what_it_opens() -> None:
    told = page(tally(lists(12), examples=["u003"]), SONGS, HEARD, {"bundle": "main"}, {"novelty": 0.2})
    assert "<b>One</b>" not in told.replace("<b>&lt;b&gt;One&lt;/b&gt;</b>", "")
    assert "<h3>u003</h3>" in told
    assert "class=less" in told  # what takes away
    parser = Tags()
    parser.feed(told)
    assert parser.open == []


def test_no_list_at_all_is_a_page_too() -> None:
    assert "0 listeners" in page(tally(), SONGS, HEARD, {}, {})


def test_parts_read_from_text_are_those_of_the_table() -> None:
    why = {"parts": {"taste": float(np.float32(0.1)), "gone": None}, "plays": []}
    assert parts_of({"why": why}) == {"taste": float(np.float32(0.1))}
    assert parts_of({}) == {}


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30).filter(any))
def test_lorenz_curves_rise_below_the_even_line(amounts: list[int]) -> None:
    found = lorenz(np.array(amounts))
    shares = [y for _, y in found]
    assert shares == sorted(shares)
    assert found[-1][0] == 1.0
    assert shares[-1] == pytest.approx(1.0)
    assert all(y <= x + 1e-4 for x, y in found)


class Tags(HTMLParser):
    """Tags that are open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
