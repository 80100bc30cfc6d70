"""From sound and labels to a model, and from a model to predictions, by the commands."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile
from typer.testing import CliRunner

from recsys import api
from recsys.audio.ids import identify
from recsys.audio.workers import Outcome
from recsys.cli import app
from recsys.errors import ArtefactError, DataError
from recsys.producers.labelling import examples as hearing
from recsys.producers.labelling import predicting
from recsys.producers.labelling.arms import Prediction
from recsys.producers.labelling.kept import open_model
from recsys.producers.labelling.labels import read_groups
from recsys.producers.labelling.sharing import Sharing
from recsys.producers.labelling.targets import Target
from recsys.verbs import producing
from tests.producers.clips import KINDS, RATE, clip, write_clips

pytest.importorskip("soxr")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library")
    write_clips(folder)
    return folder


@pytest.fixture(scope="module")
def model(library: Path) -> Path:
    """Of one class, tags and a number, learned together."""
    made = api.learn_classification(
        library,
        labels=library / "labels.csv",
        target="kind,tags,energy",
        out=library.parent / "model",
        arms="linear",
        cache=library.parent / "heard",
        workers=1,
    )
    assert "grouped by artist" in made.facts["headline"]
    return made.path


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that no model has seen, one of them broken, one silent."""
    folder = tmp_path_factory.mktemp("strangers")
    (folder / "deep").mkdir()
    for number, kind in enumerate(KINDS):
        soundfile.write(folder / "deep" / f"{kind}.wav", clip(kind, 100 + number), RATE)
    (folder / "broken.mp3").write_bytes(b"no sound" * 500)
    soundfile.write(folder / "silent.wav", np.zeros(RATE, np.float32), RATE)
    return folder


