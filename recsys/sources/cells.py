"""One column of any type in; numbers, Unix seconds or flags out, with what could not be read marked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

YEAR_2200 = 7_258_118_400
NOTHING = ["", "nan", "none", "null", "na", "n/a", "<na>", "\\n", "-"]
YES = ["true", "t", "yes", "y", "1", "1.0"]
NO = ["false", "f", "no", "n", "0", "0.0"]
DAY_FIRST = ("%d %b %Y %H:%M", "%d %b %Y, %H:%M", "%d %b %Y")
UNREAD = np.iinfo(np.int64).min


def is_text(column: pa.Array) -> bool:
    """Whether the values are strings."""
    return pa.types.is_string(column.type) or pa.types.is_large_string(column.type)


def blank(column: pa.Array) -> NDArray[np.bool_]:
    """Where a value is missing: null, or text such as "" or "NaN"; shape (n,)."""
    column = decoded(column)
    empty = pc.is_null(column, nan_is_null=True)
    if is_text(column):
        words = pc.is_in(pc.utf8_lower(pc.utf8_trim_whitespace(column)), value_set=pa.array(NOTHING, column.type))
        empty = pc.or_(empty, words)
    return empty.to_numpy(zero_copy_only=False)


def numbers(column: pa.Array) -> NDArray[np.float64]:
    """Values as float64, NaN where missing or unreadable; shape (n,).

    >>> numbers(pa.array(["1", "2.5", "", "x"])).tolist()
    [1.0, 2.5, nan, nan]
    """
    column = decoded(column)
    if not is_text(column):
        try:
            return _floats(column.cast(pa.float64(), safe=False))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return np.full(len(column), np.nan)
    try:
        return _floats(column.cast(pa.float64()))
    except pa.ArrowInvalid:
        return pd.to_numeric(column.to_pandas(), errors="coerce").to_numpy(np.float64, na_value=np.nan)


def times(column: pa.Array) -> NDArray[np.int64]:
    """Unix seconds UTC, int64 (n,); the smallest int64 where missing, unreadable, before 1970 or after 2200.

    Numbers are seconds, milliseconds, microseconds or nanoseconds by their size (so milliseconds before March
    1973 read as seconds). Text is a number, ISO 8601, or "12 Mar 2020 14:05"; without a zone it is UTC.

    >>> times(pa.array([1_600_000_000, 1_600_000_000_123, None])).tolist()[:2]
    [1600000000, 1600000000]
    >>> times(pa.array(["2020-09-13T12:26:40Z", "13 Sep 2020 12:26"])).tolist()
    [1600000000, 1599999960]
    """
    column = decoded(column)
    if pa.types.is_temporal(column.type):
        return _in_range(_from_clock(column))
    if pa.types.is_integer(column.type) and not column.null_count:
        return _in_range(_by_size(column.to_numpy(zero_copy_only=False)))
    if (clock := _clock(column)) is not None:
        return _in_range(_from_clock(clock))
    values = numbers(column).copy()
    if is_text(column) and (unread := np.isnan(values)).any():
        values[unread] = _from_words(column.filter(pa.array(unread)))
    known = np.isfinite(values) & (np.abs(values) < 9e18)
    return _in_range(np.where(known, _by_size(np.where(known, values, 0).astype(np.int64)), UNREAD))


def flags(column: pa.Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(true where set, true where unreadable), each shape (n,); a missing flag is not set.

    >>> [f.tolist() for f in flags(pa.array(["yes", "0", None, "perhaps"]))]
    [[True, False, False, False], [False, False, False, True]]
    """
    column = decoded(column)
    if pa.types.is_null(column.type):
        return np.zeros(len(column), bool), np.zeros(len(column), bool)
    words = pc.utf8_lower(column.cast(pa.string()).fill_null(""))
    yes = pc.is_in(words, value_set=pa.array(YES)).to_numpy(zero_copy_only=False)
    no = pc.is_in(words, value_set=pa.array(NO + NOTHING)).to_numpy(zero_copy_only=False)
    return yes, ~(yes | no)


def decoded(column: pa.Array) -> pa.Array:
    """The values of a column that is stored as codes; any other column as it is."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _floats(column: pa.Array) -> NDArray[np.float64]:
    return np.array(column.fill_null(np.nan).to_numpy(zero_copy_only=False), dtype=np.float64)


def _clock(column: pa.Array) -> pa.Array | None:
    """Text that is ISO 8601 throughout as timestamps, the fast way; None if some of it is not."""
    if not is_text(column) or not len(column) or "-" not in str(column[0]):
        return None
    for kind in (pa.timestamp("us", "UTC"), pa.timestamp("us")):
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            continue
    return None


def _from_clock(column: pa.Array) -> NDArray[np.int64]:
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("s"))
    if not pa.types.is_timestamp(column.type):
        return np.full(len(column), UNREAD)
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[column.type.unit]
    ticks = column.cast(pa.int64()).fill_null(UNREAD).to_numpy(zero_copy_only=False)
    return ticks if per_second == 1 else np.floor_divide(ticks, per_second)


def _by_size(values: NDArray[Any]) -> NDArray[np.int64]:
    """Whole numbers to seconds: 1e11 seconds would be the year 5138, so larger ones are finer units."""
    values = values.astype(np.int64, copy=False)
    if not len(values) or values.max() < 10**11:
        return values
    unit = np.select([values < 10**11, values < 10**14, values < 10**17], [1, 10**3, 10**6], 10**9)
    return np.floor_divide(values, unit)


def _from_words(column: pa.Array) -> NDArray[np.float64]:
    words = column.to_pandas()
    read = pd.to_datetime(words, format="ISO8601", utc=True, errors="coerce")
    for form in DAY_FIRST:
        if not (unread := read.isna()).any():
            break
        read[unread] = pd.to_datetime(words[unread], format=form, utc=True, errors="coerce")
    seconds = (read - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(1, "s")
    return seconds.to_numpy(np.float64, na_value=np.nan)


def _in_range(seconds: NDArray[np.int64]) -> NDArray[np.int64]:
    if len(seconds) and (seconds.min() < 0 or seconds.max() >= YEAR_2200):
        return np.where((seconds >= 0) & (seconds < YEAR_2200), seconds, UNREAD)
    return seconds
