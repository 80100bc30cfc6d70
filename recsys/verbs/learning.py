"""Tables in, bundles and reports out: train, evaluate, tune."""

from __future__ import annotations

import time as clock
from pathlib import Path
from typing import Any

from recsys import bundle as bundles
from recsys import manifest
from recsys.freshness import current_bundle, fingerprint, is_current
from recsys.settings import Settings, changed
from recsys.verbs.made import Made, Pathlike, Progress, with_train, without_model


def train(
    tables: Pathlike,
    *,
    out: Pathlike,
    model: str | None = None,
    seed: int | None = None,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
    time: float | None = None,
) -> Made:
    """Tables to a bundle: every model is measured on a validation part, the best is fitted on everything.

    Args:
        tables: a folder that ``ingest`` wrote.
        out: the folder of bundles; the new one becomes its CURRENT.
        model: fit just this one, without comparing.
        seed: overrides the settings' seed.
        settings: hyper-parameters by model name, and how to choose.
        time: when, Unix seconds UTC; names the bundle. Default: now.

    Raises:
        ArtefactError: ``tables`` is not a finished folder of tables.
        DataError: the model asked for can't be fitted on this data. Where there are no plays, a model that only the
            settings name is left out.
    """
    from recsys import nexttrack, record, training
    from recsys.opened import carry_spaces, write_engine
    from recsys.tables import Dataset

    settings = with_train(settings or Settings(), model, seed)
    tables, out = Path(tables), Path(out)
    made_from = {"tables": fingerprint(tables), "settings": settings.model_dump(include={"train", "models"})}
    if only_stale and (held := current_bundle(out)) and is_current(held, made_from):
        return Made("train", held, manifest.read(held), unchanged=True)
    started = clock.perf_counter()
    dataset = Dataset.open(tables).without(settings.train.without, settings.train.keep)
    left_out = settings.train.model if model is None and not len(dataset.plays) else None
    fitted = without_model(settings) if left_out else settings
    trained = training.train(dataset, fitted, progress=progress)
    following, judged = nexttrack.learn(dataset, trained, fitted, progress=progress)

    def write(folder: Path) -> dict[str, Any]:
        write_engine(folder, dataset, trained.model, trained.index, following)
        carry_spaces(tables, folder)
        chosen = trained.model.name if trained.model else None
        seconds = clock.perf_counter() - started
        facts = record.write(folder, dataset, chosen, training.table(trained.candidates), fitted, seconds, made_from)
        told = (
            {"headline": f"there are no plays: content only, {left_out!r} of the settings left out"} if left_out else {}
        )
        told_next = [one.to_json() for one in judged]
        index = trained.index.facts() if trained.index else []
        return {"made_from": made_from, **facts, **told, "index": index, "next track": told_next}

    made = bundles.create(out, write, time=clock.time() if time is None else time)
    return Made("train", made, manifest.read(made))


def evaluate(
    tables: Pathlike,
    *,
    out: Pathlike,
    protocol: str | None = None,
    ablate: bool | None = None,
    seed: int | None = None,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
) -> Made:
    """Measure every model on plays it has not seen; write an HTML report and a JSON beside it.

    Args:
        tables: a folder that ``ingest`` wrote.
        out: a folder for report.html and report.json, or the .html file itself.
        protocol: "warm", "strong", "cold", "continuation", "temporal", "thaw", or "all" (without thaw).
        ablate: measure too what each block of content is worth; a run that was killed goes on.
        seed: of the splits.
    """
    from recsys import assessment
    from recsys.tables import Dataset

    settings, out = changed(settings or Settings(), "evaluate", protocol=protocol, seed=seed, ablate=ablate), Path(out)
    made_from = {
        "tables": fingerprint(Path(tables)),
        "settings": settings.model_dump(include={"train", "models", "evaluate"}),
    }
    if only_stale and is_current(out, made_from):
        return Made("evaluate", out, manifest.read(out), unchanged=True)
    facts = assessment.assess(Dataset.open(Path(tables)), settings, out, made_from, progress=progress)
    return Made("evaluate", out, facts)


def tune(
    tables: Pathlike,
    *,
    out: Pathlike,
    model: str = "ials",
    trials: int = 20,
    folds: int = 1,
    minutes: float | None = None,
    seed: int | None = None,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
) -> Made:
    """Search a model's hyper-parameters on validation only; run again to go on from where it stopped.

    Args:
        tables: a folder that ``ingest`` wrote.
        out: the folder of the study; ``best.toml`` there holds lines for recsys.toml.
        model: whose hyper-parameters; several with commas between, or "all" that the data allow.
        trials: settings to try of each model, those of earlier runs included.
        folds: cross-validation folds; 1 = one validation part.
        minutes: stop after the trial that passes this time; run again to go on.
        seed: of the split, the search and the fits.

    Raises:
        MissingExtra: optuna is not installed.
        DataError: a model that has nothing to search.
    """
    from recsys import tuning
    from recsys.tables import Dataset

    settings, out = with_train(settings or Settings(), None, seed), Path(out)
    made_from = {
        "tables": fingerprint(Path(tables)),
        "model": model,
        "trials": trials,
        "folds": folds,
        "seed": settings.train.seed,
    }
    if only_stale and is_current(out, made_from):
        return Made("tune", out, manifest.read(out), unchanged=True)
    dataset = Dataset.open(Path(tables)).without(settings.train.without, settings.train.keep)
    until = clock.monotonic() + 60 * minutes if minutes is not None else float("inf")
    facts = tuning.search(
        dataset,
        model,
        out,
        made_from,
        trials=trials,
        folds_=folds,
        settings=settings,
        enough=lambda: clock.monotonic() > until,
        progress=progress,
    )
    return Made("tune", out, facts)
