"""Names, parameters and what can run where."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from recsys import models
from recsys.errors import DataError, SettingsError
from recsys.models import ease
from recsys.tables import Catalogue, Interactions
from tests.contracts import checkerboard


@pytest.mark.parametrize("name", models.NAMES)
def test_a_model_is_called_what_the_registry_calls_it(name: str) -> None:
    assert models.model_class(name).name == name


@pytest.mark.parametrize("name", models.NAMES)
def test_every_alternative_in_a_grid_can_be_built(name: str) -> None:
    default = models.build(name).params()
    for params in models.model_class(name).grid:
        assert models.build(name, **params).params() != default


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("eas", {}, "did you mean ease"),
        ("als", {"factrs": 3}, "did you mean factors"),
        ("popularity", {"k": 3}, "it has none"),
        ("als", {"factors": -1}, "als.factors = -1"),
        ("als", {"factors": 2.5}, "whole number"),
        ("ease", {"regularization": float("nan")}, "nan"),
        ("ease", {"weight": 3}, "a word"),
        ("lightfm", {"features": 1}, "true or false"),
    ],
)
def test_wrong_words_and_values_are_named(name: str, params: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        models.build(name, **params)


def test_an_unknown_weight_transform_is_named() -> None:
    with pytest.raises(SettingsError, match="did you mean log"):
        models.build("ease", weight="logs").fit(checkerboard(), rng=np.random.default_rng(0))


def test_what_can_not_run_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    full = checkerboard()
    plays = full.plays
    untimed = Interactions(plays.users, plays.tracks, plays.user, plays.track, plays.weight)
    bare = replace(full, plays=untimed, ratings=None, catalogue=Catalogue.empty(len(full.tracks)))
    monkeypatch.setattr(ease, "MOST_TRACKS", 5)
    reasons = {name: models.feasible(name, bare) for name in models.NAMES}
    for name in ("recent", "ratings", "content", "ease", "slim"):
        assert reasons[name]
        with pytest.raises(DataError):
            models.build(name).fit(bare, rng=np.random.default_rng(0))
    assert all(reasons[name] is None for name in ("popularity", "ials", "als", "bpr", "itemknn", "rp3beta", "blend"))
    monkeypatch.undo()
    assert [n for n in models.NAMES if models.feasible(n, full)] == []


def test_importing_and_answering_load_no_training_package() -> None:
    code = """
import sys, numpy as np
import recsys.models as models
assert not {"numba", "implicit", "scipy.sparse.linalg", "pandas"} & set(sys.modules)
from tests.contracts import checkerboard
world = checkerboard()
for name in ("als", "bpr"):
    fitted = models.build(name, factors=4).fit(world, rng=np.random.default_rng(0))
    np.savez(sys.argv[1] + name, **fitted.arrays())
"""
    answer = """
import sys, numpy as np
import recsys.models as models
from tests.contracts import checkerboard
for name in ("als", "bpr"):
    with np.load(sys.argv[1] + name + ".npz", allow_pickle=False) as arrays:
        models.from_arrays(name, arrays, {"factors": 4}).scores(checkerboard().matrix())
assert not {"implicit", "lightfm", "torch"} & set(sys.modules)
"""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for text in (code, answer):
            subprocess.run([sys.executable, "-c", text, folder + "/"], check=True)
