"""playlists.toml in, typed recipes out; a wrong word is an error that guesses what was meant."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from recsys.errors import SettingsError, did_you_mean
from recsys.playlists.kinds import KINDS, Recipe, fields

FILE = "playlists.toml"
VERSION = 1
TOP = ("version", "library", "defaults", "recipe")


@dataclass(frozen=True)
class Recipes:
    """A file of recipes by name.

    Attributes:
        library: the folder of sound files that paths are relative to and must stay in; None = the playlists' folder.
    """

    by_name: Mapping[str, Recipe]
    library: str | None = None

    def chosen(self, names: Iterable[str] = ()) -> dict[str, Recipe]:
        """The recipes of these names, or all.

        Raises:
            SettingsError: a name that is not there.
        """
        names = list(names) or list(self.by_name)
        for name in names:
            if name not in self.by_name:
                raise SettingsError(f"no recipe {name!r}{did_you_mean(name, self.by_name)}")
        return {name: self.by_name[name] for name in names}


def read_recipes(path: Path) -> Recipes:
    """All recipes of a file.

    Raises:
        SettingsError: no such file, broken TOML, another version, an unknown key or a value out of range.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(f"no {path}; expected recipes such as [recipe.morning] with a kind") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error
    return parse_recipes(content, str(path))


def parse_recipes(content: Mapping[str, Any], where: str = FILE) -> Recipes:
    """Recipes of a mapping as a file has it.

    >>> made = parse_recipes({"version": 1, "recipe": {"calm": {"kind": "mood", "words": "calm", "n": 20}}})
    >>> made.by_name["calm"].tracks
    20
    """
    _check(content, where)
    defaults = content.get("defaults", {})
    known = {name for kind in KINDS for name in fields(kind)} - {"kind"}
    for name in defaults:
        if name not in known:
            raise SettingsError(f"{where}: unknown key 'defaults.{name}'{did_you_mean(name, known)}")
    made = {
        str(name): parse_recipe(told, f"{where}: recipe.{name}", defaults) for name, told in content["recipe"].items()
    }
    return Recipes(made, content.get("library"))


def _check(content: Mapping[str, Any], where: str) -> None:
    for name in content:
        if name not in TOP:
            raise SettingsError(f"{where}: unknown key {name!r}{did_you_mean(name, TOP)}")
    if content.get("version") != VERSION:
        raise SettingsError(f"{where}: version = {content.get('version')!r}; expected version = {VERSION}")
    if not isinstance(content.get("recipe"), Mapping) or not content["recipe"]:
        raise SettingsError(f"{where} has no recipe; expected tables such as [recipe.morning] with a kind")
    if not isinstance(content.get("library", ""), str) or not isinstance(content.get("defaults", {}), Mapping):
        raise SettingsError(f"{where}: expected library = a folder, and defaults as a table")


def parse_recipe(told: Any, where: str = "recipe", defaults: Mapping[str, Any] | None = None) -> Recipe:
    """One recipe of a mapping; ``defaults`` are used where its kind has such a key and it says nothing.

    Raises:
        SettingsError: no or another kind, an unknown key, a value out of range, or something that is missing.

    >>> parse_recipe({"kind": "path", "start": "a", "ende": "b"})
    Traceback (most recent call last):
    ...
    recsys.errors.SettingsError: recipe: unknown key 'ende'; did you mean end?
    """
    kind = told.get("kind") if isinstance(told, Mapping) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise SettingsError(f"{where}: kind = {kind!r}{did_you_mean(str(kind), KINDS)}")
    known = fields(kind)
    usual = {name: value for name, value in (defaults or {}).items() if name in known and not _settled(name, told)}
    try:
        return KINDS[kind].model_validate({**usual, **told})
    except ValidationError as error:
        raise SettingsError(f"{where}: {_first(error, KINDS[kind])}") from error


def _settled(name: str, told: Mapping[str, Any]) -> bool:
    """Whether a recipe has decided about a default: a length in minutes leaves that in tracks out."""
    return name in told or (name in ("n", "minutes") and ("n" in told or "minutes" in told))


def _first(error: ValidationError, kind: type[BaseModel]) -> str:
    details = error.errors()
    detail = next((d for d in details if d["type"] == "extra_forbidden"), details[0])  # what is misspelt is missing too
    place = ".".join(map(str, detail["loc"]))
    if detail["type"] == "extra_forbidden":
        *parents, name = detail["loc"]
        return f"unknown key {place!r}{did_you_mean(str(name), _names(kind, parents))}"
    if detail["type"] == "missing":
        return f"{place} is missing; a recipe of this kind needs it"
    if detail["type"] == "value_error":
        return f"{place + ': ' if place else ''}{detail['ctx']['error']}"
    return f"{place} = {detail['input']!r}: {detail['msg'].lower()}"


def _names(kind: type[BaseModel], parents: list[Any]) -> list[str]:
    """Names that may stand below some keys."""
    section: Any = kind
    for parent in parents:
        if isinstance(parent, str):
            parts = _parts(section.model_fields[parent].annotation)
            section = next((part for part in parts if hasattr(part, "model_fields")), section)
    return [field.alias or name for name, field in section.model_fields.items()]


def _parts(annotation: Any) -> list[Any]:
    """A type and all that it is made of."""
    return [annotation, *(part for inner in get_args(annotation) for part in _parts(inner))]


def spoken(what: Mapping[str, Any] | Sequence[str]) -> dict[str, Any]:
    """ "key=value" words to a mapping; values as TOML where they are, text where not; "a.b=c" goes a level down.

    Raises:
        SettingsError: a word of another form.

    >>> spoken(["seeds=t1, t2", "n=5", "curve.energy=0:20% 100:90%"])
    {'seeds': ['t1', 't2'], 'n': 5, 'curve': {'energy': '0:20% 100:90%'}}
    """
    if isinstance(what, Mapping):
        return dict(what)
    told: dict[str, Any] = {}
    for word in what:
        key, sign, text = word.partition("=")
        if not sign or not key:
            raise SettingsError(f"{word!r}; expected key=value, e.g. words=calm or start=t0001")
        try:
            value = tomllib.loads(f"v = {text}")["v"]
        except tomllib.TOMLDecodeError:
            value = text
        *above, name = key.strip().split(".")
        table = told
        for part in above:
            table = table.setdefault(part, {})
        table[name] = [*table[name], value] if isinstance(table.get(name), list) else value
    return _listed(told)


LISTS = ("seeds", "unlike", "artists", "licences", "include", "tracks", "listeners")


def _listed(told: dict[str, Any]) -> dict[str, Any]:
    """Single values where lists are expected, as lists: "a, b" too."""
    return {
        name: _many(value) if name in LISTS and not isinstance(value, list) else value for name, value in told.items()
    }


def _many(value: Any) -> list[Any]:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else [value]
