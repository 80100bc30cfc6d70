"""The words of the command line: every command with the function behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer

from recsys import cli
from recsys.commands.playlists import USUAL


def every() -> dict[str, Callable[..., Any]]:
    """ "playlist run" and the like to functions; the usual command of a group goes by the group's name."""
    made = {command.name or command.callback.__name__: command.callback for command in cli.app.registered_commands}
    for group in cli.app.registered_groups:
        for command in group.typer_instance.registered_commands:
            made[f"{group.name} {command.name}".removesuffix(f" {USUAL}")] = command.callback
    return made


def options(words: list[str]) -> set[str]:
    """What may stand on a line that begins with these words."""
    command: Any = typer.main.get_command(cli.app)
    for word in words:
        if hasattr(command, "commands"):
            command = command.commands.get(word) or command.commands[USUAL]
    if hasattr(command, "commands"):
        command = command.commands[USUAL]
    return {option for parameter in command.params for option in parameter.opts}
