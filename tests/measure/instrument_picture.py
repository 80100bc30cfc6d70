"""True and named classes in, a picture of the confusion matrix out (SVG)."""

from __future__ import annotations

from html import escape

import numpy as np
from numpy.typing import NDArray

CELL, LEFT, TOP = 34, 130, 120
STYLE = "text{font:12px sans-serif;fill:#222}.light{fill:#fff}rect{stroke:#ddd}"


def picture(truth: NDArray[np.str_], named: NDArray[np.str_]) -> str:
    """One row per true class, darker the larger the share of the row; the count stands in the cell.

    >>> picture(np.array(["oboe", "flute"]), np.array(["oboe", "oboe"])).count("<rect")
    3
    """
    rows, columns = np.unique(truth).tolist(), np.unique(named).tolist()
    parts = [_text(LEFT - 6, TOP + CELL * (r + 0.62), row, "end") for r, row in enumerate(rows)]
    parts += [_turned(LEFT + CELL * (c + 0.6), TOP - 6, column) for c, column in enumerate(columns)]
    for r, row in enumerate(rows):
        for c, column in enumerate(columns):
            count = int(((truth == row) & (named == column)).sum())
            parts.append(_cell(LEFT + CELL * c, TOP + CELL * r, count, count / int((truth == row).sum())))
    width, height = LEFT + CELL * len(columns) + 8, TOP + CELL * len(rows) + 8
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f'<style>{STYLE}</style><rect width="{width}" height="{height}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def _cell(x: float, y: float, count: int, share: float) -> str:
    shade = round(255 * (1 - 0.85 * share))
    box = f'<rect x="{x}" y="{y}" width="{CELL}" height="{CELL}" fill="rgb({shade},{shade},255)"/>'
    return box + (_text(x + CELL / 2, y + CELL * 0.62, str(count), "middle", share > 0.6) if count else "")


def _text(x: float, y: float, text: str, anchor: str, light: bool = False) -> str:
    kind = ' class="light"' if light else ""
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}"{kind}>{escape(text)}</text>'


def _turned(x: float, y: float, text: str) -> str:
    return f'<text transform="translate({x:.0f},{y:.0f}) rotate(-60)">{escape(text)}</text>'
