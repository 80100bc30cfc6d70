"""Content in the factorisation against its rivals: one table of single models and of blends with and without content.

    python -m tests.measure.hybrid --data HETREC [--seed 42] [--parts FOLDER] [--cold] [--grid] [--models ...]

HETREC and FOLDER are as in ``tests.measure.tags``: tags cleaned of hidden pairs (warm), or other listeners' five most
frequent tags for artists that nobody has played (``--cold``). Models are fitted at their defaults, or with ``--grid``
at what is best on validation; weights of blends are fitted on validation; then everything is fitted on train and
validation, and the test part is read once. Printed are validation and test N@100 and R@20 with 95 % intervals over
listeners, and paired differences to the hybrid and to the best single model.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from recsys import comparing
from recsys.contracts import Floats, Recommender
from recsys.evaluation import Split, interval, metrics, paired
from recsys.index import exact
from recsys.models import feasible
from recsys.models.fusion import candidates, fit_weights, standardised
from recsys.settings import Settings
from tests.measure import tags
from tests.measure.judging import chosen

WARM = ("hybrid", "ials", "mapped", "ease", "cease", "slim", "bpr", "lightfm", "ridge", "content", "popularity")
COLD = ("hybrid", "mapped", "ridge", "cease", "content", "lightfm")
BLENDS = {
    "blend without content": ("ials", "bpr", "slim"),
    "blend with content": ("hybrid", "ials", "bpr", "slim", "cease", "mapped", "ridge", "lightfm"),
    "blend of content": ("hybrid", "ridge", "content", "mapped"),
    "ranks of ridge and mapped": ("ridge", "mapped"),
}
STEP = 256  # listeners scored at a time
Numbers = tuple[np.ndarray, np.ndarray]  # N@100 and R@20 per listener


def main() -> None:
    """Parse, choose, fit, read the test part once, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--parts", type=Path)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--grid", action="store_true", help="choose each model's setting on validation")
    parser.add_argument("--models", nargs="+")
    parser.add_argument("--valid-only", action="store_true")
    given = parser.parse_args()
    parts = tags.load(given.data, seed=given.seed, cold=given.cold, parts=given.parts)
    names = [n for n in given.models or (COLD if given.cold else WARM) if not feasible(n, parts.valid.train)]
    params = {n: dict(chosen(n, parts.valid, Settings())) if given.grid else {} for n in names}
    valid, weights, _ = measured(parts.valid, params)
    test, _, seconds = ({}, {}, {}) if given.valid_only else measured(parts.test, params, weights)
    print(f"{len(parts.test):,} listeners, {parts.test.held.nnz:,} hidden pairs")
    show(valid, test, weights, params, seconds)


def measured(
    split: Split, params: Mapping[str, dict[str, Any]], weights: Mapping[str, Floats] | None = None
) -> tuple[dict[str, Numbers], dict[str, Floats], dict[str, float]]:
    """Every model and blend on a split; the weights are fitted on it unless they are given."""
    models, seconds = {}, {}
    for name, own in params.items():
        started = time.perf_counter()
        models[name] = comparing.fit(split.train, name, own, seed=Settings().train.seed)
        seconds[name] = time.perf_counter() - started
    blocks = {name: scored(model, split) for name, model in models.items()}
    found = {name: judged(block, split) for name, block in blocks.items()}
    used = dict(weights or {})
    for blend, members in BLENDS.items():
        own = [blocks[name] for name in members if name in blocks]
        if len(own) < len(members):
            continue
        if blend not in used:
            used[blend] = fitted_weights(own, split) if "ranks" not in blend else np.ones(len(own), np.float32)
        found[blend] = judged(sum(w * block for w, block in zip(used[blend], own, strict=True)), split)
    if split.pool is not None:
        drawn = np.random.default_rng(0).random(split.histories.shape)
        found["random order"] = judged(drawn.astype(np.float32), split)
    return found, used, seconds


def scored(model: Recommender, split: Split) -> Floats:
    """Standardised scores of all tracks, or of the pool (0 elsewhere), (q, tracks)."""
    made = []
    for start in range(0, len(split), STEP):
        some = slice(start, start + STEP)
        scores = np.array(model.scores(split.histories[some], split.users[some]), np.float32)
        if split.pool is not None:
            own = scores[:, split.pool]
            scores[:] = 0
            scores[:, split.pool] = (own - own.mean(axis=1, keepdims=True)) / (own.std(axis=1, keepdims=True) + 1e-9)
        else:
            scores = standardised(scores, split.histories[some])
        made.append(scores)
    return np.concatenate(made)


def fitted_weights(blocks: Sequence[Floats], split: Split) -> Floats:
    """Weights of the largest N@100 on this split."""
    parts = []
    for start in range(0, len(split), STEP):
        some = slice(start, start + STEP)
        own = [block[some] for block in blocks]
        parts.append(candidates(own, split.histories[some], split.held[some], split.pool))
    return fit_weights(parts, list(np.eye(len(blocks), dtype=np.float32)))


def judged(scores: Any, split: Split) -> Numbers:
    """N@100 and R@20 of each listener."""
    lists = exact.select(np.asarray(scores, np.float32), 100, exclude=split.histories, allow=split.pool)
    hit, size = metrics.hits(lists, split.held), np.diff(split.held.indptr)
    return metrics.ndcg(hit, size, 100), metrics.recall(hit, size, 20)


def show(
    valid: Mapping[str, Numbers],
    test: Mapping[str, Numbers],
    weights: Mapping[str, Floats],
    params: Mapping[str, Any],
    seconds: Mapping[str, float],
) -> None:
    """The table, the best on validation first."""
    best = max(params, key=lambda n: valid[n][0].mean())
    others = list(dict.fromkeys(["hybrid", best]))
    columns = ("model", "valid N@100 / R@20", "test N@100 [95 %]", "test R@20", *(f"− {n}, paired" for n in others))
    table = Table(*columns, "s", "settings or weights")
    for name in sorted(valid, key=lambda n: -valid[n][0].mean()):
        cells = [f"{valid[name][0].mean():.4f} / {valid[name][1].mean():.4f}"]
        if name in test:
            ndcg = interval(test[name][0])
            cells += [f"{ndcg.mean:.4f} [{ndcg.low:.4f}, {ndcg.high:.4f}]", f"{test[name][1].mean():.4f}"]
            for other in others:
                gap = paired(test[name][0], test[other][0]) if other in test and other != name else None
                cells.append(f"{gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]" if gap else "")
        else:
            cells += [""] * (2 + len(others))
        said = " ".join(f"{w:.2f}" for w in weights[name]) if name in weights else str(params.get(name) or "")
        table.add_row(name, *cells, f"{seconds[name]:.1f}" if name in seconds else "", said)
    Console(width=175).print(table)
    for name, members in BLENDS.items():
        if name in weights:
            print(f"{name}: {', '.join(members)}")


if __name__ == "__main__":
    main()
