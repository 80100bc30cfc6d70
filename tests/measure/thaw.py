"""New tracks as they get 0, 1, 2, 5, 10, 50 plays: pure content, pure collaborative, hybrid and blend at each step.

    python -m tests.measure.thaw --data HETREC [--seed 42 1 2] [--models content ials hybrid blend]
    python -m tests.measure.thaw --tables TABLES

HETREC holds ``interactions.parquet`` and ``tag_events.parquet``; what is known of an artist there are its five most
frequent tags (without counts) by listeners who are not evaluated. TABLES is a folder that ``recsys ingest`` wrote.
Models and blend weights are chosen before any track came back. Prints N@100 over the new tracks, and over all tracks
(where a fifth of what the judges played of the others is hidden too), and checks by paired intervals that what
``recsys train`` would choose is never below the better of the pure ones by more than 2 %, and above it in the middle
(1 to 10 plays).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from recsys.assessment import Chooser
from recsys.evaluation import Split, interval, thaw
from recsys.evaluation.thawing import EVERYTHING, LEVELS
from recsys.models import HOMES, model_class
from recsys.settings import Settings
from recsys.tables import Catalogue, Dataset, IdMap
from tests.measure import tags
from tests.measure.judging import judge, relative

TOLERANCE = -0.02
MIDDLE = (1, 2, 5, 10)
Found = dict[str, dict[str, np.ndarray]]  # split → model → N@100 per listener


def main() -> None:
    """Parse, make tracks new, fit at each level, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--tables", type=Path)
    parser.add_argument("--seed", type=int, nargs="+", default=[42])
    parser.add_argument("--levels", type=int, nargs="+", default=list(LEVELS))
    parser.add_argument("--models", nargs="+", help="only these; default: all that speak to the matter")
    given = parser.parse_args()
    for seed in given.seed:
        splits = _tagged(given.data, given.levels, seed) if given.data else _of_tables(given.tables, given.levels, seed)
        first = splits[0]
        print(
            f"seed {seed}: {len(first):,} listeners, {len(first.pool):,} new tracks, {first.held.nnz:,} hidden",
            end="; ",
        )
        kept = ", ".join(
            f"{s.sizes()['training listeners per candidate track']:.1f}" for s in splits if s.pool is not None
        )
        print(f"plays that a new track has: {kept}")
        found, default = measured(splits, given.models)
        show(found, default)
        check(found, default)


def _of_tables(folder: Path, levels: Sequence[int], seed: int) -> list[Split]:
    return thaw(Dataset.open(folder), levels=levels, rng=np.random.default_rng(seed))


def _tagged(data: Path, levels: Sequence[int], seed: int) -> list[Split]:
    """Splits of the log; their tags are those of listeners who are not evaluated."""
    frame = tags._core(pd.read_parquet(data / "interactions.parquet"))
    users, tracks = IdMap(frame.user_id.unique(), "user"), IdMap(frame.item_id.unique(), "track")
    plays = tags._plays(frame, users, tracks)
    splits = thaw(Dataset(plays, Catalogue.empty(len(tracks))), levels=levels, rng=np.random.default_rng(seed))
    events = pd.read_parquet(data / "tag_events.parquet")[["user_id", "item_id", "tag"]].drop_duplicates()
    judges = users.at(splits[0].users)
    catalogue = tags._catalogue(events[~events.user_id.isin(judges)], tracks, tags.TOP)
    trains = {id(s.train): replace(s.train, catalogue=catalogue) for s in splits}
    return [replace(s, train=trains[id(s.train)]) for s in splits]


def measured(splits: Sequence[Split], models: Sequence[str] | None = None) -> tuple[Found, str]:
    """N@100 per listener of every model on every split, and which model is the default."""
    found: Found = {}
    choose, made, train = Chooser(Settings(), once=True), None, None
    for split in splits:
        if split.train is not train:
            train, made = split.train, choose(split.train)
            wanted = {*(models or (c.name for c in choose.kept or [])), *_members(choose, made.default)}
            choose.kept = [c for c in choose.kept or [] if c.name in wanted]
        found[split.name] = {n: judge(r, split).ndcg for n, r in made.rankers.items() if not models or n in models}
    return found, str(made.default)


def _members(choose: Chooser, default: str | None) -> set[str]:
    mixed = [c for c in choose.kept or [] if c.name in (default, "blend")]
    return {default or ""} | {name for c in mixed for name, *_ in c.params.get("members") or ()}


def show(found: Found, default: str) -> None:
    """One table over the new tracks, one over all: a row per model, a column per level."""
    for title, ending in (
        ("N@100 over the new tracks", ""),
        ("N@100 among all tracks, plays of new and known tracks hidden", EVERYTHING),
    ):
        names = [name for name in found if name.endswith(EVERYTHING) == bool(ending)]
        table = Table("model", *(_level(name) for name in names), title=title, title_justify="left")
        for model in sorted(found[names[0]], key=lambda m: -np.mean([found[n][m].mean() for n in names])):
            means = [interval(found[name][model]) for name in names]
            mark = " (default)" if model == default else ""
            table.add_row(f"{model}{mark}", *(f"{m.mean:.4f} ±{(m.high - m.low) / 2:.4f}" for m in means))
        Console(width=130).print(table)


def check(found: Found, default: str) -> None:
    """The default against the better pure model at each level, and against the best of all single models."""
    for name, models in found.items():
        content = [m for m in models if m in ("content",)]
        plays = [m for m in models if m in HOMES and not model_class(m).cold and m not in (default, "blend")]
        pure = max([*content, *plays], key=lambda m: models[m].mean())
        for mine in [m for m in (default, "hybrid") if m in models and m != pure]:
            gap, level = relative(models[mine], models[pure]), int(_level(name))
            verdict = "ok" if gap.high >= TOLERANCE and gap.mean >= TOLERANCE else "BELOW"
            if level in MIDDLE:
                verdict += ", above" if gap.low > 0 else ", NOT above"
            print(f"{name:<14} {mine} − {pure}: {gap.mean:+.1%} [{gap.low:+.1%}, {gap.high:+.1%}]  {verdict}")
        single = max((m for m in models if m not in (default, "blend")), key=lambda m: models[m].mean())
        gap = relative(models[default], models[single])
        verdict = "ok" if gap.mean >= TOLERANCE else "BELOW"
        print(
            f"{name:<14} {default} − {single}, the best: {gap.mean:+.1%} [{gap.low:+.1%}, {gap.high:+.1%}]  {verdict}"
        )


def _level(name: str) -> str:
    return name.removesuffix(EVERYTHING).partition("-")[2]


if __name__ == "__main__":
    main()
