"""A file of recipes is typed; what is wrong in it is said in one line that guesses what was meant."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from recsys.errors import SettingsError
from recsys.playlists.example import TEXT
from recsys.playlists.kinds import KINDS
from recsys.playlists.recipes import parse_recipe, parse_recipes, read_recipes

LEAST = {
    "radio": {"seeds": ["t1"]},
    "mix": {},
    "continue": {"file": "a.m3u8"},
    "path": {"start": "a", "end": 7},
    "mood": {"words": "calm"},
    "curve": {"curve": {"energy": "0:20% 100:90%"}},
    "rediscover": {},
    "discover": {},
    "new": {},
    "similar-artists": {"artists": ["Björk"]},
    "for-scene": {"minutes": 2.5, "licences": ["CC0-1.0"]},
    "library-map": {},
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_defaults_that_listeners_expect(kind: str) -> None:
    recipe = parse_recipe({"kind": kind, **LEAST[kind]})
    assert recipe.artist_gap == 3
    if kind not in ("path", "for-scene"):
        assert (recipe.tracks, recipe.cap(50)) == (50, 2)
        assert recipe.not_heard_days == {"rediscover": 180, "library-map": 0}.get(kind, 60)


def test_minutes_take_the_place_of_the_usual_length() -> None:
    content = {"version": 1, "defaults": {"n": 30, "collections": 4}, "recipe": {"a": {"kind": "mix", "minutes": 40}}}
    recipe = parse_recipes(content).by_name["a"]
    assert (recipe.tracks, recipe.minutes, recipe.n) == (None, 40, None)


def test_a_file_is_read_with_its_defaults(tmp_path: Path) -> None:
    (tmp_path / "playlists.toml").write_text(
        'version = 1\nlibrary = "/music"\n[defaults]\nn = 20\nformat = "xspf"\n'
        '[recipe.daily]\nkind = "mix"\nmixes = 3\n[recipe."Way home"]\nkind = "path"\nstart = "a"\nend = "b"\nn = 9\n'
        "[[recipe.daily.shares]]\nof = \"new\"\nat_least = 0.3\n[recipe.daily.without]\ngenres = ['Christmas']\n"
    )
    found = read_recipes(tmp_path / "playlists.toml")
    assert found.library == "/music"
    assert [(name, r.tracks, r.format) for name, r in found.by_name.items()] == [
        ("daily", 20, "xspf"),
        ("Way home", 9, "xspf"),
    ]
    assert found.by_name["daily"].shares[0].at_least == 0.3
    assert list(found.chosen(["Way home"])) == ["Way home"]
    with pytest.raises(SettingsError, match="no recipe 'dialy'; did you mean daily"):
        found.chosen(["dialy"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("recipe = [", "not valid TOML"),
        ("[recipe.a]\nkind = 'mix'", "version = None; expected version = 1"),
        ("version = 2\n[recipe.a]\nkind = 'mix'", "version = 2; expected version = 1"),
        ("version = 1", "has no recipe"),
        ("version = 1\n[recipes.a]\nkind = 'mix'", "unknown key 'recipes'; did you mean recipe"),
        ("version = 1\n[defaults]\nformt = 'csv'\n[recipe.a]\nkind = 'mix'", "'defaults.formt'; did you mean format"),
        ("version = 1\n[recipe.a]\nseeds = ['x']", "recipe.a: kind = None; expected one of continue"),
        ("version = 1\n[recipe.a]\nkind = 'radoi'", "kind = 'radoi'; did you mean radio"),
        ("version = 1\n[recipe.a]\nkind = 'radio'", "seeds is missing; a recipe of this kind needs it"),
        ("version = 1\n[recipe.a]\nkind = 'radio'\nseeds = []", "seeds = []: list should have at least 1 item"),
        ("version = 1\n[recipe.a]\nkind = 'mix'\nartist_gap = -1", "artist_gap = -1: input should be greater than"),
        ("version = 1\n[recipe.a]\nkind = 'mix'\nonly.artist = ['A']", "'only.artist'; did you mean artists"),
        ("version = 1\n[recipe.a]\nkind = 'mix'\n[[recipe.a.shares]]\nat_last = 1", "'shares.0.at_last'; did you mean"),
        ("version = 1\n[recipe.a]\nkind = 'mix'\nn = 5\nminutes = 3", "expected n or minutes, not both"),
        ("version = 1\n[recipe.a]\nkind = 'mix'\n[[recipe.a.shares]]\nat_least = 1", "expected where or of"),
        ("version = 1\n[recipe.a]\nkind = 'mood'", "expected words, valence or arousal"),
        ("version = 1\n[recipe.a]\nkind = 'continue'", "expected file or tracks"),
        ("version = 1\nlibrary = 3\n[recipe.a]\nkind = 'mix'", "expected library = a folder"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "playlists.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        read_recipes(path)
    assert str(caught.value).startswith(str(path))
    assert message.lower() in str(caught.value).lower()
    assert "\n" not in str(caught.value)


def test_the_example_is_valid_commented_recipes_too() -> None:
    content = tomllib.loads(TEXT)
    assert list(parse_recipes(content).by_name) == ["daily", "discover", "rediscover"]
    shown, _, general = TEXT.partition("# Any recipe may also say")
    whole = re.sub(r"^# (\[recipe|[a-z]+ = )", r"\1", shown, flags=re.M)
    assert {recipe.kind for recipe in parse_recipes(tomllib.loads(whole)).by_name.values()} == set(KINDS)  # type: ignore[attr-defined]
    more = tomllib.loads(re.sub(r"^# ", "", general.partition("\n")[2], flags=re.M))
    assert parse_recipe({"kind": "mix", **more}).rotation is not None


def test_a_missing_file_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"expected recipes such as \[recipe\.morning\]"):
        read_recipes(tmp_path / "playlists.toml")
