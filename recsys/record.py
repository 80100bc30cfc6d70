"""What a bundle tells people: settings.toml, metrics.json and SUMMARY.md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from recsys import manifest
from recsys.settings import Settings
from recsys.tables import Dataset


def write(
    folder: Path, dataset: Dataset, chosen: str | None, models: list[dict[str, Any]], settings: Settings, seconds: float
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
    manifest.write_bytes(folder / "SUMMARY.md", _summary(facts, dataset).encode())
    return facts


def _summary(facts: Mapping[str, Any], dataset: Dataset) -> str:
    lines = [
        f"# Engine: {facts['chosen'] or 'content only'}",
        "",
        f"{len(dataset.plays):,} plays of {len(dataset.tracks):,} tracks by {len(dataset.users):,} listeners; "
        f"seed {facts['seed']}.",
    ]
    if facts["models"]:
        lines += ["", "On a validation part (a share of every listener's tracks, hidden from training):", ""]
        lines += ["| model | NDCG@100 | 95 % interval | Recall@20 | coverage@50 |", "|---|---|---|---|---|"]
        lines += [_line(row) for row in facts["models"]]
        lines += ["", "These numbers chose the model; `recsys evaluate` measures it on plays that chose nothing."]
    return "\n".join(lines) + "\n"


def _line(row: Mapping[str, Any]) -> str:
    low, high = row["interval"]
    cells = f"{row['ndcg@100']:.4f} | {low:.4f}–{high:.4f} | {row['recall@20']:.4f} | {row['coverage@50']:.2f}"
    return f"| {row['model']} | {cells} |"
