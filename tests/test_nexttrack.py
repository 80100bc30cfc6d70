"""A next-track model is used where it makes lists better on hidden sequences, and nowhere else."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from recsys import api, nexttrack, training
from recsys.endings import hide
from recsys.engine import Engine
from recsys.following import Following, union
from recsys.listing import Desk, make
from recsys.models import build
from recsys.models.sequences import Sequences
from recsys.models.transitions import Transitions
from recsys.playlists.recipes import parse_recipe
from recsys.settings import parse
from recsys.tables import Catalogue, Dataset, IdMap, Interactions, TopK
from recsys.tables.merge import Place

TRACKS, LISTENERS, LONG = 40, 150, 5
DAY = 86_400


def world(*, ordered: bool, seed: int = 0) -> Dataset:
    """Three sessions of each listener: runs along a ring of tracks, or tracks at random."""
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, TRACKS, (LISTENERS, 3))
    runs = (starts[:, :, None] + np.arange(LONG)) % TRACKS
    if not ordered:
        runs = np.argsort(rng.random((LISTENERS, 3, TRACKS)), axis=2)[:, :, :LONG]
    user = np.repeat(np.arange(LISTENERS), 3 * LONG)
    time = np.tile((np.arange(3)[:, None] * DAY + np.arange(LONG) * 200).ravel(), LISTENERS)
    ids = IdMap([f"t{i:02d}" for i in range(TRACKS)])
    plays = Interactions(IdMap(range(LISTENERS)), ids, user, runs.ravel(), np.ones(runs.size), time)  # type: ignore[arg-type]
    return Dataset(plays, Catalogue.empty(TRACKS))


def popular(dataset: Dataset) -> object:
    return build("popularity").fit(dataset, rng=np.random.default_rng(0))


def chosen(dataset: Dataset) -> tuple[Following | None, list[nexttrack.Judgement]]:
    return nexttrack.choose(dataset, popular, seed=0)  # type: ignore[arg-type]


def test_what_is_hidden_is_the_last_session_of_each_listener() -> None:
    whole = world(ordered=True)
    hidden = hide(whole, rng=np.random.default_rng(0))
    assert len(hidden.lists) == LISTENERS
    assert len(hidden.train.plays) == len(whole.plays) - LISTENERS * LONG
    assert hidden.train.plays.time is not None
    assert hidden.train.plays.time.max() < 2 * DAY


def test_a_fifth_of_the_playlists_is_hidden_whole() -> None:
    lists = Interactions(
        IdMap(range(10)), IdMap(range(6)), np.repeat(range(10), 3), [0, 1, 2] * 10, np.ones(30), [2, 1, 0] * 10
    )  # type: ignore[arg-type]
    none = Interactions.empty(IdMap(["ann"]), IdMap(range(6)))
    hidden = hide(Dataset(none, Catalogue.empty(6), playlists=lists), rng=np.random.default_rng(0))
    assert [one.tolist() for one in hidden.lists] == [[2, 1, 0]] * 2
    assert hidden.train.playlists is not None
    assert len(np.unique(hidden.train.playlists.user)) == 8


def test_order_that_is_there_is_found_and_used() -> None:
    following, told = chosen(world(ordered=True))
    assert following is not None
    assert following.weights["continue"] > 0
    (one,) = [each for each in told if each.use == "continue"]
    assert one.sure
    assert one.joined > one.base + 0.2
    assert one.joined > one.often + 0.2
    assert one.to_json()["used"] is True


def test_order_that_is_not_there_is_not_used() -> None:
    following, told = chosen(world(ordered=False))
    assert following is None
    assert told
    assert not any(one.sure for one in told)


def test_too_few_sequences_choose_nothing() -> None:
    whole = world(ordered=True)
    few = Dataset(whole.plays.take(whole.plays.user < 40), whole.catalogue)
    assert chosen(few) == (None, [])


def test_a_model_with_parameters_of_its_own_is_tried_as_it_is_said() -> None:
    said = {"transitions": {"window": 2, "back": 0.0}}
    _, told = nexttrack.choose(world(ordered=True), popular, seed=0, names=["transitions"], params=said)  # type: ignore[arg-type]
    assert {(one.model, one.params["window"], one.params["back"]) for one in told} == {("transitions", 2, 0.0)}


def test_answering_loads_nothing_heavy(folder: Path) -> None:
    code = "import sys; from recsys.engine import Engine; Engine.open(sys.argv[1]).following.model; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder / "with")], capture_output=True, text=True, check=True
    )
    assert not {"torch", "librosa", "implicit", "lightfm", "sklearn"} & set(done.stdout.split())


def test_the_list_stays_as_it_is_without_a_weight() -> None:
    model = Transitions().fit(Sequences.of([[0, 1, 2]], 5), np.zeros((5, 0), np.float32), rng=np.random.default_rng(0))
    lists = TopK(np.array([[3, 4, 1]]), np.array([[3.0, 2.0, 1.0]]))
    same = Following(model, {"continue": 1.0}).joined("radio", np.array([0], np.int32), lists, 2)
    assert same.rows.tolist() == [[3, 4]]


def test_what_follows_comes_first_and_nothing_that_is_not_allowed() -> None:
    model = Transitions().fit(Sequences.of([[0, 1, 2]], 5), np.zeros((5, 0), np.float32), rng=np.random.default_rng(0))
    lists = TopK(np.array([[3, 4, 1]]), np.array([[3.0, 2.9, 2.8]]))
    sure = Following(model, {"continue": 50.0})
    seeds = np.array([0], np.int32)
    assert sure.joined("continue", seeds, lists, 5).rows[0, :2].tolist() == [1, 2]
    assert 2 not in sure.joined("continue", seeds, lists, 5, allow=np.array([1, 3, 4], np.int32)).rows
    assert 0 not in sure.joined("continue", seeds, lists, 5).rows


def test_a_list_with_nothing_in_it_stays_finite() -> None:
    empty = np.empty(0, np.float32)
    rows, own, theirs = union(empty.astype(np.int32), empty, np.ones(4, np.float32), without=np.array([0], np.int32))
    assert len(rows) == len(own) == len(theirs) == 0


def test_what_is_stored_is_what_is_read(tmp_path: Path) -> None:
    model = Transitions().fit(Sequences.of([[0, 1, 2]], 5), np.zeros((5, 0), np.float32), rng=np.random.default_rng(0))
    Following(model, {"radio": 0.5}).save(tmp_path / "next")
    back = Following.open(tmp_path / "next")
    assert back is not None
    assert back.weights == {"radio": 0.5}
    assert_allclose(back.model.follows_.toarray(), model.follows_.toarray())  # type: ignore[attr-defined]
    assert Following.open(tmp_path / "nothing") is None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bundles of a world in which tracks follow one another, with and without what comes next."""
    made = tmp_path_factory.mktemp("ring")
    (made / "work").mkdir()
    world(ordered=True).save(made / "work", inputs={}, facts={})
    small = {"ials": {"factors": 8, "iterations": 3}}
    for name, wanted in (("with", True), ("without", False)):
        settings = parse({"models": small, "train": {"next_track": wanted}})
        api.train(made / "work", out=made / name, model="ials", settings=settings)
    return made


