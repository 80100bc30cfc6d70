"""Interactions in, scores of every track for any history out; one word per model, imported when it is asked for."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from recsys.contracts import Recommender
from recsys.errors import SettingsError, did_you_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recsys.tables import Dataset

HOMES = {
    "popularity": ("popularity", "Popularity"),
    "recent": ("popularity", "Recent"),
    "itemknn": ("neighbours", "ItemKNN"),
    "rp3beta": ("neighbours", "RP3Beta"),
    "ease": ("ease", "Ease"),
    "slim": ("slim", "Slim"),
    "bpr": ("bpr", "BPR"),
    "als": ("als", "ALS"),
    "ials": ("ials", "IALS"),
    "lightfm": ("lightfm", "LightFM"),
    "ratings": ("ratings", "Ratings"),
    "content": ("content", "Content"),
    "ridge": ("ridge", "Ridge"),
    "hybrid": ("hybrid", "Hybrid"),
    "mapped": ("mapped", "Mapped"),
    "cease": ("cease", "Cease"),
    "blend": ("blend", "Blend"),
    "ranked": ("ranked", "Ranked"),
}
NAMES = tuple(HOMES)

__all__ = ["NAMES", "build", "feasible", "from_arrays", "model_class"]


def model_class(name: str) -> type[Any]:
    """The class behind a model's name.

    Raises:
        SettingsError: no such model.
    """
    if name not in HOMES:
        raise SettingsError(f"no model {name!r}{did_you_mean(name, NAMES)}")
    module, found = HOMES[name]
    return getattr(import_module(f"recsys.models.{module}"), found)


def build(name: str, **params: Any) -> Recommender:
    """A model by name, not yet fitted, with hyper-parameters over its defaults.

    Raises:
        SettingsError: no such model or parameter, or a value of the wrong kind or sign.

    >>> build("ease", regularization=50.0).params()["regularization"]
    50.0
    >>> build("ease", regularisation=50.0)
    Traceback (most recent call last):
    ...
    recsys.errors.SettingsError: ease.regularisation is not a parameter; did you mean regularization?
    """
    cls = model_class(name)
    known = inspect.signature(cls).parameters
    for key, value in params.items():
        if key not in known:
            hint = did_you_mean(key, known) if known else ": it has none"
            raise SettingsError(f"{name}.{key} is not a parameter{hint}")
        _check_value(f"{name}.{key}", value, known[key].default)
    return cls(**params)


def from_arrays(name: str, arrays: Mapping[str, NDArray[Any]], params: Mapping[str, Any]) -> Recommender:
    """The fitted model back from what its ``arrays()`` and ``params()`` gave."""
    return model_class(name).from_arrays(arrays, **params)


def feasible(name: str, dataset: Dataset) -> str | None:
    """Why a model can't be fitted here, in words; None when it can.

    >>> from recsys.tables import Catalogue, Dataset, IdMap, Interactions
    >>> plays = Interactions(IdMap(["ann"]), IdMap(["x", "y"]), [0], [0], [1])
    >>> feasible("recent", Dataset(plays, Catalogue.empty(2)))
    'the plays have no times'
    """
    model_class(name)
    check = _CHECKS.get(name)
    return check(dataset) if check else None


def _small(dataset: Dataset) -> str | None:
    from recsys.models.ease import MOST_TRACKS

    tracks = len(dataset.tracks)
    return f"{tracks:,} tracks are more than the {MOST_TRACKS:,} it can take" if tracks > MOST_TRACKS else None


def _timed(dataset: Dataset) -> str | None:
    return "the plays have no times" if dataset.plays.time is None else None


def _rated(dataset: Dataset) -> str | None:
    return None if dataset.ratings is not None and len(dataset.ratings) else "the log has no ratings"


def _described(dataset: Dataset) -> str | None:
    from recsys.models.blocks import has_content

    return None if has_content(dataset) else "nothing is known about the tracks but who played them"


def _has_lightfm(dataset: Dataset) -> str | None:
    return None if find_spec("lightfm") else "lightfm-next is not installed: pip install 'recsys[lightfm]'"


_CHECKS = {
    "ease": _small,
    "slim": _small,
    "recent": _timed,
    "ratings": _rated,
    "content": _described,
    "ridge": _described,
    "hybrid": _described,
    "mapped": _described,
    "cease": lambda dataset: _small(dataset) or _described(dataset),
    "lightfm": _has_lightfm,
}


def _check_value(place: str, value: Any, default: Any) -> None:
    """Numbers must be numbers, finite and not negative; switches must be true or false; words must be words."""
    if isinstance(default, bool):
        good, wanted = isinstance(value, bool), "true or false"
    elif isinstance(default, str):
        good, wanted = isinstance(value, str), "a word"
    elif isinstance(default, int):
        good, wanted = type(value) is int and value >= 0, "a whole number, 0 or more"
    elif isinstance(default, float):
        good, wanted = type(value) in (int, float) and 0 <= value < math.inf, "a number, 0 or more"
    else:
        return
    if not good:
        raise SettingsError(f"{place} = {value!r}; expected {wanted}")
