"""Choosing and fitting: the winner is the best on validation, and the table tells the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recsys import api, comparing, training
from recsys.engine import Engine
from recsys.errors import DataError, SettingsError
from recsys.evaluation import warm
from recsys.settings import Settings, parse
from recsys.tables import Dataset

PLAIN = ("als", "bpr", "lightfm", "slim", "content", "itemknn", "rp3beta", "ease", "cease", "ridge")
QUICK = {name: {} for name in PLAIN}


@pytest.fixture(scope="module")
def quick() -> Settings:
    """Every model at one setting, so that no grid runs."""
    small = {"factors": 16, "iterations": 4}
    return parse({"models": {**QUICK, "ials": small, "hybrid": small, "mapped": small, "bpr": {"iterations": 5}}})


@pytest.fixture(scope="module")
def chosen(tables: Path, quick: Settings, tmp_path_factory: pytest.TempPathFactory) -> api.Made:
    return api.train(tables, out=tmp_path_factory.mktemp("chosen"), settings=quick)


def test_the_best_on_validation_is_fitted(chosen: api.Made) -> None:
    table = chosen.facts["models"]
    assert chosen.facts["chosen"] == "blend"  # no other is better beyond doubt
    assert [row["ndcg@100"] for row in table] == sorted((row["ndcg@100"] for row in table), reverse=True)
    assert {"popularity", "ials", "ease", "itemknn", "rp3beta", "blend"} <= {row["model"] for row in table}


def test_taste_beats_popularity_on_the_sample_world(chosen: api.Made) -> None:
    gains = {row["model"]: row["gain"] for row in chosen.facts["models"]}
    assert gains["popularity"] is None
    assert gains[chosen.facts["chosen"]]["low"] > 0


def test_the_bundle_says_how_it_was_made(chosen: api.Made) -> None:
    assert (chosen.path / "SUMMARY.md").read_text().startswith("# Engine: ")
    assert parse(__import__("tomllib").loads((chosen.path / "settings.toml").read_text()))
    assert api.inspect(chosen.path)["problems"] == []


def test_a_measure_reads_only_what_is_hidden(tables: Path, quick: Settings) -> None:
    """A model that knew the hidden plays would find them all; popularity from the training side must not."""
    dataset = Dataset.open(tables)
    hidden = warm(dataset, share=0.1, rng=np.random.default_rng(0))
    honest = comparing.measure("popularity", {}, hidden, seed=0)
    counts = hidden.train.matrix()
    assert (counts[hidden.users].multiply(hidden.held)).nnz == 0
    assert honest.ndcg.shape == (len(hidden),)
    assert 0 < honest.score < 1


def test_refitting_keeps_the_chosen_weights(tables: Path, quick: Settings) -> None:
    dataset = Dataset.open(tables)
    candidates = training.compare(dataset, quick)
    blend = next(c for c in candidates if c.name == "blend")
    fitted = training.refit(candidates, dataset, quick)
    np.testing.assert_allclose(fitted["blend"].params()["weights"], blend.params["weights"])
    assert set(fitted) == {c.name for c in candidates}


def test_a_model_that_cannot_be_fitted_says_why(tables: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="model 'ratings' can't be fitted here: the log has no ratings"):
        api.train(tables, out=tmp_path, model="ratings")
    with pytest.raises(SettingsError, match="did you mean ials"):
        api.train(tables, out=tmp_path, model="ialss")


def test_an_unknown_hyper_parameter_is_guessed(tables: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="did you mean factors"):
        api.train(tables, out=tmp_path, model="ials", settings=parse({"models": {"ials": {"factrs": 3}}}))


def test_a_handful_of_plays_still_makes_an_engine(tmp_path: Path) -> None:
    (tmp_path / "plays.csv").write_text("user,track\nann,x\nann,y\nbo,x\nbo,z\ncy,y\ncy,z\n")
    tables = api.ingest([tmp_path / "plays.csv"], out=tmp_path / "t").path
    api.train(tables, out=tmp_path / "b")
    found = Engine.open(tmp_path / "b").recommend(n=3)
    assert found.groupby("user_id").size().tolist() == [1, 1, 1]


def test_one_listener_with_one_track(tmp_path: Path) -> None:
    (tmp_path / "plays.csv").write_text("user,track\nann,x\n")
    tables = api.ingest([tmp_path / "plays.csv"], out=tmp_path / "t").path
    api.train(tables, out=tmp_path / "b")
    assert Engine.open(tmp_path / "b").recommend(n=3).empty


def test_a_log_of_ratings_is_rated(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [f"u{u},t{t},{rng.integers(1, 6)}" for u in range(30) for t in range(20) if rng.random() < 0.5]
    (tmp_path / "ratings.csv").write_text("user,track,rating\n" + "\n".join(rows) + "\n")
    tables = api.ingest([tmp_path / "ratings.csv"], out=tmp_path / "t").path
    made = api.train(tables, out=tmp_path / "b", model="ratings")
    assert made.facts["chosen"] == "ratings"
    assert len(Engine.open(tmp_path / "b").recommend(["u1"], n=3)) == 3


def test_the_card_tells_what_the_model_was_made_from_and_what_it_keeps(tables: Path, tmp_path: Path) -> None:
    made = api.train(tables, out=tmp_path / "bundles", model="popularity")
    told = (made.path / "SUMMARY.md").read_text(encoding="utf-8")
    assert f"tables `{made.facts['made_from']['tables']}`" in told
    assert "The ids of 60 listeners" in told
    assert "nothing was measured" in told
    assert "recsys forget --user ID" in told
    assert (tables / "SUMMARY.md").read_text(encoding="utf-8").startswith("# Tables: ")
