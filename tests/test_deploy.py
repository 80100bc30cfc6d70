"""What is in deploy/ works: the container's steps in a fresh environment, the schedulers' calls by their words."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from recsys import api
from tests.words import every

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
STEPS = re.findall(r"^([A-Z]+) (.+)$", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), flags=re.M)


def test_the_container_copies_what_is_there() -> None:
    copied = [word for step, rest in STEPS if step == "COPY" for word in rest.split()[:-1]]
    assert {"pyproject.toml", "recsys"} <= set(copied)
    assert [word for word in copied if not (ROOT / word).exists()] == []


def test_the_container_and_the_unit_say_commands_that_exist() -> None:
    first = next(rest for step, rest in STEPS if step == "CMD").strip("[]").split(",")[0].strip(' "')
    unit = re.findall(r"^ExecStart=\S+/recsys (\w+)", (DEPLOY / "recsys.service").read_text(), flags=re.M)
    cron = re.findall(r"recsys (?:--quiet )?(\w+) \|\|", (DEPLOY / "crontab").read_text())
    assert {first, *unit, *cron} <= set(every())
    assert unit == cron == ["run"]


@pytest.mark.parametrize("name", ["airflow_dag.py", "prefect_flow.py"])
def test_schedulers_call_verbs_by_their_words(name: str) -> None:
    tree = ast.parse((DEPLOY / name).read_text(encoding="utf-8"))
    calls = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and {k.arg for k in node.keywords} >= {"out"}
    ]
    for call in calls:
        inspect.signature(getattr(api, _verb(call.func))).bind(*call.args, **{str(k.arg): k for k in call.keywords})
    assert {_verb(call.func) for call in calls} == {"ingest", "train", "recommend"}


def _verb(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


@pytest.mark.slow
def test_the_container_s_steps_make_a_working_command(tmp_path: Path) -> None:
    install = next(rest for step, rest in STEPS if step == "RUN" and rest.startswith("pip install"))
    for step, rest in STEPS:
        if step == "COPY":
            *sources, target = rest.split()
            for source in sources:
                _run(["cp", "-r", str(ROOT / source), str(tmp_path / target)], tmp_path)
    _run([sys.executable, "-m", "venv", "env"], tmp_path)
    _run([str(tmp_path / "env/bin/python"), "-m", *shlex.split(install)], tmp_path)
    said = _run([str(tmp_path / "env/bin/recsys"), "serve", "--help"], tmp_path)
    assert "--port" in said


def _run(words: list[str], folder: Path) -> str:
    ran = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{words}: {ran.stderr[-2000:]}"
    return ran.stdout
