"""Feedback: sources drawn by lot, outcomes counted, and a mix that moves to what is played."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from recsys import api
from recsys.engine import Engine
from recsys.errors import ArtefactError
from recsys.exploring import Exploration, sources
from recsys.outcomes import Trials, posterior, rates, trials, worth
from recsys.ranking.exploration import chances, drawn, mixed
from recsys.tables import Catalogue, Dataset, IdMap, Interactions, TopK
from tests.test_cli import Run, run

__all__ = ["run"]

NAMES = ["blend", "ials", "slim"]


# ---- drawing ------------------------------------------------------------------------------------------


def test_without_exploration_the_list_stays() -> None:
    assert chances(NAMES, 0.0).tolist() == [1, 0, 0]
    assert chances(["ials"], 0.5).tolist() == [1]


@given(st.floats(0.01, 1.0), st.dictionaries(st.sampled_from(NAMES), st.tuples(st.floats(1, 50), st.floats(1, 50))))
@hypothesis_settings(deadline=None, max_examples=30)
def test_chances_sum_to_one_and_leave_something_to_all(explore: float, known: dict[str, tuple[float, float]]) -> None:
    chance = chances(NAMES, explore, known)
    assert chance.sum() == pytest.approx(1)
    assert chance.min() >= explore / len(NAMES) - 1e-9


def test_draws_follow_the_chances_and_only_the_listener() -> None:
    chance = np.array([0.7, 0.2, 0.1])
    found = drawn(chance, range(2000), 10, seed=1)
    assert np.bincount(found.ravel()) / found.size == pytest.approx(chance, abs=0.02)
    assert np.array_equal(found[500:600], drawn(chance, range(500, 600), 10, seed=1))
    assert not np.array_equal(found, drawn(chance, range(2000), 10, seed=2))


@given(st.integers(0, 100))
@hypothesis_settings(deadline=None, max_examples=30)
def test_mixed_lists_take_each_source_from_its_top_and_nothing_twice(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lists = [TopK(np.argsort(rng.random((4, 12)), axis=1)[:, :6], np.zeros((4, 6))) for _ in range(3)]
    chance = np.array([0.5, 0.3, 0.2])
    found = mixed(lists, chance, drawn(chance, range(4), 6, seed))
    for q in range(4):
        rows = found.rows[q].tolist()
        assert len(set(rows)) == 6
        for j, (row, source) in enumerate(zip(rows, found.sources[q], strict=True)):
            left = [r for r in lists[source].rows[q].tolist() if r not in rows[:j]]
            assert left[0] == row
            assert found.propensity[q, j] == chance[source] or np.isnan(found.propensity[q, j])


def test_a_source_that_ran_out_is_replaced_and_has_no_propensity() -> None:
    lists = [TopK(np.array([[0, 1, 2]]), np.zeros((1, 3))), TopK(np.array([[5, -1, -1]]), np.zeros((1, 3)))]
    found = mixed(lists, np.array([0.5, 0.5]), np.array([[1, 1, 1]], np.int32))
    assert found.rows.tolist() == [[5, 0, 1]]
    assert np.isnan(found.propensity[0]).tolist() == [False, True, True]


# ---- outcomes -----------------------------------------------------------------------------------------


def test_trials_are_rows_of_listeners_who_did_something() -> None:
    users, tracks = IdMap(["ann", "bo"], "user"), IdMap(["x", "y", "z"], "track")
    plays = Interactions(users, tracks, [0, 0], [0, 2], [1, 1])
    skips = Interactions(users, tracks, [0, 1], [1, 1], [1, 1])
    lists = pd.DataFrame(
        {
            "user_id": ["ann", "ann", "ann", "bo", "cy"],
            "rank": [1, 2, 3, 1, 1],
            "track_id": ["x", "y", "w", "x", "x"],
            "source": ["ials"] * 5,
            "propensity": [0.1, 0.1, np.nan, 0.1, 0.1],
        }
    )
    found = trials(lists, Dataset(plays, Catalogue.empty(3), skips=skips))
    assert found.hit.tolist() == [True, False, False, False]
    assert found.skip.tolist() == [False, True, False, False]
    assert len(found.logged.hit) == 3
    row = rates(found)[0]
    assert (row["trials"], row["hits"], row["skips"]) == (4, 1, 1)


def _simulated(chance: np.ndarray, truth: np.ndarray, seed: int, listeners: int = 150, n: int = 10) -> Trials:
    """Rows whose sources were drawn by ``chance`` and that were played as often as ``truth`` says."""
    rng = np.random.default_rng(seed)
    source = drawn(chance, range(listeners), n, seed).ravel()
    hit = rng.random(len(source)) < truth[source]
    user = np.repeat(np.arange(listeners, dtype=np.int32), n)
    return Trials(user, np.array(NAMES)[source], hit, np.zeros(len(hit), bool), chance[source])


TRUTH = np.array([0.10, 0.06, 0.16])


def test_replay_is_unbiased_and_its_interval_holds_the_truth() -> None:
    chance = np.array([0.8, 0.1, 0.1])
    wanted = {"slim": 0.5, "ials": 0.5}
    value = float(0.5 * TRUTH[1] + 0.5 * TRUTH[2])
    found = [worth(_simulated(chance, TRUTH, seed), wanted, draws=200) for seed in range(60)]
    means = np.array([interval.mean for interval in found if interval])
    assert abs(means.mean() - value) < 3 * means.std() / np.sqrt(len(means))
    inside = [interval.low <= value <= interval.high for interval in found if interval]
    assert np.mean(inside) > 0.85


def test_naive_rates_of_what_a_source_liked_best_are_not_replayed() -> None:
    found = _simulated(np.array([0.8, 0.1, 0.1]), TRUTH, 0)
    unlogged = Trials(found.user, found.source, found.hit, found.skip, np.full(len(found.hit), np.nan))
    assert worth(unlogged, {"slim": 1.0}) is None
    assert posterior(unlogged) == {}
    assert len(rates(unlogged)) == 3


def test_the_mix_moves_to_the_better_source() -> None:
    chance, learned, earned = chances(NAMES, 0.15), {}, []
    for round_ in range(12):
        found = _simulated(chance, TRUTH, round_)
        earned.append(found.hit.mean())
        learned = posterior(found, learned)
        chance = chances(NAMES, 0.15, learned)
    assert chance.argmax() == 2
    assert chance[2] > 0.75
    assert np.mean(earned[-4:]) > 1.25 * earned[0]


def test_a_source_that_few_had_is_not_told_alone() -> None:
    user = np.repeat(np.arange(20, dtype=np.int32), 2)
    source = np.array(["ials", "slim"] * 9 + ["ials", "bpr"] * 10 + ["ials", "ease"], dtype=object)
    yes = np.ones(len(user), bool)
    found = Trials(user, source, yes, ~yes, np.full(len(user), 0.5))
    assert sorted({*found.together(10).source}) == ["bpr", "ials", "rarer"]
    assert sorted({*found.together(9).source}) == ["bpr", "ials", "rarer", "slim"]
    assert sorted({*found.together(1).source}) == ["bpr", "ease", "ials", "slim"]
    assert sum(row["trials"] for row in rates(found.together(10))) == len(user)


# ---- the two commands together ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def answers(blend_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lists of which a third was drawn by lot."""
    return api.recommend(blend_bundle, out=tmp_path_factory.mktemp("answers") / "recs", n=10, explore=0.3).path


