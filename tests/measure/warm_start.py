"""Whether a trunk that heard unlabelled sound first learns labels better: paired, at several shares of the labels.

    python -m tests.measure.warm_start --audio DIR --labels CSV --target T [--group G] [--unlabelled DIR …]
        [--shares 0.1 0.25 1.0] [--seeds 0 1 2] [--set epochs=25 …] [--cache DIR] [--trunk FILE]

The trunk hears the sound of all labelled files and of the ``--unlabelled`` folders, and no label: the sound of the
files that are predicted is known to it, as that of a catalogue would be. With ``--apart`` it hears those folders alone.
Folds are grouped; a share is of the groups that are learned from; all ways learn the same rows with the same seed: the
network from nothing (none), from the trunk (warm), and a linear head on the trunk's vectors, which stay as they are
(head). Scores are means over seeds; intervals are over resampled groups, of predictions averaged over seeds.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from recsys.producers.labelling.arms import EVERY, Arm, arm
from recsys.producers.labelling.examples import Examples, examples
from recsys.producers.labelling.folds import folds, same_sound
from recsys.producers.labelling.grading import difference, measures
from recsys.producers.labelling.labels import read_labels
from recsys.producers.labelling.rounds import out_of_fold
from recsys.producers.labelling.starting import together
from recsys.producers.labelling.targets import Target
from recsys.producers.networks import network, pretraining
from recsys.producers.networks.held import Trunk
from recsys.producers.networks.recipes import Plan, changed
from recsys.producers.networks.trunks import joined
from tests.measure.labels import _grouped

SOUND = (".ogg", ".mp3", ".wav", ".flac", ".m4a")


def main() -> None:
    """Hear, learn both ways, print."""
    given = arguments()
    labels = read_labels(given.labels, given.audio, [given.target], given.group)
    heard = examples(labels.paths, folder=given.cache, root=given.audio)
    place = {path: row for row, path in enumerate(labels.paths)}
    labels = labels.take(np.array([place[path] for path in heard.paths]))
    heard = _grouped(heard, same_sound(labels.groups, heard.digests))
    numbers = [pair.split("=") for pair in given.set]
    plan = changed(Plan(), **{name: float(value) if "." in value else int(value) for name, value in numbers})
    trunk = warmed(heard, given, changed(pretraining.PLAN, epochs=given.epochs))
    for target in labels.targets.values():
        table(heard, target, plan, trunk, given.shares, given.seeds)


def arguments() -> argparse.Namespace:
    """As in the first lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--group")
    parser.add_argument("--unlabelled", type=Path, nargs="*", default=[])
    parser.add_argument("--apart", action="store_true")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.1, 0.25, 1.0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--set", nargs="*", default=[], help="Numbers of the plan, such as epochs=25.")
    parser.add_argument("--epochs", type=int, default=pretraining.PLAN.recipe.epochs, help="Of the trunk.")
    parser.add_argument("--trunk", type=Path, help="Read when it is there, else written.")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "recsys-examples")
    return parser.parse_args()


def warmed(heard: Examples, given: argparse.Namespace, plan: Plan) -> Trunk:
    """The trunk that heard everything."""
    if given.trunk and given.trunk.exists():
        return pretraining.load(given.trunk)
    files = [str(path) for folder in given.unlabelled for path in sorted(folder.rglob("*")) if path.suffix in SOUND]
    more = [examples(files, folder=given.cache)] if files else []
    start = time.process_time()
    whole = together(more if given.apart else [heard, *more])
    trunk = pretraining.pretrain(whole, plan=plan)
    print(f"trunk: {len(whole)} files, {time.process_time() - start:.0f} CPU s")
    if given.trunk:
        pretraining.save(given.trunk, trunk)
    return trunk


def table(
    heard: Examples, target: Target, plan: Plan, trunk: Trunk, shares: Sequence[float], seeds: Sequence[int]
) -> None:
    """One row for each share of the labels."""
    known = np.flatnonzero(target.known)
    some, groups = target.take(known), heard.groups[known]
    vectors = joined(heard, pretraining.NAME, list(network.embed(trunk, heard, np.arange(len(heard)))))
    print(f"{target.name}: {len(known)} files, {len(np.unique(groups))} groups, seeds {list(seeds)}, {plan}")
    for share in shares:
        start = time.process_time()
        none, warm = (said(heard, target, cnn(plan, begun), share, seeds) for begun in (None, trunk))
        cost = (time.process_time() - start) / (2 * len(seeds))
        head = said(vectors, target, arm("trunk"), share, seeds)
        for measure in [name for name in measures(some, none[0][known]) if name != "log_loss"]:
            ways = {"none": none, "warm": warm, "head": head}
            alone = {name: np.mean([measures(some, one[known])[measure] for one in way]) for name, way in ways.items()}
            whole = {name: np.mean([one[known] for one in way], axis=0) for name, way in ways.items()}
            won = {
                name: difference(some, whole[name], whole["none"], groups, measure=measure) for name in ("warm", "head")
            }
            told = ", ".join(f"{name} {value:.3f}" for name, value in alone.items())
            print(
                f"{share:5.0%} {measure:>10}: {told}; warm − none {won['warm']}; head − none {won['head']}", flush=True
            )
        print(f"      {cost:.0f} CPU s for five fits")


def cnn(plan: Plan, trunk: Trunk | None) -> Arm:
    """The network, with a trunk to begin with or none."""
    return Arm("cnn", partial(network.fit, plan=plan, trunk=trunk), network.from_arrays, EVERY)


def said(heard: Examples, target: Target, one: Arm, share: float, seeds: Sequence[int]) -> list[np.ndarray]:
    """Out-of-fold predictions for each seed."""
    found = []
    for seed in seeds:
        made = out_of_fold(one, heard, target, folds(target, heard.groups, 5, seed=seed), seed=seed, share=share)
        assert made is not None
        found.append(made.prediction.mean)
    return found


if __name__ == "__main__":
    main()
