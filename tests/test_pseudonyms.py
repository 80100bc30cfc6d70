"""Names in place of ids: the same under one key, nobody's without it; lists, tables and feedback that speak by them."""

from __future__ import annotations

import json
import stat
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from recsys import api, manifest
from recsys.errors import ArtefactError, DataError, SettingsError
from recsys.forgetting.traces import traces
from recsys.forgetting.who import Who
from recsys.pseudonyms import Pseudonyms, named, pseudonyms


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "names.key"
    first, again = pseudonyms(file), named(file)
    assert first == again
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert first != pseudonyms(tmp_path / "other.key")
    assert first.key.hex() not in repr(first)
    assert first.fingerprint not in first.key.hex()


def test_a_file_without_a_key_is_an_error_and_stays(tmp_path: Path) -> None:
    (tmp_path / "plays.csv").write_text("user_id,track_id\n")
    with pytest.raises(DataError, match=r"plays\.csv holds no key; expected 64 hexadecimal digits"):
        pseudonyms(tmp_path / "plays.csv")
    assert (tmp_path / "plays.csv").read_text() == "user_id,track_id\n"


def test_ids_in_a_text_become_names_as_words_only() -> None:
    names = Pseudonyms(bytes(32))
    assert names.without("a list for u1 + u10", ["u1", "u10"]) == f"a list for {names.one('u1')} + {names.one('u10')}"


def test_lists_without_ids_hold_the_same_tracks(bundle: Path, tmp_path: Path) -> None:
    key = tmp_path / "names.key"
    plain = pd.read_parquet(api.recommend(bundle, out=tmp_path / "plain", n=5).path)
    made = api.recommend(bundle, out=tmp_path / "recs", n=5, pseudonyms=key).path
    found = pd.read_parquet(made)
    plain["user_id"] = pseudonyms(key).of(plain["user_id"])
    assert found["user_id"].is_monotonic_increasing  # and not in the order of ids
    expected = plain.sort_values(["user_id", "rank"], ignore_index=True)
    for column in ("user_id", "rank", "track_id", "source", "reason"):
        assert found[column].tolist() == expected[column].tolist()
    assert not [user for user in api.open_engine(bundle).users.ids if traces([made], Who(str(user)), Counter())]
    assert manifest.problems(made) == []


def test_another_key_is_another_job(bundle: Path, tmp_path: Path) -> None:
    api.recommend(bundle, out=tmp_path / "recs", n=5, pseudonyms=tmp_path / "a.key")
    with pytest.raises(ArtefactError, match=r"differs in .*pseudonyms"):
        api.recommend(bundle, out=tmp_path / "recs", n=5, pseudonyms=tmp_path / "b.key", resume=True)


def test_feedback_reads_such_lists_with_the_key_alone(bundle: Path, tmp_path: Path) -> None:
    key, later = tmp_path / "names.key", tmp_path / "later.csv"
    plain = api.recommend(bundle, out=tmp_path / "plain", n=5).path
    made = api.recommend(bundle, out=tmp_path / "recs", n=5, pseudonyms=key).path
    played = pd.read_parquet(plain).groupby("user_id", sort=False).head(2)
    played[["user_id", "track_id"]].assign(timestamp=1_999_999_999).to_csv(later, index=False)
    expected = api.feedback(bundle, plain, [later], out=tmp_path / "a").facts["rates"]
    assert expected[0]["hits"] == len(played)
    assert api.feedback(bundle, made, [later], out=tmp_path / "b", pseudonyms=key).facts["rates"] == expected
    assert api.feedback(bundle, made, [later], out=tmp_path / "c").facts["rates"] == []


RECIPE = """version = 1
[recipe.daily]
kind = "mix"
mixes = 1
n = 5
title = "{name} for {listener}"
[recipe.again]
kind = "rediscover"
n = 5
"""


def test_the_table_of_playlists_without_ids(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "playlists.toml").write_text(RECIPE)
    who = api.open_engine(bundle).users.ids[:4].tolist()
    told: dict[str, object] = {"recipes": tmp_path / "playlists.toml", "bundle": bundle, "listeners": who, "workers": 1}
    made = api.playlist_run(**told, out=tmp_path / "lists", batch=True, pseudonyms=tmp_path / "k", time=1.9e9)  # type: ignore[arg-type]
    found = pd.read_parquet(made.path)
    names = pseudonyms(tmp_path / "k").of(who).tolist()
    assert set(found["listener"]) <= {*names}
    assert found["title"].str.endswith(tuple(names)).any()
    assert found.groupby("name")["listener"].apply(lambda some: some.is_monotonic_increasing).all()
    assert not [user for user in who if traces([made.path], Who(user), Counter()) or user in json.dumps(made.facts)]
    with pytest.raises(SettingsError, match="pseudonyms are for tables; expected --batch"):
        api.playlist_run(**told, out=tmp_path / "files", pseudonyms=tmp_path / "k")  # type: ignore[arg-type]
