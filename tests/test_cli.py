"""The command line: exit codes, one-line errors, and the same words as the api."""

from __future__ import annotations

import inspect
import json
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys import api, cli, pipeline
from recsys.engine import Engine
from recsys.errors import ArtefactError
from tests.words import every

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)

    def go(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["recsys", *map(str, words)])
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        told = capsys.readouterr()
        return code, told.out, told.err

    return go


def counts(folder: Path) -> Path:
    """A log as hetrec has it: listener, track, count."""
    rng = np.random.default_rng(0)
    rows = [
        (u, 100 + t, int(rng.integers(1, 50)))
        for u in range(40)
        for t in range(30)
        if (u + t) % 3 or rng.random() < 0.2
    ]
    path = folder / "user_artists.dat"
    pd.DataFrame(rows, columns=["userID", "artistID", "weight"]).to_csv(path, sep="\t", index=False)
    return path


def test_from_a_raw_file_to_lists_in_four_commands(run: Run, tmp_path: Path) -> None:
    log = counts(tmp_path)
    assert run("ingest", "--plays", log, "--out", "T")[0] == 0
    assert run("train", "--tables", "T", "--out", "B", "--model", "itemknn")[0] == 0
    assert run("recommend", "--bundle", "B", "--out", "R", "-n", 5)[0] == 0
    code, out, _ = run("similar", 100, "--bundle", "B", "-n", 3, "--json")
    assert code == 0
    assert [row["rank"] for row in json.loads(out)] == [1, 2, 3]
    found = pd.read_parquet("R")
    assert found["user_id"].dtype == np.int64
    assert found["user_id"].nunique() == 40


def test_a_project_runs_in_one_command_and_again_in_none(run: Run, tmp_path: Path) -> None:
    assert run("init")[0] == 0
    counts(tmp_path)
    text = (tmp_path / "recsys.toml").read_text().replace("plays = []", 'plays = ["user_artists.dat"]')
    (tmp_path / "recsys.toml").write_text(text + "\n[train]\nmodel = 'itemknn'\n")
    code, _, err = run("run")
    assert code == 0
    assert [line.split()[0] for line in err.splitlines() if "written:" in line] == [
        "ingest",
        "train",
        "evaluate",
        "recommend",
    ]
    code, _, err = run("run")
    assert code == 0
    assert err.count("up to date") == 4
    assert run("similar", 100)[0] == 0
    assert run("inspect", "data/bundles/main")[0] == 0
    assert (tmp_path / "data/out/report/report.html").is_file()


def test_init_never_overwrites(run: Run, tmp_path: Path) -> None:
    (tmp_path / "recsys.toml").write_text("mine")
    code, _, err = run("init")
    assert (code, "exists already" in err) == (2, True)
    assert (tmp_path / "recsys.toml").read_text() == "mine"


def test_an_unknown_id_is_exit_code_2_with_near_ids(run: Run, bundle: Path) -> None:
    known = Engine.open(bundle).tracks.ids[0]
    code, out, err = run("similar", f"{known}x", "--bundle", bundle)
    assert code == 2
    assert out == ""
    assert err.startswith(f"error: unknown track '{known}x'; nearest by spelling: {known}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ingest", "--plays", "gone.csv", "--out", "T"], "gone.csv"),
        (["ingest", "--out", "T"], "nothing to read"),
        (["train", "--out", "B"], "no --tables given"),
        (["train", "--tables", "gone", "--out", "B"], "gone is not a folder"),
        (["recommend", "--bundle", "gone", "--out", "R"], "recsys train"),
        (["playlist", "--bundle", "gone"], "needs --seed"),
        (["inspect", "gone"], "gone"),
        (["run"], "recsys init"),
        (["run", "gone.toml"], "no pipeline"),
        (["train", "--tables", "gone", "--out", "B", "--set", "trian.seed=1", "--model", "ials"], "gone"),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_exit_code_2(run: Run, words: list[str], message: str) -> None:
    code, out, err = run(*words)
    assert code == 2
    assert out == ""
    assert message in err
    assert err.count("\n") == 1


def test_an_empty_file_and_wrong_columns(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "wrong.csv").write_text("alpha,beta\n1,2\n")
    for name in ("empty.csv", "wrong.csv"):
        code, _, err = run("ingest", "--plays", name, "--out", "T")
        assert code == 2
        assert name in err
    assert not (tmp_path / "T").exists()


def test_debug_shows_where(run: Run) -> None:
    with pytest.raises(ArtefactError):
        run("inspect", "gone", "--debug")


