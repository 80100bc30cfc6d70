"""Classical arms: they learn, keep what they learned in arrays, agree with scikit-learn, and bear what is missing."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.producers.labelling.examples import Examples
from recsys.producers.labelling.sampling import shares, some
from recsys.producers.labelling.targets import Target
from recsys.producers.learners import classical, forest, machine, ridge
from recsys.producers.learners.kernels import Likeness, Shape, Space, grouped

ARMS = {arm.name: arm for arm in classical.ARMS}
NAMES = (*tuple(f"timbre:{i}" for i in range(12)), "trait:energy", "extra:chroma:0")


def heard(n=90, seed=0, groups=18):
    """Sounds of three kinds, told apart by two descriptors and a curve; some descriptors are unknown."""
    rng = np.random.default_rng(seed)
    codes = np.arange(n) % 3
    descriptors = rng.normal(size=(n, len(NAMES))).astype(np.float32)
    descriptors[:, 0] += 4 * (codes == 1)
    descriptors[:, 1] += 4 * (codes == 2)
    descriptors[::7, 3] = np.nan
    descriptors[:, 5] = np.nan
    descriptors[:, 6] = 4.0
    mel, mask = np.zeros((n, 1, 1, 1), np.float16), np.ones((n, 1), bool)
    paths = tuple(f"{i}.ogg" for i in range(n))
    return Examples(paths, mel, mask, descriptors, NAMES, (np.arange(n) // (n // groups)).astype(np.int32)), codes


def targets(examples, codes):
    one = np.eye(3, dtype=np.float32)[codes]
    tags = np.stack([codes > 0, codes == 2], axis=1).astype(np.float32)
    tags[::9, 1] = np.nan
    first = examples.descriptors[:, 0]
    numbers = np.stack([first, first / 2 + 2 * (codes == 2)], axis=1).astype(np.float32)
    numbers[::5, 0] = np.nan
    return {
        "single": Target("genre", "single", ("a", "b", "c"), one),
        "multi": Target("tags", "multi", ("d", "e"), tags),
        "numeric": Target("mood", "numeric", ("u", "v"), numbers),
    }


CASES = [(name, kind) for name, arm in ARMS.items() for kind in sorted(arm.kinds)]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_an_arm_learns_and_its_arrays_predict_the_same(name, kind):
    examples, codes = heard()
    target = targets(examples, codes)[kind]
    learned, asked = np.arange(60), np.arange(60, 90)
    fitted = ARMS[name].fit(examples, target, learned, seed=1)
    said = fitted.predict(examples, asked)
    check(target.take(asked), said)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **fitted.arrays())
    buffer.seek(0)
    with np.load(buffer, allow_pickle=False) as arrays:
        again = ARMS[name].from_arrays(arrays).predict(examples, asked)
    np.testing.assert_array_equal(said.mean, again.mean)
    if said.sigma is not None:
        np.testing.assert_array_equal(said.sigma, again.sigma)


def check(target, said):
    """Better than chance by far, and of the right form."""
    assert said.mean.dtype == np.float32
    assert said.mean.shape == target.values.shape
    assert np.isfinite(said.mean).all()
    known = np.isfinite(target.values)
    if target.kind == "numeric":
        assert said.sigma is not None
        assert (said.sigma > 0).all()
        errors = np.where(known, said.mean - target.values, np.nan)
        assert (np.nanvar(errors, axis=0) < 0.7 * np.nanvar(target.values, axis=0)).all()
        return
    assert said.mean.min() >= 0
    assert said.mean.max() <= 1
    if target.kind == "single":
        np.testing.assert_allclose(said.mean.sum(axis=1), 1, atol=1e-5)
        assert (said.mean.argmax(axis=1) == target.codes).mean() > 0.65
    else:
        assert ((said.mean > 0.5) == (target.values > 0.5))[known].mean() > 0.75


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_the_same_arguments_give_the_same_and_other_rows_are_not_looked_at(name, kind):
    examples, codes = heard(45, groups=9)
    target = targets(examples, codes)[kind]
    rows = np.arange(30)
    first = ARMS[name].fit(examples, target, rows, seed=3).predict(examples, rows)
    target.values[30:] = np.nan
    examples.descriptors[30:] = 99
    second = ARMS[name].fit(examples, target, rows, seed=3).predict(examples, rows)
    np.testing.assert_array_equal(first.mean, second.mean)


@pytest.mark.parametrize("name", list(ARMS))
@pytest.mark.parametrize("groups", [1, 2, 6])
def test_few_files_and_few_groups_are_enough(name, groups):
    examples, codes = heard(6, groups=groups)
    target = targets(examples, codes)["single"]
    said = ARMS[name].fit(examples, target, np.arange(6), seed=0).predict(examples, np.arange(6))
    np.testing.assert_allclose(said.mean.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", list(ARMS))
def test_descriptors_that_say_nothing_give_the_shares_of_the_classes(name):
    examples, codes = heard(30, groups=30)
    examples.descriptors[:] = np.nan
    target = targets(examples, codes)["single"]
    said = ARMS[name].fit(examples, target, np.arange(30), seed=0).predict(examples, np.arange(30))
    np.testing.assert_allclose(said.mean, 1 / 3, atol=0.05)


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_pairs_are_those_of_scikit_learn(classes):
    from sklearn.svm import SVC

    rng = np.random.default_rng(classes)
    codes = (np.arange(40) % classes).astype(np.int32)
    places = rng.normal(size=(40, 4)) + 2 * np.eye(4)[codes]
    like = places @ places.T
    pairs = machine.teach(like, codes, np.ones(40), 2.0)
    mine = like @ pairs.weights + pairs.bias
    theirs = SVC(C=2.0, kernel="precomputed", decision_function_shape="ovo").fit(like, codes).decision_function(like)
    sign = -1 if classes == 2 else 1
    np.testing.assert_allclose(mine, sign * theirs.reshape(40, -1), atol=1e-6)
    assert (pairs.scores(like, classes).argmax(axis=1) == codes).mean() > 0.7


def test_trees_say_what_scikit_learn_says(monkeypatch):
    from sklearn import ensemble

    grown = []

    class Kept(ensemble.ExtraTreesRegressor):
        def fit(self, features, values, **more):
            grown.append(self)
            return super().fit(features, values, **more)

    monkeypatch.setattr(ensemble, "ExtraTreesRegressor", Kept)
    features = np.random.default_rng(0).normal(size=(80, 5)).astype(np.float32)
    values = np.stack([features[:, 0], features[:, 1] ** 2], axis=1).astype(np.float64)
    nodes = forest._grow(features, values, np.ones(80), 0)
    mine = forest.Forest(nodes, np.zeros(5, np.float32), True)._ask(features)[0]
    np.testing.assert_allclose(mine, grown[0].predict(features) * values.std(axis=0), atol=1e-5)


def test_ridge_without_kernel_is_ridge():
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(0)
    features, values = rng.normal(size=(30, 4)), rng.normal(size=(30, 2))
    weights = rng.uniform(0.5, 2, 30)
    centred = features - np.average(features, axis=0, weights=weights)
    found, bias = ridge.solve(centred, values, weights, (0.7, 5.0))
    theirs = Ridge(alpha=0.7).fit(centred, values, sample_weight=weights)
    np.testing.assert_allclose(found[0], theirs.coef_.T, atol=1e-8)
    np.testing.assert_allclose(bias[0], theirs.intercept_, atol=1e-8)


def test_sigma_covers_and_grows_away_from_what_was_learned():
    rng = np.random.default_rng(1)
    examples, _ = heard(200, groups=200)
    examples.descriptors[:] = rng.normal(size=examples.descriptors.shape)
    values = (examples.descriptors[:, :1] + 0.5 * rng.normal(size=(200, 1))).astype(np.float32)
    target = Target("x", "numeric", ("x",), values)
    fitted = ridge.fit(examples, target, np.arange(120))
    said = fitted.predict(examples, np.arange(120, 200))
    inside = np.abs(said.mean - values[120:]) <= said.sigma
    assert 0.5 < inside.mean() < 0.85
    examples.descriptors[120:] = 4 * np.sign(examples.descriptors[120:])
    assert fitted.predict(examples, np.arange(120, 200)).sigma.mean() > said.sigma.mean()


def test_many_files_are_learned_from_by_landmarks(monkeypatch):
    examples, codes = heard(240, groups=80)
    target = targets(examples, codes)["numeric"]
    whole = ridge.fit(examples, target, np.arange(200)).predict(examples, np.arange(200, 240)).mean
    monkeypatch.setattr(ridge, "LANDMARKS", 60)
    few = ridge.fit(examples, target, np.arange(200))
    assert len(few.likeness.landmarks) == 60
    assert np.corrcoef(whole[:, 1], few.predict(examples, np.arange(200, 240)).mean[:, 1])[0, 1] > 0.9


@given(seed=st.integers(0, 99), linear=st.sampled_from([0.0, 0.5, 1.0]))
@settings(max_examples=15, deadline=None)
def test_coordinates_reproduce_likeness(seed, linear):
    places = np.random.default_rng(seed).normal(size=(12, 5)).astype(np.float32)
    likeness = Likeness.to(places, Shape(linear))
    coordinates = likeness.of(likeness.landmarks) @ likeness.root()
    np.testing.assert_allclose(coordinates @ coordinates.T, likeness.of(likeness.landmarks), atol=2e-3)
    np.testing.assert_allclose(likeness.own(likeness.landmarks), np.diag(likeness.of(likeness.landmarks)), atol=1e-4)


def test_groups_of_descriptors_weigh_by_the_root_of_their_size():
    values = np.random.default_rng(0).normal(size=(50, 14)).astype(np.float32)
    space = Space.fit(values, NAMES)
    assert 13 not in space.columns, "the chroma says in which key"
    squares = space.weight**2
    assert squares[:12].sum() / squares[12] == pytest.approx(12**0.5)
    assert squares.sum() == pytest.approx(1)
    assert grouped(["timbre:0", "timbre:100", "timbre:200"]) == (
        "timbre:statistics",
        "timbre:envelope",
        "timbre:correlation",
    )


@given(seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_shares_have_mean_one_and_leave_single_files_alone(seed):
    rng = np.random.default_rng(seed)
    target = Target("x", "single", ("a", "b"), np.eye(2, dtype=np.float32)[rng.integers(0, 2, 20)])
    found = shares(target, rng.integers(0, 6, 20).astype(np.int32))
    assert found.mean() == pytest.approx(1)
    assert (found > 0).all()
    np.testing.assert_allclose(shares(target, np.arange(20, dtype=np.int32)), 1)


@given(n=st.integers(1, 60), most=st.integers(1, 60), seed=st.integers(0, 9))
@settings(max_examples=30, deadline=None)
def test_some_rows_are_distinct_and_every_group_has_its_turn(n, most, seed):
    groups = np.random.default_rng(seed).integers(0, 8, n).astype(np.int32)
    rows = some(n, groups, most, seed)
    assert len(np.unique(rows)) == len(rows) == min(n, most)
    counts = np.bincount(groups[rows], minlength=8)
    whole = np.bincount(groups, minlength=8)
    assert all(counts[g] >= min(whole[g], counts.max() - 1) for g in range(8))


def test_groups_that_have_to_do_with_the_values_weigh_more_unless_it_is_by_heart():
    rng = np.random.default_rng(0)
    files = np.repeat(np.arange(30), 4)
    values = rng.normal(size=(120, 1)) + 3 * rng.normal(size=(30, 1))[files]
    good, none = values + rng.normal(size=(120, 1)), rng.normal(size=(120, 3))
    by_heart = rng.normal(size=(30, 40))[files]
    descriptors = np.concatenate([good, none, by_heart], axis=1).astype(np.float32)
    names = ["good:0", *(f"none:{i}" for i in range(3)), *(f"heart:{i}" for i in range(40))]
    even = Space.fit(descriptors, names)
    space = even.weighed(descriptors, names, values, files)
    more = space.weight**2 / even.weight**2
    assert (space.weight**2).sum() == pytest.approx(1)
    assert more[0] > 5 * more[1:].max()


def test_what_others_are_measured_against_hears_statistics_only():
    examples, codes = heard(30, groups=10)
    target = targets(examples, codes)["single"]
    fitted = ARMS["statistics-svm"].fit(examples, target, np.arange(30), seed=0)
    before = fitted.predict(examples, np.arange(30)).mean
    examples.descriptors[:, 12:] = 9.0
    np.testing.assert_array_equal(before, fitted.predict(examples, np.arange(30)).mean)


@pytest.mark.parametrize("name", ["kernel", "forest"])
def test_one_number_is_learned_as_well(name):
    examples, codes = heard(60, groups=20)
    several = targets(examples, codes)["numeric"]
    target = Target("one", "numeric", ("v",), several.values[:, 1:])
    said = ARMS[name].fit(examples, target, np.arange(40), seed=0).predict(examples, np.arange(40, 60))
    assert said.mean.shape == said.sigma.shape == (20, 1)
    assert np.corrcoef(said.mean[:, 0], target.values[40:, 0])[0, 1] > 0.6


def test_trees_of_many_files_draw_their_own_and_tell_how_far_they_are(monkeypatch):
    examples, codes = heard(240, groups=80)
    target = targets(examples, codes)["single"]
    told = []
    monkeypatch.setattr(forest, "DRAWN", 60)
    few = forest.fit(examples, target, np.arange(200), progress=lambda *said: told.append(said))
    assert told == [("trees", count, forest.TREES) for count in range(forest.BATCH, forest.TREES + 1, forest.BATCH)]
    monkeypatch.setattr(forest, "DRAWN", 2000)
    whole = forest.fit(examples, target, np.arange(200))
    assert len(few.nodes.column) < 0.6 * len(whole.nodes.column)
    right = few.predict(examples, np.arange(200, 240)).mean.argmax(axis=1) == codes[200:]
    assert right.mean() > 0.8
