"""The arm ``cnn`` on windows whose kind can be seen."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("torch")

from recsys.errors import DataError
from recsys.producers.labelling import arms
from recsys.producers.labelling.examples import Examples
from recsys.producers.labelling.targets import Target
from recsys.producers.networks import network
from recsys.producers.networks.network import Net, fit, fit_all, from_arrays, held_back
from recsys.producers.networks.recipes import Plan, changed

FILES, WINDOWS, BANDS = 48, 3, 64
PLAN = changed(Plan(), epochs=10, batch=16, rate=5e-3, valid=0.0)


def heard(seed: int = 0, files: int = FILES) -> Examples:
    """Files of noise with a hill: low in the even files, high in the odd ones; the third window is missing in some."""
    rng = np.random.default_rng(seed)
    mel = rng.normal(-4, 1, (files, WINDOWS, 160, BANDS))
    mel[::2, ..., 8:16] += 3
    mel[1::2, ..., 40:48] += 3
    mask = np.ones((files, WINDOWS), bool)
    mask[::3, 2] = False
    empty = np.zeros((files, 0), np.float32)
    paths = tuple(f"{i}.wav" for i in range(files))
    groups = np.arange(files, dtype=np.int32) // 2
    return Examples(paths, mel.astype(np.float16), mask, empty, (), groups, paths)


def kind(files: int = FILES) -> Target:
    return Target("kind", "single", ("low", "high"), np.eye(2, dtype=np.float32)[np.arange(files) % 2])


def tags() -> Target:
    """One tag for the odd files, unknown of every third; the other of all."""
    values = np.stack([np.arange(FILES) % 2, np.ones(FILES)], 1).astype(np.float32)
    values[::3, 0] = np.nan
    return Target("tags", "multi", ("high", "any"), values)


def height() -> Target:
    """About 10 and 30, some unknown."""
    values = np.where(np.arange(FILES) % 2, 30.0, 10.0) + np.random.default_rng(4).normal(0, 0.5, FILES)
    values[5] = np.nan
    return Target("height", "numeric", ("height",), values[:, None].astype(np.float32))


@pytest.fixture(scope="module")
def net() -> Net:
    """All three learned at once from the first 36 files."""
    return fit_all(heard(), [kind(), tags(), height()], np.arange(36), seed=1, plan=PLAN)


def test_says_all_targets_of_files_it_has_not_heard(net: Net) -> None:
    rows = np.arange(36, FILES)
    found = net.predict(heard(), rows, "kind")
    assert found.sigma is None
    assert np.allclose(found.mean.sum(axis=1), 1, atol=1e-5)
    assert (found.mean.argmax(axis=1) == rows % 2).all()
    tagged = net.predict(heard(), rows, "tags").mean
    assert ((tagged[:, 0] > 0.5) == (rows % 2 == 1)).all()
    assert (tagged[:, 1] > 0.5).all()
    numbers = net.predict(heard(), rows, "height")
    assert numbers.sigma is not None
    assert (np.abs(numbers.mean[:, 0] - np.where(rows % 2, 30, 10)) < 6).all()
    assert (numbers.sigma > 0).all()


def test_arrays_hold_all_of_it(net: Net) -> None:
    again = from_arrays({name: np.array(value) for name, value in net.arrays().items()})
    rows = np.array([40, 3])
    for target in net.heads.kinds:
        one, other = net.predict(heard(), rows, target), again.predict(heard(), rows, target)
        assert np.array_equal(one.mean, other.mean)
    assert again.best == net.best
    assert all(value.dtype.kind in "fiU" for value in net.arrays().values())


def test_vector_of_a_file_is_the_mean_of_its_windows(net: Net) -> None:
    rows = np.array([0, 7])
    vectors = net.embed(heard(), rows)
    assert vectors.shape == (2, 128)
    assert vectors.dtype == np.float32
    one = heard()
    single = np.zeros_like(one.mask)
    parts = []
    for window in (0, 1):
        single[:] = False
        single[:, window] = True
        parts.append(net.embed(Examples(one.paths, one.mel, single.copy(), one.descriptors, (), one.groups), rows))
    assert np.allclose(np.mean(parts, axis=0)[0], vectors[0], atol=1e-4)  # file 0 has two windows


def test_vectors_of_many_files_are_made_in_parts(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.arange(9)
    whole = net.embed(heard(), rows)
    monkeypatch.setattr(network, "CHUNK", 4)
    assert np.allclose(net.embed(heard(), rows), whole, atol=1e-5)


def test_the_same_seed_gives_the_same_network() -> None:
    plan = changed(PLAN, epochs=2)
    nets = [fit(heard(), kind(), np.arange(20), seed=seed, plan=plan) for seed in (3, 3, 4)]
    assert all(np.array_equal(nets[0].weights[name], nets[1].weights[name]) for name in nets[0].weights)
    assert not np.array_equal(nets[0].weights["heads.kind.weight"], nets[2].weights["heads.kind.weight"])


def test_learning_stops_when_the_files_held_back_gain_no_more() -> None:
    noise = Target(
        "noise", "single", ("a", "b"), np.eye(2, dtype=np.float32)[np.random.default_rng(1).integers(0, 2, FILES)]
    )
    net = fit(
        heard(), noise, np.arange(FILES), seed=0, plan=changed(PLAN, epochs=30, valid=0.25, patience=2, enough=40)
    )
    assert net.best + 3 == len(net.curve) < 30
    assert np.nanargmin(net.curve[:, 1]) == net.best


def test_whole_groups_are_held_back() -> None:
    groups = np.repeat(np.arange(12), 5)
    learned, held = held_back([kind(60)], groups, np.arange(60), 0.2, seed=1)
    assert not set(groups[learned]) & set(groups[held])
    assert sorted([*learned, *held]) == list(range(60))
    assert 6 <= len(held) <= 18
    assert len(held_back([kind(60)], groups, np.arange(5), 0.2, seed=1)[1]) == 0
    assert len(held_back([kind(60)], groups, np.arange(60), 0.0, seed=1)[1]) == 0


def test_many_files_take_fewer_epochs() -> None:
    assert len(fit(heard(), kind(), np.arange(40), plan=changed(PLAN, most=400)).curve) == 5


def test_examples_without_windows_are_refused() -> None:
    one = heard()
    bare = Examples(one.paths, np.zeros((FILES, 0, 160, 64), np.float16), one.mask, one.descriptors, (), one.groups)
    with pytest.raises(DataError, match="log-mel windows are"):
        fit(bare, kind(), np.arange(10))


def test_is_an_arm_and_its_list_needs_no_torch() -> None:
    assert arms.arm("cnn").fit is network.fit
    code = "from recsys.producers.labelling.arms import arms; arms(); import sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_size_of_the_network(net: Net) -> None:
    count = sum(value.size for name, value in net.weights.items() if name.startswith("trunk"))
    assert 200_000 <= count <= 500_000
