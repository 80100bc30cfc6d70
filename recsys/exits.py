"""Exit codes of the command line, in one place."""

from __future__ import annotations

DONE, FOUND, MEND, FAULT, STOPPED = 0, 1, 2, 70, 130
MEANING = {
    DONE: "done",
    FOUND: "done, and something is wrong: inspect found damage, or forget left files that still hold the id",
    MEND: "something for you to mend, said in one line on stderr",
    FAULT: "a fault of ours; --debug shows where",
    STOPPED: "stopped by you; what was finished is kept",
}


def table() -> str:
    """The codes with their meaning, for the help.

    >>> table().splitlines()[0]
    'Exit codes: 0 done;'
    """
    lines = [f"{code} {meaning}" for code, meaning in MEANING.items()]
    return "Exit codes: " + ";\n".join(lines) + "."
