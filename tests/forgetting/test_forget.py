"""After a listener was forgotten nothing below the folder names them, and nobody else's lists have moved."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys import api, manifest
from recsys.engine import Engine
from recsys.errors import DataError, UnknownId
from recsys.forgetting import bundles, erase
from recsys.forgetting.proof import Proof, digest_of
from recsys.forgetting.traces import traces
from recsys.forgetting.who import Who
from recsys.playlists.ledger import Ledger, listed
from recsys.tables import Dataset

NOW = 1_800_000_000.0


@pytest.fixture(scope="module")
def gone(bundle: Path) -> str:
    return str(Engine.open(bundle).users.ids[7])


@pytest.fixture(scope="module")
def kept(world: Path, tables: Path, bundle: Path, gone: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with everything that can name a listener."""
    data = tmp_path_factory.mktemp("project") / "data"
    shutil.copytree(world, data / "raw")
    shutil.copytree(tables, data / "tables")
    shutil.copytree(bundle, data / "bundles")
    plays = pd.read_csv(world / "plays.csv")
    (data / "raw/more").mkdir()
    with gzip.open(data / "raw/more/plays.jsonl.gz", "wt") as file:
        pairs = plays[["user_id", "track_id"]].itertuples(index=False)
        file.writelines(f"{json.dumps({'user': user, 'track': track})}\n" for user, track in pairs)
    plays.to_parquet(data / "raw/more/plays.parquet", index=False)
    for suffix in ("parquet", "csv", "jsonl"):
        api.recommend(bundle=data / "bundles", out=data / f"out/recs-{suffix}", n=5, format=suffix)
    book = Ledger(data / "out/ledger")
    for who in (gone, f"{gone} + u001", f"{gone}0"):
        book.append(listed(who, "morning", ["t001", "t002"], time=100))
        (data / "out/lists" / who).mkdir(parents=True)
        (data / "out/lists" / who / "morning.m3u8").write_text("#EXTM3U\nx.ogg\n")
    (data / "out/told.json").write_text(json.dumps({"listener": gone, "list": []}, indent=1))
    return data


@pytest.fixture
def data(kept: Path, world: Path, tmp_path: Path) -> Path:
    copy = Path(shutil.copytree(kept, tmp_path / "data"))
    told = copy / "tables/manifest.json"  # says what the tables were made from: the copied files
    told.write_text(told.read_text().replace(str(world), str(copy / "raw")))
    return copy


def test_nothing_is_left_and_others_keep_their_lists(data: Path, gone: str) -> None:
    before = Engine.open(data / "bundles").recommend(n=20)
    made = api.forget(gone, data=data, time=NOW)
    assert made.facts["left"] == []
    assert traces([data], Who(gone), Counter()) == []
    engine = Engine.open(data / "bundles")
    assert gone not in engine.users
    assert engine.facts["users"] == len(engine.users) == engine.histories.shape[0]
    after = engine.recommend(n=20)
    others = before[before["user_id"] != gone].reset_index(drop=True)
    columns = ["user_id", "rank", "track_id", "score"]  # scores: to the last bits, which move with the size of a batch
    pd.testing.assert_frame_equal(after[columns], others[columns], rtol=1e-5)


def test_what_is_left_is_sound(data: Path, gone: str) -> None:
    had = Dataset.open(data / "tables")
    made = api.forget(gone, data=data, time=NOW)
    for folder in sorted({path.parent for name in ("manifest", "_manifest") for path in data.rglob(f"{name}.json")}):
        assert manifest.problems(folder) == [], folder
    left, row = Dataset.open(data / "tables"), int(had.users.rows([gone])[0])
    assert len(left.plays) == int((had.plays.user != row).sum())
    assert left.plays.matrix().sum() == pytest.approx(np.delete(had.plays.matrix().toarray(), row, axis=0).sum())
    assert made.facts["removed"]["plays"] == int((had.plays.user == row).sum())
    lists = data / "out/lists"
    assert sorted(path.name for path in lists.iterdir()) == [f"{gone}0"]  # an id that only begins alike stays
    assert set(Ledger(data / "out/ledger").read()["listener"]) == {f"{gone}0"}


def test_the_proof_names_nobody(data: Path, gone: str) -> None:
    made = api.forget(gone, data=data, time=NOW)
    text = made.path.read_text()
    assert not Who(gone).word.search(text.encode())
    told = json.loads(text)
    assert told["digest"] == digest_of(gone, told["salt"])
    assert all(one["before"] != one["after"] for one in told["changed"])
    assert told["looked"][".parquet"] > 5
    again = api.forget(gone, data=data, time=NOW + 9)
    assert again.unchanged
    assert again.path == made.path


