"""What each arm learns from labelled sound: grouped cross-validation, intervals, and paired differences.

    python -m tests.measure.labels --audio DIR --labels CSV --target T[,T…] [--group G] [--arms a,b] [--folds 5]
        [--numbers] [--seed 0] [--cache DIR] [--against ARM] [--columns]

Every file is predicted once by arms that have not seen its group; intervals are over resampled groups (95 %).
``--numbers`` learns the targets together as numbers. What was heard is kept in the cache; fits are not, so that an arm
that was changed is measured anew.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from recsys.blas import one_blas_thread
from recsys.producers.labelling import sharing
from recsys.producers.labelling.arms import Prediction, arm, arms
from recsys.producers.labelling.calibration import settled
from recsys.producers.labelling.examples import Examples, examples
from recsys.producers.labelling.folds import folds, same_sound
from recsys.producers.labelling.grading import difference, graded, measures, reliability
from recsys.producers.labelling.labels import read_labels
from recsys.producers.labelling.rounds import Round, out_of_fold
from recsys.producers.labelling.targets import Target


def main() -> None:
    """Hear, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--target", default="")
    parser.add_argument("--group")
    parser.add_argument("--arms", default="")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--numbers", action="store_true")
    parser.add_argument("--seed", type=int, nargs="+", default=[0])
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "recsys-examples")
    parser.add_argument("--against", default="linear")
    parser.add_argument("--columns", action="store_true", help="Each column or tag by itself as well.")
    given = parser.parse_args()
    labels = read_labels(given.labels, given.audio, given.target.split(","), given.group, numbers=given.numbers)
    heard = examples(labels.paths, folder=given.cache, root=given.audio)
    place = {path: row for row, path in enumerate(labels.paths)}
    labels = labels.take(np.array([place[path] for path in heard.paths]))
    heard = _grouped(heard, same_sound(labels.groups, heard.digests))
    print(f"{len(heard)} files, {len(np.unique(heard.groups))} groups by {labels.grouped_by or 'file'}")
    names = [name for name in given.arms.split(",") if name] or [one.name for one in arms().values() if one.default]
    names = list(dict.fromkeys([given.against, *names]))
    for target in labels.targets.values():
        for seed in given.seed:
            with one_blas_thread():
                rounds = measured(names, heard, target, given.folds, seed)
            show(target, rounds, heard.groups, given.against, seed, given.columns)


def measured(names: list[str], heard: Examples, target: Target, count: int, seed: int) -> dict[str, Round]:
    """Out-of-fold predictions of arms that can learn this target; those that combine others come last."""
    fold = folds(target, heard.groups, count, seed=seed)
    known = np.flatnonzero(fold >= 0)
    chosen = [one for one in map(arm, names) if target.kind in one.kinds]
    found: dict[str, Round] = {}
    for one in chosen:
        made = None if one.members else out_of_fold(one, heard, target, fold, seed=seed)
        if made is not None:
            found[one.name] = made
    for one in chosen:
        if one.combine is None:
            continue
        mean = np.zeros_like(target.values)
        sigma = np.ones_like(mean)
        for number in np.unique(fold[known]):
            learned, asked = np.flatnonzero((fold >= 0) & (fold != number)), np.flatnonzero(fold == number)
            members = {name: found[name].prediction for name in one.members if name in found}
            fitted = one.combine(
                {name: _rows(said, learned) for name, said in members.items()},
                target,
                learned,
                heard.groups[learned],
                seed=seed,
            )
            said = fitted.predict({name: _rows(said, asked) for name, said in members.items()})
            mean[asked] = said.mean
            sigma[asked] = 1 if said.sigma is None else said.sigma
        seconds = sum(found[name].seconds for name in one.members if name in found)
        found[one.name] = Round(Prediction(mean, sigma), seconds)
    return found


def show(
    target: Target, rounds: dict[str, Round], groups: np.ndarray, against: str, seed: int, each: bool = False
) -> None:
    """A table: each measure with its interval, the difference to one arm, and calibration."""
    fold = folds(target, groups, 5, seed=seed)
    known = np.flatnonzero(target.known)
    part, own = target.take(known), groups[known]
    print(f"\n{target.name}: {len(known)} files, {target.kind} {', '.join(target.classes)}; seed {seed}")
    for name, made in sorted(rounds.items(), key=lambda item: item[1].seconds):
        mean = made.prediction.mean[known]
        found = graded(part, mean, own)
        cells = "  ".join(f"{measure} {value}" for measure, value in found.items())
        print(f"{name:10} {cells}  {made.seconds:6.1f} s a fit")
        if against in rounds and name != against:
            base = rounds[against].prediction.mean[known]
            gains = {m: difference(part, mean, base, own, measure=m) for m in found}
            print(f"{'':10} minus {against}: " + "  ".join(f"{m} {gain}" for m, gain in gains.items()))
        if target.kind != "numeric":
            together(target, made.prediction, groups, fold)
        if each and target.kind != "single":
            base = rounds[against].prediction.mean[known] if against in rounds else None
            for place, column in enumerate(target.classes):
                by_column(part, column, mean[:, [place]], None if base is None else base[:, [place]], own)


def together(target: Target, prediction: Prediction, groups: np.ndarray, fold: np.ndarray) -> None:
    """Calibration; and what is gained where files of one group speak for each other."""
    fair = settled(target, prediction, fold)[1]
    raw, after = reliability(target, prediction.mean).ece, reliability(target, fair.mean)
    print(f"{'':10} ECE {raw:.3f} before and {after.ece:.3f} after calibration, by chance {after.by_chance:.3f}")
    how, shared = sharing.settled(target, fair, groups, fold)
    if how.share:
        known = np.flatnonzero(target.known)
        part, own, mean = target.take(known), groups[known], shared.mean[known]
        cells = "  ".join(f"{measure} {value}" for measure, value in graded(part, mean, own).items())
        gain = difference(part, mean, fair.mean[known], own)
        ece = reliability(target, shared.mean).ece
        print(f"{'':10} with others of the group: {cells}; {gain} ahead in score, ECE {ece:.3f}")


def by_column(part: Target, column: str, mean: np.ndarray, base: np.ndarray | None, groups: np.ndarray) -> None:
    """One tag or number by itself, and its difference to the same of another arm."""
    alone = Target(column, part.kind, (column,), part.values[:, [part.classes.index(column)]])
    known = np.flatnonzero(alone.known)
    alone, mean, groups = alone.take(known), mean[known], groups[known]
    measure = "r2" if part.kind == "numeric" else "average_precision"
    cells = "  ".join(f"{name} {value:.3f}" for name, value in measures(alone, mean).items())
    gain = (
        "" if base is None else f"; {measure} ahead by {difference(alone, mean, base[known], groups, measure=measure)}"
    )
    print(f"{'':10} {column}: {cells}{gain}")


def _rows(prediction: Prediction, rows: np.ndarray) -> Prediction:
    return Prediction(prediction.mean[rows], None if prediction.sigma is None else prediction.sigma[rows])


def _grouped(heard: Examples, groups: np.ndarray) -> Examples:
    from dataclasses import replace

    return replace(heard, groups=groups)


if __name__ == "__main__":
    main()
