"""The ablation finds the block that matters, goes on after it was killed, and says it in the report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys import ablation, api, models
from recsys.errors import DataError
from recsys.settings import Settings, parse
from recsys.tables import Catalogue, Dataset, Embeddings, IdMap, Interactions

SETTINGS = {"train": {"model": "content"}, "evaluate": {"seeds": 2, "bootstrap": 100}}


def world(seed: int = 0) -> Dataset:
    """Listeners keep to one of four kinds of tracks; one space knows the kind, the other nothing."""
    rng = np.random.default_rng(seed)
    users, tracks = 80, 120
    kind, taste = rng.integers(0, 4, tracks), rng.integers(0, 4, users)
    likes = rng.random((users, tracks)) < np.where(taste[:, None] == kind, 0.5, 0.05)
    user, track = np.nonzero(likes)
    plays = Interactions(IdMap(range(users)), IdMap(range(tracks)), user, track, np.ones(len(user)))
    truth = np.eye(4)[kind] + 0.1 * rng.normal(size=(tracks, 4))
    contents = {
        "telling": Embeddings(truth, np.ones(tracks, bool), "telling"),
        "idle": Embeddings(rng.normal(size=(tracks, 4)), np.ones(tracks, bool), "idle"),
    }
    return Dataset(plays, Catalogue(pd.DataFrame(index=range(tracks))), contents)


@pytest.fixture(scope="module")
def settings() -> Settings:
    return parse(SETTINGS)


def test_it_finds_the_block_that_matters(settings: Settings, tmp_path: Path) -> None:
    found = ablation.ablate(world(), settings, tmp_path, {"tables": "t"})
    assert found.model == "content"
    assert found.blocks()[0] == "telling"
    assert found.pays() == {"telling": True, "idle": False}
    for treatment in ("removed", "permuted", "noise"):
        assert found.loss("cold", "telling", treatment).low > 0.1
    assert abs(found.loss("cold", "telling", "residual").mean) < 0.1  # nothing else says it
    assert found.loss("cold", "idle", "removed").mean < 0.02
    assert set(found.whole) == {"cold", "warm"}


def test_a_killed_run_goes_on(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ablation.ablate(world(), settings, tmp_path / "a", {"tables": "t"})
    fits, plain = [], ablation._ndcg

    def counted(*given):
        fits.append(1)
        if len(fits) == 8:
            raise KeyboardInterrupt
        return plain(*given)

    monkeypatch.setattr(ablation, "_ndcg", counted)
    with pytest.raises(KeyboardInterrupt):
        ablation.ablate(world(), settings, tmp_path / "b", {"tables": "t"})
    assert len(list((tmp_path / "b").rglob("*.json"))) == 7
    again = ablation.ablate(world(), settings, tmp_path / "b", {"tables": "t"})
    assert again.to_json() == whole.to_json()
    tasks = 2 * 2 * (1 + 2 * 4)
    assert len(fits) == 8 + tasks - 7
    ablation.ablate(world(), settings, tmp_path / "b", {"tables": "t"})
    assert len(fits) == 8 + tasks - 7
    assert not list(tmp_path.rglob("*.tmp"))


def test_without_its_only_block_new_tracks_are_all_alike(settings: Settings, tmp_path: Path) -> None:
    dataset = world()
    alone = Dataset(dataset.plays, dataset.catalogue, {"telling": dataset.contents["telling"]})
    found = ablation.ablate(alone, settings, tmp_path, {"tables": "t"})
    assert found.loss("cold", "telling", "removed").mean > 0.2


def test_nothing_known_is_said(settings: Settings, tmp_path: Path) -> None:
    dataset = world()
    with pytest.raises(DataError, match="nothing is known about the tracks"):
        ablation.ablate(Dataset(dataset.plays, dataset.catalogue), settings, tmp_path, {})


def test_producers_of_several_blocks_are_taken_out_together(settings: Settings, tmp_path: Path) -> None:
    dataset = world()
    contents = {f"ear:{name}": space for name, space in dataset.contents.items()}
    found = ablation.ablate(Dataset(dataset.plays, dataset.catalogue, contents), settings, tmp_path, {})
    assert found.members == {"ear (all)": ["ear:telling", "ear:idle"]}
    assert found.pays()["ear (all)"]


def test_the_command_writes_it_all(tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "NAMES", ("popularity", "itemknn", "rp3beta", "content"))
    monkeypatch.setattr(ablation, "TREATMENTS", ("removed",))
    said = {name: {} for name in models.NAMES}
    quick = parse({"models": said, "evaluate": {"seeds": 1, "bootstrap": 100}, "train": {"model": "content"}})
    made = api.evaluate(tables, out=tmp_path / "report", ablate=True, settings=quick)
    written = json.loads((tmp_path / "report" / "ablation.json").read_text(encoding="utf-8"))
    assert written["model"] == "content"
    assert made.facts["on by default"] == written["on by default"]
    assert 'id="ablation"' in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
