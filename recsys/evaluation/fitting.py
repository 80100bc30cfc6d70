"""Plots of training against validation, as a part of the report or a page of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recsys import manifest
from recsys.evaluation import charts, style, words
from recsys.evaluation.curves import Curve
from recsys.evaluation.pieces import figure


def write_curves(curves: Sequence[Curve], path: Path) -> None:
    """A page with only the plots of training against validation."""
    manifest.write_bytes(path, document("Under- and over-fitting", fitting(curves)).encode())


def document(title: str, body: str) -> str:
    """A whole page around a body."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{style.CSS}</style>\n</head>\n<body>\n<main>\n"
        f"{body}"
        "\n</main>\n</body>\n</html>\n"
    )


def fitting(curves: Sequence[Curve]) -> str:
    """A plot for each setting that was varied."""
    drawn = []
    for curve in curves:
        names = {float(i): _short(v) for i, v in enumerate(curve.values)}
        series = {"training": list(enumerate(curve.train)), "validation": list(enumerate(curve.valid))}
        kept = {n: [(float(i), y) for i, y in points] for n, points in series.items()}
        title = f"{curve.model}: {curve.setting.rpartition('.')[2]}"
        svg = charts.lines(
            kept,
            {"training": style.PLAIN, "validation": style.colour(0)},
            title=title,
            axes=(curve.setting, words.pretty(curve.metric)),
            names=names,
            dashed=("training",),
        )
        drawn.append(
            figure(
                title,
                "Where validation falls while training rises, the model overfits; where both are low, it underfits.",
                svg,
            )
        )
    return (
        '<section id="fitting"><h2>Under- and over-fitting</h2><p>The same metric on what the model was trained on and '
        f'on validation data, by setting.</p><div class="grid">{"".join(drawn)}</div></section>'
    )


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
