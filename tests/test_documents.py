"""The documents say what the code does: links lead somewhere, commands run, tables are complete."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from recsys import api, settings
from recsys.playlists.recipes import parse_recipes
from tests.words import every, options

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "data").glob("*.md"), *(ROOT / "docs").rglob("*.md")])
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted((ROOT / "docs").rglob("*.md"))


def _blocks(text: str) -> list[tuple[str, str]]:
    """What a page asks the reader to run: (language, text)."""
    return re.findall(r"<!-- run(?: [^>]*)? -->\n```(sh|python)\n(.*?)```", text, flags=re.S)


BLOCKS = _blocks(README)
TO_RUN = {page: _blocks(page.read_text(encoding="utf-8")) for page in PAGES}
SHELL = re.compile(r"```(?:sh|cron|dockerfile)\n(.*?)```", flags=re.S)
WRITTEN = [line for page in PAGES for b in SHELL.findall(page.read_text(encoding="utf-8")) for line in b.splitlines()]
MADE = {"../reference/commands.md", "../reference/settings.md"}  # by docs/hooks.py
SMALL = "\n[models.ials]\nfactors = 16\n[train]\nmodel = 'ials'\n"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8")):
        if not target.startswith("http") and target not in MADE:
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_the_table_of_verbs_is_the_command_line() -> None:
    named = set(re.findall(r"`recsys (\w+)`", README))
    commands = set(every())
    assert named >= {words.split()[0] for words in commands}
    assert {step.replace("_", " ") for step in api.STEPS} <= commands


NAMED = [s for _, b in BLOCKS for s in b.splitlines()] + WRITTEN


@pytest.mark.parametrize("line", sorted({s for s in NAMED if s.startswith("recsys ")}))
def test_every_option_in_the_documents_exists(line: str) -> None:
    words = shlex.split(line, comments=True)
    assert {w for w in words[2:] if w.startswith("-")} <= options(words[1:3])


@pytest.fixture(scope="module")
def folder(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's folder in which everything that the README says has been run."""
    pytest.importorskip("soxr")
    folder = tmp_path_factory.mktemp("reader")
    _clips(folder)
    plays = pd.read_csv(world / "plays.csv")
    plays.to_csv(folder / "plays.csv", index=False)
    (folder / "recsys.toml").write_text(SMALL)
    plays.assign(user_id="new-" + plays["user_id"]).head(200).to_csv(folder / "newcomers.csv", index=False)
    for language, block in BLOCKS:
        _block(language, block, folder)
    return folder


def test_the_readme_runs(folder: Path) -> None:
    assert set(pd.read_parquet(folder / "recs").columns) == {
        "user_id",
        "rank",
        "track_id",
        "score",
        "source",
        "reason",
        "why",
    }
    assert (folder / "report" / "report.html").is_file()
    assert (folder / "evening.m3u8").read_text().startswith("#EXTM3U")
    assert pd.read_parquet(folder / "new")["user_id"].str.startswith("new-").all()


@pytest.mark.parametrize("page", [page for page, blocks in TO_RUN.items() if blocks], ids=lambda p: p.stem)
def test_the_pages_run(page: Path, folder: Path) -> None:
    for language, block in TO_RUN[page]:
        _block(language, block, folder)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_settings_and_recipes_in_the_pages_are_valid(page: Path) -> None:
    for block in re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.S):
        content = tomllib.loads(block)
        read = parse_recipes if "recipe" in content else settings.parse
        assert read(content)


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    words = [sys.executable, "-m", "mkdocs", "build", "-q", "-d", str(tmp_path / "site")]
    _run(words, ROOT, NO_MKDOCS_2_WARNING="1")
    page = (tmp_path / "site" / "reference" / "commands.html").read_text(encoding="utf-8")
    assert "recsys recommend" in page
    assert not re.findall(r'(?:src|href)="https?://(?!squidfunk)[^"]+\.(?:js|css|woff2?)"', page)


def _clips(folder: Path) -> None:
    """A few seconds of music, and a file that is none of the library."""
    from recsys.sources.sample import write_world

    write_world(folder / "sounding", tracks=24, listeners=1)
    (folder / "music").mkdir()
    for number, clip in enumerate(sorted((folder / "sounding" / "audio").iterdir())[:8]):
        clip.rename(folder / "music" / clip.name if number else folder / "any.ogg")


def _block(language: str, block: str, folder: Path) -> None:
    if language == "python":
        _run([sys.executable, "-c", block], folder)
    for line in block.splitlines() if language == "sh" else []:
        _command(line, folder)


def _command(line: str, folder: Path) -> None:
    words = [re.sub(r"\bt00(\d)", r"t0\1", w) for w in shlex.split(line, comments=True)]
    if words[1] == "init":  # the reader names the log, the test also keeps the models small
        (folder / "recsys.toml").unlink()
    _run([sys.executable, "-m", "recsys", *words[1:]], folder)
    if words[1] == "init":
        text = (folder / "recsys.toml").read_text().replace("plays = []", 'plays = ["plays.csv"]')
        (folder / "recsys.toml").write_text(text + SMALL)


def _run(words: list[str], folder: Path, **env: str) -> None:
    ran = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, env=os.environ | env)
    assert ran.returncode == 0, f"{words}: {ran.stderr}"