def test_explored_lists_name_the_source_and_its_chance(blend_bundle: Path, answers: Path) -> None:
    lists = pd.read_parquet(answers)
    engine = Engine.open(blend_bundle)
    chance = Exploration(0.3).chances(engine.model)
    assert list(chance) == sources(engine.model)
    logged = lists[lists["propensity"].notna()]
    assert logged["propensity"].to_numpy() == pytest.approx([chance[name] for name in logged["source"]])
    share = (lists["source"] == engine.model.name).mean()
    assert 0.55 < share < 0.85
    assert not lists.duplicated(["user_id", "track_id"]).any()
    heard = engine.histories[
        engine.users.rows(lists["user_id"].tolist()), engine.tracks.rows(lists["track_id"].tolist())
    ]
    assert not np.asarray(heard).any()
    parts = pd.DataFrame([why["parts"] for why in lists["why"]]).sum(axis=1)
    assert parts.to_numpy() == pytest.approx(lists["score"].to_numpy(), abs=1e-4)


def test_explored_lists_do_not_depend_on_parts(blend_bundle: Path, answers: Path, tmp_path: Path) -> None:
    from recsys.settings import parse

    small = parse({"recommend": {"users_per_part": 7, "explore": 0.3}})
    again = api.recommend(blend_bundle, out=tmp_path / "recs", n=10, settings=small).path
    columns = ["user_id", "rank", "track_id", "source"]
    first, second = (pd.read_parquet(path)[columns].astype(str) for path in (answers, again))
    assert first.equals(second)


