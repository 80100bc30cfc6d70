"""A library is analysed once, whatever happens on the way: only what is new or changed is done again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys import manifest
from recsys.audio import analyse, library
from recsys.audio.journal import opened
from recsys.audio.library import analyze
from recsys.audio.store import open_features
from recsys.errors import ArtefactError, DataError, UnknownId
from tests.audio.sounds import cut, id3, noise, save, sweep, text

MBID = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"


def run(folder: Path, **options: Any) -> dict[str, Any]:
    return analyze([folder / "music"], folder / "features", **{"workers": 2, **options})


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is stored does not matter here: a stand-in that takes no time."""
    monkeypatch.setattr(library, "ANALYSE", "tests.audio.stunts:quick")
    monkeypatch.setattr(library, "PREPARE", ("tests.audio.stunts",))


@pytest.fixture
def library_of_three(tmp_path: Path) -> Path:
    music = tmp_path / "music"
    music.mkdir()
    for number, suffix in enumerate([".wav", ".flac", ".mp3"]):
        save(music / f"{number}{suffix}", noise(5, seed=number))
    return tmp_path


def test_a_library_becomes_features(library_of_three: Path) -> None:
    folder = library_of_three
    shutil.copy(folder / "music" / "2.mp3", folder / "music" / "again.mp3")
    seen = []
    facts = run(folder, progress=lambda *step: seen.append(step))
    assert {name: facts[name] for name in ("tracks", "paths", "failed", "analysed", "unchanged")} == {
        "tracks": 3,
        "paths": 4,
        "failed": 0,
        "analysed": 3,
        "unchanged": False,
    }
    assert seen[-1] == ("analyze", 4, 4)
    features = open_features(folder / "features")
    assert len(features) == 3
    assert sorted(map(len, features.catalogue["paths"])) == [1, 1, 2]
    assert features.catalogue["duration"].to_numpy() == pytest.approx([5.0] * 3, abs=0.1)
    assert features.traits.index.tolist() == features.catalogue.index.tolist() == list(features.tracks.ids)
    assert features.traits["loudness"].notna().all()
    assert set(features.blocks) == set(analyse.DESCRIPTORS) - {"fingerprint"}
    assert all(len(block) == 3 and block.known.all() for block in features.blocks.values())
    onsets = features.events(features.tracks.ids[0])["onsets"]
    assert len(onsets) >= 8
    assert (np.diff(onsets) >= 0).all()
    assert manifest.problems(folder / "features") == []
    with pytest.raises(UnknownId, match="unknown track 'nobody'"):
        features.events("nobody")


def test_what_is_stored_is_what_was_found(library_of_three: Path) -> None:
    folder = library_of_three
    run(folder)
    features = open_features(folder / "features")
    for track, row in features.catalogue.iterrows():
        found = analyse.analyse(row["path"])
        assert features.traits.loc[track].to_dict() == pytest.approx(found.traits, nan_ok=True)
        place = features.tracks.rows([track])[0]
        for name, vector in found.blocks.items():
            np.testing.assert_allclose(features.blocks[name].vectors[place], vector, rtol=1e-5, atol=1e-6)
        for name, times in found.events.items():
            np.testing.assert_allclose(features.events(str(track))[name], times, rtol=1e-5)


@pytest.mark.usefixtures("quick")
def test_nothing_new_is_nothing_done(library_of_three: Path) -> None:
    run(library_of_three)
    before = (library_of_three / "features" / "manifest.json").read_bytes()
    facts = run(library_of_three)
    assert facts["unchanged"]
    assert (facts["identified"], facts["analysed"]) == (0, 0)
    assert (library_of_three / "features" / "manifest.json").read_bytes() == before


@pytest.mark.usefixtures("quick")
def test_added_changed_and_removed_files_and_only_those(library_of_three: Path) -> None:
    folder, music = library_of_three, library_of_three / "music"
    run(folder)
    before = open_features(folder / "features")
    save(music / "3.wav", noise(5, seed=3))
    save(music / "0.wav", noise(5, seed=4))
    (music / "1.flac").unlink()
    facts = run(folder)
    assert (facts["identified"], facts["analysed"], facts["removed"], facts["tracks"]) == (2, 2, 1, 3)
    after = open_features(folder / "features")
    assert len(set(after.tracks.ids) & set(before.tracks.ids)) == 1
    assert manifest.problems(folder / "features") == []


@pytest.mark.usefixtures("quick")
def test_moved_renamed_and_retagged_files_keep_their_analysis(library_of_three: Path) -> None:
    folder, music = library_of_three, library_of_three / "music"
    run(folder)
    before = open_features(folder / "features")
    (music / "deeper").mkdir()
    (music / "0.wav").rename(music / "deeper" / "zero.wav")
    path = music / "2.mp3"
    ufid = b"http://musicbrainz.org\0" + MBID.encode()
    path.write_bytes(id3((b"TIT2", text("Song")), (b"UFID", ufid)) + path.read_bytes())
    facts = run(folder)
    assert (facts["identified"], facts["analysed"], facts["tracks"]) == (2, 0, 3)
    after = open_features(folder / "features")
    assert list(after.tracks.ids) == list(before.tracks.ids)
    assert after.traits.equals(before.traits)
    assert [(title, mbid) for title, mbid in after.catalogue[["title", "mbid"]].to_numpy() if mbid == MBID] == [
        ("Song", MBID)
    ]


