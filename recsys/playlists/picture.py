"""A report in, a picture out: tempo, energy and the like over the list, with the curves asked for; plain SVG."""

from __future__ import annotations

from html import escape

import numpy as np

from recsys.playlists.report import UNITS, Report

WIDTH, HEIGHT, LEFT, TOP = 720, 110, 90, 44  # pixels: of the picture, of each panel, beside and above the panels
INK, LINE, WISH, GRID = "#222", "#2a6f97", "#d1495b", "#ddd"


def svg(report: Report) -> str:
    """The picture: a panel for each trait, a line of keys, a line about rules.

    >>> svg(Report("Calm", 2, 400.0, 2, {"tempo": [90.0, 100.0]})).startswith("<svg")
    True
    """
    panels = [_panel(name, report, TOP + i * HEIGHT) for i, name in enumerate(report.traits)]
    foot = TOP + len(panels) * HEIGHT
    lines = [*_keys(report, foot + 14), *_rules(report, foot + 34)]
    height = foot + 48 + 14 * max(len(report.relaxed), 1)
    head = f'<text x="12" y="22" font-size="15">{escape(report.title)}</text>'
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    style = f'font-family="sans-serif" font-size="11" fill="{INK}"'
    body = "\n".join([head, *panels, *lines])
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n{body}\n</svg>\n'


def _panel(name: str, report: Report, top: int) -> str:
    values = np.array([np.nan if v is None else v for v in report.traits[name]], float)
    wish = np.array(report.curves.get(name, []), float)
    both = np.concatenate([values[np.isfinite(values)], wish])
    low, high = float(both.min()), float(both.max())
    floor, ceiling = top + HEIGHT - 22, top + 8

    def points(line: np.ndarray) -> list[tuple[float, float]]:
        x = LEFT + (WIDTH - LEFT - 20) * np.arange(len(line)) / max(len(line) - 1, 1)
        y = floor - (floor - ceiling) * (line - low) / max(high - low, 1e-12)
        return [(round(float(a), 1), round(float(b), 1)) for a, b in zip(x, y, strict=True) if np.isfinite(b)]

    dots = [f'<circle cx="{x}" cy="{y}" r="2.5" fill="{LINE}"/>' for x, y in points(values)]
    parts = [
        f'<text x="12" y="{top + 30}">{escape(name + UNITS.get(name, ""))}</text>',
        *(
            f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{v:.4g}</text>'
            for y, v in ((ceiling, high), (floor, low))
        ),
        *(f'<line x1="{LEFT}" x2="{WIDTH - 20}" y1="{y}" y2="{y}" stroke="{GRID}"/>' for y in (ceiling, floor)),
        *([_line(points(wish), WISH, ' stroke-dasharray="5 4"')] if len(wish) else []),
        _line(points(values), LINE),
        *dots,
    ]
    return "\n".join(parts)


def _line(points: list[tuple[float, float]], colour: str, more: str = "") -> str:
    told = " ".join(f"{x},{y}" for x, y in points)
    return f'<polyline points="{told}" fill="none" stroke="{colour}" stroke-width="1.5"{more}/>'


def _keys(report: Report, y: int) -> list[str]:
    if not report.keys:
        return []
    x = LEFT + (WIDTH - LEFT - 20) * np.arange(len(report.keys)) / max(len(report.keys) - 1, 1)
    size = 9 if len(report.keys) > 30 else 11
    marks = [
        f'<text x="{at:.1f}" y="{y}" font-size="{size}" text-anchor="middle">{escape(key or "?")}</text>'
        for at, key in zip(x, report.keys, strict=True)
    ]
    return [f'<text x="12" y="{y}">key</text>', *marks]


def _rules(report: Report, y: int) -> list[str]:
    told = report.relaxed or ["every rule is kept"]
    return [f'<text x="12" y="{y + 14 * i}">{escape(line)}</text>' for i, line in enumerate(told)]
