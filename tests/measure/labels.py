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
from recsys.producers.labelling.arms import Prediction, arm, arms
from recsys.producers.labelling.calibration import settled
from recsys.producers.labelling.examples import Examples, examples
from recsys.producers.labelling.folds import folds, same_sound
from recsys.producers.labelling.grading import columns, difference, graded, reliability
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
            fair = settled(target, made.prediction, fold)[1].mean
            raw = reliability(target, made.prediction.mean).ece
            print(f"{'':10} ECE {raw:.3f} before and {reliability(target, fair).ece:.3f} after calibration")
        if each and target.kind != "single":
            for measure in list(found)[1:3]:
                values = columns(part, mean, measure)
                print(
                    f"{'':10} {measure}: "
                    + "  ".join(f"{c} {v:.3f}" for c, v in zip(target.classes, values, strict=True))
                )


def _rows(prediction: Prediction, rows: np.ndarray) -> Prediction:
    return Prediction(prediction.mean[rows], None if prediction.sigma is None else prediction.sigma[rows])


def _grouped(heard: Examples, groups: np.ndarray) -> Examples:
    from dataclasses import replace

    return replace(heard, groups=groups)


if __name__ == "__main__":
    main()