@pytest.mark.usefixtures("quick")
def test_a_file_that_comes_back_is_not_analysed_again(library_of_three: Path) -> None:
    folder, music = library_of_three, library_of_three / "music"
    run(folder)
    (music / "0.wav").rename(folder / "away.wav")
    assert run(folder)["tracks"] == 2
    (folder / "away.wav").rename(music / "back.wav")
    facts = run(folder)
    assert (facts["tracks"], facts["analysed"]) == (3, 0)


@pytest.mark.usefixtures("quick")
def test_ids_come_from_the_tags_when_they_carry_one(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    codes = {"a": 5, "b": 5, "c": 12}  # b is another recording of the same length, c is another song
    for number, (name, seconds) in enumerate(codes.items()):
        path = save(music / f"{name}.mp3", noise(seconds, seed=number))
        path.write_bytes(id3((b"TSRC", text("GBAYE0601498"))) + path.read_bytes())
    run(tmp_path)
    catalogue = open_features(tmp_path / "features").catalogue
    by_file = {os.path.basename(path): track for track, paths in catalogue["paths"].items() for path in paths}
    assert by_file["a.mp3"] == by_file["b.mp3"] == "isrc:GBAYE0601498"
    assert by_file["c.mp3"].startswith("sound:")


@pytest.mark.usefixtures("quick")
def test_broken_files_fail_alone_with_their_causes(library_of_three: Path) -> None:
    folder, music = library_of_three, library_of_three / "music"
    (music / "random.mp3").write_bytes(np.random.default_rng(0).bytes(50_000))
    (music / "empty.wav").touch()
    (music / "gone.flac").symlink_to(music / "nothing")
    (music / "loop").symlink_to(music)
    save(music / "silent.wav", 0 * sweep(5))
    cut(save(music / "cut.mp3", noise(20)), 0.5)
    facts = run(folder)
    features = open_features(folder / "features")
    failures = {os.path.basename(row.path): (row.cause, row.tries) for row in features.failures.itertuples()}
    assert failures == {
        "random.mp3": ("not a sound file of a known format, or too broken to read", 1),
        "empty.wav": ("the file is empty; expected sound", 1),
        "gone.flac": ("a link that leads nowhere: No such file or directory", 1),
    }
    flags = {os.path.basename(row["path"]): row["flags"] for _, row in features.catalogue.iterrows()}
    assert flags == {"0.wav": [], "1.flac": [], "2.mp3": [], "silent.wav": ["silent"], "cut.mp3": ["truncated"]}
    assert facts["flagged"] == {"silent": 1, "truncated": 1}
    silent = features.catalogue.index[features.catalogue["path"].str.endswith("silent.wav")][0]
    assert features.traits.loc[silent].isna().all()
    assert not features.blocks["timbre"].known[features.tracks.rows([silent])[0]]
    assert run(folder)["unchanged"]


@pytest.mark.usefixtures("quick")
def test_failures_are_tried_again_when_the_file_or_the_analyser_changes(library_of_three: Path) -> None:
    folder, path = library_of_three, library_of_three / "music" / "bad.wav"
    path.write_bytes(b"nonsense")
    assert run(folder)["failed"] == 1
    assert run(folder)["unchanged"]
    assert run(folder, retry=True)["failed"] == 1
    assert open_features(folder / "features").failures["tries"].tolist() == [2]
    facts = run(folder, windows=1)
    assert (facts["analysed"], facts["failed"]) == (3, 1)
    assert open_features(folder / "features").failures["tries"].tolist() == [3]
    save(path, noise(5, seed=9))
    facts = run(folder, windows=1)
    assert (facts["analysed"], facts["failed"]) == (1, 0)


@pytest.mark.usefixtures("quick")
def test_an_unreadable_file_fails_with_its_cause(library_of_three: Path) -> None:
    path = library_of_three / "music" / "closed.wav"
    save(path, noise(5, seed=9))
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("permissions do not bind this user")
    run(library_of_three)
    failures = open_features(library_of_three / "features").failures
    assert failures["cause"].tolist() == ["the file cannot be read: Permission denied"]
    path.chmod(0o600)
    assert run(library_of_three)["failed"] == 0


@pytest.mark.usefixtures("quick")
def test_a_file_that_hangs_its_worker_fails_alone(library_of_three: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "IDENTIFY", "tests.audio.stunts:hang_on_flac")
    facts = run(library_of_three, time_limit=2.0)
    assert (facts["tracks"], facts["failed"]) == (2, 1)
    causes = open_features(library_of_three / "features").failures["cause"].tolist()
    assert causes == ["took longer than 2 seconds"]


@pytest.mark.usefixtures("quick")
def test_any_cause_can_be_kept(library_of_three: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "IDENTIFY", "tests.audio.stunts:mumble")
    assert run(library_of_three)["failed"] == 3
    causes = open_features(library_of_three / "features").failures["cause"]
    assert all(cause.startswith("KeyError:") and len(cause) <= 500 for cause in causes)


@pytest.mark.usefixtures("quick")
def test_killed_at_any_moment_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    for number in range(30):
        save(music / f"{number:02d}.wav", noise(1, seed=number))
    code = (
        "import sys; from recsys.audio import library; library.FLUSH_FILES = 1\n"
        "library.ANALYSE, library.PREPARE = 'tests.audio.stunts:slow', ()\n"
        "library.analyze([sys.argv[1]], sys.argv[2], workers=1)\n"
    )
    arguments = [sys.executable, "-c", code, str(music), str(tmp_path / "features")]
    for delay in (0.0, 0.1, 0.25):  # seconds after the next file is on disk
        with subprocess.Popen(arguments) as process:
            count = len(_journal(tmp_path))
            deadline = time.monotonic() + 30
            while len(_journal(tmp_path)) == count and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
    done = len(_journal(tmp_path))
    assert 3 <= done < 30
    facts = run(tmp_path)
    assert (facts["tracks"], facts["analysed"]) == (30, 30 - done)
    assert manifest.problems(tmp_path / "features") == []


@pytest.mark.usefixtures("quick")
def test_killed_while_sealing_nothing_is_lost(library_of_three: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = library_of_three
    whole = manifest.write_json
    monkeypatch.setattr(manifest, "write_json", _no_more)
    with pytest.raises(KeyboardInterrupt):
        run(folder)
    with pytest.raises(ArtefactError, match="never finished"):
        open_features(folder / "features")
    monkeypatch.setattr(manifest, "write_json", whole)
    facts = run(folder)
    assert (facts["analysed"], facts["tracks"], facts["unchanged"]) == (0, 3, False)
    save(folder / "music" / "3.wav", noise(5, seed=3))
    monkeypatch.setattr(manifest, "write_json", _no_more)
    with pytest.raises(KeyboardInterrupt):
        run(folder)
    assert len(open_features(folder / "features")) == 3  # the last sealed state
    monkeypatch.setattr(manifest, "write_json", whole)
    assert run(folder)["analysed"] == 0
    assert len(open_features(folder / "features")) == 4


@pytest.mark.usefixtures("quick")
def test_the_result_does_not_depend_on_the_number_of_workers(library_of_three: Path) -> None:
    one, two = (
        analyze([library_of_three / "music"], library_of_three / str(workers), workers=workers) for workers in (1, 2)
    )
    assert one["tracks"] == two["tracks"] == 3
    first, second = (manifest.read(library_of_three / name)["files"] for name in ("1", "2"))
    assert first == second


@pytest.mark.usefixtures("quick")
def test_only_one_process_writes(library_of_three: Path) -> None:
    with (
        opened(library_of_three / "features"),
        pytest.raises(ArtefactError, match="another process is analysing into"),
    ):
        run(library_of_three)


@pytest.mark.usefixtures("quick")
def test_other_folders_are_left_alone(library_of_three: Path) -> None:
    with pytest.raises(ArtefactError, match="exists and holds no features"):
        analyze([library_of_three / "music"], library_of_three / "music")
    with pytest.raises(DataError, match="expected a folder of sound files"):
        analyze([library_of_three / "nowhere"], library_of_three / "features")
    with pytest.raises(DataError, match="0 workers"):
        run(library_of_three, workers=0)


@pytest.mark.usefixtures("quick")
def test_an_empty_folder_is_an_empty_library(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    assert run(tmp_path)["tracks"] == 0
    assert len(open_features(tmp_path / "features")) == 0


@pytest.mark.usefixtures("quick")
def test_outdated_rows_go_when_parts_are_folded(library_of_three: Path) -> None:
    run(library_of_three)
    run(library_of_three, windows=1)
    parts = list((library_of_three / "features").glob("analyses-*.parquet"))
    assert len(parts) == 1
    save(library_of_three / "music" / "3.wav", noise(5, seed=3))
    run(library_of_three, windows=1)
    assert len(list((library_of_three / "features").glob("analyses-*.parquet"))) == 2


def test_reading_features_needs_nothing_that_hears() -> None:
    code = "import sys, recsys.audio.store; print({'soxr', 'av', 'numba', 'soundfile'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


@pytest.mark.slow
def test_two_hours_of_sound_take_little_memory(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    minute = save(tmp_path / "a.mp3", noise(60, 44100, 2), 44100).read_bytes()
    (music / "long.mp3").write_bytes(minute * 120)
    samples = noise(60, 44100, 2)
    save(music / "long.flac", np.tile(samples, (120, 1)), 44100)
    facts = run(tmp_path)
    assert facts["tracks"] == 2
    assert facts["peak_megabytes"] <= 600


def _journal(folder: Path) -> list[Path]:
    return list((folder / "features" / "journal").glob("*-files.parquet"))


def _no_more(*_: object) -> None:
    raise KeyboardInterrupt
