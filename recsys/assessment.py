"""The evaluate verb: models chosen and fitted on each split's training side, their lists measured, a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from recsys import comparing, manifest, training
from recsys.comparing import Candidate
from recsys.contracts import Blended, Recommender, Rows
from recsys.evaluation import Fitted, Ranker, Result, Split, prepare, run
from recsys.evaluation.effects import Ablation
from recsys.evaluation.report import write_report
from recsys.evaluation.words import headline
from recsys.evening import evening
from recsys.models import model_class
from recsys.models.blocks import words
from recsys.ranking import mix
from recsys.ranking.dials import Dials, Facts, dialled
from recsys.retrieval import top_lists
from recsys.settings import Settings
from recsys.tables import Dataset, TopK

KIND = "report"
PLACES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)  # of the dials
Progress = Callable[[str, int, int], None]


def assess(
    dataset: Dataset, settings: Settings, out: Path, made_from: Mapping[str, Any], *, progress: Progress | None = None
) -> dict[str, Any]:
    """Run the protocols that the settings ask for; report.html and report.json go to ``out``, ablation.json if asked.

    Hyper-parameters and blend weights are chosen on a validation part of each training side, never on what is
    hidden; the hidden part is read once, by the models that were chosen. Content spaces that the settings leave out of
    training take part in the ablation only, which says whether they would pay.

    Raises:
        DataError: a protocol asked for by name that this data does not allow.
    """
    chosen = settings.evaluate
    splits, skipped = prepare(
        dataset.without(settings.train.without, settings.train.keep), chosen.protocol, seed=chosen.seed
    )
    results = measured(splits, settings, progress=progress)
    worth = _worth(dataset, settings, out, made_from, progress) if chosen.ablate else None
    asked = f"--protocol {chosen.protocol} --seed {chosen.seed}{' --ablate' if chosen.ablate else ''}"
    command = f"recsys evaluate --tables TABLES {asked} --out REPORT"
    known = {"tables": made_from["tables"]}
    write_report(results, out, command=command, facts=known, skipped=skipped, ablation=worth)
    facts = {"made_from": made_from, "headline": headline(results[0]), "skipped": skipped}
    if worth:
        facts["on by default"] = worth.pays()
    return facts if out.suffix == ".html" else manifest.seal(out, KIND, facts)


def _worth(
    dataset: Dataset, settings: Settings, out: Path, made_from: Mapping[str, Any], progress: Progress | None
) -> Ablation:
    """What each block of content is worth; ablation.json and the results it rests on stay beside the report."""
    from recsys.ablation import ablate

    folder = out.parent if out.suffix == ".html" else out
    found = ablate(dataset, settings, folder / "ablation", made_from, progress=progress)
    manifest.write_json(folder / "ablation.json", found.to_json())
    return found


def measured(splits: list[Split], settings: Settings, *, progress: Progress | None = None) -> list[Result]:
    """The results of these splits; the levels of a thaw share what was chosen before any track came back."""
    results: list[Result] = []
    chosen, told = settings.evaluate, _steps(progress)
    for thaw, some in groupby(splits, key=lambda split: split.name.startswith("thaw-")):
        fit = Chooser(settings, once=thaw, progress=progress)
        results += run(
            list(some), fit, seed=chosen.seed, draws=chosen.bootstrap, audience=settings.privacy.audience, progress=told
        )
    return results


def _steps(progress: Progress | None) -> Callable[[str], None]:
    """Messages as steps of one bar that grows."""
    count = 0

    def told(message: str) -> None:
        nonlocal count
        count += 1
        if progress:
            progress(message.partition(":")[0], count, count)

    return told


@dataclass
class Chooser:
    """All models as ``train`` would choose them from a training side alone, refitted on all of it.

    Attributes:
        once: what is chosen on the first training side serves all later ones, and only the default, its members,
            models that score new tracks, popularity and the best of the others are kept.
        kept: how each model did on the validation part, of the last training side that was chosen on.
    """

    settings: Settings
    once: bool = False
    progress: Progress | None = None
    kept: list[Candidate] | None = None

    def __call__(self, train: Dataset) -> Fitted:
        """Fitted models of this training side."""
        if self.kept is None or not self.once:
            candidates = training.compare(train, self.settings, progress=self.progress)
            self.kept = _telling(candidates) if self.once else candidates
        default = comparing.best_of(self.kept, new_tracks=comparing.has_new_tracks(train))
        return fitted(training.refit(self.kept, train, self.settings), default.name, train)


def fitted(models: Mapping[str, Recommender], default: str, train: Dataset) -> Fitted:
    """Models with the names that evaluation asks for, and the dials of the default."""
    mixed = frozenset(name for name, model in models.items() if isinstance(model, Blended))
    rankers = {name: ranker(model) for name, model in models.items()}
    asked = sorted(models, key=lambda name: name != default)
    sources = next((find for name in asked if (find := getattr(models[name], "recall_by_source", None))), None)
    return Fitted(rankers, default, mixed, sources, dialled_rankers(rankers[default], train))


def dialled_rankers(rank: Ranker, train: Dataset) -> dict[tuple[str, float], Ranker]:
    """A ranker at some places of its dials; the longer lists that these are chosen from are made once."""
    longer, facts = _Kept(rank), _dial_facts(train)

    def at(dials: Dials) -> Ranker:
        def turned(histories: Any, users: Rows, pool: Rows | None, k: int) -> TopK:
            reach = min(Dials(novelty=1.0).reach(k), histories.shape[1])
            return dialled(longer(histories, users, pool, reach), dials, facts, k, histories=histories)

        return turned

    def even(place: float) -> Ranker:
        def turned(histories: Any, users: Rows, pool: Rows | None, k: int) -> TopK:
            lists = longer(histories, users, pool, min(Dials(novelty=1.0).reach(k), histories.shape[1]))
            if not place:
                return lists.head(k)

            def some(rows: Rows, n: int) -> TopK:
                return TopK(lists.rows[rows], lists.scores[rows]).head(n)

            dials = Dials(even=place)
            mine = facts._replace(offsets=evening(some, histories, train.catalogue, dials))
            return dialled(lists, dials, mine, k, histories=histories)

        return turned

    ways: dict[str, Callable[[float], Ranker]] = {
        "novelty": lambda place: at(Dials(novelty=place)),
        "calibrate": lambda place: at(Dials(calibrate=place)),
        "even": even,
    }
    return {(name, place): way(place) for name, way in ways.items() for place in PLACES}


class _Kept:
    """A ranker that gives the same answer again without making it again."""

    def __init__(self, rank: Ranker) -> None:
        self.rank = rank
        self.last: tuple[Any, int, TopK] | None = None

    def __call__(self, histories: Any, users: Rows, pool: Rows | None, k: int) -> TopK:
        if self.last is None or self.last[0] is not histories or self.last[1] != k:
            self.last = histories, k, self.rank(histories, users, pool, k)
        return self.last[2]


def _dial_facts(train: Dataset) -> Facts:
    plays = train.histories()
    listeners = np.bincount(plays.indices, minlength=plays.shape[1]).astype(np.float32)
    genres = words(train.catalogue, ("genre",))
    ways = [mix.bands(listeners), *([genres] if genres.nnz else [])]
    return Facts(listeners, train.catalogue.artists, mix.classes(ways))


def _telling(candidates: list[Candidate]) -> list[Candidate]:
    """The models that a story of new tracks is about."""
    members = {name for c in candidates for name, *_ in c.params.get("members") or ()}
    named = members | {comparing.best_of(candidates).name, *comparing.COMPOSED, "popularity"}
    warm = [c for c in candidates if not model_class(c.name).cold and c.name not in comparing.COMPOSED]
    best = max(warm, key=lambda c: c.score)
    return [c for c in candidates if c.name in named or model_class(c.name).cold or c is best]


def ranker(model: Recommender) -> Ranker:
    """A fitted model as evaluation sees it: tracks of the history are left out."""

    def rank(histories: Any, users: Rows, pool: Rows | None, k: int) -> TopK:
        return top_lists(model, histories, k, users=users, exclude=histories, allow=pool)

    return rank
