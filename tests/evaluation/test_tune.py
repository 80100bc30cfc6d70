"""A search that is killed and resumed is the search that was not."""

import signal
import subprocess
import sys
import time

import pytest

from recsys.errors import DataError, MissingExtra
from recsys.evaluation.tune import Score, Trial, tune

SPACE = {"m.x": {"low": 0.0, "high": 1.0}, "m.n": {"low": 1, "high": 64, "log": True}, "m.kind": ["a", "b"]}


def objective(params):
    kind = 0.1 if params["m.kind"] == "b" else 0.0
    return Score(kind - (params["m.x"] - 0.3) ** 2 - abs(params["m.n"] - 8) / 100, params["m.x"])


def test_finds_good_settings_and_keeps_the_table(tmp_path):
    told = []
    found = tune(objective, SPACE, trials=30, journal=tmp_path / "s.log", progress=lambda n, t: told.append((n, t)))
    assert found.params["m.kind"] == "b"
    assert found.value > 0.05
    assert [t for _, t in told] == found.trials
    assert [n for n, _ in told] == list(range(30))
    assert found.value == max(t.valid for t in found.trials)
    assert all(t.train == t.params["m.x"] for t in found.trials)


def test_resumed_equals_uninterrupted_and_repeats_nothing(tmp_path):
    whole = tune(objective, SPACE, trials=14, seed=5, journal=tmp_path / "whole.log")
    calls = []

    def dies_at_the_sixth(params):
        calls.append(params)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return objective(params)

    with pytest.raises(KeyboardInterrupt):
        tune(dies_at_the_sixth, SPACE, trials=14, seed=5, journal=tmp_path / "cut.log")
    with open(tmp_path / "cut.log", "ab") as file:
        file.write(b'{"op_code": 4, "torn')
    resumed = tune(dies_at_the_sixth, SPACE, trials=14, seed=5, journal=tmp_path / "cut.log")
    assert resumed == whole
    assert calls[6] == calls[5]
    assert len(calls) == 15
    assert tune(dies_at_the_sixth, SPACE, trials=14, seed=5, journal=tmp_path / "cut.log") == whole
    assert len(calls) == 15


def test_other_seed_other_trials(tmp_path):
    one = tune(objective, SPACE, trials=3, seed=1, journal=tmp_path / "1.log")
    two = tune(objective, SPACE, trials=3, seed=2, journal=tmp_path / "2.log")
    assert one.trials != two.trials


def test_the_same_settings_are_never_tried_twice(tmp_path):
    calls = []
    found = tune(lambda p: calls.append(p) or float(p["x"]), {"x": [1, 2]}, trials=10, journal=tmp_path / "s.log")
    assert len(calls) == 2
    assert len(found.trials) == 10
    assert found.params == {"x": 2}


def test_curve_over_one_setting(tmp_path):
    found = tune(objective, SPACE, trials=12, journal=tmp_path / "s.log")
    curve = found.curve("m.kind")
    assert (curve.model, curve.setting, curve.values) == ("m", "m.kind", ["a", "b"])
    assert curve.valid == [max(t.valid for t in found.trials if t.params["m.kind"] == k) for k in "ab"]
    with pytest.raises(DataError, match=r"no setting 'm\.y'"):
        found.curve("m.y")
    assert Trial({}, 1.0, None).train is None


@pytest.mark.parametrize(
    ("space", "message"),
    [({"a": "xyz"}, "a = 'xyz'; expected a list"), ({"a": {"low": 2.0, "high": 1.0}}, "a = "), ({"a": []}, "a = ")],
)
def test_a_space_that_cannot_be_read(tmp_path, space, message):
    with pytest.raises(DataError, match=message):
        tune(lambda p: 0.0, space, trials=1, journal=tmp_path / "s.log")


def test_a_journal_of_another_search_is_refused(tmp_path):
    tune(objective, SPACE, trials=1, journal=tmp_path / "s.log")
    with pytest.raises(DataError, match="name another journal"):
        tune(objective, SPACE, trials=2, seed=9, journal=tmp_path / "s.log")
    with pytest.raises(DataError, match="name another journal"):
        tune(objective, {"m.x": [1, 2]}, trials=2, journal=tmp_path / "s.log")


def test_not_a_number_is_refused(tmp_path):
    with pytest.raises(DataError, match="nan"):
        tune(lambda p: float("nan"), {"x": [1]}, trials=1, journal=tmp_path / "s.log")


def test_without_optuna_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtra, match=r"recsys\[tune\]"):
        tune(objective, SPACE, trials=1, journal=tmp_path / "s.log")


SLOW_SEARCH = """
import sys, time
from pathlib import Path
from recsys.evaluation.tune import tune
def objective(p):
    print("began", flush=True); time.sleep(float(sys.argv[2])); return -(p["x"] - 0.3) ** 2
print(tune(objective, {"x": {"low": 0.0, "high": 1.0}}, trials=8, seed=1, journal=Path(sys.argv[1])).trials)
"""


@pytest.mark.slow
def test_killed_outright_and_resumed(tmp_path):
    command = [sys.executable, "-c", SLOW_SEARCH, str(tmp_path / "s.log")]
    with subprocess.Popen([*command, "0.4"], stdout=subprocess.PIPE, text=True) as running:
        for _ in range(4):
            assert running.stdout.readline() == "began\n"
        time.sleep(0.1)
        running.send_signal(signal.SIGKILL)
    resumed = subprocess.run([*command, "0"], capture_output=True, text=True, check=True).stdout.splitlines()
    fresh_command = [*command[:-1], str(tmp_path / "fresh.log"), "0"]
    fresh = subprocess.run(fresh_command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(resumed) == 1 + 5
    assert resumed[-1] == fresh[-1]
