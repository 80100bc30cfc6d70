"""What each block of content is worth: a model fitted again and again, each time with one block treated.

Every result is a small file of its own, written at once when it is there, so that a run that was killed goes on.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from recsys import comparing, manifest
from recsys.audio.space import NAME as SOUND
from recsys.errors import DataError
from recsys.evaluation import Split, cold, metrics, warm
from recsys.evaluation.effects import REMOVED, Ablation, Effect, Sample, relative_loss
from recsys.evaluation.protocols import shuffle_ties
from recsys.models import NAMES, feasible, model_class
from recsys.models.blocks import NUMBERS, blocks
from recsys.retrieval import top_lists
from recsys.settings import Settings
from recsys.tables import Dataset
from recsys.treatments import TREATMENTS, treat

PROTOCOLS: dict[str, Callable[..., Split]] = {"cold": cold, "warm": warm}
MODELS = ("hybrid", "ridge", "content")
ANALYSIS = "analysis (all)"
K = 100
METRIC = f"ndcg@{K}"
JUDGES = 5000  # listeners at most, of each split
EVERYTHING = "everything"
PRODUCER = re.compile(r"^(\w+?)[:./-].+")
Progress = Callable[[str, int, int], None]


class Task(NamedTuple):
    """One fit: what is done to which block on which split; the block ``EVERYTHING`` is left as it is."""

    protocol: str
    seed: int
    block: str
    treatment: str


def ablate(
    dataset: Dataset, settings: Settings, out: Path, identity: Mapping[str, Any], *, progress: Progress | None = None
) -> Ablation:
    """Measure every block and every producer of several blocks, on new tracks and on known ones.

    The model is the one that the settings name if it can score new tracks, else the first of ``MODELS``: the hybrid,
    in which content has a say about known tracks too. Results lie in ``out``; those of the same tables and settings
    are not made again, and further seeds join them.

    Raises:
        DataError: nothing is known about the tracks, or no split can be made.
    """
    names = [block.name for block in blocks(dataset)]
    if not names:
        raise DataError("nothing is known about the tracks; expected artist, genre, tags, numbers or a content space")
    members = producers(names)
    subjects = {**{name: [name] for name in names}, **members}
    splits, skipped = _splits(dataset, settings)
    model, params = _model(splits, settings)
    asked = {"tables": identity.get("tables"), "models": settings.models, "seed": settings.train.seed}
    known = {**asked, "model": model, "params": params, "blocks": names}
    store = out / hashlib.sha256(json.dumps(known, sort_keys=True, default=str).encode()).hexdigest()[:12]
    lab = Lab(dataset, splits, subjects, model, params, settings.train.seed, store)
    tasks = _tasks(splits, subjects)
    for done, task in enumerate(tasks):
        if progress:
            progress("ablate", done, len(tasks))
        lab.result(task)
    if progress:
        progress("ablate", len(tasks), len(tasks))
    return _summary(lab, tasks, members, skipped)


def producers(names: Sequence[str]) -> dict[str, list[str]]:
    """Makers of several blocks: from names such as ``tagger:genre``, and analysis, which makes numbers and ``sound``.

    >>> producers(["artist", "tagger:genre", "tagger:mood", "numbers", "sound"])
    {'tagger (all)': ['tagger:genre', 'tagger:mood'], 'analysis (all)': ['numbers', 'sound']}
    """
    found: dict[str, list[str]] = {}
    for name in names:
        made = PRODUCER.match(name)
        if made:
            found.setdefault(f"{made[1]} (all)", []).append(name)
    heard = [name for name in names if name == SOUND or name.startswith(f"{SOUND}:")]
    if heard:
        found[ANALYSIS] = [name for name in names if name == NUMBERS or name in heard]
    return {name: mine for name, mine in found.items() if len(mine) > 1}


def _splits(dataset: Dataset, settings: Settings) -> tuple[dict[tuple[str, int], Split], dict[str, str]]:
    """A split of each protocol for each seed; and which protocols the data do not allow."""
    made: dict[tuple[str, int], Split] = {}
    skipped: dict[str, str] = {}
    first = settings.evaluate.seed
    for protocol, splitter in PROTOCOLS.items():
        for seed in range(first, first + settings.evaluate.seeds):
            try:
                made[protocol, seed] = _fewer(splitter(dataset, rng=np.random.default_rng(seed)))
            except DataError as error:
                skipped[protocol] = str(error)
                break
    if not made:
        raise DataError("; ".join(skipped.values()))
    return made, skipped


def _fewer(split: Split) -> Split:
    if len(split) <= JUDGES:
        return split
    some = np.linspace(0, len(split) - 1, JUDGES).astype(int)
    return replace(split, held=split.held[some], histories=split.histories[some], users=split.users[some])


def _model(splits: Mapping[tuple[str, int], Split], settings: Settings) -> tuple[str, dict[str, Any]]:
    """Which model to ask, and its settings."""
    train = next(iter(splits.values())).train
    named = settings.train.model
    wanted = [*([named] if named in NAMES and named not in comparing.COMPOSED else []), *MODELS]
    able = [n for n in wanted if model_class(n).cold and feasible(n, train) is None]
    if not able:
        raise DataError("no model that can score new tracks can be fitted here")
    return able[0], settings.models.get(able[0], {})


def _ndcg(model: str, params: dict[str, Any], train: Dataset, split: Split, seed: int) -> np.ndarray:
    """Metric of each listener, for a model fitted on ``train``."""
    fitted = comparing.fit(train, model, params, seed=seed)
    depth = K if split.pool is None else len(split.pool)
    lists = top_lists(fitted, split.histories, depth, users=split.users, exclude=split.histories, allow=split.pool)
    if split.pool is not None:
        lists = shuffle_ties(lists, K, np.random.default_rng(seed))
    return metrics.ndcg(metrics.hits(lists, split.held), np.diff(split.held.indptr), K)


def _tasks(splits: Mapping[tuple[str, int], Split], subjects: Mapping[str, Sequence[str]]) -> list[Task]:
    """Everything there is to do, whole seeds first, so that an early end leaves a balanced result."""
    order = sorted(splits, key=lambda pair: (pair[1], list(PROTOCOLS).index(pair[0])))
    tasks = []
    for protocol, seed in order:
        tasks.append(Task(protocol, seed, EVERYTHING, "whole"))
        tasks += [Task(protocol, seed, name, treatment) for name in subjects for treatment in TREATMENTS]
    return tasks


@dataclass(frozen=True, eq=False)
class Lab:
    """Where fits happen and their results lie."""

    dataset: Dataset
    splits: Mapping[tuple[str, int], Split]
    subjects: Mapping[str, Sequence[str]]
    model: str
    params: dict[str, Any]
    seed: int
    store: Path

    def result(self, task: Task) -> dict[str, Any]:
        """What was measured, read from its file or made now: metric of each listener, or why there is none."""
        number = [EVERYTHING, *self.subjects].index(task.block)
        path = self.store / f"{task.protocol}-{task.seed}-{number:02d}-{task.treatment}.json"
        if not path.exists():
            manifest.write_json(path, self._made(task))
        return json.loads(path.read_text(encoding="utf-8"))

    def _made(self, task: Task) -> dict[str, Any]:
        split = self.splits[task.protocol, task.seed]
        facts = {**task._asdict(), "listeners": split.users.tolist()}
        train = split.train
        if task.block != EVERYTHING:
            counts = np.bincount(self.dataset.matrix().indices, minlength=len(self.dataset.tracks))
            rng = np.random.default_rng([task.seed, sum(task.block.encode())])
            train = treat(train, self.subjects[task.block], task.treatment, popularity=counts, rng=rng)
        problem = feasible(self.model, train)
        if problem:  # the block was all there is: without it new tracks are all alike
            return {**facts, "ndcg": None, "why": problem}
        found = _ndcg(self.model, self.params, train, split, self.seed)
        return {**facts, "ndcg": [round(float(v), 6) for v in found]}


def _summary(
    lab: Lab, tasks: Sequence[Task], members: Mapping[str, Sequence[str]], skipped: dict[str, str]
) -> Ablation:
    read = lru_cache(maxsize=None)(partial(_values, lab))
    whole: dict[str, float] = {}
    effects: list[Effect] = []
    for protocol in dict.fromkeys(task.protocol for task in tasks):
        seeds = [t.seed for t in tasks if t.protocol == protocol and t.block == EVERYTHING]
        base = {seed: read(Task(protocol, seed, EVERYTHING, "whole")) for seed in seeds}
        whole[protocol] = float(np.mean([found.mean() for _, found in base.values()]))
        for name in lab.subjects:
            for treatment in TREATMENTS:
                found = {seed: read(Task(protocol, seed, name, treatment)) for seed in seeds}
                samples = [Sample(base[seed][0], base[seed][1], found[seed][1]) for seed in seeds]
                effects.append(Effect(protocol, name, treatment, relative_loss(samples), len(seeds)))
    return Ablation(lab.model, METRIC, whole, effects, members, skipped)


def _values(lab: Lab, task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Listeners and their metric; where nothing could be fitted that of lists at random."""
    found = lab.result(task)
    listeners = np.array(found["listeners"])
    if found["ndcg"] is not None:
        return listeners, np.array(found["ndcg"])
    return listeners, _at_random(lab.splits[task.protocol, task.seed], task.seed)


def _at_random(split: Split, seed: int) -> np.ndarray:
    from recsys.evaluation.floors import floors

    lists = floors(split.train, seed=seed)["random"](split.histories, split.users, split.pool, K)
    return metrics.ndcg(metrics.hits(lists, split.held), np.diff(split.held.indptr), K)


__all__ = ["REMOVED", "Ablation", "Lab", "Task", "ablate", "producers"]
