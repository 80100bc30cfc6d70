"""What a bundle tells people: settings.toml, metrics.json, and SUMMARY.md, which is the card of its model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from recsys import manifest
from recsys.settings import Settings
from recsys.tables import Dataset, card

USES = """\
For lists, neighbours and playlists for the listeners and over the tracks that it was made from; for listeners that come
later, through their plays; for tracks that come later, through `recsys update`.

Not for judging people, nor for guessing what they are like: a taste in music is no evidence of age, origin, health or
opinion. Not as a measure of music or of artists: scores order tracks for one listener and mean nothing beyond that.
Not for listeners or tracks of another log without measuring there: the figures above hold for this one."""


def write(
    folder: Path,
    dataset: Dataset,
    chosen: str | None,
    models: list[dict[str, Any]],
    settings: Settings,
    seconds: float,
    made_from: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write the three files and return what goes into the manifest."""
    facts = {
        "chosen": chosen,
        "seed": settings.train.seed,
        "users": len(dataset.users),
        "tracks": len(dataset.tracks),
        "fingerprints": {"users": dataset.users.fingerprint, "tracks": dataset.tracks.fingerprint},
        "models": models,
        "seconds": round(seconds, 3),
    }
    manifest.write_bytes(folder / "settings.toml", tomli_w.dumps(settings.model_dump(exclude_none=True)).encode())
    manifest.write_json(folder / "metrics.json", models)
    manifest.write_bytes(folder / card.NAME, _card(facts, dataset, made_from or {}).encode())
    return facts


def _card(facts: Mapping[str, Any], dataset: Dataset, made_from: Mapping[str, Any]) -> str:
    """The card of a model, as Markdown."""
    parts = [
        f"# Engine: {facts['chosen'] or 'content only'}",
        f"{card.counted(dataset)}; seed {facts['seed']}.",
        "## Made from\n\n" + _made_from(dataset, made_from),
        "## Which model, and why\n\n" + _why(facts),
        f"## For what, and not for what\n\n{USES}",
        "## What it keeps of listeners\n\n" + _kept(dataset),
        f"## Licences and marks of the tracks\n\n{card.licences(dataset.catalogue.frame)}\n\n{card.TERMS}",
        "## Made with\n\n"
        + _versions()
        + "\n\nSettings are in `settings.toml`, hashes of all files in `manifest.json`.",
    ]
    return "\n\n".join(parts) + "\n"


def _made_from(dataset: Dataset, made_from: Mapping[str, Any]) -> str:
    spaces = [f"`{name}`" for name in sorted(dataset.contents)]
    hashes = {noun: made_from[noun] for noun in ("tables", "bundle") if noun in made_from}
    hashes |= {"ids of listeners": dataset.users.fingerprint, "ids of tracks": dataset.tracks.fingerprint}
    told = ", ".join(f"{noun} `{value}`" for noun, value in hashes.items())
    return f"{told}.\n\n{card.rows(dataset)}\n\nContent spaces: {', '.join(spaces) or 'none'}."


def _why(facts: Mapping[str, Any]) -> str:
    if not facts["models"]:
        return "It was asked for, or there were too few plays to compare models: nothing was measured."
    heads = ("model", "NDCG@100", "95 % interval", "more than popularity", "Recall@20", "coverage@50")
    told = card.table(heads, [_line(row) for row in facts["models"]])
    return (
        "On a validation part (a share of every listener's tracks, hidden from training), with the paired difference "
        f"to popularity:\n\n{told}\n\n"
        "The blend is taken, which answers for new tracks too, unless another was better beyond doubt or the settings "
        "name one. These numbers chose the model; `recsys evaluate` measures it on plays that chose nothing."
    )


def _line(row: Mapping[str, Any]) -> tuple[str, ...]:
    low, high = row["interval"]
    gain = row.get("gain")
    more = f"{gain['mean']:+.4f} ({gain['low']:+.4f} to {gain['high']:+.4f})" if gain else ""
    ndcg = f"{row['ndcg@100']:.4f}", f"{low:.4f}–{high:.4f}"
    return row["model"], *ndcg, more, f"{row['recall@20']:.4f}", f"{row['coverage@50']:.2f}"


def _kept(dataset: Dataset) -> str:
    """Which rows about people the folder holds."""
    plays = dataset.plays.matrix().nnz
    times = "with when each was last heard" if dataset.plays.time is not None else "without times"
    skips = f", {len(dataset.skips):,} skips" if dataset.skips is not None and len(dataset.skips) else ""
    known = [] if dataset.listeners is None else [f"`{name}`" for name in dataset.listeners]
    more = f"Models may have read {', '.join(known)} of them, and keep what they learned of it." if known else ""
    return (
        f"The ids of {len(dataset.users):,} listeners, their histories ({plays:,} pairs of listener and track, {times}"
        f"{skips}), and, where the model learns one, a vector for each. {more or 'Nothing else of them.'} {card.FORGET}"
    )


def _versions() -> str:
    return ", ".join(f"{name} {version}" for name, version in manifest.versions().items()) + "."
