"""``recsys serve`` as a command: it begins, answers, ends when told, and says in one line what it can't do."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from recsys import api
from recsys.errors import DataError

SLOW = {"torch", "librosa", "sklearn", "implicit", "lightfm", "matplotlib"}


def started(*words: str, **environment: str) -> tuple[subprocess.Popen[str], str]:
    """The command, and the address that it says it listens on."""
    command = [sys.executable, "-m", "recsys", "serve", *words, "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment})
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"listening on (http://[\d.:]+)", line):
            return process, found[1]
    raise AssertionError(process.wait())


def test_it_begins_answers_and_ends(bundle: Path, tmp_path: Path) -> None:
    process, address = started(str(bundle), "--log", "json", "--log-requests", RECSYS_API_KEY="sesame")
    try:
        with httpx.Client(base_url=address, trust_env=False, timeout=60) as client:
            until = time.monotonic() + 60
            while client.get("/ready").status_code != 200 and time.monotonic() < until:
                time.sleep(0.1)
            assert client.get("/tracks").status_code == 401
            assert client.get("/tracks", headers={"X-API-Key": "sesame"}).status_code == 200
    finally:
        process.send_signal(signal.SIGTERM)
        told = process.stderr.read() if process.stderr else ""
        code = process.wait(30)
        if process.stderr:
            process.stderr.close()
    assert code == 0
    lines = [json.loads(line) for line in told.splitlines()]
    assert {"path": "/tracks", "status": 401} in [{"path": o.get("path"), "status": o.get("status")} for o in lines]
    assert "sesame" not in told
    assert lines[-1]["message"] == "stopped"


def test_ctrl_c_is_one_line_and_exit_code_0(bundle: Path) -> None:
    process, address = started(str(bundle))
    assert httpx.get(f"{address}/health", trust_env=False, timeout=60).status_code == 200
    process.send_signal(signal.SIGINT)
    told, code = process.communicate(timeout=60)[1], process.returncode
    assert code == 0
    assert [line.rpartition(" ")[2] for line in told.splitlines()] == ["stopped"]


def test_the_help_names_the_key() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "recsys", "serve", "--help"], capture_output=True, text=True, check=True
    )
    assert "RECSYS_API_KEY" in ran.stdout


def test_answering_loads_nothing_slow(bundle: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from recsys.serving.app import create_app;"
        "from recsys.serving.live import opened; from recsys.serving.answers.library import Library;"
        "from recsys.serving.answers.recommending import recommended;"
        "from recsys.serving.questions import AskRecommend;"
        "from recsys.settings import Settings; from recsys.bundle import resolve;"
        f"path = Path({str(bundle)!r}); create_app(path, wait=True);"
        "stand = opened(resolve(path), Library([]), Settings());"
        "recommended(stand, AskRecommend(user=str(stand.engine.users.ids[0])));"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not SLOW & set(ran.stdout.split())


def test_what_it_can_not_do_is_one_line(bundle: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DataError, match=f"can't listen on 127.0.0.1:{port}"):
            api.serve(bundle, port=port, log="quiet")
    words = [sys.executable, "-m", "recsys", "serve", str(tmp_path), "--port", "0"]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: ")
    assert ran.stderr.count("\n") == 1
