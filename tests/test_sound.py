"""Folders of sound to answers: analysed, joined, indexed, and asked by a file that is no track."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys import api, pipeline
from recsys.engine import Engine
from recsys.errors import ArtefactError, DataError, MissingExtra, UnknownId
from recsys.settings import parse
from recsys.tables import Dataset
from recsys.verbs import raw as verbs_of_raw
from tests.test_cli import Run, run

for package in verbs_of_raw.AUDIO:
    pytest.importorskip(package)
__all__ = ["run"]


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample world with sound."""
    from recsys.sources.sample import write_world

    folder = tmp_path_factory.mktemp("sound") / "raw"
    write_world(folder, tracks=24, listeners=30)
    return folder


@pytest.fixture(scope="module")
def library(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its clips as a library, but one that stays outside, and one file that is broken."""
    folder = tmp_path_factory.mktemp("library")
    shutil.copytree(raw / "audio", folder / "music")
    (folder / "music" / "t24.ogg").rename(folder / "outside.ogg")
    (folder / "music" / "broken.mp3").write_bytes(np.random.default_rng(0).bytes(5000))
    return folder


@pytest.fixture(scope="module")
def features(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library analysed."""
    return api.analyze([library / "music"], out=tmp_path_factory.mktemp("features") / "F").path


@pytest.fixture(scope="module")
def sound_bundle(features: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An engine made of nothing but sound."""
    folder = tmp_path_factory.mktemp("engine")
    api.ingest(features=features, out=folder / "T")
    api.train(folder / "T", out=folder / "B")
    return folder / "B"


@pytest.fixture(scope="module")
def engine(sound_bundle: Path) -> Engine:
    return Engine.open(sound_bundle)


def titled(engine: Engine, title: str) -> str:
    return str(engine.tracks.at(int(np.flatnonzero(engine.catalogue.frame["title"] == title)[0])))


def test_a_folder_of_sound_is_enough_for_similar_tracks(engine: Engine) -> None:
    found = engine.similar([titled(engine, "t01")], 5, by="content")
    assert len(found) == 5
    assert found["reason"].str.startswith("alike in content").all()
    by_sound = engine.similar([titled(engine, "t01")], 5, by="sound")
    assert by_sound["reason"].str.startswith("alike in sound").all()
    assert set(by_sound["track_id"]) & set(found["track_id"]), "content is nothing but sound here"


def test_traits_are_columns_to_filter_by(engine: Engine) -> None:
    table = engine.catalogue.frame
    found = engine.similar([titled(engine, "t01")], 24, by="content", where="tempo > 100")
    fast = set(engine.tracks.ids[(table["tempo"] > 100).to_numpy()])
    assert set(found["track_id"]) == fast - {titled(engine, "t01")}
    assert len(fast) > 2
    assert set(table["camelot"].dropna().str[-1]) <= {"A", "B"}
    assert table["key"].dropna().str.contains(" major| minor").all()
    assert engine.catalogue.where("flags = 'too_short'").sum() == 0


def test_a_file_that_is_no_track_finds_its_like(run: Run, library: Path, sound_bundle: Path) -> None:
    code, out, _ = run("similar", library / "outside.ogg", "--bundle", sound_bundle, "-n", 3, "--json")
    found = json.loads(out)
    assert code == 0
    assert [row["rank"] for row in found] == [1, 2, 3]
    assert found[0]["reason"].startswith("alike in sound")
    assert found[0]["query"] == str(library / "outside.ogg")


def test_a_copy_of_a_track_is_that_track(engine: Engine, library: Path, tmp_path: Path) -> None:
    shutil.copy(library / "music" / "t05.ogg", tmp_path / "renamed.ogg")
    track = titled(engine, "t05")
    found = engine.similar([str(tmp_path / "renamed.ogg")], 3)
    pd.testing.assert_frame_equal(found, engine.similar([track], 3))
    assert set(found["query"]) == {track}
    away = engine.similar(like=[titled(engine, "t01")], unlike=[str(tmp_path / "renamed.ogg")], n=30)
    assert track not in set(away["track_id"])


def test_a_copy_in_another_format_lies_where_its_track_lies(
    engine: Engine, sound_bundle: Path, library: Path, tmp_path: Path
) -> None:
    import soundfile

    samples, rate = soundfile.read(library / "music" / "t05.ogg", dtype="float32")
    soundfile.write(tmp_path / "other.flac", samples, rate)
    found = engine.similar([str(tmp_path / "other.flac")], 2)
    assert found["query"].iloc[0] == str(tmp_path / "other.flac")
    assert found["track_id"].iloc[0] == titled(engine, "t05")
    assert found["score"].iloc[0] > 0.99
    assert found["score"].iloc[1] < found["score"].iloc[0]


def test_tags_tell_that_a_file_is_a_track_again(raw: Path, features: Path, library: Path, tmp_path: Path) -> None:
    """The outside clip carries the tags of another track: that one is not found, and the artist's others say so."""
    import soundfile

    api.ingest([raw / "plays.csv"], tracks=[raw / "tracks.csv"], features=features, out=tmp_path / "T")
    api.train(tmp_path / "T", out=tmp_path / "B", model="popularity")
    engine = Engine.open(tmp_path / "B")
    table = engine.catalogue.frame
    lone = table["artist"].map(table.groupby("artist").size()) > 1
    row = int(np.flatnonzero(lone & table["duration"].notna())[0])
    samples, rate = soundfile.read(library / "outside.ogg", dtype="float32")
    whole = np.resize(samples, round(table["duration"][row] * rate))
    with soundfile.SoundFile(tmp_path / "tagged.flac", "w", rate, 1) as file:
        file.title, file.artist = f"{table['title'][row]} (Remastered)", table["artist"][row].upper()
        file.write(whole)
    found = engine.similar([str(tmp_path / "tagged.flac")], len(table))
    mates = set(table.index[table["artist"] == table["artist"][row]])
    assert engine.tracks.ids[row] not in set(found["track_id"])
    same = found["reason"].str.contains("same artist")
    assert set(found["track_id"][same]) == set(engine.tracks.ids[sorted(mates - {row})]) & set(found["track_id"])
    assert same.any()


def test_a_playlist_starts_from_a_file(
    run: Run, engine: Engine, library: Path, sound_bundle: Path, tmp_path: Path
) -> None:
    words = ["playlist", "--bundle", sound_bundle, "-n", 6, "--seed"]
    assert run(*words, library / "outside.ogg", "--out", tmp_path / "a.csv")[0] == 0
    table = pd.read_csv(tmp_path / "a.csv")
    near = engine.similar([str(library / "outside.ogg")], 20)["track_id"]
    assert len(table) == 6
    assert set(table["track_id"]) <= set(near)
    assert table["reason"].str.startswith("alike in sound").all()
    assert run(*words, library / "music" / "t05.ogg", "--out", tmp_path / "b.csv")[0] == 0
    table = pd.read_csv(tmp_path / "b.csv")
    assert table["track_id"][0] == titled(engine, "t05")
    assert table["reason"][0] == "chosen as a seed"


def test_likes_and_unlikes_are_one_search(run: Run, engine: Engine, sound_bundle: Path) -> None:
    a, b, c = (titled(engine, name) for name in ("t01", "t02", "t03"))
    words = ["--bundle", sound_bundle, "--by", "content", "-n", 30, "--json"]
    code, out, _ = run("similar", "--like", a, "--like", b, "--unlike", c, *words)
    found = json.loads(out)
    assert code == 0
    assert not {a, b, c} & {row["track_id"] for row in found}
    assert len(found) == len(engine.tracks) - 3
    plain = engine.similar(like=[a, b], by="content", n=30).set_index("track_id")["score"]
    away = pd.Series({row["track_id"]: row["score"] for row in found})
    near = engine.similar([c], by="content", n=30).set_index("track_id")["score"]
    nearest, farthest = near.drop([a, b]).idxmax(), near.drop([a, b]).idxmin()
    assert away[nearest] - plain[nearest] < away[farthest] - plain[farthest]


@pytest.mark.parametrize("words", [["nobody"], ["--like", "nobody"], ["--like", "{known}", "--unlike", "nobody"]])
def test_an_unknown_seed_is_exit_code_2(run: Run, engine: Engine, sound_bundle: Path, words: list[str]) -> None:
    words = [word.replace("{known}", engine.tracks.ids[0]) for word in words]
    code, out, err = run("similar", *words, "--bundle", sound_bundle)
    assert (code, out) == (2, "")
    assert err.startswith("error: unknown track 'nobody'")


@pytest.mark.parametrize("words", [[], ["--unlike", "{known}"]])
def test_a_search_needs_something_to_come_near(run: Run, engine: Engine, sound_bundle: Path, words: list[str]) -> None:
    words = [word.replace("{known}", engine.tracks.ids[0]) for word in words]
    code, _, err = run("similar", *words, "--bundle", sound_bundle)
    assert (code, "nothing to start from" in err) == (2, True)


def test_what_cannot_be_heard_is_one_line(run: Run, library: Path, sound_bundle: Path, bundle: Path) -> None:
    code, _, err = run("similar", library / "music" / "broken.mp3", "--bundle", sound_bundle)
    assert (code, "broken.mp3" in err, err.count("\n")) == (2, True, 1)
    code, _, err = run("similar", library / "outside.ogg", "--bundle", bundle)
    assert (code, "recsys ingest --features" in err) == (2, True)
    with pytest.raises(DataError, match="collaborative"):
        Engine.open(sound_bundle).similar([str(library / "outside.ogg")], by="collaborative")


def test_another_analyser_is_refused(sound_bundle: Path, library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recsys.audio.outside.analyser", lambda **_: "another")
    with pytest.raises(ArtefactError, match="another version"):
        Engine.open(sound_bundle).hear(library / "outside.ogg")


def test_inspect_lists_failures(run: Run, features: Path) -> None:
    code, out, _ = run("inspect", features)
    assert code == 0
    assert "1 files failed" in out
    assert "FAILED" in out
    assert "broken.mp3: " in out
    code, out, _ = run("inspect", features, "--json")
    (failure,) = json.loads(out)["failures"]
    assert failure["tries"] == 1
    assert failure["path"].endswith("broken.mp3")


def test_analyze_again_does_nothing(run: Run, library: Path, features: Path) -> None:
    assert api.analyze([library / "music"], out=features).unchanged
    code, _, err = run("analyze", "--audio", library / "music", "--out", features, "--windows", 3, "--workers", 1)
    assert (code, "up to date" in err) == (0, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [(["analyze", "--out", "F"], "nothing to hear"), (["analyze", "gone", "--out", "F"], "no gone")],
)
def test_nothing_to_hear_is_one_line(run: Run, words: list[str], message: str) -> None:
    code, out, err = run(*words)
    assert (code, out, message in err) == (2, "", True)


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(verbs_of_raw, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'recsys\[audio\]'"):
        api.analyze([tmp_path], out=tmp_path / "F")


def test_log_and_library_become_one(raw: Path, features: Path, tmp_path: Path) -> None:
    made = api.ingest([raw / "plays.csv"], tracks=[raw / "tracks.csv"], features=features, out=tmp_path / "T")
    given = api.ingest([raw / "plays.csv"], tracks=[raw / "tracks.csv"], out=tmp_path / "plain")
    assert made.facts["counts"]["library_own"] == 0
    joined, plain = Dataset.open(tmp_path / "T"), Dataset.open(given.path)
    assert joined.tracks == plain.tracks
    assert (joined.matrix() != plain.matrix()).nnz == 0
    assert joined.contents["sound"].known.sum() == 23
    for name in ("title", "artist", "year", "genre", "path"):
        kept = plain.catalogue.frame[name].notna()
        assert joined.catalogue.frame[name][kept].map(str).equals(plain.catalogue.frame[name][kept].map(str))


def test_a_second_ingest_of_the_same_features_does_nothing(features: Path, tmp_path: Path) -> None:
    api.ingest(features=features, out=tmp_path / "T")
    assert api.ingest(features=features, out=tmp_path / "T", only_stale=True).unchanged


def test_a_space_of_that_name_is_refused(raw: Path, features: Path, tmp_path: Path) -> None:
    shutil.copy(raw / "descriptors.csv", tmp_path / "sound.csv")
    with pytest.raises(DataError, match="rename the content file"):
        api.ingest(content=[tmp_path / "sound.csv"], features=features, out=tmp_path / "T")


def test_run_hears_before_it_reads(run: Run, library: Path, tmp_path: Path) -> None:
    (tmp_path / "recsys.toml").write_text(f"[paths]\naudio = ['{library / 'music'}']\n[analyze]\nworkers = 1\n")
    code, _, err = run("run")
    assert code == 0
    steps = ["analyze", "label", "ingest", "train"]
    assert [line.split()[0] for line in err.splitlines() if "written:" in line] == steps
    assert run("run")[2].count("up to date") == len(steps)
    found = json.loads(run("similar", library / "outside.ogg", "-n", 1, "--json")[1])
    assert len(found) == 1
    assert run("ingest")[0] == 0


def test_without_plays_a_model_of_the_settings_is_left_out(run: Run, features: Path, tmp_path: Path) -> None:
    api.ingest(features=features, out=tmp_path / "T")
    (tmp_path / "recsys.toml").write_text("[train]\nmodel = 'ials'\n")
    code, _, err = run("train", "--tables", tmp_path / "T", "--out", tmp_path / "B")
    assert (code, "there are no plays: content only, 'ials' of the settings left out" in err) == (0, True)
    assert Engine.open(tmp_path / "B").facts["chosen"] is None
    code, _, err = run("train", "--tables", tmp_path / "T", "--out", tmp_path / "B", "--model", "ials")
    assert (code, "needs plays" in err) == (2, True)


def test_the_main_job_hears_only_where_there_is_sound() -> None:
    steps = dict(pipeline.main_job(parse({"paths": {"plays": ["p.csv"], "audio": ["m"], "features": "f"}})))
    assert steps["analyze"] == {"audio": ["m"], "out": "f"}
    assert steps["ingest"]["features"] == "f"
    assert "analyze" not in dict(pipeline.main_job(parse({"paths": {"plays": ["p.csv"]}})))


def test_answering_without_outside_files_loads_no_sound_library(sound_bundle: Path) -> None:
    code = (
        "import sys; from recsys.engine import Engine\n"
        "engine = Engine.open(sys.argv[1]); engine.similar([engine.tracks.ids[0]], by='sound')\n"
        "print(sorted({'torch', 'librosa', 'implicit', 'lightfm', 'soxr', 'av'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(sound_bundle)], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_an_unknown_outside_path_is_an_unknown_track(engine: Engine) -> None:
    with pytest.raises(UnknownId, match=r"gone\.mp3"):
        engine.similar(["gone.mp3"])


def test_a_pipeline_file_names_sound_as_the_settings_do(run: Run, library: Path, tmp_path: Path) -> None:
    (tmp_path / "recsys.toml").write_text(f"[paths]\naudio = ['{library / 'music'}']\nfeatures = 'F'\n")
    (tmp_path / "job.toml").write_text(
        '[[step]]\nverb = "analyze"\naudio = "{audio}"\nout = "{features}"\nworkers = 1\n'
        '[[step]]\nverb = "ingest"\nfeatures = "{features}"\nout = "{tables}"\n'
    )
    settings, steps = pipeline.read(tmp_path / "job.toml", api.STEPS)
    assert settings.paths.features == "F"
    assert steps[0] == ("analyze", {"audio": [str(library / "music")], "out": "F", "workers": 1})
    assert steps[1] == ("ingest", {"features": "F", "out": "data/tables"})


def test_another_way_to_hear_is_another_analysis(run: Run, library: Path, tmp_path: Path) -> None:
    """Trimmed and brought to one loudness: all is heard again, and so is a file from outside that is asked about."""
    import soundfile

    (tmp_path / "music").mkdir()
    for name in ("t01", "t02", "t03"):
        samples, rate = soundfile.read(library / "music" / f"{name}.ogg", dtype="float32")
        late = np.concatenate([np.zeros(2 * rate, np.float32), samples])
        soundfile.write(tmp_path / "music" / f"{name}.flac", late, rate)
    soundfile.write(tmp_path / "quiet.flac", 0.1 * late, rate, subtype="PCM_24")
    words = ["analyze", tmp_path / "music", "--out", tmp_path / "F", "--workers", 1, "--json"]
    said = ["--set", "analyze.trim=true", "--set", "analyze.loudness=-20"]
    first, again, other = (json.loads(run(*words, *more)[1]) for more in ([], [], said))
    assert (first["analysed"], again["analysed"], other["analysed"], other["identified"]) == (3, 0, 3, 0)
    made = json.loads((tmp_path / "F" / "manifest.json").read_text())["made_from"]
    assert (made["trim"], made["loudness"]) == (True, -20.0)
    api.ingest(features=tmp_path / "F", out=tmp_path / "T")
    api.train(tmp_path / "T", out=tmp_path / "B")
    engine = Engine.open(tmp_path / "B")
    found = engine.similar([str(tmp_path / "quiet.flac")], 3)
    assert found["track_id"].iloc[0] == titled(engine, "t03")
    assert found["score"].iloc[0] > 0.95


def test_all_that_the_settings_say_reaches_the_analysis(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said: dict[str, object] = {}

    def analyze(folders: object, out: object, **options: object) -> dict[str, bool]:
        said.update(options)
        return {"unchanged": True}

    monkeypatch.setattr("recsys.audio.library.analyze", analyze)
    wanted = parse({"analyze": {"trim": True, "loudness": -20, "workers": 5}})
    api.analyze([tmp_path], out=tmp_path / "F", windows=2, settings=wanted)
    assert said == {"trim": True, "loudness": -20.0, "workers": 5, "windows": 2, "progress": None}
