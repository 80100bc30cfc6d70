"""Search the numbers of the network ``cnn`` on grouped folds; a killed search goes on from its journal.

    python -m tests.measure.tune_network --audio DIR --labels CSV --target T [--group G] --journal FILE
        [--trials 20] [--folds 3] [--seed 0] [--cache DIR]

All that is read here chooses: what is reported elsewhere must come from other folds (another ``--seed``) or files.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from recsys.evaluation.tune import Score, tune
from recsys.producers.labelling.arms import EVERY, Arm
from recsys.producers.labelling.examples import Examples, examples
from recsys.producers.labelling.folds import folds, same_sound
from recsys.producers.labelling.grading import score
from recsys.producers.labelling.labels import read_labels
from recsys.producers.labelling.rounds import out_of_fold
from recsys.producers.labelling.targets import Target
from recsys.producers.networks import network
from recsys.producers.networks.recipes import SPACE, Plan, changed
from tests.measure.labels import _grouped


def main() -> None:
    """Hear, search, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--group")
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "recsys-examples")
    given = parser.parse_args()
    labels = read_labels(given.labels, given.audio, [given.target], given.group)
    heard = examples(labels.paths, folder=given.cache, root=given.audio)
    place = {path: row for row, path in enumerate(labels.paths)}
    labels = labels.take(np.array([place[path] for path in heard.paths]))
    heard = _grouped(heard, same_sound(labels.groups, heard.digests))
    objective = partial(scored, heard, labels.targets[given.target], given.folds, given.seed)
    found = tune(
        objective,
        SPACE,
        trials=given.trials,
        seed=given.seed,
        journal=given.journal,
        progress=lambda number, trial: print(number, trial, flush=True),
    )
    print(f"best {found.value:.3f}: {found.params}")


def scored(heard: Examples, target: Target, count: int, seed: int, params: dict[str, Any]) -> Score:
    """The score on files that were not learned from, and on those that were."""
    one = Arm("cnn", partial(network.fit, plan=changed(Plan(), **params)), network.from_arrays, EVERY)
    made = out_of_fold(one, heard, target, folds(target, heard.groups, count, seed=seed), seed=seed)
    assert made is not None
    return Score(score(target, made.prediction.mean), made.seen)


if __name__ == "__main__":
    main()
