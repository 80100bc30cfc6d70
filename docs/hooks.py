"""Pages that are written from the program itself: the commands and the settings, so that they can't go stale."""

from __future__ import annotations

import json
from typing import Any

import typer
from mkdocs.structure.files import File, Files
from pydantic import BaseModel
from typer.cli import get_docs_for_click

from recsys.cli import app
from recsys.settings import Settings


def on_files(files: Files, config: Any) -> Files:
    """Add the generated pages."""
    for name, text in (("reference/commands.md", commands()), ("reference/settings.md", settings())):
        files.append(File.generated(config, name, content=text))
    return files


def commands() -> str:
    """Every command with its options, as Markdown."""
    command = typer.main.get_command(app)
    with typer.Context(command, info_name="recsys") as context:
        return str(get_docs_for_click(obj=command, ctx=context, name="recsys", title="Commands"))


def settings() -> str:
    """Every key of recsys.toml with its default, as Markdown."""
    tables = [_section(name, field.annotation) for name, field in Settings.model_fields.items() if name != "models"]
    return "\n\n".join(["# Settings", SETTINGS, *tables, MODELS])


def _section(name: str, section: Any) -> str:
    rows = [_row(key, field) for key, field in section.model_fields.items()]
    parts = [(section.__doc__ or "").strip(), "| key | default | |", "|---|---|---|", *rows]
    return f"## [{name}]\n\n" + parts[0] + "\n\n" + "\n".join(parts[1:])


def _row(key: str, field: Any) -> str:
    default = field.get_default(call_default_factory=True)
    shown = default.model_dump(exclude_none=True) if isinstance(default, BaseModel) else default
    written = "none" if shown is None else f"`{json.dumps(shown)}`"
    return f"| `{key}` | {written} | {field.description or ''} |"


SETTINGS = (
    "`recsys init` writes a commented `recsys.toml`. Every key has a default that works; an unknown key is an error "
    "that guesses what was meant. Any key can be overridden for one call: `recsys train --set train.seed=1 --set "
    "ials.factors=128`."
)
MODELS = "## [models.NAME]\n\nHyper-parameters of one model by its name, e.g. `[models.ials]` with `factors = 128`."