@pytest.fixture(scope="module")
def known(strangers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was heard of those that can be."""
    folder = tmp_path_factory.mktemp("known")
    hearing.hear([f"deep/{kind}.wav" for kind in KINDS], folder=folder, root=strangers, workers=1)
    return folder


@pytest.fixture(scope="module")
def predicted(model: Path, strangers: Path, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    out = tmp_path_factory.mktemp("out") / "predicted.parquet"
    api.predict(model, audio=strangers, out=out, workers=1)
    assert [path.name for path in out.parent.iterdir()] == ["predicted.parquet"]
    return pd.read_parquet(out)


def test_one_row_per_file(predicted: pd.DataFrame) -> None:
    assert predicted["path"].tolist() == ["broken.mp3", *(f"deep/{kind}.wav" for kind in KINDS), "silent.wav"]
    chances = [f"p_kind_{kind}" for kind in KINDS]
    tags = [f"p_tags_{tag}" for tag in ("clicks", "noise", "steady", "tone")]
    assert list(predicted) == ["path", "kind", "p_kind", *chances, "tags", *tags, "energy", "energy_sigma", "problem"]
    good = predicted[predicted["problem"].isna()]
    assert good["kind"].tolist() == list(KINDS)
    assert good[chances].sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-5)
    assert (good["p_kind"] == good[chances].max(axis=1)).all()
    assert [sorted(tags) for tags in good["tags"]] == [["clicks"], ["noise", "steady"], ["steady", "tone"]]
    assert good["energy"].to_numpy() == pytest.approx([0, 1, 2], abs=0.8)
    assert (good["energy_sigma"] > 0).all()


def test_files_that_cannot_be_heard_have_a_reason(predicted: pd.DataFrame) -> None:
    bad = predicted[predicted["problem"].notna()]
    assert bad["path"].tolist() == ["broken.mp3", "silent.wav"]
    assert "silent" in bad["problem"].iloc[1]
    assert bad["kind"].isna().all()
    assert bad[["p_kind", "energy"]].isna().all(axis=None)


def test_predictions_are_those_of_the_fitted_arm(
    model: Path, strangers: Path, known: Path, predicted: pd.DataFrame
) -> None:
    opened = open_model(model)
    paths = [f"deep/{kind}.wav" for kind in KINDS]
    digests = [identify(str(strangers / path)).digest for path in paths]
    heard = hearing.assemble(paths, digests, known, opened.names)
    kind = opened.learned[0].predict(heard).mean
    rows = predicted.set_index("path").loc[paths]
    assert rows[[f"p_kind_{one}" for one in KINDS]].to_numpy() == pytest.approx(kind, abs=1e-6)
    assert rows["energy"].to_numpy() == pytest.approx(opened.learned[2].predict(heard).mean[:, 0], abs=1e-6)


def test_learning_again_is_the_same_to_the_byte(library: Path, model: Path, tmp_path: Path) -> None:
    again = api.learn_classification(
        library, labels=library / "labels.csv", target=["kind", "tags", "energy"], out=tmp_path / "m", arms=["linear"],
        cache=library.parent / "heard", workers=1,
    ).path  # fmt: skip
    for path in sorted(model.glob("*.npz")):
        assert (again / path.name).read_bytes() == path.read_bytes(), path.name
    unchanged = api.learn_classification(
        library, labels=library / "labels.csv", target="kind,tags,energy", out=tmp_path / "m", arms="linear",
        cache=library.parent / "heard", workers=1, only_stale=True,
    )  # fmt: skip
    assert unchanged.unchanged


def test_the_model_is_a_sound_artefact(model: Path) -> None:
    facts = api.inspect(model)
    assert facts["problems"] == []
    assert facts["kind"] == "model"
    assert [one["name"] for one in facts["targets"]] == ["kind", "tags", "energy"]
    assert "Chosen: **linear**" in (model / "SUMMARY.md").read_text()
    page = (model / "report.html").read_text()
    assert page.count("<section") == 3
    assert page.count("reliability") >= 2


def test_emotions_by_command(library: Path, strangers: Path, tmp_path: Path) -> None:
    words = ["learn", "emotion", "--audio", library, "--labels", library / "labels.csv", "--target", "energy,calm"]
    words += ["--out", tmp_path / "m", "--arms", "linear", "--cache", library.parent / "heard"]
    words += ["--seed", 3, "--workers", 1]
    made = CliRunner().invoke(app, list(map(str, words)))
    assert made.exit_code == 0, made.output
    out = tmp_path / "p.csv"
    words = ["predict", "--model", tmp_path / "m", "--audio", strangers, "--out", out, "--workers", 1]
    assert CliRunner().invoke(app, list(map(str, words))).exit_code == 0
    frame = pd.read_csv(out)
    assert list(frame) == ["path", "energy", "energy_sigma", "calm", "calm_sigma", "problem"]
    assert len(frame) == 5
    assert np.corrcoef(frame["energy"][1:4], frame["calm"][1:4])[0, 1] < -0.9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": "none.csv"}, "no .*none.csv"),
        ({"target": "gender"}, "no column 'gender'"),
        ({"arms": "linaer"}, "did you mean linear"),
        ({"group": "label"}, "to group by"),
    ],
)
def test_what_is_wrong_is_said_at_once(library: Path, tmp_path: Path, options: dict[str, str], message: str) -> None:
    given = {"labels": library / "labels.csv", "target": "kind", **options}
    with pytest.raises(DataError, match=message):
        api.learn_classification(library, out=tmp_path / "m", **given)
    assert not (tmp_path / "m").exists()


def test_a_table_of_another_kind_is_refused_before_anything_is_heard(
    model: Path, strangers: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="expected a name on"):
        api.predict(model, audio=strangers, out=tmp_path / "p.xlsx")


def test_predictions_are_not_made_again_without_need(model: Path, strangers: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.parquet"
    assert not api.predict(model, audio=strangers, out=out, only_stale=True, workers=1).unchanged
    assert api.predict(model, audio=strangers, out=out, only_stale=True).unchanged


def test_a_killed_prediction_goes_on(
    model: Path, strangers: Path, known: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predicting, "AT_ONCE", 2)
    opened, asked = open_model(model), []
    shutil.copytree(known, tmp_path / "heard")

    def hear(paths: list[str], **options: object) -> tuple[dict[str, str], dict[str, str]]:
        asked.append(list(paths))
        if len(asked) == 2:
            raise KeyboardInterrupt
        good = {path: identify(str(strangers / path)).digest for path in paths if path.startswith("deep")}
        return good, {path: "not heard" for path in paths if path not in good}

    monkeypatch.setattr(predicting, "hear", hear)
    with pytest.raises(KeyboardInterrupt):
        predicting.predict_folder(opened, strangers, tmp_path)
    frame = predicting.predict_folder(opened, strangers, tmp_path)
    assert [len(paths) for paths in asked] == [2, 2, 2, 1]
    assert frame["kind"].notna().tolist() == [False, True, True, True, False]


def test_a_folder_of_others_is_refused_before_anything_is_heard(library: Path) -> None:
    with pytest.raises(ArtefactError, match="was not made by recsys"):
        api.learn_classification(
            library, labels=library / "labels.csv", target="kind", out=library, cache=library / "never"
        )
    assert not (library / "never").exists()


def test_a_folder_without_sound(model: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no sound file"):
        api.predict(model, audio=tmp_path, out=tmp_path / "x.parquet")
    with pytest.raises(DataError, match="is a folder"):
        api.predict(model, audio=tmp_path, out=tmp_path)


def test_files_of_one_artist_speak_for_each_other(
    model: Path, strangers: Path, predicted: pd.DataFrame, tmp_path: Path
) -> None:
    table = tmp_path / "who.csv"
    table.write_text("audio_file,Artist\ndeep/clicks.wav,x\ndeep/noise.wav,x\ndeep/tone.wav,?\nbroken.mp3,x\n")
    opened = open_model(model)
    first = replace(opened.learned[0], sharing=Sharing(1.0))
    told = read_groups(table, strangers, "artist")
    assert told == {"deep/clicks.wav": "x", "deep/noise.wav": "x", "broken.mp3": "x"}
    found = predicting.together(replace(opened, learned=(first, *opened.learned[1:])), predicted, told)
    chances = found[[f"p_kind_{kind}" for kind in KINDS]].to_numpy()
    assert chances[1] == pytest.approx(chances[2])
    same = [name for name in found if "kind" not in name]
    pd.testing.assert_frame_equal(found[same], predicted[same])
    pd.testing.assert_frame_equal(found.iloc[[0, 3, 4]], predicted.iloc[[0, 3, 4]])
    made = api.predict(model, audio=strangers, out=tmp_path / "p.csv", groups=table, workers=1)
    assert "groups change nothing" in made.facts["headline"]
    files = predicted.loc[predicted["problem"].isna(), "path"]
    assert producing._shared(replace(opened, learned=(first,)), files.map(told)) == (
        "kind of 2 files heeds others of their group"
    )
    table.write_text("audio_file,genre\ndeep/tone.wav,x\n")
    with pytest.raises(DataError, match="which files belong together; expected one of artist"):
        api.predict(model, audio=strangers, out=tmp_path / "p.csv", groups=table, workers=1)


def test_a_full_disk_is_no_fault_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(_: object, tasks: Any) -> Any:
        yield Outcome(tasks[0], cause="can't be read: No space left on device")

    monkeypatch.setattr(hearing.Workers, "run", run)
    with pytest.raises(OSError, match="No space left"):
        hearing.hear(["tone.wav"], folder=tmp_path, root=tmp_path, workers=1)


def test_tags_in_csv_are_as_in_a_table_of_labels(predicted: pd.DataFrame, tmp_path: Path) -> None:
    frame = predicted.iloc[:2].assign(tags=pd.Series([np.array(["low", "loud"], object), None], dtype=object))
    predicting.write_frame(frame, tmp_path / "said.csv")
    assert pd.read_csv(tmp_path / "said.csv")["tags"].fillna("").tolist() == ["low;loud", ""]


def test_columns_are_those_that_a_target_promises(model: Path) -> None:
    for one in open_model(model).learned:
        some = Prediction(np.zeros((1, len(one.classes)), np.float32))
        promised = Target(one.name, one.kind, one.classes, some.mean).titles
        assert list(predicting.columns_of(one, some)) == promised


def test_the_page_tells_what_the_summary_tells_of_numbers(model: Path) -> None:
    text = (model / "report.html").read_text(encoding="utf-8")
    line = next(line for line in (model / "SUMMARY.md").read_text(encoding="utf-8").splitlines() if "one sigma" in line)
    assert line in text
    assert all(f">{tag}<" in text for tag in open_model(model).learned[1].classes)
