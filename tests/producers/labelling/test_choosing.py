"""The best arm is chosen, by how much is said, and time is respected."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.errors import DataError
from recsys.producers.labelling import arms as registry
from recsys.producers.labelling import choosing, grading, learned, rounds
from recsys.producers.labelling.arms import Arm, Prediction
from recsys.producers.labelling.calibration import calibrate
from recsys.producers.labelling.choosing import Chooser
from recsys.producers.labelling.folds import folds
from recsys.producers.labelling.summary import summary, told
from tests.producers.clips import made

CALLS: list[str] = []


@dataclass
class Constant:
    """Says the same of every file."""

    chance: np.ndarray

    def predict(self, examples: Any, rows: np.ndarray) -> Prediction:
        return Prediction(np.tile(self.chance, (len(rows), 1)).astype(np.float32))

    def arrays(self) -> dict[str, np.ndarray]:
        return {"chance": self.chance}


def shares(examples: Any, target: Any, rows: np.ndarray, *, seed: int, progress: Any = None) -> Constant:
    CALLS.append("shares")
    return Constant(target.values[rows].mean(axis=0))


def slow(examples: Any, target: Any, rows: np.ndarray, *, seed: int, progress: Any = None) -> Constant:
    CALLS.append("slow")
    for epoch in range(100):
        progress("slow", epoch, 100)
    return shares(examples, target, rows, seed=seed)


def broken(examples: Any, target: Any, rows: np.ndarray, *, seed: int, progress: Any = None) -> Constant:
    raise ValueError("does not converge")


class Mean:
    """The mean of its members."""

    def predict(self, members: Any) -> Prediction:
        return Prediction(np.mean([said.mean for said in members.values()], axis=0).astype(np.float32))

    def arrays(self) -> dict[str, np.ndarray]:
        return {"of": np.array(0)}


def mean(members: Any, target: Any, rows: np.ndarray, groups: np.ndarray, *, seed: int) -> Mean:
    assert all(len(said.mean) == len(rows) == len(groups) for said in members.values())
    return Mean()


def constant(arrays: Any) -> Constant:
    return Constant(np.asarray(arrays["chance"]))


ARMS = {
    "linear": registry.arm("linear"),
    "shares": Arm("shares", shares, constant),
    "broken": Arm("broken", broken, constant, default=False),
    "slow": Arm("slow", slow, constant, cost=9, default=False),
    "mean": Arm("mean", None, lambda _: Mean(), members=("linear", "shares"), combine=mean, default=False),
}


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only these arms, and no need to draw many intervals."""
    monkeypatch.setattr(choosing, "all_arms", lambda: ARMS)
    for module in (choosing, learned):
        name = "arm_of" if module is choosing else "arm"
        monkeypatch.setattr(module, name, ARMS.__getitem__)
    monkeypatch.setattr("recsys.producers.labelling.grading.RESAMPLES", 60)
    CALLS.clear()


def test_the_best_arm_wins_and_says_by_how_much() -> None:
    examples, target = made()
    choice = Chooser(examples).choose(target)
    assert list(choice.tried) == ["linear", "shares"]
    assert choice.learned.arm == "linear"
    assert choice.against["shares"].low > 0.1
    assert choice.winner.grades["accuracy"].mean > 0.8
    assert [point.share for point in choice.curve] == [0.25, 0.5, 1.0]
    assert choice.curve[-1].unseen >= choice.curve[0].unseen - 0.1
    said = choice.learned.predict(examples)
    assert said.mean.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (said.mean.argmax(axis=1) == target.codes).mean() > 0.8


def test_the_page_and_the_facts_tell_what_happened() -> None:
    examples, target = made()
    choice = Chooser(examples, ["linear", "broken", "shares"]).choose(target)
    facts = {
        "files": 60,
        "grouped_by": "artist",
        "groups": 30,
        "seed": 0,
        "not_heard": {"x.wav": "broken"},
        "rejected": 1,
    }
    text = summary([choice], facts)
    for part in ("Chosen: **linear**", "broken (failed: ValueError: does not converge)", "macro-F1", "ECE", "`x.wav`",
                 "| clicks |", "Learning curve of linear"):  # fmt: skip
        assert part in text
    found = told(choice)
    assert found["arm"] == "linear"
    assert found["left_out"] == {"broken": "failed: ValueError: does not converge"}
    assert found["ece"]["after"] <= 0.2


