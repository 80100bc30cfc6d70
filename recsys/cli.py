"""One command per verb. Results go to stdout, progress and messages to stderr; an error is one line and exit code 2."""

from __future__ import annotations

import sys
from importlib import import_module

from recsys.commands.options import app
from recsys.errors import RecsysError
from recsys.terminal import one_line

GLOBAL = ("--quiet", "-q", "--debug")  # may stand anywhere on the line
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
    """Entry point: one line for what is the user's to mend, exit code 2."""
    flags = [word for word in sys.argv[1:] if word in GLOBAL]
    words = [word for word in sys.argv[1:] if word not in GLOBAL]
    try:
        app([*flags, *words], standalone_mode=True)
    except (RecsysError, OSError) as error:
        if "--debug" in flags:
            raise
        print(f"error: {one_line(error)}", file=sys.stderr)
        sys.exit(2)
    except Exception as error:
        if "--debug" in flags:
            raise
        print(f"internal error: {type(error).__name__}: {one_line(error)}; --debug shows where", file=sys.stderr)
        sys.exit(70)
    except KeyboardInterrupt:
        print("stopped; what was finished is kept", file=sys.stderr)
        sys.exit(130)