def test_feedback_teaches_the_next_lists(blend_bundle: Path, answers: Path, tmp_path: Path) -> None:
    lists = pd.read_parquet(answers)
    liked = lists["source"].astype(str).value_counts().index[1]  # the most frequent source beside the blend
    rng = np.random.default_rng(0)
    played = lists[(lists["source"] == liked) | (rng.random(len(lists)) < 0.05)]
    played[["user_id", "track_id"]].assign(timestamp=1_999_999_999).to_csv(tmp_path / "later.csv", index=False)
    made = api.feedback(blend_bundle, answers, [tmp_path / "later.csv"], out=tmp_path / "fb")
    assert made.facts["rates"][0]["source"] == liked
    assert max(made.facts["chances"], key=made.facts["chances"].get) == liked
    assert made.facts["worth"][liked]["mean"] > made.facts["worth"]["shown"]["mean"]
    assert liked in made.facts["headline"]
    again = api.feedback(blend_bundle, answers, [tmp_path / "later.csv"], out=tmp_path / "fb")
    assert again.unchanged
    after = api.recommend(blend_bundle, out=tmp_path / "recs", n=10, explore=0.1, feedback=tmp_path / "fb").path
    assert (pd.read_parquet(after)["source"] == liked).mean() > 0.6
    assert json.dumps(made.facts["posterior"])


def test_lists_without_chances_say_so(blend_bundle: Path, tmp_path: Path) -> None:
    plain = api.recommend(blend_bundle, out=tmp_path / "recs", n=5, format="csv").path
    lists = pd.read_csv(next(plain.glob("part-*.csv")))
    assert "propensity" not in lists
    lists[["user_id", "track_id"]].head(20).to_csv(tmp_path / "later.csv", index=False)
    made = api.feedback(blend_bundle, plain, [tmp_path / "later.csv"], out=tmp_path / "fb")
    assert "no chances were written down" in made.facts["headline"]
    assert made.facts["chances"] == {}
    assert made.facts["worth"] == {}
    assert sum(row["trials"] for row in made.facts["rates"])


def test_a_folder_without_lists_is_an_error(blend_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "later.csv").write_text("user_id,track_id\nann,x\n")
    with pytest.raises(ArtefactError):
        api.feedback(blend_bundle, blend_bundle, [tmp_path / "later.csv"], out=tmp_path / "fb")


def test_the_command_shows_each_source(run: Run, blend_bundle: Path, answers: Path, tmp_path: Path) -> None:
    lists = pd.read_parquet(answers)
    lists[["user_id", "track_id"]].head(30).to_csv(tmp_path / "later.csv", index=False)
    words = ("feedback", tmp_path / "later.csv", "--bundle", blend_bundle, "--recs", answers)
    code, out, err = run(*words, "--out", tmp_path / "fb", "--depth", 5)
    assert code == 0
    assert "hit rate" in out
    assert "most places go to" in err
    code, out, _ = run(*words, "--out", tmp_path / "fb", "--json")
    assert len(json.loads(out)["counted"]) == 1