def test_members_are_combined_fold_by_fold_and_fitted_again() -> None:
    examples, target = made()
    choice = Chooser(examples, ["mean"]).choose(target)
    assert choice.learned.arm == ("linear" if choice.tried["mean"].grades["score"].mean < 0.8 else "mean")
    assert set(choice.tried) == {"linear", "shares", "mean"}
    parts = {name: choice.tried[name].round.prediction.mean for name in ("linear", "shares")}
    assert choice.tried["mean"].round.prediction.mean == pytest.approx(np.mean(list(parts.values()), axis=0), abs=1e-6)


def test_a_combination_is_chosen_unless_an_arm_is_clearly_better() -> None:
    examples, target = made()
    chooser = Chooser(examples, ["linear", "shares", "mean"])
    fold = folds(target, examples.groups, 5)
    grades = dict.fromkeys(["score"], grading.Interval(0, 0, 0))
    right, wrong = target.values, 1 - target.values
    good, nearly = (np.where(np.isin(np.arange(60), off)[:, None], wrong, right) for off in ([1, 9], [20, 30, 40]))
    for said, wanted in ((nearly, "mean"), (wrong, "linear")):
        rounds_ = {"linear": rounds.Round(Prediction(good), 1), "mean": rounds.Round(Prediction(said), 1)}
        tried = {
            name: choosing.Tried(name, one, grades, calibrate(target, one.prediction), one.prediction)
            for name, one in rounds_.items()
        }
        found = chooser._chosen(target, fold, tried)
        assert found == wanted


def test_a_dear_arm_is_left_out_where_time_is_short() -> None:
    examples, target = made()
    clock = iter(np.arange(0, 100_000.0))
    choice = Chooser(examples, ["linear", "slow"], left=lambda: 60.0 - next(clock)).choose(target)
    assert choice.left_out == {"slow": "no time"}
    assert CALLS.count("slow") <= 1


def test_no_bar_is_left_behind_by_an_arm_that_ran_out_of_time() -> None:
    examples, target = made()
    clock = iter(np.arange(0, 100_000.0))
    bars: dict[str, tuple[int, int]] = {}

    def show(what: str, done: int, total: int) -> None:
        bars[what] = done, total

    Chooser(examples, ["linear", "slow"], left=lambda: 60.0 - next(clock), progress=show).choose(target)
    assert 0 < bars["slow"][0] < 100
    assert all(done == total for done, total in bars.values())


def test_finished_folds_are_not_fitted_again(tmp_path: Path) -> None:
    examples, target = made()
    kept = rounds.Kept(tmp_path)
    fold = folds(target, examples.groups, 5)
    one = rounds.out_of_fold(ARMS["shares"], examples, target, fold, seed=0, kept=kept)
    assert CALLS.count("shares") == 5
    next(iter(sorted(tmp_path.glob("*.npz")))).unlink()
    two = rounds.out_of_fold(ARMS["shares"], examples, target, fold, seed=0, kept=kept)
    assert CALLS.count("shares") == 6
    assert one is not None
    assert two is not None
    assert (one.prediction.mean == two.prediction.mean).all()
    rounds.out_of_fold(ARMS["shares"], examples, target, fold, seed=1, kept=kept)
    assert CALLS.count("shares") == 11


def test_the_same_seed_gives_the_same_model() -> None:
    examples, target = made()
    one, two = (Chooser(examples, ["linear"], seed=3).choose(target).learned for _ in range(2))
    assert (one.predict(examples).mean == two.predict(examples).mean).all()


def test_only_broken_arms_are_an_error() -> None:
    examples, target = made()
    with pytest.raises(DataError, match="broken: failed: ValueError: does not converge"):
        Chooser(examples, ["broken"]).choose(target)


def test_a_larger_share_holds_the_smaller_one() -> None:
    groups = np.arange(40) // 2
    rows = np.arange(40)
    small, large = (rounds.part_of(rows, groups, share, 0) for share in (0.25, 0.5))
    assert set(small) < set(large) < set(rows)
    assert len(small) == 10
