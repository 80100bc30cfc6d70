"""What a person sees: progress bars with rate and time left on stderr, tables and facts on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from recsys import logs
from recsys.errors import RecsysError

IN_WORDS = ("SUMMARY.md", "_report.html", "report.html")  # files about an artefact that people read

if TYPE_CHECKING:
    import pandas as pd

    from recsys.api import Made

messages = Console(stderr=True, highlight=False)
results = Console(highlight=False)


as_lines = False  # of JSON, in place of bars and messages


def be_quiet(quiet: bool, *, log_json: bool = False) -> None:
    """Silence progress and messages, or make each a line of JSON; results and errors still come."""
    global as_lines
    messages.quiet, as_lines = quiet, logs.wanted(log_json)


def say(text: str, **facts: Any) -> None:
    """One message for a person; with ``facts`` for programs, which a person does not see."""
    if not as_lines:
        messages.print(escape(text), soft_wrap=True)
    elif not messages.quiet:
        logs.line("info", text, **facts)


@contextmanager
def progress_bars() -> Iterator[Callable[[str, int, int], None]]:
    """A function (what, done, total) that draws one bar for each ``what``, or tells of it in lines of JSON."""
    if as_lines:
        yield _nothing if messages.quiet else logs.Progress()
        return
    columns = (
        TextColumn("{task.description:<32}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    tasks: dict[str, TaskID] = {}
    bars = Progress(*columns, console=messages, disable=messages.quiet)

    def show(what: str, done: int, total: int) -> None:
        bars.start()
        if what not in tasks:
            tasks[what] = bars.add_task(what, total=total, rate="")
        bars.update(tasks[what], completed=done, total=total, rate=_rate(bars, tasks[what]))

    try:
        yield show
    finally:
        if tasks:
            bars.stop()


def _nothing(what: str, done: int, total: int) -> None:
    """Progress that nobody wants to see."""


def _rate(bars: Progress, task: TaskID) -> str:
    speed = next((t.speed for t in bars.tasks if t.id == task), None)
    return f"{speed:,.1f}/s" if speed else ""


def announce(made: Made) -> None:
    """What a step wrote, in one line."""
    state = "up to date" if made.unchanged else "written"
    told = {"event": "made", "verb": made.verb, "state": state, "path": str(made.path)}
    say(f"{made.verb:<10} {state}: {made.path}  {summary(made.facts)}", **told)


def finish(made: Made, as_json: bool) -> None:
    """The end of a command: facts as JSON on stdout, or what there is to see for a person."""
    if as_json:
        print(json.dumps({"path": str(made.path), **made.facts}, indent=1, ensure_ascii=False, default=str))
        return
    table = made.facts.get("models")
    if table:
        print_models(table, made.facts.get("chosen"))
    announce(made)


def summary(facts: Mapping[str, Any]) -> str:
    """The few numbers of an artefact that people ask for first."""
    parts = [
        f"{facts[noun]:,} {noun}"
        for noun in ("users", "tracks", "listeners", "parts")
        if isinstance(facts.get(noun), int)
    ]
    if facts.get("failed"):
        parts.append(f"{facts['failed']:,} files failed (recsys inspect names them)")
    parts += [f"{count:,} {layer}" for layer, count in facts.get("rows", {}).items()]
    if facts.get("rejected"):
        parts.append(f"{facts['rejected']:,} rows rejected (rejects.parquet says why)")
    if facts.get("chosen"):
        parts.append(f"model {facts['chosen']}")
    parts += [_searched(group) for group in facts.get("index", [])]
    if facts.get("headline"):
        parts.append(str(facts["headline"]))
    parts += [f"relaxed: {rule}" for rule in facts.get("relaxed", [])]
    return ", ".join(parts)


def _searched(group: Mapping[str, Any]) -> str:
    """How a group of tracks is searched, and how well that was measured to work."""
    recall = [found for found in group.get("recall@10", {}).values() if found is not None]
    told = f", recall@10 {min(recall):.3f}" if recall else ""
    return f"search {group['kind']}{told}"


def print_models(rows: list[dict[str, Any]], chosen: str | None) -> None:
    """How each model did on the validation part, beside popularity."""
    if as_lines:
        return say(f"{len(rows)} models compared", event="models", models=rows, chosen=chosen)
    table = Table(title="validation: listeners' held-out tracks", title_justify="left")
    for name in ("model", "NDCG@100", "Recall@20", "cov@50", "against popularity", "seconds"):
        table.add_column(name, justify="left" if name == "model" else "right")
    for row in rows:
        mark = "[bold]" if row["model"] == chosen else ""
        gain = _interval(row["gain"]) if row["gain"] else ""
        cells = (
            f"{row['ndcg@100']:.4f}",
            f"{row['recall@20']:.4f}",
            f"{row['coverage@50']:.2f}",
            gain,
            f"{row['seconds']:.1f}",
        )
        table.add_row(mark + row["model"], *map(escape, cells))
    messages.print(table)


def _interval(value: Mapping[str, float]) -> str:
    return f"{value['mean']:+.3f} [{value['low']:+.3f}, {value['high']:+.3f}]"


def print_table(frame: pd.DataFrame) -> None:
    """A result as a table of text."""
    table = Table()
    for name in frame.columns:
        table.add_column(str(name))
    for row in frame.itertuples(index=False):
        table.add_row(*(escape(_cell(value)) for value in row))
    results.print(table)


def _cell(value: Any) -> str:
    return "" if value is None or value != value else f"{value:.4f}" if isinstance(value, float) else str(value)


def warn_short(found: pd.DataFrame, asked: int) -> None:
    """Say so when fewer came than were asked for."""
    if len(found) < asked:
        say(f"found {len(found)} of {asked} asked for: no more tracks satisfy the filters")


def described(facts: Mapping[str, Any]) -> str:
    """An artefact in a few lines."""
    lines = [f"{facts['path']}: recsys {facts['kind']}, schema {facts['schema']}", summary(facts)]
    lines.append(f"{len(facts['files'])} files, {sum(f['bytes'] for f in facts['files'].values()):,} bytes")
    lines += [f"in words: {facts['path']}/{name}" for name in IN_WORDS if name in facts["files"]]
    lines += [
        f"FAILED {f['path']}: {f['cause']} (tried {f['tries']} time{'s' * (f['tries'] != 1)})"
        for f in facts.get("failures", [])
    ]
    lines += [f"PROBLEM {problem}" for problem in facts["problems"]] or ["verified: every file is as its manifest says"]
    return "\n".join(line for line in lines if line)


def fail(error: BaseException, message: str, code: int) -> None:
    """The one line that an error is; its kind and the exit code besides, in JSON."""
    if as_lines:
        logs.line("error", message, event="error", kind=type(error).__name__, code=code)
    else:
        print(message, file=sys.stderr)


def one_line(error: Exception) -> str:
    """An error as one line."""
    if isinstance(error, OSError) and not isinstance(error, RecsysError):
        if error.strerror is None or "No space left" in str(error):
            return f"writing failed ({' '.join(str(error).split())}); is the disk full?"
        return " ".join(f"{error.strerror}: {error.filename or ''}".split())
    return " ".join(str(error).split())
