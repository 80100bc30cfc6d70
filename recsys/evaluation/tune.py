"""Hyper-parameter search that can be killed and resumed: an objective and a space in, the best settings out.

The objective sees validation data only; what it fits and how it scores is the caller's business. The study is
a journal file. Trial number n is drawn from the seed, n and the finished trials before it, so a search that
was killed and resumed gives the same trials as one that was not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from recsys.errors import DataError, MissingExtra
from recsys.evaluation.curves import Curve

Spec = Sequence[Any] | Mapping[str, Any]
STUDY = "recsys"
STARTUP = 8  # trials drawn at random before the sampler learns from them


class Score(NamedTuple):
    """What an objective may return: the metric on validation, larger is better, and on the training side."""

    valid: float
    train: float | None = None


class Trial(NamedTuple):
    """One finished trial."""

    params: dict[str, Any]
    valid: float
    train: float | None


@dataclass(frozen=True)
class Tuned:
    """The outcome of a search.

    Attributes:
        params: the best settings, by the names of the space.
        value: their metric on validation.
        trials: all finished trials in the order they were begun.
    """

    params: dict[str, Any]
    value: float
    trials: list[Trial]

    def curve(self, name: str, model: str = "") -> Curve:
        """Validation against training over one setting, for the report; the best trial of each value.

        Raises:
            DataError: unknown setting.
        """
        if name not in self.params:
            raise DataError(f"no setting {name!r} in this search; expected one of {', '.join(sorted(self.params))}")
        best: dict[Any, Trial] = {}
        for trial in self.trials:
            value = trial.params[name]
            if value not in best or trial.valid > best[value].valid:
                best[value] = trial
        chosen = [best[value] for value in sorted(best)]
        train = [float("nan") if t.train is None else t.train for t in chosen]
        return Curve(model or name.partition(".")[0], name, sorted(best), [t.valid for t in chosen], train)


Objective = Callable[[dict[str, Any]], "float | Score"]


def tune(
    objective: Objective,
    space: Mapping[str, Spec],
    *,
    trials: int,
    seed: int = 0,
    journal: Path,
    progress: Callable[[int, Trial], None] | None = None,
) -> Tuned:
    """Search ``space`` for the settings with the largest validation metric (TPE, Bergstra et al. 2011).

    Args:
        objective: settings in, metric on validation out (or a ``Score`` with the training metric too).
        space: by name a list of choices, or ``{"low": …, "high": …, "log": bool, "step": …}``; bounds that
            are both integers mean integers.
        trials: finished trials to reach, those of earlier runs included.
        seed: which trials are drawn.
        journal: the study's file; made when absent, continued when it is there. One file per data set.
        progress: told the number of each trial and the trial, when it is finished.

    Raises:
        MissingExtra: optuna is not installed.
        DataError: a space that can't be read, or a journal of another space or seed.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = tune(lambda p: -abs(p["x"] - 3), {"x": [1, 3, 9]}, trials=8, journal=Path(folder) / "j.log")
    >>> found.params, found.value
    ({'x': 3}, 0.0)
    """
    optuna = _optuna()
    for name, spec in space.items():
        _distribution(optuna, name, spec)
    study = _study(optuna, journal, {"seed": seed, "space": space})
    done = optuna.trial.TrialState.COMPLETE
    finished = study.get_trials(deepcopy=False, states=(done,))
    while len(finished) < trials:
        number = len(finished)
        study.sampler = optuna.samplers.TPESampler(seed=_seed(seed, number), n_startup_trials=STARTUP)
        trial = study.ask({name: _distribution(optuna, name, spec) for name, spec in space.items()})
        score = _scored(objective, dict(trial.params), finished)
        trial.set_user_attr("train", score.train)
        study.tell(trial, score.valid)
        finished = study.get_trials(deepcopy=False, states=(done,))
        if progress:
            progress(number, Trial(dict(trial.params), *score))
    table = [Trial(dict(t.params), float(t.value), t.user_attrs.get("train")) for t in finished]
    best = max(table, key=lambda t: t.valid)
    return Tuned(best.params, best.valid, table)


def _scored(objective: Objective, params: dict[str, Any], finished: Sequence[Any]) -> Score:
    """The objective's answer; settings that were tried before keep the answer they had."""
    for old in finished:
        if old.params == params:
            return Score(float(old.value), old.user_attrs.get("train"))
    answer = objective(dict(params))
    score = answer if isinstance(answer, Score) else Score(answer)
    if not np.isfinite(score.valid):
        raise DataError(f"the objective is {score.valid} for {params}; expected a finite number")
    return Score(float(score.valid), None if score.train is None else float(score.train))


def _study(optuna: ModuleType, journal: Path, identity: Mapping[str, Any]) -> Any:
    """The journal's study; its unfinished trials are forgotten, so that they are drawn again."""
    journal.parent.mkdir(parents=True, exist_ok=True)
    _mend(journal)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    backend = optuna.storages.journal.JournalFileBackend(str(journal))
    storage = optuna.storages.JournalStorage(backend)
    study = optuna.create_study(study_name=STUDY, storage=storage, direction="maximize", load_if_exists=True)
    wanted = json.dumps(identity, sort_keys=True, default=_as_json)
    found = study.user_attrs.setdefault("identity", wanted)
    if found != wanted:
        raise DataError(f"{journal} is a search with {found}, asked for {wanted}; name another journal or remove it")
    study.set_user_attr("identity", wanted)
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    return study


def _mend(journal: Path) -> None:
    """Cut off a last line that a killed process left unfinished."""
    if journal.exists():
        content = journal.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            with open(journal, "r+b") as file:
                file.truncate(whole)


def _distribution(optuna: ModuleType, name: str, spec: Spec) -> Any:
    if isinstance(spec, Mapping) and {"low", "high"} <= set(spec) <= {"low", "high", "log", "step"}:
        whole = isinstance(spec["low"], int) and isinstance(spec["high"], int)
        kind = optuna.distributions.IntDistribution if whole else optuna.distributions.FloatDistribution
        try:
            return kind(**spec)
        except ValueError as error:
            raise DataError(f"{name} = {dict(spec)}: {error}") from error
    if isinstance(spec, Sequence) and not isinstance(spec, str) and len(spec):
        return optuna.distributions.CategoricalDistribution(tuple(spec))
    raise DataError(f"{name} = {spec!r}; expected a list of choices or {{low = …, high = …, log = true}}")


def _seed(seed: int, number: int) -> int:
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def _as_json(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else list(value)


def _optuna() -> ModuleType:
    try:
        import optuna
        import optuna.storages.journal
    except ImportError as error:
        raise MissingExtra("optuna", "tune") from error
    return optuna
