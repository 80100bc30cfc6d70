"""Dials on a whole engine: rarer lists, nothing heard lately, no skipped tracks, and parts that still sum."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recsys import api
from recsys.engine import Engine
from recsys.errors import DataError
from recsys.ranking.dials import Dials

DAY = 86_400


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Forty listeners, sixty tracks, a day a play; everyone has skipped track 7 and nobody has finished it."""
    folder = tmp_path_factory.mktemp("heard")
    rng = np.random.default_rng(0)
    lines = ["user_id,track_id,timestamp,skipped"]
    for user in range(40):
        tracks = rng.choice(60, 12, replace=False, p=_fame())
        lines += [f"u{user},t{t},{(100 + day) * DAY},0" for day, t in enumerate(tracks) if t != 7]
        lines.append(f"u{user},t7,{111 * DAY},1")
    (folder / "plays.csv").write_text("\n".join(lines) + "\n")
    tables = api.ingest([folder / "plays.csv"], out=folder / "t").path
    return Engine.open(api.train(tables, out=folder / "b", model="rp3beta").path)


def _fame() -> np.ndarray:
    fame = 1 / np.arange(1, 61)
    return np.asarray(fame / fame.sum())


def test_novelty_makes_lists_rarer(heard: Engine) -> None:
    fame = [
        heard.listeners[heard.tracks.rows(heard.recommend(n=5, dials=Dials(novelty=dial))["track_id"])].mean()
        for dial in (0.0, 0.5, 1.0)
    ]
    assert fame[0] > fame[1] > fame[2]


def test_what_was_heard_long_ago_may_come_back(heard: Engine) -> None:
    found = heard.recommend(n=40, dials=Dials(not_heard_days=5))
    last = heard.listening.last
    assert last is not None
    returned = 0
    for user, mine in found.groupby("user_id", observed=True):
        row = int(heard.users.rows([user])[0])
        entries = slice(heard.histories.indptr[row], heard.histories.indptr[row + 1])
        lately = heard.tracks.at(heard.histories.indices[entries][last[entries] > (111 - 5) * DAY])
        assert not set(lately) & set(mine["track_id"])
        returned += len(set(heard.tracks.at(heard.histories.indices[entries])) & set(mine["track_id"]))
    assert returned > 0


def test_a_track_that_was_only_skipped_is_not_recommended(heard: Engine) -> None:
    assert "t7" not in set(heard.recommend(n=50, dials=Dials(dislike=0.1))["track_id"])


def test_parts_sum_to_the_score_with_dials(heard: Engine) -> None:
    found = heard.recommend(n=10, dials=Dials(novelty=0.4, dislike=0.5, calibrate=0.3, max_per_artist=2))
    total = [sum(why["parts"].values()) for why in found["why"]]
    np.testing.assert_allclose(total, found["score"], rtol=1e-4, atol=1e-5)
    assert found.groupby("user_id", observed=True).size().eq(10).all()


def test_lately_needs_times(tmp_path: Path) -> None:
    (tmp_path / "plays.csv").write_text("user,track\nann,x\nann,y\nbo,x\nbo,z\ncy,y\ncy,z\n")
    tables = api.ingest([tmp_path / "plays.csv"], out=tmp_path / "t").path
    engine = Engine.open(api.train(tables, out=tmp_path / "b", model="itemknn").path)
    with pytest.raises(DataError, match="timestamps"):
        engine.recommend(n=1, dials=Dials(not_heard_days=3))
