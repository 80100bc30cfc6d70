"""The training loop: recipes, curves, and going on after a kill."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from recsys.errors import DataError  # noqa: E402
from recsys.producers.networks import checkpoints  # noqa: E402
from recsys.producers.networks.checkpoints import Checkpoint  # noqa: E402
from recsys.producers.networks.learning import learn  # noqa: E402
from recsys.producers.networks.recipes import SPACE, Plan, Recipe, changed  # noqa: E402

RECIPE = Recipe(epochs=12, rate=0.05, patience=0, save_every=1)


class Line:
    """A lesson: y = 2 x with noise from each epoch's generator and dropout from torch's."""

    steps = 4

    def __init__(self, fail_at: int = -1, valid: list[float] | None = None) -> None:
        self.module = torch.nn.Sequential(
            torch.nn.Linear(1, 4), torch.nn.BatchNorm1d(4), torch.nn.Dropout(0.2), torch.nn.Linear(4, 1)
        )
        torch.nn.init.constant_(self.module[0].weight, 0.3)
        torch.nn.init.constant_(self.module[3].weight, 0.1)
        for place in (0, 3):
            torch.nn.init.zeros_(self.module[place].bias)
        self.fail_at, self.told, self.epoch = fail_at, valid, 0

    def losses(self, rng: np.random.Generator) -> Iterator[torch.Tensor]:
        for step in range(self.steps):
            if self.epoch == self.fail_at and step == 2:
                raise KeyboardInterrupt
            x = torch.from_numpy(rng.standard_normal((16, 1)).astype(np.float32))
            yield (self.module(x) - 2 * x).square().mean()
        self.epoch += 1

    def valid(self, module: torch.nn.Module) -> float:
        return self.told[self.epoch - 1] if self.told else float("nan")


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    held = other.state_dict()
    return all(torch.equal(value, held[name]) for name, value in one.state_dict().items())


def test_learns_and_notes_each_epoch() -> None:
    learned = learn(Line(), RECIPE, seed=1)
    assert len(learned.curve) == 12
    assert learned.curve[-1].train < 0.5 * learned.curve[0].train
    assert learned.best == 11


def test_killed_and_resumed_is_not_told_from_undisturbed(tmp_path: Path) -> None:
    whole = learn(Line(), RECIPE, seed=1)
    place = tmp_path / "training.safetensors"
    with pytest.raises(KeyboardInterrupt):
        learn(Line(fail_at=7), RECIPE, seed=1, checkpoint=place, identity="line")
    assert place.exists()
    told: list[int] = []
    rest = learn(
        Line(), RECIPE, seed=1, checkpoint=place, identity="line", progress=lambda _, done, total: told.append(done)
    )
    assert told == list(range(8, 13))
    assert rest.curve == whole.curve or np.allclose(
        np.array(rest.curve)[:, 0], np.array(whole.curve)[:, 0], rtol=0, atol=0
    )
    assert same(rest.module, whole.module)
    assert not place.exists()


def test_another_training_does_not_go_on_from_there(tmp_path: Path) -> None:
    place = tmp_path / "training.safetensors"
    with pytest.raises(KeyboardInterrupt):
        learn(Line(fail_at=7), RECIPE, seed=1, checkpoint=place, identity="one")
    told: list[int] = []
    learn(Line(), RECIPE, seed=1, checkpoint=place, identity="two", progress=lambda _, done, total: told.append(done))
    assert told[0] == 1


def test_the_best_epoch_is_kept_and_patience_ends() -> None:
    valid = [3.0, 2.0, 1.0, 1.5, 1.2, 1.3, 0.9]
    learned = learn(Line(valid=valid), Recipe(epochs=20, rate=0.05, patience=3), seed=1)
    assert (len(learned.curve), learned.best) == (6, 2)
    early = learn(Line(valid=valid), Recipe(epochs=20, rate=0.05, patience=1), seed=1)
    assert same(learned.module, early.module)


def test_torch_keeps_its_own_random_state() -> None:
    lesson = Line()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    learn(lesson, RECIPE, seed=9)
    assert torch.equal(torch.rand(3), expected)


def test_checkpoints_that_are_torn_or_of_something_else_are_none(tmp_path: Path) -> None:
    place = tmp_path / "c.safetensors"
    assert checkpoints.load(place, "x") is None
    checkpoints.save(place, Checkpoint({"a": torch.ones(3)}, {"epoch": 2}), "x")
    found = checkpoints.load(place, "x")
    assert found is not None
    assert found.facts == {"epoch": 2}
    assert torch.equal(found.tensors["a"], torch.ones(3))
    assert checkpoints.load(place, "y") is None
    whole = place.read_bytes()
    for size in (0, 5, len(whole) // 2, len(whole) - 1):
        place.write_bytes(whole[:size])
        assert checkpoints.load(place, "x") is None
    assert [path.name for path in tmp_path.iterdir()] == [place.name]


def test_numbers_of_a_plan_are_changed_by_name() -> None:
    plan = changed(Plan(), epochs=3, pitch=0.0, dropout=0.5)
    assert (plan.recipe.epochs, plan.alterations.pitch, plan.dropout) == (3, 0.0, 0.5)
    corners = {name: spec["low"] if isinstance(spec, dict) else spec[-1] for name, spec in SPACE.items()}
    assert changed(Plan(), **corners) != Plan()
    with pytest.raises(DataError, match="did you mean epochs"):
        changed(Plan(), epoch=3)
