"""Tables and figures of the report, as HTML."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from recsys.evaluation import charts
from recsys.evaluation.intervals import Interval


def table(
    heads: Sequence[str],
    rows: Mapping[str, Sequence[Interval | None]],
    colours: Mapping[str, str],
    caption: str,
    smaller: Sequence[bool] = (),
    mark: bool = True,
) -> str:
    """One row per model, one column per head, the best of each column marked (``smaller``: the least is best)."""
    best = [_best(column, j < len(smaller) and smaller[j]) for j, column in enumerate(zip(*rows.values(), strict=True))]
    digits = [_digits(column) for column in zip(*rows.values(), strict=True)]
    body = []
    for name, values in rows.items():
        cells = "".join(_cell(v, mark and v is not None and v.mean == best[j], digits[j]) for j, v in enumerate(values))
        key = f'<span class="key" style="background:{colours[name]}"></span>'
        body.append(f'<tr><th scope="row">{key}{escape(name)}</th>{cells}</tr>')
    head = "".join(f'<th scope="col">{escape(h)}</th>' for h in heads)
    return (
        f'<div class="card" tabindex="0"><table><caption>{escape(caption)}</caption>'
        f'<thead><tr><th scope="col">Model</th>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def grid_table(heads: Sequence[str], rows: Sequence[Sequence[Interval | float | str | None]], caption: str) -> str:
    """A plain table of words, numbers and intervals; the first column names the row."""
    head = "".join(f'<th scope="col">{escape(h)}</th>' for h in heads)
    body = "".join(f'<tr><th scope="row">{escape(str(row[0]))}</th>{"".join(map(_any, row[1:]))}</tr>' for row in rows)
    return (
        f'<div class="card" tabindex="0"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _any(value: Interval | float | str | None) -> str:
    if isinstance(value, str):
        return f"<td>{escape(charts.minus(value))}</td>"
    return _cell(value if isinstance(value, Interval) else point(value), False, 3)


def _best(column: Sequence[Interval | None], smaller: bool) -> float:
    means = [v.mean for v in column if v is not None and math.isfinite(v.mean)]
    return (min(means) if smaller else max(means)) if means else math.nan


def _digits(column: Sequence[Interval | None]) -> int:
    return 2 if any(v is not None and abs(v.mean) >= 1 for v in column) else 3


def _cell(value: Interval | None, best: bool, digits: int) -> str:
    if value is None or not math.isfinite(value.mean):
        return "<td>–</td>"
    bounds = charts.minus(f"{value.low:.{digits}f} – {value.high:.{digits}f}") if math.isfinite(value.low) else ""
    bounds = bounds and f"<small>{bounds}</small>"
    return f"<td{' class=best' if best else ''}><b>{charts.minus(f'{value.mean:.{digits}f}')}</b>{bounds}</td>"


def point(value: float | None) -> Interval | None:
    """A number without an interval."""
    return None if value is None else Interval(value, math.nan, math.nan)


def figure(title: str, text: str, svg: str) -> str:
    """A drawing with its title and a line on how to read it."""
    return f"<figure><figcaption><h3>{escape(title)}</h3><p>{escape(text)}</p></figcaption>{svg}</figure>"


def details(title: str, terms: str) -> str:
    """Terms that open on a click."""
    return f"<details><summary>{escape(title)}</summary><dl>{terms}</dl></details>"
