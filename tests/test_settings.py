"""Settings: defaults, overrides, and errors that guess what was meant."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from recsys.errors import SettingsError
from recsys.settings import Settings, load, override, parse
from recsys.starter import TEXT


def test_the_starter_is_the_defaults() -> None:
    assert parse(tomllib.loads(TEXT)) == Settings()


def test_every_commented_line_of_the_starter_is_a_valid_default() -> None:
    lines = [line.removeprefix("# ") for line in TEXT.splitlines()[2:]]
    content = tomllib.loads("\n".join(lines))
    content["models"] = {}
    content["train"].pop("model")
    content["ingest"].pop("columns")
    assert parse(content) == Settings()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"trian": {}}, "unknown key 'trian'; did you mean train"),
        ({"recommend": {"nn": 3}}, "unknown key 'recommend.nn'; did you mean n"),
        ({"recommend": {"n": 0}}, "recommend.n = 0"),
        ({"evaluate": {"protocol": "hot"}}, "evaluate.protocol = 'hot'"),
    ],
)
def test_errors_name_key_and_value(content: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        parse(content)


def test_overrides_reach_sections_and_models() -> None:
    found = override(Settings(), ["recommend.n=5", "ials.factors=16", "ials.weighting=log", "models.ease.l2=1e2"])
    assert found.recommend.n == 5
    assert found.models == {"ials": {"factors": 16, "weighting": "log"}, "ease": {"l2": 100.0}}


def test_an_override_reaches_any_depth() -> None:
    found = override(Settings(), ["producers.onnx.path=my encoder.onnx", "producers.onnx.threads = 2"])
    assert (found.producers.onnx.path, found.producers.onnx.threads) == ("my encoder.onnx", 2)
    assert override(Settings(), ["models.hybrid.sound.width=3"]).models == {"hybrid": {"sound": {"width": 3}}}


@pytest.mark.parametrize(
    "text",
    [
        "factors=3",
        "ials.factors",
        "recommend.n=zero",
        ".n=3",
        "recommend.=3",
        "recommend.n.m=3",
        "producers.onnx=x",
        "producers.onnx.pathh=x",
    ],
)
def test_a_bad_override_is_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        override(Settings(), [text])


def test_a_missing_or_broken_file_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="recsys init"):
        load(tmp_path / "recsys.toml")
    (tmp_path / "recsys.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="not valid TOML"):
        load(tmp_path / "recsys.toml")
