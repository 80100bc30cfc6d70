"""A bundle takes up what came since: plays, listeners, tracks and their sound, and says when to train again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recsys import api, bundle, manifest, models, record
from recsys.drift import advice
from recsys.engine import Engine
from recsys.errors import DataError
from recsys.opened import write_engine
from recsys.settings import Settings, parse
from recsys.tables import Dataset
from recsys.training import build_index
from recsys.verbs.raw import AUDIO
from tests.test_cli import Run, run

__all__ = ["run"]


@pytest.fixture(scope="module")
def late(world: Path) -> list[str]:
    """Tracks that come after training."""
    return sorted(pd.read_csv(world / "tracks.csv")["track_id"])[::10]


@pytest.fixture(scope="module")
def files(world: Path, late: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample world cut in two: old.csv and told.csv before, new.csv and described.csv after; all.csv is whole."""
    folder = tmp_path_factory.mktemp("files")
    plays, tracks = pd.read_csv(world / "plays.csv"), pd.read_csv(world / "tracks.csv")
    after = plays["track_id"].isin(late) | (plays["timestamp"] > plays["timestamp"].quantile(0.9))
    plays[~after].to_csv(folder / "old.csv", index=False)
    plays[after].to_csv(folder / "new.csv", index=False)
    plays.to_csv(folder / "all.csv", index=False)
    plays.drop(columns="timestamp")[after].to_csv(folder / "untimed.csv", index=False)
    tracks[~tracks["track_id"].isin(late)].to_csv(folder / "told.csv", index=False)
    tracks[tracks["track_id"].isin(late)].to_csv(folder / "described.csv", index=False)
    return folder


def _base(files: Path, out: Path, settings: Settings, model: str = "ials") -> Path:
    tables = api.ingest([files / "old.csv"], out=out / "tables", tracks=[files / "told.csv"]).path
    return api.train(tables, out=out / "main", model=model, settings=settings).path


