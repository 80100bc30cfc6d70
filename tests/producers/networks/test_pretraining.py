"""A trunk from sound without labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from recsys.errors import ArtefactError, DataError  # noqa: E402
from recsys.producers.networks.held import Trunk  # noqa: E402
from recsys.producers.networks.lessons import Windows  # noqa: E402
from recsys.producers.networks.network import fit  # noqa: E402
from recsys.producers.networks.pretraining import PLAN, Contrast, Pair, contrast, load, pretrain, save  # noqa: E402
from recsys.producers.networks.recipes import Plan, changed  # noqa: E402
from recsys.producers.networks.shortchunk import Trunk as Trunk64  # noqa: E402
from tests.producers.networks.test_network import heard, kind  # noqa: E402

QUICK = changed(PLAN, epochs=4, batch=16)


def test_loss_is_small_when_partners_are_alike_and_others_are_not() -> None:
    alike, own = torch.eye(6).repeat(2, 1), torch.arange(6)
    assert float(contrast(alike, own)) < 0.01
    assert float(contrast(torch.cat([torch.eye(6), torch.eye(6).roll(1, 0)]), own)) > 5
    same = torch.ones(12, 6) / 6**0.5
    assert float(contrast(same, own)) == pytest.approx(np.log(11), rel=1e-5)
    pairs = own // 2  # each of the other two thirds' eight rows is unlike
    assert float(contrast(same, pairs)) == pytest.approx(np.log(9), rel=1e-5)


def test_partners_are_of_the_same_group() -> None:
    some = Windows(heard().mel, heard().mask)
    groups = np.arange(48) // 4
    lesson = Contrast(Pair(Trunk64()), some, np.arange(40), QUICK, groups)
    rows = np.arange(40)
    partners = lesson._partners(rows, np.random.default_rng(1))
    assert (groups[partners] == groups[rows]).all()
    assert (partners != rows).any()
    alone = Contrast(Pair(Trunk64()), some, np.arange(40), QUICK)
    assert np.array_equal(alone._partners(rows, np.random.default_rng(1)), rows)


def test_learns_without_labels_and_the_same_each_time(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    one = pretrain(heard(), seed=1, plan=QUICK, progress=lambda *facts: told.append(facts))
    other = pretrain(heard(), seed=1, plan=QUICK, checkpoint=tmp_path / "c.safetensors")
    assert all(np.array_equal(one.weights[name], other.weights[name]) for name in one.weights)
    assert told[-1][1:] == (4, 4)
    assert not list(tmp_path.iterdir())


def test_a_trunk_that_stays_as_it_is_carries_a_head() -> None:
    trunk = pretrain(heard(), seed=1, plan=QUICK)
    plan = changed(Plan(), epochs=8, batch=16, rate=1e-2, trunk_rate=0.0, valid=0.0)
    net = fit(heard(), kind(), np.arange(36), seed=0, plan=plan, trunk=trunk)
    learned = [name for name, value in trunk.weights.items() if not np.array_equal(value, net.weights[f"trunk.{name}"])]
    assert learned == []
    found = net.predict(heard(), np.arange(36, 48)).mean.argmax(axis=1)
    assert (found == np.arange(36, 48) % 2).mean() > 0.9


def test_too_few_files() -> None:
    with pytest.raises(DataError, match="10 files to learn from without labels"):
        pretrain(heard(), np.arange(10))


def test_a_kept_trunk_is_whole_or_refused(tmp_path: Path) -> None:
    trunk = Trunk({"middle": np.arange(3, dtype=np.float32)}, {"name": "mine@1"})
    place = tmp_path / "trunk.safetensors"
    save(place, trunk)
    found = load(place)
    assert found.sidecar == trunk.sidecar
    assert np.array_equal(found.weights["middle"], trunk.weights["middle"])
    place.write_bytes(place.read_bytes()[:-2])
    with pytest.raises(ArtefactError, match="is no trunk"):
        load(place)
