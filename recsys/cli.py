"""One command per verb. Results go to stdout, progress and messages to stderr; an error is one line and exit code 2."""

from __future__ import annotations

import sys
from importlib import import_module

from recsys import exits
from recsys.commands.options import app
from recsys.errors import RecsysError
from recsys.terminal import fail, one_line

GLOBAL = ("--quiet", "-q", "--debug", "--log-json")  # may stand anywhere on the line
# as data flows; importing one adds its commands
ROOMS = (
    "raw",
    "producing",
    "labelling",
    "transcribing",
    "composing",
    "learning",
    "updating",
    "answering",
    "searching",
    "playlists",
    "forgetting",
    "serving",
)
for room in ROOMS:
    import_module(f"recsys.commands.{room}")


def main() -> None:
    """Entry point: errors as one line, exit codes as ``exits`` has them."""
    flags = [word for word in sys.argv[1:] if word in GLOBAL]
    words = [word for word in sys.argv[1:] if word not in GLOBAL]
    try:
        app([*flags, *words], standalone_mode=True)
    except (RecsysError, OSError) as error:
        if "--debug" in flags:
            raise
        fail(error, f"error: {one_line(error)}", exits.MEND)
        sys.exit(exits.MEND)
    except Exception as error:
        if "--debug" in flags:
            raise
        fail(error, f"internal error: {type(error).__name__}: {one_line(error)}; --debug shows where", exits.FAULT)
        sys.exit(exits.FAULT)
    except SystemExit as stop:  # Typer turns Ctrl-C into one
        if stop.code == exits.STOPPED:
            fail(KeyboardInterrupt(), "stopped; what was finished is kept", exits.STOPPED)
        raise
