"""The words of the command line about playlists do what the functions do."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from recsys import cli

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


def test_a_list_of_a_kind_and_its_reports(run: Run, lively: Path, tmp_path: Path) -> None:
    words = [
        "playlist",
        "new",
        "curve",
        "curve.energy=0:20% 100:90%",
        "variety=0",
        "--bundle",
        lively / "bundle",
        "-n",
        8,
    ]
    code, out, _ = run(*words, "--out", "up.jspf", "--report", "up.svg")
    assert code == 0
    assert "8 tracks by" in out
    assert len(json.loads((tmp_path / "up.jspf").read_text())["playlist"]["track"]) == 8
    assert (tmp_path / "up.svg").read_text().startswith("<svg")
    code, out, _ = run(*words, "--dry-run", "--json")
    assert json.loads(out)["lists"][0]["curves"]["energy"]
    code, out, _ = run(
        "playlist", "new", "radio", "seeds=t001, t002", "--bundle", lively / "bundle", "--dry-run", "-n", 5
    )
    assert (code, "5 tracks" in out) == (0, True)


def test_a_mix_is_several_files(run: Run, lively: Path, tmp_path: Path) -> None:
    words = ("playlist", "new", "mix", "mixes=2", "not_heard_days=0", "--for", "u01", "--bundle", lively / "bundle")
    assert run(*words, "--out", "m.m3u8", "-n", 6, "--ledger", "L")[0] == 0
    assert {p.name for p in tmp_path.glob("*.m3u8")} == {"m 1.m3u8", "m 2.m3u8"}
    code, out, _ = run("playlist", "ledger", "--ledger", "L", "--for", "u01", "--json")
    assert (code, len(json.loads(out))) == (0, 12)
    code, out, _ = run("playlist", "ledger", "--ledger", "L", "--for", "u01", "--erase", "--json")
    assert json.loads(out) == [{"listener": "u01", "rows": 12, "parts": 2, "left": 0}]


def test_foreign_lists_are_matched_and_what_is_not_found_is_told(run: Run, lively: Path, tmp_path: Path) -> None:
    (tmp_path / "theirs.m3u8").write_text("#EXTM3U\n../music/t003.ogg\n#EXTINF:9,No - Body\nx.mp3\n")
    _, out, err = run(
        *("playlist", "match", "theirs.m3u8", "--bundle", lively / "bundle", "--out", "ours.csv", "--json")
    )
    assert [(row["track_id"], row["by"]) for row in json.loads(out)] == [("t003", "file name"), (None, None)]
    assert "1 of 2 entries" in err
    assert "t003" in (tmp_path / "ours.csv").read_text()


def test_recipes_run_and_show_what_changes(run: Run, lively: Path, tmp_path: Path) -> None:
    (tmp_path / "playlists.toml").write_text('version = 1\n[recipe.calm]\nkind = "mood"\nwords = "calm"\nn = 6\n')
    words = ("playlist", "run", "--bundle", lively / "bundle", "--out", "lists", "--workers", 1)
    code, out, _ = run(*words, "--json")
    assert (code, json.loads(out)["playlists"]) == (0, 1)
    code, _, err = run(*words, "calm", "--fresh", "--diff", "--dry-run")
    assert code == 0
    assert "= 1 tracks stay" in err or "+ " in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("new", "radoi", "--dry-run"), "did you mean radio"),
        (("new", "radio", "sedes=t001", "--dry-run"), "unknown key 'sedes'; did you mean seeds"),
        (("new", "radio", "t001", "--dry-run"), "'t001'; expected key=value"),
        (("new", "mood", "words=calm"), "a playlist needs a file"),
        (("new", "mood", "words=calm", "--out", "x.pls"), "'.pls' is no playlist format"),
        (("new", "continue", "file=gone.m3u8", "--dry-run"), "no playlist gone.m3u8"),
        (("new", "continue", "file=none.m3u8", "--dry-run"), "none.m3u8 holds no entries"),
        (("run",), "no playlists.toml"),
        (("run", "--same", "--fresh"), "found same and fresh"),
        (("match", "gone.m3u8"), "gone.m3u8"),
        (("--out", "x.m3u8"), "needs --seed"),
        (("ledger", "--erase"), "erase needs listeners"),
        (("ledger", "--ledger", "none.m3u8", "--compact"), "is a file; a ledger is a folder"),
    ],
)
def test_mistakes_are_one_line(run: Run, lively: Path, words: tuple[str, ...], message: str) -> None:
    Path("none.m3u8").write_text("#EXTM3U\n")
    more = [] if words[0] == "ledger" else ["--bundle", lively / "bundle"]
    code, out, err = run("playlist", *words, *more)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_pipelines_make_lists(run: Run, lively: Path, tmp_path: Path) -> None:
    (tmp_path / "playlists.toml").write_text('version = 1\n[recipe.calm]\nkind = "mood"\nwords = "calm"\nn = 6\n')
    bundle = (lively / "bundle").as_posix()
    (tmp_path / "job.toml").write_text(
        f'[[step]]\nverb = "playlist_run"\nbundle = "{bundle}"\nout = "lists"\nlisteners = ["u01"]\nworkers = 1\n'
        f'[[step]]\nverb = "playlist_new"\nkind = "path"\nbundle = "{bundle}"\nout = "way.xspf"\n'
        'what = { start = "t001", end = "t050", n = 5 }\n'
    )
    code, _, err = run("run", "job.toml")
    assert code == 0, err
    assert (tmp_path / "lists" / "u01" / "calm.m3u8").is_file()
    assert (tmp_path / "way.xspf").is_file()
    assert err.count("written:") == 2
