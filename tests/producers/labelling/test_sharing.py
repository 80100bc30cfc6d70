"""What is said of an artist's other files counts where it helps, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from recsys.producers.labelling import sharing
from recsys.producers.labelling.arms import Prediction
from recsys.producers.labelling.choosing import Chooser
from recsys.producers.labelling.grading import measures
from recsys.producers.labelling.learned import Learned
from recsys.producers.labelling.sharing import ALONE, Sharing
from recsys.producers.labelling.summary import summary, told
from recsys.producers.labelling.targets import Target
from tests.producers.clips import KINDS, made

FACTS = {"files": 1, "grouped_by": "artist", "groups": 1, "seed": 0, "not_heard": {}, "rejected": 0}


def noisy(alike: bool, n: int = 400) -> tuple[Target, Prediction, np.ndarray]:
    """Weak predictions for groups of four files, of one class or of any."""
    rng = np.random.default_rng(0)
    groups = np.arange(n) // 4
    codes = rng.integers(0, 3, n // 4)[groups] if alike else rng.integers(0, 3, n)
    truth = np.eye(3, dtype=np.float32)[codes]
    said = softmax(truth + rng.normal(size=truth.shape), axis=1).astype(np.float32)
    return Target("t", "single", KINDS, truth), Prediction(said), groups


def test_files_of_one_kind_speak_for_each_other() -> None:
    target, said, groups = noisy(alike=True)
    found, shared = sharing.settled(target, said, groups, (groups % 5).astype(np.int32))
    before, after = measures(target, said.mean), measures(target, shared.mean)
    assert found.share == 1
    assert found.slope > 1.5
    assert after["accuracy"] > before["accuracy"] + 0.15
    assert after["log_loss"] < before["log_loss"] - 0.2


def test_files_of_any_kind_do_not() -> None:
    target, said, groups = noisy(alike=False)
    found, shared = sharing.settled(target, said, groups, (groups % 5).astype(np.int32))
    assert found == Sharing()
    assert (shared.mean == said.mean).all()


@pytest.mark.parametrize("kind", ["multi", "numeric"])
def test_tags_and_numbers_are_not_shared(kind: str) -> None:
    target, said, groups = noisy(alike=True)
    other = Target("t", kind, target.classes, target.values)  # type: ignore[arg-type]
    assert sharing.fit(other, said, groups) == Sharing()


@given(st.lists(st.integers(-1, 4), min_size=1, max_size=12), st.sampled_from(sharing.SHARES), st.floats(0.3, 3))
def test_chances_stay_chances_and_files_alone_as_they_are(groups: list[int], share: float, slope: float) -> None:
    said = np.random.default_rng(1).dirichlet([1, 1, 1], len(groups)).astype(np.float32)
    found = Sharing(share, slope).apply(Prediction(said), np.array(groups)).mean
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-5)
    alone = np.array([group == ALONE or groups.count(group) == 1 for group in groups])
    assert (found[alone] == said[alone]).all()
    if share == 1:
        for group in set(groups) - {ALONE}:
            mine = found[np.array(groups) == group]
            assert mine == pytest.approx(np.tile(mine[:1], (len(mine), 1)), abs=1e-6)


def test_what_was_not_said_is_not_shared() -> None:
    said = Prediction(np.array([[np.nan, np.nan], [0.9, 0.1], [0.5, 0.5]], np.float32))
    found = Sharing(1.0).apply(said, np.zeros(3, np.int64)).mean
    assert np.isnan(found[0]).all()
    assert found[1] == pytest.approx(found[2])
    assert found[1, 0] == pytest.approx(0.75)


def test_a_model_keeps_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recsys.producers.labelling.grading.RESAMPLES", 40)
    examples, target = made(90)
    codes = target.codes[examples.groups * 2]
    alike = Target(target.name, "single", KINDS, np.eye(3, dtype=np.float32)[codes])
    examples.descriptors[:] = np.random.default_rng(2).normal(size=examples.descriptors.shape)
    examples.descriptors[:, 0] += 1.2 * codes
    choice = Chooser(examples, ["linear"]).choose(alike)
    assert choice.together is not None
    assert choice.together.files == 90
    assert choice.together.gain.mean > 0
    learned = choice.learned
    again = Learned.from_arrays(learned.facts(), learned.arrays())
    shared = again.predict(examples, groups=examples.groups).mean
    assert (shared == learned.predict(examples, groups=examples.groups).mean).all()
    assert (shared[::2] == pytest.approx(shared[1::2])) == (learned.sharing.share == 1)
    assert "90 of 90 files are not the only one of their group" in summary([choice], FACTS)
    assert f"would show {choice.together.by_chance:.3f} by chance" in summary([choice], FACTS)
    assert told(choice)["together"]["gain"]["mean"] == choice.together.gain.mean
