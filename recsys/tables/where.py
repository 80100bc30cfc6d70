"""A filter in words over catalogue columns: parsed, never evaluated as code.

Grammar: comparisons (= == != < <= > >=, ``in`` a list) of a column with a constant, joined by ``and``,
``or``, ``not`` and parentheses. A missing value satisfies no comparison, not even ``!=``. On a column of
lists (genres, tags), ``=`` means "has it" and ``!=`` "does not have it". Text compares without case.

Where producers predicted what was not given, both are read together: in ``genre = 'jazz' and p_genre > .8`` a given
genre has chance 1, and tracks without one count with the predicted label and its chance (``p_genre = 1`` keeps to what
was given). ``mood = 'calm'`` works where moods or tags were given or valence and arousal are known; ``valence_rank``
and ``arousal_rank`` run from 0 to 1 over the library. See ``tables.predicted``.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.errors import DataError, did_you_mean
from recsys.tables.predicted import columns, together

Mask = NDArray[np.bool_]
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
LONGEST = 2000


def where_mask(frame: pd.DataFrame, text: str) -> Mask:
    """Rows of ``frame`` for which the filter holds, bool of shape (n,).

    Raises:
        DataError: text outside the grammar above, or an unknown column.

    >>> songs = pd.DataFrame({"year": [1985, 1999, None], "genre": [["Pop"], ["Rock", "Pop"], ["Jazz"]]})
    >>> where_mask(songs, "year >= 1990 and genre = 'pop'").tolist()
    [False, True, False]
    """
    if len(text) > LONGEST:
        raise DataError(f"filter has {len(text)} characters; expected at most {LONGEST}")
    try:
        tree = ast.parse(_python_spelling(text).strip(), mode="eval").body
        return _mask(frame, tree)
    except (SyntaxError, RecursionError, MemoryError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"can't read filter {text!r}; expected e.g. \"year >= 1990 and genre != 'Pop'\"") from error


def _python_spelling(text: str) -> str:
    """A lone ``=`` outside quotes becomes ``==``; AND, OR, NOT, IN may be capitals."""
    pieces = re.split(r"('[^']*'|\"[^\"]*\")", text)
    for i in range(0, len(pieces), 2):
        piece = re.sub(r"(?<![<>=!])=(?!=)", "==", pieces[i])
        pieces[i] = re.sub(r"\b(AND|OR|NOT|IN)\b", lambda m: m.group().lower(), piece)
    return "".join(pieces)


def _mask(frame: pd.DataFrame, node: ast.expr) -> Mask:
    if isinstance(node, ast.BoolOp):
        parts = [_mask(frame, value) for value in node.values]
        return np.logical_and.reduce(parts) if isinstance(node.op, ast.And) else np.logical_or.reduce(parts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return ~_mask(frame, node.operand)
    if isinstance(node, ast.Name):
        return _column(frame, node).map(lambda v: v is True or v is np.True_).to_numpy(bool)
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return _comparison(frame, node.left, node.ops[0], node.comparators[0])
    raise DataError(f"can't read {ast.unparse(node)!r} in a filter; expected column, comparison, constant")


def _comparison(frame: pd.DataFrame, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Mask:
    column, value = _column(frame, left), _constant(right)
    if isinstance(op, (ast.In, ast.NotIn)):
        options = value if isinstance(value, (list, tuple)) else [value]
        inside = np.logical_or.reduce([_one(column, ast.Eq(), option) for option in options])
        return ~inside & column.notna().to_numpy(bool) if isinstance(op, ast.NotIn) else inside
    return _one(column, op, value)


def _one(column: pd.Series[Any], op: ast.cmpop, value: Any) -> Mask:
    if type(op) not in COMPARE:
        raise DataError(f"can't use {type(op).__name__} in a filter; expected = != < <= > >= in")
    compare, negate = COMPARE[type(op)], isinstance(op, ast.NotEq)
    wanted = _plain(value)
    has_lists = column.map(lambda v: isinstance(v, (list, tuple, np.ndarray))).any()
    if has_lists:
        return column.map(lambda v: (wanted in _items(v)) != negate).to_numpy(bool)
    return column.map(lambda v: _holds(compare, v, wanted)).to_numpy(bool)


def _holds(compare: Callable[[Any, Any], Any], value: Any, wanted: Any) -> bool:
    if value is None or value is pd.NA or value != value:
        return False
    try:
        return bool(compare(_plain(value), wanted))
    except TypeError as error:
        raise DataError(f"can't compare {value!r} with {wanted!r}; expected the same kind of value") from error


def _items(value: Any) -> list[Any]:
    return [_plain(v) for v in value] if isinstance(value, (list, tuple, np.ndarray)) else []


def _plain(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _column(frame: pd.DataFrame, node: ast.expr) -> pd.Series[Any]:
    if not isinstance(node, ast.Name):
        raise DataError(f"found {ast.unparse(node)!r} where a column was expected, left of a comparison")
    if node.id not in (known := columns(frame)):
        raise DataError(f"unknown column {node.id!r} in a filter{did_you_mean(node.id, known)}")
    return together(frame, node.id)


def _constant(node: ast.expr) -> Any:
    if isinstance(node, ast.Name) and node.id.lower() in ("true", "false"):
        return node.id.lower() == "true"
    try:
        return ast.literal_eval(node)
    except ValueError as error:
        raise DataError(f"found {ast.unparse(node)!r} where a number or a quoted text was expected") from error