def continued(folder: Path) -> list[str]:
    engine = Engine.open(folder)
    recipe = parse_recipe({"kind": "continue", "n": 1, "tracks": ["t07", "t08", "t09"]})
    (made,) = make(Desk(engine, now=3.0 * DAY), "a", recipe, seed=0)
    return list(engine.tracks.at(made.made.rows))


def test_train_stores_the_model_and_continue_asks_it(folder: Path) -> None:
    engine = Engine.open(folder / "with")
    assert engine.following is not None
    assert "continue" in engine.following.weights
    assert [one["use"] for one in engine.facts["next track"]] == ["continue", "radio"]
    assert continued(folder / "with") == ["t07", "t08", "t09", "t10"]


def test_the_reason_names_what_a_track_comes_after(folder: Path) -> None:
    recipe = parse_recipe({"kind": "continue", "n": 1, "tracks": ["t07", "t08", "t09"]})
    told = {}
    for name in ("with", "without"):
        (made,) = make(Desk(Engine.open(folder / name), now=3.0 * DAY), "a", recipe, seed=0)
        told[name] = made.reasons
    assert told["with"][:3] == ["was there"] * 3
    assert told["with"][3] == "often comes after t09"
    assert not any("comes after" in why for why in told["without"])


def test_nothing_is_carried_without_a_weight_or_where_its_own_score_counts_more() -> None:
    model = Transitions().fit(Sequences.of([[0, 1, 2]], 5), np.zeros((5, 0), np.float32), rng=np.random.default_rng(0))
    lists, seeds, rows = TopK(np.array([[3, 4, 1]]), np.array([[3.0, 2.9, 2.8]])), np.array([0]), np.array([1, 3])
    assert Following(model, {"radio": 50.0}).carried("radio", seeds, lists, rows).tolist() == [0, -1]
    assert Following(model, {"radio": 50.0}).carried("continue", seeds, lists, rows).tolist() == [-1, -1]


def test_a_catalogue_that_grew_keeps_what_is_known(folder: Path) -> None:
    following = Engine.open(folder / "with").following
    assert following is not None
    wider = following.moved(Place(np.arange(1, TRACKS + 1, dtype=np.int32), TRACKS + 2))
    before = following.model.scores(np.array([[7, 8]], np.int32))
    after = wider.model.scores(np.array([[8, 9]], np.int32))
    assert_allclose(after[:, 1:-1], before)
    assert wider.weights == following.weights


@pytest.mark.parametrize(("count", "learned"), [(500, True), (400, False)])
def test_it_is_learned_unasked_where_playlists_are_many(count: int, learned: bool) -> None:
    starts = np.random.default_rng(0).integers(0, TRACKS, count)
    track = ((starts[:, None] + np.arange(LONG)) % TRACKS).ravel()
    owner, place = np.repeat(np.arange(count), LONG), np.tile(np.arange(LONG), count)
    whole = world(ordered=False)
    lists = Interactions(IdMap(range(count)), whole.tracks, owner, track, np.ones(len(track)), place)  # type: ignore[arg-type]
    whole = replace(whole, plays=replace(whole.plays, time=None), playlists=lists)
    trained = training.Trained(popular(whole), None, [])  # type: ignore[arg-type]
    following, _ = nexttrack.learn(whole, trained, parse({}))
    assert (following is not None) is learned


def test_it_can_be_switched_off(folder: Path) -> None:
    assert Engine.open(folder / "without").following is None
    assert Engine.open(folder / "without").facts["next track"] == []


def test_radio_keeps_its_seed_first_and_takes_up_what_follows(folder: Path) -> None:
    engine = Engine.open(folder / "with")
    if engine.following is None or "radio" not in engine.following.weights:
        pytest.fail("the ring's order is worth something to radio too")
    recipe = parse_recipe({"kind": "radio", "n": 4, "seeds": ["t20"]})
    (made,) = make(Desk(engine, now=3.0 * DAY), "a", recipe, seed=0)
    rows = list(engine.tracks.at(made.made.rows))
    assert rows[0] == "t20"
    assert len(set(rows)) == 4
