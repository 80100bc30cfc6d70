"""Partitions: whole or absent, resumable, the same bytes each time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys import api, manifest
from recsys.engine import Engine
from recsys.errors import ArtefactError, DataError, SettingsError
from recsys.settings import parse
from recsys.terminal import described

PARTS = parse({"recommend": {"users_per_part": 7, "n": 10}})


def digest(folder: Path) -> dict[str, str]:
    return {p.name: manifest.sha256(p) for p in sorted(folder.glob("part-*"))}


def test_the_folder_reads_as_one_table(bundle: Path, tmp_path: Path) -> None:
    made = api.recommend(bundle, out=tmp_path / "recs", settings=PARTS)
    found = pd.read_parquet(made.path)
    assert len(digest(made.path)) == 9
    assert list(found.columns) == [
        *("user_id", "rank", "track_id", "score", "source", "reason", "why", "marks", "licence")
    ]
    assert found.groupby("user_id").size().eq(10).all()
    assert made.facts["listeners"] == found["user_id"].nunique() == 60
    assert manifest.problems(made.path) == []


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_other_formats_hold_the_same_rows(bundle: Path, tmp_path: Path, format: str) -> None:
    api.recommend(bundle, out=tmp_path / "a", n=5)
    api.recommend(bundle, out=tmp_path / "b", n=5, format=format)
    part = tmp_path / "b" / f"part-00000.{format}"
    found = pd.read_csv(part) if format == "csv" else pd.read_json(part, lines=True)
    expected = pd.read_parquet(tmp_path / "a")
    assert found["track_id"].tolist() == expected["track_id"].tolist()
    assert found["reason"].tolist() == expected["reason"].astype(str).tolist()
    why = found["why"].map(json.loads) if format == "csv" else found["why"]
    assert [set(each) for each in why] == [{"parts", "plays"}] * len(expected)
    assert [each["plays"] for each in why] == [list(each["plays"]) for each in expected["why"]]


def test_same_seed_same_bytes(tables: Path, tmp_path: Path) -> None:
    settings = parse({"models": {"ials": {"factors": 16, "iterations": 3}}})
    digests = []
    for name in ("a", "b"):
        made = api.train(tables, out=tmp_path / name, model="ials", seed=3, settings=settings)
        digests.append(digest(api.recommend(made.path, out=tmp_path / f"recs-{name}").path))
    assert digests[0] == digests[1]
    other = api.train(tables, out=tmp_path / "c", model="ials", seed=4, settings=settings)
    assert digest(api.recommend(other.path, out=tmp_path / "recs-c").path) != digests[0]


def test_resume_keeps_finished_parts_and_makes_the_rest(bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "recs"
    whole = digest(api.recommend(bundle, out=out, settings=PARTS).path)
    report = (out / "_report.html").read_bytes()
    plan = manifest.read(out)["plan"]
    (out / manifest.OUTPUT_NAME).unlink()
    manifest.write_json(out / "_plan.json", plan)
    (out / "part-00003.parquet").unlink()
    (out / ".part-00004.parquet.1.tmp").write_bytes(b"torn")
    kept = (out / "part-00002.parquet").stat().st_mtime_ns
    api.recommend(bundle, out=out, settings=PARTS, resume=True)
    assert digest(out) == whole
    assert (out / "part-00002.parquet").stat().st_mtime_ns == kept
    assert {p.name for p in out.iterdir()} == {*whole, manifest.OUTPUT_NAME, "_report.html"}
    assert (out / "_report.html").read_bytes() == report


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_the_report_is_the_same_from_parts_read_back(bundle: Path, tmp_path: Path, format: str) -> None:
    out, settings = tmp_path / "recs", parse({"recommend": {"users_per_part": 25, "n": 10, "format": format}})
    api.recommend(bundle, out=out, settings=settings)
    whole, plan = (out / "_report.html").read_bytes(), manifest.read(out)["plan"]
    (out / manifest.OUTPUT_NAME).unlink()
    manifest.write_json(out / "_plan.json", plan)
    api.recommend(bundle, out=out, settings=settings, resume=True)
    assert (out / "_report.html").read_bytes() == whole


def test_the_report_is_listed_and_shows_listeners_as_the_lists_name_them(bundle: Path, tmp_path: Path) -> None:
    made = api.recommend(bundle, out=tmp_path / "recs", n=5, novelty=0.3, pseudonyms=tmp_path / "key")
    page = (made.path / "_report.html").read_text(encoding="utf-8")
    lists = pd.read_parquet(made.path)
    shown = [name for name in lists["user_id"].unique() if f"<h3>{name}</h3>" in page]
    assert "_report.html" in made.facts["files"]
    assert f"in words: {made.path}/_report.html" in described(api.inspect(made.path))
    assert len(shown) == 6
    assert "<dd>novelty 0.3, " in page
    assert not any(f"<h3>{user}</h3>" in page for user in Engine.open(bundle).users.ids)


def test_killed_at_any_moment_then_resumed_gives_the_same(bundle: Path, tmp_path: Path) -> None:
    whole = digest(api.recommend(bundle, out=tmp_path / "whole", settings=PARTS).path)
    out = tmp_path / "killed"
    words = ["recommend", "--bundle", str(bundle), "--out", str(out), "-n", "10", "--set", "recommend.users_per_part=7"]
    ran = subprocess.Popen([sys.executable, "-m", "recsys", "-q", *words, "--resume"], cwd=tmp_path)
    while ran.poll() is None and len(list(out.glob("part-*"))) < 2:
        time.sleep(0.002)
    os.kill(ran.pid, signal.SIGKILL)
    ran.wait()
    for path in out.glob("part-*"):
        assert manifest.sha256(path) == whole[path.name]
    subprocess.run([sys.executable, "-m", "recsys", "-q", *words, "--resume"], cwd=tmp_path, check=True)
    assert digest(out) == whole
    assert manifest.problems(out) == []


def test_resume_under_another_plan_is_refused(bundle: Path, tmp_path: Path) -> None:
    api.recommend(bundle, out=tmp_path / "recs", n=5)
    with pytest.raises(ArtefactError, match="differs in n"):
        api.recommend(bundle, out=tmp_path / "recs", n=6, resume=True)


def test_the_same_listeners_in_another_order_are_another_job(bundle: Path, tmp_path: Path) -> None:
    users = list(api.open_engine(bundle).users.ids[:4])
    api.recommend(bundle, out=tmp_path / "recs", n=3, users=users)
    with pytest.raises(ArtefactError, match="differs in users"):
        api.recommend(bundle, out=tmp_path / "recs", n=3, users=users[::-1], resume=True)


def test_other_histories_of_the_same_size_are_another_job(bundle: Path, tmp_path: Path) -> None:
    tracks = api.open_engine(bundle).most_played(2)
    for track in tracks:
        (tmp_path / f"{track}.csv").write_text(f"user,track\nnew,{track}\n")
    api.recommend(bundle, out=tmp_path / "recs", n=3, histories=tmp_path / f"{tracks[0]}.csv")
    with pytest.raises(ArtefactError, match="differs in plays"):
        api.recommend(bundle, out=tmp_path / "recs", n=3, histories=tmp_path / f"{tracks[1]}.csv", resume=True)


def test_without_resume_an_older_job_is_replaced(bundle: Path, tmp_path: Path) -> None:
    api.recommend(bundle, out=tmp_path / "recs", settings=PARTS)
    api.recommend(bundle, out=tmp_path / "recs", n=3)
    assert len(digest(tmp_path / "recs")) == 1


def test_somebody_elses_files_are_left_alone(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ArtefactError, match=r"holds thesis\.txt"):
        api.recommend(bundle, out=tmp_path, n=3)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_up_to_date_lists_are_left_alone(bundle: Path, tmp_path: Path) -> None:
    api.recommend(bundle, out=tmp_path / "recs", n=3)
    assert api.recommend(bundle, out=tmp_path / "recs", n=3, only_stale=True).unchanged
    assert not api.recommend(bundle, out=tmp_path / "recs", n=4, only_stale=True).unchanged


def test_histories_of_new_people(bundle: Path, world: Path, tmp_path: Path) -> None:
    plays = pd.read_csv(world / "plays.csv")
    chosen = plays[plays["user_id"].isin(plays["user_id"].unique()[:4])].copy()
    chosen["user_id"] = "new-" + chosen["user_id"]
    chosen.to_csv(tmp_path / "new.csv", index=False)
    made = api.recommend(bundle, out=tmp_path / "recs", histories=tmp_path / "new.csv", n=10)
    found = pd.read_parquet(made.path)
    assert set(found["user_id"]) == set(chosen["user_id"])
    heard = chosen[chosen["ms_played"] > 30_000].groupby("user_id")["track_id"].agg(set)
    for user, mine in found.groupby("user_id"):
        assert not set(mine["track_id"]) & heard.get(user, set())


def test_users_and_histories_exclude_each_other(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="several of users, histories"):
        api.recommend(bundle, out=tmp_path / "r", users=["u1"], histories=["x.csv"])


def test_no_known_candidate_is_an_error(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none of the 1 candidates"):
        api.recommend(bundle, out=tmp_path / "r", candidates=["zz"])


def test_a_bad_format_is_an_error(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises((SettingsError, ValueError), match="parquet"):
        api.recommend(bundle, out=tmp_path / "r", format="xlsx")


def test_the_manifest_says_from_what(bundle: Path, tmp_path: Path) -> None:
    made = api.recommend(bundle, out=tmp_path / "recs", n=3)
    content = json.loads((made.path / manifest.OUTPUT_NAME).read_text())
    assert content["plan"]["bundle"] == api.open_engine(bundle).folder.name
    assert set(content["files"]) == {*digest(made.path), "_report.html"}


def test_a_newcomer_who_names_tracks_or_tags(bundle: Path, tmp_path: Path) -> None:
    engine = Engine.open(bundle)
    genre = engine.catalogue.values("genre")[0][0]
    by_tag = pd.read_parquet(api.recommend(bundle, out=tmp_path / "a", n=10, tag=[genre]).path)
    assert set(by_tag["user_id"]) == {"newcomer"}
    share = np.mean([genre in engine.catalogue.values("genre")[r] for r in engine.tracks.rows(by_tag["track_id"])])
    overall = np.mean([genre in list(g) for g in engine.catalogue.values("genre") if g is not None])
    assert share > overall
    liked = engine.most_played(3)
    by_track = pd.read_parquet(api.recommend(bundle, out=tmp_path / "b", n=10, like=liked).path)
    assert not set(liked) & set(by_track["track_id"])
    with pytest.raises(DataError, match="no track has the genre or tag 'polkadot'"):
        api.recommend(bundle, out=tmp_path / "c", tag=["polkadot"])
    with pytest.raises(DataError, match="expected one kind of listener"):
        api.recommend(bundle, out=tmp_path / "c", tag=[genre], users=["u1"])


def test_only_tracks_for_which_a_filter_holds(bundle: Path, tmp_path: Path) -> None:
    engine = Engine.open(bundle)
    api.recommend(bundle, out=tmp_path / "recs", n=5, where="year >= 2000")
    rows = engine.tracks.rows(pd.read_parquet(tmp_path / "recs")["track_id"].unique())
    assert engine.catalogue.where("year >= 2000")[rows].all()
    with pytest.raises(DataError, match="no track to choose from"):
        api.recommend(bundle, out=tmp_path / "none", where="year > 3000")
