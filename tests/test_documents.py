"""The documents say what the code does: links lead somewhere, commands run, tables are complete."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from recsys import api
from tests.words import every, options

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "data").glob("*.md"), *(ROOT / "docs").rglob("*.md")])
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"<!-- run(?: [^>]*)? -->\n```(sh|python)\n(.*?)```", README, flags=re.S)
SMALL = "\n[models.ials]\nfactors = 16\n[train]\nmodel = 'ials'\n"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_the_table_of_verbs_is_the_command_line() -> None:
    named = set(re.findall(r"`recsys (\w+)`", README))
    commands = set(every())
    assert named >= {words.split()[0] for words in commands}
    assert {step.replace("_", " ") for step in api.STEPS} <= commands


@pytest.mark.parametrize("line", [s for _, b in BLOCKS for s in b.splitlines() if s.startswith("recsys ")])
def test_every_option_in_the_readme_exists(line: str) -> None:
    words = shlex.split(line, comments=True)
    assert {w for w in words[2:] if w.startswith("-")} <= options(words[1:3])


def test_the_readme_runs(world: Path, tmp_path: Path) -> None:
    pytest.importorskip("soxr")
    _clips(tmp_path)
    plays = pd.read_csv(world / "plays.csv")
    plays.to_csv(tmp_path / "plays.csv", index=False)
    (tmp_path / "recsys.toml").write_text(SMALL)
    plays.assign(user_id="new-" + plays["user_id"]).head(200).to_csv(tmp_path / "newcomers.csv", index=False)
    for language, block in BLOCKS:
        if language == "python":
            _run([sys.executable, "-c", block], tmp_path)
        for line in block.splitlines() if language == "sh" else []:
            _command(line, tmp_path)
    assert set(pd.read_parquet(tmp_path / "recs").columns) == {
        "user_id",
        "rank",
        "track_id",
        "score",
        "source",
        "reason",
        "why",
    }
    assert (tmp_path / "report" / "report.html").is_file()
    assert (tmp_path / "evening.m3u8").read_text().startswith("#EXTM3U")
    assert pd.read_parquet(tmp_path / "new")["user_id"].str.startswith("new-").all()


def _clips(folder: Path) -> None:
    """A few seconds of music, and a file that is none of the library."""
    from recsys.sources.sample import write_world

    write_world(folder / "sounding", tracks=24, listeners=1)
    (folder / "music").mkdir()
    for number, clip in enumerate(sorted((folder / "sounding" / "audio").iterdir())[:8]):
        clip.rename(folder / "music" / clip.name if number else folder / "any.ogg")


def _command(line: str, folder: Path) -> None:
    words = ["t" + w[2:] if re.fullmatch(r"t00\d", w) else w for w in shlex.split(line, comments=True)]
    if words[1] == "init":  # the reader names the log, the test also keeps the models small
        (folder / "recsys.toml").unlink()
    _run([sys.executable, "-m", "recsys", *words[1:]], folder)
    if words[1] == "init":
        text = (folder / "recsys.toml").read_text().replace("plays = []", 'plays = ["plays.csv"]')
        (folder / "recsys.toml").write_text(text + SMALL)


def _run(words: list[str], folder: Path) -> None:
    ran = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{words}: {ran.stderr}"