@pytest.fixture(scope="module")
def base(files: Path, tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> Path:
    """A bundle that knows nothing of the late tracks; each test writes its updates elsewhere."""
    return _base(files, tmp_path_factory.mktemp("base"), settings)


def test_new_plays_and_tracks_are_as_if_they_had_always_been_there(
    base: Path, files: Path, late: list[str], tmp_path: Path
) -> None:
    made = api.update(base, [files / "new.csv"], tracks=[files / "described.csv"], out=tmp_path)
    engine = Engine.open(tmp_path)
    assert engine.folder == made.path
    whole = api.ingest([files / "all.csv"], out=tmp_path / "t", tracks=[files / "told.csv", files / "described.csv"])
    dataset = Dataset.open(whole.path)
    assert engine.tracks == dataset.tracks
    assert engine.users == dataset.users
    assert np.allclose(engine.histories.toarray(), dataset.matrix().toarray())
    assert engine.listening.last is not None
    assert engine.listening.last.tolist() == dataset.plays.last_times().tolist()  # type: ignore[union-attr]
    assert dataset.skips is not None
    assert engine.listening.skips is not None
    assert np.allclose(engine.listening.skips.toarray(), dataset.skips.matrix().toarray())
    assert engine.catalogue.frame["title"].tolist() == dataset.catalogue.frame["title"].tolist()
    lists = engine.recommend(n=20)
    assert lists["track_id"].isin(late).mean() > 0.05
    assert not manifest.problems(made.path)


def test_the_base_stays_and_is_named(base: Path, files: Path, tmp_path: Path) -> None:
    before = manifest.read(base)["files"]
    made = api.update(base, [files / "new.csv"], out=tmp_path)
    assert manifest.read(base)["files"] == before
    assert made.facts["made_from"]["bundle"] == base.name
    assert list(made.facts["made_from"]["inputs"]["plays"]) == [str(files / "new.csv")]
    assert (tmp_path / "CURRENT").read_text().strip() == made.path.name
    assert (made.path / "settings.toml").read_bytes() == (base / "settings.toml").read_bytes()


def test_a_whole_log_counts_no_play_twice(base: Path, files: Path, tmp_path: Path) -> None:
    part = api.update(base, [files / "new.csv"], out=tmp_path / "a")
    whole = api.update(base, [files / "all.csv"], out=tmp_path / "b")
    first, second = Engine.open(part.path), Engine.open(whole.path)
    assert np.allclose(first.histories.toarray(), second.histories.toarray())
    assert whole.facts["update"]["now"]["known_already"] > 0
    assert part.facts["update"]["now"]["plays"] == whole.facts["update"]["now"]["plays"]


def test_updates_add_up_and_a_step_does_none_twice(base: Path, files: Path, late: list[str], tmp_path: Path) -> None:
    api.update(base, [files / "new.csv"], out=tmp_path)
    assert api.update(tmp_path, [files / "new.csv"]).unchanged
    later = tmp_path / "later.csv"
    later.write_text(f"user_id,track_id,timestamp\nzoe,{late[0]},1999999999\nzoe,brand-new,1999999999\n")
    made = api.update(tmp_path, [files / "new.csv", later])
    assert made.facts["update"]["now"]["known_already"] == 0
    story = made.facts["update"]
    assert story["updates"] == 2
    assert story["bundle"] == base.name
    assert story["now"]["listeners"] == 1
    assert story["since"]["tracks"] == len(late) + 1
    assert "zoe" in Engine.open(tmp_path).users


def test_new_tracks_have_neighbours_by_taste_and_by_content(
    base: Path, files: Path, late: list[str], tmp_path: Path
) -> None:
    api.update(base, [files / "new.csv"], tracks=[files / "described.csv"], out=tmp_path)
    engine = Engine.open(tmp_path)
    genres = engine.catalogue.values("genre")
    genre = {track: set(genres[row]) for row, track in enumerate(engine.tracks.ids) if genres[row] is not None}
    for by in ("collaborative", "content"):
        found = engine.similar(late, 3, by=by)
        assert set(found["query"]) == set(late)
        same = [
            bool(genre.get(q, set()) & genre.get(t, set()))
            for q, t in zip(found["query"], found["track_id"], strict=True)
        ]
        assert np.mean(same) > 0.5


def test_what_does_not_fold_is_said(base: Path, files: Path, settings: Settings, tmp_path: Path) -> None:
    slim = _base(files, tmp_path, settings, model="slim")
    made = api.update(slim, [files / "new.csv"], out=tmp_path / "up")
    assert any("slim can't take up tracks" in note for note in made.facts["update"]["notes"])
    untimed = api.update(base, [files / "untimed.csv"], out=tmp_path / "untimed")
    assert any("no times" in note for note in untimed.facts["update"]["notes"])
    assert Engine.open(untimed.path).listening.last is None
    assert not Engine.open(tmp_path / "up").recommend(n=5).empty


def test_a_blend_takes_part_of_its_members_along(
    files: Path, late: list[str], settings: Settings, tmp_path: Path
) -> None:
    members = [["ials", {"factors": 16, "iterations": 4}], ["slim", {"k": 20}]]
    tables = api.ingest([files / "old.csv"], out=tmp_path / "tables", tracks=[files / "told.csv"]).path
    dataset = Dataset.open(tables)
    blend: Any = models.build("blend", members=members, weights=[0.6, 0.4])
    blend.fit(dataset, rng=np.random.default_rng(0))

    def write(folder: Path) -> dict[str, Any]:
        write_engine(folder, dataset, blend, build_index(dataset, blend, 0))
        return record.write(folder, dataset, "blend", [], settings, 0.0)

    made = api.update(bundle.create(tmp_path / "main", write, time=0), [files / "new.csv"])
    found = Engine.open(made.path).recommend(n=20)
    mine = found[found["track_id"].isin(late)]
    assert len(mine)
    assert set(mine["source"]) <= {"ials", "popularity"}


def test_the_hybrid_places_tracks_by_a_content_table(files: Path, world: Path, late: list[str], tmp_path: Path) -> None:
    heard = pd.read_csv(world / "descriptors.csv")
    (tmp_path / "all").mkdir()
    heard.to_csv(tmp_path / "all" / "heard.csv", index=False)
    heard[~heard["track_id"].isin(late)].to_csv(tmp_path / "heard.csv", index=False)
    small = parse({"models": {"hybrid": {"factors": 16, "iterations": 4}}})
    tables = api.ingest([files / "old.csv"], out=tmp_path / "tables", content=[tmp_path / "heard.csv"]).path
    base = api.train(tables, out=tmp_path / "main", model="hybrid", settings=small).path
    made = api.update(base, content=[tmp_path / "all" / "heard.csv"])
    engine = Engine.open(made.path)
    rows = engine.tracks.rows(late, missing="drop")
    rows = rows[engine.contents["heard"].known[rows]]
    assert len(rows) > 3
    scores = engine.model.scores(engine.histories)
    assert np.isfinite(scores).all()
    assert (scores[:, rows].std(axis=0) > 0).all()


def test_first_plays_of_a_bundle_without_any_wait_for_training(files: Path, tmp_path: Path) -> None:
    tables = api.ingest(out=tmp_path / "tables", tracks=[files / "told.csv"]).path
    made = api.update(
        api.train(tables, out=tmp_path / "main").path, [files / "new.csv"], tracks=[files / "described.csv"]
    )
    assert any("made without plays" in note for note in made.facts["update"]["notes"])
    engine = Engine.open(made.path)
    assert engine.histories.nnz
    assert len(engine.similar([engine.tracks.ids[0]], 3, by="content")) == 3


def test_nothing_new_is_an_error(base: Path) -> None:
    with pytest.raises(DataError, match="nothing new"):
        api.update(base)


def test_content_alone_makes_a_track_findable(base: Path, files: Path, late: list[str], tmp_path: Path) -> None:
    made = api.update(base, tracks=[files / "described.csv"], out=tmp_path)
    engine = Engine.open(made.path)
    assert len(engine.similar([late[0]], 3, by="content")) == 3
    assert not engine.recommend(n=5)["track_id"].isin(late).any()
    assert made.facts["update"]["now"] | {"tracks": 0} == dict.fromkeys(made.facts["update"]["now"], 0)


def test_advice_comes_with_shares_and_with_worse_ranking() -> None:
    trained = {"pairs": 1000, "tracks": 100}
    assert advice({"pairs": 199, "tracks": 19}, trained, {}) == []
    assert len(advice({"pairs": 200, "tracks": 20}, trained, {})) == 2
    worse = {"new_plays_ndcg@100": 0.2, "validation_ndcg@100": 0.3, "judges": 80.0}
    assert "train again" in advice({}, trained, worse)[0]
    assert advice({}, trained, worse | {"judges": 10.0}) == []


def test_new_files_are_placed_in_the_space_of_sound_that_is_there(tmp_path: Path) -> None:
    for package in AUDIO:
        pytest.importorskip(package)
    from recsys.sources.sample import write_world

    write_world(tmp_path / "raw", tracks=24, listeners=8)
    clips = sorted((tmp_path / "raw" / "audio").iterdir())
    (tmp_path / "music").mkdir()
    for clip in clips[:7]:
        clip.rename(tmp_path / "music" / clip.name)
    small = parse({"models": {"ials": {"factors": 8, "iterations": 2}}, "analyze": {"workers": 1}})
    api.analyze([tmp_path / "music"], out=tmp_path / "features", settings=small)
    plays = pd.read_csv(tmp_path / "raw" / "plays.csv")
    plays[~plays["track_id"].isin([clip.stem for clip in clips[7:]])].to_csv(tmp_path / "plays.csv", index=False)
    api.ingest([tmp_path / "plays.csv"], features=tmp_path / "features", out=tmp_path / "tables", settings=small)
    base = Engine.open(api.train(tmp_path / "tables", out=tmp_path / "main", model="ials", settings=small).path)
    for clip in clips[7:10]:
        clip.rename(tmp_path / "music" / clip.name)
    api.analyze([tmp_path / "music"], out=tmp_path / "features", settings=small)
    made = api.update(tmp_path / "main", features=tmp_path / "features", settings=small)
    engine = Engine.open(made.path)
    assert len(engine.tracks) == len(base.tracks) + 3
    assert made.facts["update"]["now"]["described"] == 3
    moved = engine.index.vectors("sound", engine.tracks.rows(base.tracks.ids))
    assert np.allclose(moved, base.index.vectors("sound"), atol=1e-6)
    newcomer = tmp_path / "music" / clips[8].name
    track = engine.similar([str(newcomer)], 3, by="sound")["query"].iloc[0]
    assert track in engine.tracks  # the file is recognised as the track that it became
    assert track not in base.tracks
    assert not manifest.problems(made.path)


def test_the_command_says_what_it_did_and_when_to_train(run: Run, base: Path, files: Path, tmp_path: Path) -> None:
    code, out, err = run("update", files / "new.csv", "--bundle", base, "--out", tmp_path / "up")
    assert (code, out) == (0, "")
    assert all(word in " ".join(err.split()) for word in ("folded in", "new tracks", "train again from 20 %"))
    code, out, _ = run("update", "--plays", files / "new.csv", "--bundle", tmp_path / "up", "--json")
    assert code == 0
    assert json.loads(out)["update"]["updates"] == 1
    assert run("update", "--bundle", base)[0] == 2
