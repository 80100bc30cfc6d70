"""Numbers in, small inline SVG drawings out; colours come from the page's style, so they follow light and dark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

from recsys.evaluation.intervals import Interval

WIDTH = 480
NARROW = 360
LETTER = 7.1  # width of a letter at the label size, in user units
LEFT = 66  # room for the y axis
GAP = 14.0  # least distance between two labels
Colours = Mapping[str, str]


class Scale(NamedTuple):
    """A straight map from values to places."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        span = self.high - self.low
        return self.start + (value - self.low) / (span if span else 1.0) * (self.end - self.start)


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round values that cover low..high, about ``count`` of them.

    >>> ticks(0.02, 0.44)
    [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    """
    if not high > low:
        low, high = low - 0.5 * abs(low or 1), low + 0.5 * abs(low or 1)
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def interval_rows(rows: Sequence[tuple[str, Interval]], colours: Colours, *, title: str, axis: str) -> str:
    """One line per model: a dot at the mean, a bar over the interval, and a rule at zero when it is in sight."""
    left = 16 + LETTER * max(len(name) for name, _ in rows)
    marks = ticks(min(0.0, *(v.low for _, v in rows)), max(0.0, *(v.high for _, v in rows)), 3)
    x = Scale(marks[0], marks[-1], left, NARROW - 62)
    bottom = 12 + 26 * len(rows)
    parts = [_line(x(t), 6, x(t), bottom, "zero" if t == 0 else "grid") for t in marks]
    parts += [_text(x(t), bottom + 16, number(t, marks), "middle") for t in marks]
    for i, (name, value) in enumerate(rows):
        y, colour = 19 + 26 * i, colours[name]
        parts.append(_text(left - 10, y + 4, name, "end", "name"))
        parts.append(_line(x(value.low), y, x(value.high), y, "bar", colour))
        parts.append(_dot(x(value.mean), y, colour, f"{name}: {signed(value)}"))
        parts.append(_text(NARROW - 4, y + 4, minus(f"{value.mean:+.3f}"), "end", "value"))
    parts.append(_text((x.start + x.end) / 2, bottom + 36, axis, "middle", "axis"))
    return _svg(bottom + 44, parts, title, NARROW)


def share_rows(
    rows: Sequence[tuple[str, Interval, Mapping[str, float]]],
    colour: str,
    marks: Colours,
    *,
    title: str,
    axis: str,
    name: str = "exposure",
) -> str:
    """One line per group: a dot with its interval, and upright marks at other shares, all from 0 on.

    Args:
        rows: name of the group, the share, and the other shares by name.
        colour: of the dot.
        marks: colour of each other share.
        name: of what the dot is.
    """
    left = 26 + LETTER * max(len(label) for label, _, _ in rows)
    most = max(max(value.high, *others.values()) for _, value, others in rows)
    scale = ticks(0.0, most, 4)
    x, bottom = Scale(0.0, scale[-1], min(left, WIDTH / 2), WIDTH - 20), 40 + 24 * len(rows)
    parts = [_line(x(t), 26, x(t), bottom, "zero" if t == 0 else "grid") for t in scale]
    parts += [_text(x(t), bottom + 16, number(t, scale), "middle") for t in scale]
    for i, (label, value, others) in enumerate(rows):
        y = 44 + 24 * i
        parts.append(_text(x.start - 10, y + 4, label, "end", "name"))
        parts += [_line(x(share), y - 7, x(share), y + 7, "bar", marks[other]) for other, share in others.items()]
        parts.append(_line(x(value.low), y, x(value.high), y, "bar", colour))
        parts.append(_dot(x(value.mean), y, colour, f"{label}: {name} {value}"))
    parts.append(_text((x.start + x.end) / 2, bottom + 36, axis, "middle", "axis"))
    return _svg(bottom + 44, parts + _legend([name, *marks], {name: colour, **marks}), title)


def lines(
    series: Mapping[str, Sequence[tuple[float, float]]],
    colours: Colours,
    *,
    title: str,
    axes: tuple[str, str],
    names: Mapping[float, str] | None = None,
    dashed: Sequence[str] = (),
    bars: Mapping[str, Sequence[tuple[float, float, float]]] | None = None,
    dots: bool = True,
) -> str:
    """Curves with their names at the right end; equal steps between the x values that occur.

    Args:
        series: points (x, y) by name; NaN is left out.
        colours: CSS colour by name.
        title: what a reader who can't see it is told.
        axes: labels of x and y.
        names: text for x values.
        dashed: names drawn with a dashed line.
        bars: (x, low, high) by name, drawn upright through the points.
        dots: whether points are marked.
    """
    drawn = {n: [(a, b) for a, b in points if math.isfinite(b)] for n, points in series.items()}
    drawn = {n: points for n, points in drawn.items() if points}
    steps = sorted({a for points in drawn.values() for a, _ in points})
    place = {a: i for i, a in enumerate(steps)}
    reach = [b for points in (bars or {}).values() for _, *ends in points for b in ends if math.isfinite(b)]
    x, y, parts = _frame(drawn, len(steps) - 1, axes, reach)
    parts += [_text(x(i), y.start + 17, (names or {}).get(a, f"{a:g}"), "middle") for a, i in place.items()]
    for name, points in drawn.items():
        path = " ".join(f"{x(place[a]):.1f},{y(b):.1f}" for a, b in points)
        dash = ' stroke-dasharray="5 4"' if name in dashed else ""
        parts.append(f'<polyline class="curve" style="stroke:{colours[name]}" points="{path}"{dash}/>')
        upright = [(x(place[a]), y(low), y(high)) for a, low, high in (bars or {}).get(name, ()) if math.isfinite(low)]
        parts += [_line(at, low, at, high, "bar", colours[name]) for at, low, high in upright]
        marked = points if dots else ()
        parts += [_dot(x(place[a]), y(b), colours[name], f"{name}: {b:.3f} at {a:g}", 3) for a, b in marked]
    ends = {name: y(points[-1][1]) for name, points in drawn.items()}
    parts += [
        _text(x.end + 10, at + 4, n, "start", "name", colours[n]) for n, at in spread(ends, y.end, y.start).items()
    ]
    return _svg(300, parts, title)


def scatter(points: Mapping[str, tuple[float, float]], colours: Colours, *, title: str, axes: tuple[str, str]) -> str:
    """Named dots; names stand to the right, moved up or down where they would lie on each other."""
    marks = ticks(min(0.0, *(a for a, _ in points.values())), max(a for a, _ in points.values()), 5)
    longest = max(map(len, points))
    x = Scale(marks[0], marks[-1], LEFT, WIDTH - 16 - LETTER * longest)
    y, parts = _vertical([b for _, b in points.values()], x, axes)
    parts += [_line(x(t), y.end, x(t), y.start, "grid") for t in marks]
    parts += [_text(x(t), y.start + 17, number(t, marks), "middle") for t in marks]
    for name, (a, b) in points.items():
        parts.append(_dot(x(a), y(b), colours[name], f"{name}: {axes[0]} {a:.3f}, {axes[1]} {b:.3f}", 5.5))
    for name, (left, at) in _labels({n: (x(a), y(b)) for n, (a, b) in points.items()}, y).items():
        parts.append(_text(left + 9, at + 4, name, "start", "name", colours[name]))
    return _svg(300, parts, title)


def groups(
    labels: Sequence[str],
    series: Mapping[str, Mapping[str, Interval]],
    colours: Colours,
    *,
    title: str,
    axes: tuple[str, str],
) -> str:
    """For each group of listeners or tracks the models side by side, with bars over the intervals."""
    values = [v for found in series.values() for v in found.values()]
    x = Scale(-0.5, len(labels) - 0.5, LEFT, WIDTH - 8)
    y, parts = _vertical([v.low for v in values] + [v.high for v in values], x, axes, zero=True, top=34)
    parts += [_text(x(i), y.start + 17, label, "middle") for i, label in enumerate(labels)]
    parts += [_line(x(i + 0.5), y.end, x(i + 0.5), y.start, "grid") for i in range(len(labels) - 1)]
    step = 0.66 / max(1, len(series))
    for j, (name, found) in enumerate(series.items()):
        for i, label in enumerate(labels):
            if label in found:
                at, value = x(i + (j - (len(series) - 1) / 2) * step), found[label]
                parts.append(_line(at, y(value.low), at, y(value.high), "bar", colours[name]))
                parts.append(_dot(at, y(value.mean), colours[name], f"{name}, {label}: {value}"))
    return _svg(300, parts + _legend(list(series), colours), title)


def spread(places: Mapping[str, float], top: float, bottom: float) -> dict[str, float]:
    """Places of labels, moved as little as needed to stand ``GAP`` apart and not below ``bottom``.

    >>> spread({"a": 100.0, "b": 101.0}, 0.0, 104.0)
    {'a': 90.0, 'b': 104.0}
    """
    order = sorted(places, key=lambda name: (places[name], name))
    at: dict[str, float] = {}
    last = top - GAP
    for name in order:
        at[name] = last = max(places[name], last + GAP)
    limit = bottom
    for name in reversed(order):
        at[name] = min(at[name], limit)
        limit = at[name] - GAP
    return at


def number(value: float, beside: Sequence[float]) -> str:
    """A tick with as many digits as the ticks beside it need.

    >>> number(0.5, [0.0, 0.25, 0.5]), number(-20.0, [-20.0, 0.0])
    ('0.50', '−20')
    """
    digits = next((d for d in range(6) if all(abs(round(t, d) - t) < 1e-9 for t in beside)), 6)
    return minus(f"{value:.{digits}f}")


def minus(text: str) -> str:
    """A number with a true minus sign."""
    return text.replace("-", "−")


def signed(value: Interval) -> str:
    """A difference with its sign and interval."""
    return minus(f"{value.mean:+.3f} [{value.low:+.3f}, {value.high:+.3f}]")


def _frame(
    drawn: Mapping[str, Sequence[tuple[float, float]]], last: int, axes: tuple[str, str], reach: Sequence[float]
) -> tuple[Scale, Scale, list[str]]:
    x = Scale(0, max(1, last), LEFT + 14, WIDTH - 18 - LETTER * max(map(len, drawn)))
    wide = Scale(0, 1, LEFT, x.end)
    y, parts = _vertical([*(b for points in drawn.values() for _, b in points), *reach], wide, axes)
    return x, y, parts


def _vertical(
    values: Sequence[float], x: Scale, axes: tuple[str, str], *, zero: bool = False, top: float = 12
) -> tuple[Scale, list[str]]:
    """The y scale, its grid, and both axis labels."""
    marks = ticks(min(0.0, *values) if zero else min(values), max(values), 5)
    y = Scale(marks[0], marks[-1], 252, top)
    parts = [_line(x.start, y(t), x.end, y(t), "zero" if t == 0 else "grid") for t in marks]
    parts += [_text(x.start - 8, y(t) + 4, number(t, marks), "end") for t in marks]
    parts.append(_text((x.start + x.end) / 2, 292, axes[0], "middle", "axis"))
    middle = (y.start + y.end) / 2
    upright = f'transform="rotate(-90 11 {middle:.1f})"'
    parts.append(
        f'<text class="axis" x="11" y="{middle + 4:.1f}" text-anchor="middle" {upright}>{escape(axes[1])}</text>'
    )
    return y, parts


def _labels(places: Mapping[str, tuple[float, float]], y: Scale) -> dict[str, tuple[float, float]]:
    """Label places beside dots: names that would overlap sideways are spread out together."""
    at: dict[str, tuple[float, float]] = {}
    waiting = sorted(places, key=lambda name: places[name])
    while waiting:
        cluster, waiting = [waiting[0]], waiting[1:]
        reach = places[cluster[0]][0] + LETTER * (len(cluster[0]) + 3)
        while waiting and places[waiting[0]][0] < reach:
            name = waiting.pop(0)
            cluster.append(name)
            reach = max(reach, places[name][0] + LETTER * (len(name) + 3))
        edge = max(places[n][0] for n in cluster)  # a crowd has its names in one column beside it
        for name, height in spread({n: places[n][1] for n in cluster}, y.end, y.start).items():
            at[name] = (edge if len(cluster) > 2 else places[name][0], height)
    return at


def _legend(names: Sequence[str], colours: Colours) -> list[str]:
    parts, at = [], 4.0
    for name in names:
        parts.append(_dot(at + 5, 12, colours[name], name))
        parts.append(_text(at + 14, 16, name, "start", "name"))
        at += 26 + LETTER * len(name)
    return parts


def _svg(height: float, parts: Sequence[str], title: str, width: int = WIDTH) -> str:
    shape = f'viewBox="0 0 {width} {height:.0f}"'
    return f'<svg {shape} role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str, colour: str = "") -> str:
    style = f' style="stroke:{colour}"' if colour else ""
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"{style}/>'


def _dot(x: float, y: float, colour: str, told: str, radius: float = 4.5) -> str:
    shape = f'class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" style="fill:{colour}"'
    return f"<circle {shape}><title>{escape(told)}</title></circle>"


def _text(x: float, y: float, text: str, anchor: str, kind: str = "tick", colour: str = "") -> str:
    style = f' style="fill:{colour}"' if colour else ""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(text)}</text>'
