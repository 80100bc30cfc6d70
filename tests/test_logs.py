"""What programs see of the command line: JSON lines, silence, exit codes, completion."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from recsys import api, cli, exits, logs, terminal
from tests.test_cli import Run, run

__all__ = ["run"]
README = Path(__file__).parents[1] / "README.md"


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_messages_and_progress_as_lines_of_json(run: Run, tables: Path) -> None:
    code, out, err = run("train", "--tables", tables, "--out", "B", "--model", "popularity", "--log-json")
    assert (code, out) == (0, "")
    told = lines(err)
    assert all({"time", "level", "message"} <= set(one) for one in told)
    made = [one for one in told if one.get("event") == "made"]
    assert [(one["verb"], one["state"]) for one in made] == [("train", "written")]
    steps = [one for one in told if one.get("event") == "progress"]
    assert all(one["done"] <= one["total"] for one in steps)


def test_the_environment_asks_for_it_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(logs.VARIABLE, "JSON")
    code, _, err = run("inspect", "nowhere")
    assert code == exits.MEND
    (told,) = lines(err)
    assert (told["level"], told["kind"], told["code"]) == ("error", "ArtefactError", 2)


def test_quiet_leaves_errors_and_results(run: Run, bundle: Path, tmp_path: Path) -> None:
    words = ("playlist", "--seed", "t01", "--bundle", bundle, "--out", tmp_path / "x.m3u8")
    for more in (["--quiet"], ["--quiet", "--log-json"]):
        assert run(*words, *more) == (0, "", "")
    code, out, err = run(*words, "--json", "-q")
    assert (code, err) == (0, "")
    assert json.loads(out)["tracks"] > 1
    assert run("inspect", "nowhere", "-q")[2].startswith("error: nowhere is not a folder")


def test_lines_about_progress_are_few(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 1.0, 4.9, 5.1, 6.0, 7.0])
    monkeypatch.setattr(logs.time, "monotonic", lambda: next(now))
    show = logs.Progress()
    for done in range(1, 7):
        show("hear", done, 6)
    told = lines(capsys.readouterr().err)
    assert [(one["done"], one["seconds"]) for one in told] == [(1, 0.0), (4, 5.1), (6, 7.0)]


@pytest.mark.parametrize(
    ("error", "code"),
    [(RuntimeError("odd"), exits.FAULT), (KeyboardInterrupt(), exits.STOPPED), (OSError(28, "full"), 2)],
)
def test_what_goes_wrong_has_its_code(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    def wrong(path: object) -> None:
        raise error

    monkeypatch.setattr(api, "inspect", wrong)
    found, out, err = run("inspect", "x")
    assert (found, out) == (code, "")
    assert len(err.splitlines()) == 1


def test_the_codes_are_told_in_help_and_readme(run: Run) -> None:
    told = " ".join(run("--help")[1].split())
    for code, meaning in exits.MEANING.items():
        assert f"{code} {meaning}" in told
    sentence = re.search(r"Exit codes: (.*?)\.\n", README.read_text(encoding="utf-8"), re.S)
    assert sentence
    assert [int(code) for code in re.findall(r"(?:^|; )(\d+) ", " ".join(sentence[1].split()))] == list(exits.MEANING)


@pytest.mark.parametrize(
    ("words", "at", "found"),
    [("recsys forg", 1, "forget"), ("recsys playlist n", 2, "new"), ("recsys forget --us", 2, "--user")],
)
def test_a_shell_completes_words(words: str, at: int, found: str) -> None:
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(at), "_RECSYS_COMPLETE": "complete_bash"}
    command = [str(Path(sys.executable).with_name("recsys"))]
    if not Path(command[0]).is_file():
        pytest.skip("the recsys command is not installed beside this Python")
    told = subprocess.run(command, env={**os.environ, **asked}, capture_output=True, text=True, check=False)
    assert told.stdout.split() == [found]


def test_flags_may_stand_anywhere() -> None:
    options = {word for word in cli.GLOBAL if word.startswith("--")}
    command = terminal_options()
    assert options == command


def terminal_options() -> set[str]:
    import typer

    command = typer.main.get_command(cli.app)
    named = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
    assert terminal.messages.stderr
    return named - {"--help", "--install-completion", "--show-completion"}
