"""The evaluate verb: models chosen and fitted on each split's training side, their lists measured, a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from recsys import manifest, training
from recsys.contracts import Recommender, Rows
from recsys.evaluation import Ranker, prepare, run
from recsys.evaluation.report import write_report
from recsys.evaluation.words import headline
from recsys.retrieval import top_lists
from recsys.settings import Settings
from recsys.tables import Dataset, TopK

KIND = "report"
Progress = Callable[[str, int, int], None]


def assess(
    dataset: Dataset, settings: Settings, out: Path, made_from: Mapping[str, Any], *, progress: Progress | None = None
) -> dict[str, Any]:
    """Run the protocols that the settings ask for; report.html and report.json go to ``out``.

    Hyper-parameters and blend weights are chosen on a validation part of each training side, never on what is
    hidden; the hidden part is read once, by the models that were chosen.

    Raises:
        DataError: a protocol asked for by name that this data does not allow.
    """
    chosen = settings.evaluate
    splits, skipped = prepare(dataset, chosen.protocol, seed=chosen.seed)
    fit = partial(_fit, settings=settings, progress=progress)
    results = run(splits, fit, seed=chosen.seed, draws=chosen.bootstrap, progress=_steps(progress))
    command = f"recsys evaluate --tables TABLES --protocol {chosen.protocol} --seed {chosen.seed} --out REPORT"
    write_report(results, out, command=command, facts={"tables": made_from["tables"]}, skipped=skipped)
    facts = {"made_from": made_from, "headline": headline(results[0]), "skipped": skipped}
    return facts if out.suffix == ".html" else manifest.seal(out, KIND, facts)


def _steps(progress: Progress | None) -> Callable[[str], None]:
    """Messages as steps of one bar that grows."""
    count = 0

    def told(message: str) -> None:
        nonlocal count
        count += 1
        if progress:
            progress(message.partition(":")[0], count, count)

    return told


def _fit(train: Dataset, *, settings: Settings, progress: Progress | None) -> dict[str, Ranker]:
    """All models as ``train`` would choose them from this training side alone, refitted on all of it."""
    candidates = training.compare(train, settings, progress=progress)
    return {name: _ranker(model) for name, model in training.refit(candidates, train, settings).items()}


def _ranker(model: Recommender) -> Ranker:
    def rank(histories: Any, users: Rows, pool: Rows | None, k: int) -> TopK:
        return top_lists(model, histories, k, users=users, exclude=histories, allow=pool)

    return rank