def test_a_run_that_is_killed_goes_on(data: Path, gone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(folder: Path, who: Who) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(bundles, "rebuilt_tables", killed)
        with pytest.raises(KeyboardInterrupt):
            api.forget(gone, data=data, time=NOW)
    (data / "bundles/.making.999999999.tmp").mkdir()
    (data / "bundles/.making.999999999.tmp/users.csv").write_text(f"user_id\n{gone}\n")
    half = Proof.of(data / "forgotten", gone)
    assert half is not None
    assert half.finished is None
    made = api.forget(gone, data=data, time=NOW + 5)
    assert made.path == half.path
    assert {one["kind"] for one in made.facts["changed"]} >= {"bundle", "tables", "ledger", "recommendations", "list"}
    assert traces([data], Who(gone), Counter()) == []
    assert not list(data.glob("out/recs-*/_report.html"))  # it counts them, and may show their list
    assert (data / "tables/SUMMARY.md").read_text().endswith("the counts above are from before.\n")


def test_every_version_of_a_bundle_loses_the_listener(data: Path, gone: str) -> None:
    live = (data / "bundles/CURRENT").read_text().strip()
    shutil.copytree(data / "bundles" / live, data / "bundles/20200101T000000Z-00000000")
    api.forget(gone, data=data, time=NOW)
    names = sorted(path.name for path in (data / "bundles").iterdir() if path.is_dir())
    assert [name.partition("-")[0] for name in names] == ["20200101T000000Z", live.partition("-")[0]]
    assert (data / "bundles/CURRENT").read_text().strip() == names[1] != live


def test_what_it_did_not_write_is_named(data: Path, gone: str) -> None:
    (data / "notes.md").write_text(f"ask {gone} about the record\n")
    made = api.forget(gone, data=data, time=NOW)
    assert made.facts["left"] == [str(data / "notes.md")]
    assert "look there yourself" in made.facts["headline"]


def test_a_log_elsewhere_is_named(data: Path, gone: str, world: Path) -> None:
    """The tables were made from a log outside of the folder, which nobody may rewrite unasked."""
    log = data.parent / "elsewhere/plays.csv"
    log.parent.mkdir()
    shutil.copy(world / "plays.csv", log)
    api.ingest([log], out=data / "tables")
    made = api.forget(gone, data=data, time=NOW)
    assert made.facts["left"] == [str(log)]
    assert gone in log.read_text()


def test_an_unknown_listener_is_one_line(data: Path) -> None:
    with pytest.raises(UnknownId, match="unknown user 'nobody-here'"):
        api.forget("nobody-here", data=data)
    assert not (data / "forgotten").exists()
    with pytest.raises(DataError, match="no folder"):
        api.forget("u1", data=data / "nowhere")


def test_numbers_are_looked_for_in_columns_only(tmp_path: Path) -> None:
    path = tmp_path / "plays.csv"
    path.write_text("user_id,track_id,plays\n7,7,7\n77,7,7\n")
    proof = Proof.begin(tmp_path / "proofs", "7", salt="00", time=NOW)
    erase(Who("7"), [tmp_path], proof)
    assert path.read_text() == "user_id,track_id,plays\n77,7,7\n"
    assert proof.left == []


def test_rows_of_models_that_listeners_have(tmp_path: Path) -> None:
    for name in ("2.users", "latest", "items", "0.people.points"):
        np.save(tmp_path / f"{name}.npy", np.arange(6).reshape(3, 2))
    assert bundles._models(tmp_path, 1) == {"model/0.people.points": 1, "model/2.users": 1, "model/latest": 1}
    assert np.load(tmp_path / "latest.npy").tolist() == [[0, 1], [4, 5]]
    assert len(np.load(tmp_path / "items.npy")) == 3


def test_no_model_keeps_listeners_under_another_name() -> None:
    from recsys.models import NAMES, model_class

    for name in NAMES:
        kind = model_class(name)
        held = {part for part, axes in kind.axes.items() if "u" in axes}
        assert held <= set(bundles.PER_LISTENER), name


def test_sequences_that_may_be_theirs_go(tmp_path: Path) -> None:
    import scipy.sparse as sp

    held = sp.csr_array(np.array([[1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0]], np.float32))
    for part in ("data", "indices", "indptr", "shape"):
        np.save(tmp_path / f"heard.{part}.npy", np.asarray(getattr(held, part)))
    assert bundles._sequences(tmp_path, np.array([0, 1])) == {"next/sequences": 2}
    assert np.load(tmp_path / "heard.shape.npy").tolist() == [1, 4]
    assert np.load(tmp_path / "heard.indices.npy").tolist() == [0, 2]