def test_inspect_finds_what_was_changed(run: Run, tables: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(tables, tmp_path / "copy")
    assert run("inspect", "copy")[0] == 0
    with open(tmp_path / "copy" / "plays.parquet", "ab") as file:
        file.write(b"x")
    code, out, _ = run("inspect", "copy")
    assert code == 1
    assert "PROBLEM plays.parquet" in out


def test_a_shortfall_is_said(run: Run, bundle: Path) -> None:
    seed = Engine.open(bundle).most_played(1)[0]
    code, out, err = run("similar", seed, "--bundle", bundle, "-n", 50, "--where", "year > 2100", "--json")
    assert (code, json.loads(out)) == (0, [])
    assert "found 0 of 50" in err


@pytest.mark.parametrize("suffix", ["m3u8", "xspf", "jspf", "csv"])
def test_playlists_in_every_format(run: Run, bundle: Path, tmp_path: Path, suffix: str) -> None:
    seeds = Engine.open(bundle).most_played(2)
    code, _, _ = run("playlist", "--bundle", bundle, "--seed", *seeds, "--out", f"x.{suffix}", "-n", 10)
    assert code == 0
    assert (tmp_path / f"x.{suffix}").stat().st_size > 200


def test_every_verb_has_help(run: Run) -> None:
    for words in every():
        code, out, _ = run(*words.split(), "--help")
        assert code == 0
        assert words in out


@pytest.mark.parametrize("verb", [*api.STEPS, "similar", "describe", "playlist_match", "playlist_ledger"])
def test_one_verb_three_doors(verb: str) -> None:
    """What the api takes, the command takes, and a pipeline step may say."""
    function = set(inspect.signature(getattr(api, verb)).parameters) - set(pipeline.MACHINERY)
    command = set(inspect.signature(every()[verb.replace("_", " ")]).parameters) - {"set_", "as_json", "more"}
    assert function == command


def test_a_pipeline_file_runs_its_steps(run: Run, tmp_path: Path) -> None:
    log = counts(tmp_path)
    (tmp_path / "job.toml").write_text(
        f'[[step]]\nverb = "ingest"\nplays = ["{log}"]\nout = "T"\n'
        '[[step]]\nverb = "train"\ntables = "T"\nout = "B"\nmodel = "rp3beta"\n'
        '[[step]]\nverb = "playlist"\nbundle = "B"\nseed = [100]\nout = "x.m3u8"\nn = 5\n'
    )
    assert run("run", "job.toml")[0] == 0
    assert (tmp_path / "x.m3u8").is_file()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[step]]\nverb = "trian"\n', "did you mean train"),
        ('[[step]]\nverb = "train"\ntable = "T"\n', "did you mean tables"),
        ("steps = 3\n", r"expected [[step]] tables"),
        ("[[step", "not valid TOML"),
    ],
)
def test_a_wrong_pipeline_is_guessed(run: Run, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "job.toml").write_text(text)
    code, _, err = run("run", "job.toml")
    assert code == 2
    assert message in err


def test_the_shipped_pipelines_are_valid(run: Run) -> None:
    for path in sorted((Path(cli.__file__).parents[1] / "pipelines").glob("*.toml")):
        steps = pipeline.read(path, api.STEPS)[1]
        assert steps


def test_tune_resumes(run: Run, tables: Path, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    words = ["tune", "--tables", tables, "--model", "itemknn", "--out", "study"]
    assert run(*words, "--trials", 2)[0] == 0
    first = json.loads((tmp_path / "study" / "trials.json").read_text())
    assert run(*words, "--trials", 4)[0] == 0
    again = json.loads((tmp_path / "study" / "trials.json").read_text())
    assert len(again) == 4
    assert again[:2] == first


def test_tune_several_models_within_a_time(run: Run, tables: Path, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    words = ["tune", "--tables", tables, "--model", "itemknn,rp3beta", "--trials", 30, "--minutes", 0, "--out", "s"]
    assert run(*words)[0] == 0
    table = json.loads((tmp_path / "s" / "trials.json").read_text())
    assert {row["model"] for row in table} == {"itemknn", "rp3beta"}
    assert len(table) == 2  # each had its turn before time was up
    assert set(tomllib.loads((tmp_path / "s" / "best.toml").read_text())["models"]) == {"itemknn", "rp3beta"}
    assert "expected all or" in run(*words[:4], "ials,rp3", "--out", "s")[2]
