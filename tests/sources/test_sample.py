"""The sample world: the same for the same seed, learnable, and true about its own sound."""

import json

import numpy as np
import pandas as pd
import pytest
import soundfile

from recsys import manifest
from recsys.errors import ArtefactError, DataError
from recsys.sources import gather
from recsys.sources.sample import write_world
from recsys.sources.sample.compose import HAT, KICK, PITCHES, QUALITIES, SCALES, SNARE, Note
from recsys.sources.sample.genres import GENRES
from recsys.sources.sample.ogg import with_serial
from recsys.sources.sample.synth import RATE, TIMBRES, render

KINDS = (".csv", ".jsonl", ".m3u8", ".xspf", ".jspf")
TABLES = ("plays.csv", "tracks.csv", "descriptors.csv", "truth.jsonl")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("world"), audio=False)


@pytest.fixture(scope="module")
def sounding(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("sounding"), tracks=40, listeners=5)


@pytest.fixture(scope="module")
def plays(world):
    return pd.read_csv(world.folder / "plays.csv")


@pytest.fixture(scope="module")
def tracks(world):
    return pd.read_csv(world.folder / "tracks.csv")


@pytest.fixture(scope="module")
def truths(world):
    return [json.loads(line) for line in (world.folder / "truth.jsonl").read_text().splitlines()]


def all_bytes(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.suffix in KINDS}


def test_the_same_seed_gives_the_same_bytes_with_or_without_audio(sounding, tmp_path):
    silent = write_world(tmp_path / "a", tracks=40, listeners=5, audio=False)
    other = write_world(tmp_path / "b", tracks=40, listeners=5, audio=False, seed=1)
    assert all_bytes(silent.folder) == all_bytes(sounding.folder)
    assert all((silent.folder / t).read_bytes() != (other.folder / t).read_bytes() for t in TABLES)


def test_the_same_seed_gives_the_same_clips(sounding, tmp_path):
    again = write_world(tmp_path / "again", tracks=40, listeners=5).folder
    first = {p.name: p.read_bytes() for p in (sounding.folder / "audio").iterdir()}
    assert {p.name: p.read_bytes() for p in (again / "audio").iterdir()} == first


def test_a_new_serial_number_keeps_the_sound(sounding, tmp_path):
    clip = next((sounding.folder / "audio").iterdir())
    (tmp_path / "x.ogg").write_bytes(with_serial(clip.read_bytes(), 123))
    assert (tmp_path / "x.ogg").read_bytes() != clip.read_bytes()
    assert np.array_equal(soundfile.read(tmp_path / "x.ogg")[0], soundfile.read(clip)[0])


def test_writing_again_replaces_an_earlier_world_as_a_whole(tmp_path):
    write_world(tmp_path / "w", tracks=60, listeners=5, audio=False, seed=1)
    (tmp_path / "w" / "left over.csv").write_text("x")
    write_world(tmp_path / "w", tracks=40, listeners=5, audio=False)
    write_world(tmp_path / "fresh", tracks=40, listeners=5, audio=False)
    assert all_bytes(tmp_path / "w") == all_bytes(tmp_path / "fresh")
    assert manifest.problems(tmp_path / "w") == []


def test_a_folder_of_somebody_elses_files_is_left_alone(tmp_path):
    (tmp_path / "plays.csv").write_text("mine")
    with pytest.raises(ArtefactError, match="was not made by recsys"):
        write_world(tmp_path, tracks=24, listeners=2, audio=False)
    assert (tmp_path / "plays.csv").read_text() == "mine"


def test_counts_are_what_was_written(world, plays, tracks):
    assert (world.tracks, world.listeners, world.plays) == (len(tracks), plays["user_id"].nunique(), len(plays))
    assert (world.tracks, world.listeners, world.playlists) == (320, 300, 12)
    assert world.artists == tracks["artist"].nunique() == 60
    assert {p.suffix for p in (world.folder / "playlists").iterdir()} == {".m3u8", ".xspf", ".jspf"}


def test_too_small_a_world_is_refused(tmp_path):
    with pytest.raises(DataError, match="10 tracks and 5 listeners; expected at least 24"):
        write_world(tmp_path, tracks=10, listeners=5)


def test_the_log_looks_like_a_log(plays):
    assert plays["timestamp"].is_monotonic_increasing
    assert plays["timestamp"].between(1_704_067_200, 1_704_067_200 + 367 * 86_400).all()
    assert 0.05 < plays["skipped"].mean() < 0.4
    assert (plays.loc[plays["skipped"], "ms_played"] < 30_000).all()
    assert plays.duplicated(["user_id", "track_id"]).mean() > 0.2
    per_user = plays.groupby("user_id").size()
    assert (per_user <= 3).sum() >= 10


def test_one_person_hears_one_track_at_a_time(plays):
    for _, log in plays.groupby("user_id"):
        free = log["timestamp"] + log["ms_played"] / 1000
        same_session = log["timestamp"].diff().shift(-1) < 600
        assert (log["timestamp"].shift(-1) >= free - 1)[same_session].all()


def test_some_tracks_are_cold_and_some_cells_are_empty(world, plays, tracks):
    assert set(world.cold) == set(tracks["track_id"]) - set(plays["track_id"])
    assert 10 <= len(world.cold) <= 40
    empty = tracks.isna().mean()
    assert (empty[["year", "duration", "album", "tags", "isrc"]] > 0).all()
    assert (empty[["track_id", "title", "artist", "licence", "path"]] == 0).all()


def test_some_recordings_are_there_twice(tracks):
    assert 1 <= tracks.duplicated(["title", "artist"]).sum() <= 8


def test_popularity_has_a_long_tail(plays):
    counts = plays["track_id"].value_counts().to_numpy()
    assert counts[:30].sum() > 2 * counts[-150:].sum()


def test_taste_can_be_learned(world, plays, tracks):
    """Held-out tracks are found among the nearest neighbours' tracks far better than by popularity."""
    users, tracks_of = pd.factorize(plays["user_id"])[0], pd.Index(tracks["track_id"]).get_indexer(plays["track_id"])
    seen = np.zeros((world.listeners, world.tracks))
    seen[users, tracks_of] = 1
    held = (np.random.default_rng(0).random(seen.shape) < 0.2) & (seen > 0)
    train = seen * ~held
    alike = train.T @ train / (np.outer(*2 * [np.linalg.norm(train, axis=0)]) + 1e-9)
    np.fill_diagonal(alike, 0)

    def recall(scores):
        top = np.argsort(-np.where(train > 0, -np.inf, scores), axis=1)[:, :20]
        return np.take_along_axis(held, top, axis=1).sum() / held.sum()

    assert recall(train @ alike) > 1.5 * recall(np.broadcast_to(train.sum(0), train.shape))


def test_neighbours_by_co_listening_and_by_sound_share_the_genre(world, plays, tracks):
    genre = tracks["genre"].fillna("").str.split(";").str[0].to_numpy()
    by_chance = sum(np.mean(genre == g) ** 2 for g in set(genre))
    sound = pd.read_csv(world.folder / "descriptors.csv").set_index("track_id").reindex(tracks["track_id"])
    seen = pd.crosstab(plays["track_id"], plays["user_id"]).reindex(tracks["track_id"]).clip(upper=1)
    for table in (sound, seen):
        vectors = ((table - table.mean()) / table.std()).to_numpy()
        known = np.isfinite(vectors).all(axis=1)
        unit = vectors[known] / np.linalg.norm(vectors[known], axis=1, keepdims=True)
        alike = unit @ unit.T
        np.fill_diagonal(alike, -np.inf)
        nearest = genre[known][np.argsort(-alike, axis=1)[:, :5]]
        assert np.mean(nearest == genre[known][:, None]) > 3 * by_chance


def test_the_truth_is_consistent(truths):
    for truth in truths:
        chords, notes = truth["chords"], truth["notes"]
        assert [c["start_s"] for c in chords[1:]] == [c["end_s"] for c in chords[:-1]]
        assert (chords[0]["start_s"], chords[-1]["end_s"]) == (0.0, truth["seconds"])
        assert np.allclose(np.diff(truth["beats"]), 60 / truth["tempo"], atol=2e-4)
        assert all(0 <= n["onset_s"] < n["offset_s"] <= truth["seconds"] for n in notes)
        assert {n["instrument"] for n in notes} == set(truth["instruments"])


def test_melodies_are_in_key(truths):
    for truth in truths:
        scale = {(PITCHES.index(truth["key"]) + step) % 12 for step in SCALES[truth["mode"]]}
        played = {n["midi"] % 12 for n in truth["notes"] if n["instrument"] != "drums"}
        assert played <= scale


def test_no_note_sounds_twice_at_once_on_one_instrument(truths):
    for truth in truths:
        ends: dict[tuple[str, int], float] = {}
        for n in truth["notes"]:
            voice = (n["instrument"], n["midi"])
            assert n["onset_s"] > ends.get(voice, -1.0) - 1e-3, (truth["track_id"], n)
            ends[voice] = n["offset_s"]


def test_clips_are_neither_silent_nor_clipped(sounding):
    clips = sorted((sounding.folder / "audio").glob("*.ogg"))
    assert len(clips) == sounding.tracks
    for clip in clips:
        sound, rate = soundfile.read(clip)
        assert (rate, sound.ndim, len(sound)) == (RATE, 1, 6 * RATE)
        assert np.abs(sound).max() < 0.99
        loud = np.sqrt((sound.reshape(12, -1) ** 2).mean(axis=1))
        assert loud.mean() > 0.02
        assert (loud > 0.002).all(), clip


def test_chords_are_heard_where_the_truth_says(sounding):
    """The pitch classes of the label are louder in the clip than the others, per chord of every clip."""
    steps = {name: (0, *intervals) for intervals, name in QUALITIES.items()}
    ratios = []
    for line in (sounding.folder / "truth.jsonl").read_text().splitlines():
        truth = json.loads(line)
        sound, _ = soundfile.read(sounding.folder / "audio" / f"{truth['track_id']}.ogg")
        for chord in truth["chords"]:
            piece = sound[int(chord["start_s"] * RATE) : int(chord["end_s"] * RATE)]
            if chord["label"] != "N" and len(piece) > RATE:
                power = np.abs(np.fft.rfft(piece * np.hanning(len(piece)))) ** 2
                hertz = np.fft.rfftfreq(len(piece), 1 / RATE)
                audible = (hertz > 120) & (hertz < 500)
                classes = np.round(12 * np.log2(hertz[audible] / 440) + 9).astype(int) % 12
                chroma = np.bincount(classes, power[audible], minlength=12)
                root, quality = chord["label"].split(":")
                inside = np.isin(np.arange(12), (PITCHES.index(root) + np.array(steps[quality])) % 12)
                ratios.append(chroma[inside].mean() / chroma[~inside].mean())
    assert len(ratios) > 80
    assert np.median(ratios) > 8
    assert np.mean(np.array(ratios) > 1) > 0.95


def test_the_tempo_is_in_the_sound(sounding):
    """Louder moments come back after one beat (or two, or half a beat) in nearly all clips that have drums."""
    right = []
    for line in (sounding.folder / "truth.jsonl").read_text().splitlines():
        truth = json.loads(line)
        if "drums" in truth["instruments"]:
            sound, _ = soundfile.read(sounding.folder / "audio" / f"{truth['track_id']}.ogg")
            frames = np.lib.stride_tricks.sliding_window_view(sound, 1024)[::256] * np.hanning(1024)
            rise = np.diff(np.log1p(100 * np.abs(np.fft.rfft(frames))), axis=0).clip(0).sum(axis=1)
            echo = np.correlate(rise - rise.mean(), rise - rise.mean(), "full")[len(rise) - 1 :]
            bpm = np.arange(50, 200, 0.5)
            found = bpm[np.argmax(np.interp(60 / bpm * RATE / 256, np.arange(len(echo)), echo))]
            right.append(min(abs(found / truth["tempo"] - octave) for octave in (0.5, 1, 2)) < 0.04)
    assert len(right) > 10
    assert np.mean(right) > 0.85


def test_clips_stay_small(sounding):
    assert sounding.audio_bytes / sounding.tracks * 320 < 25e6


def test_progress_is_told(tmp_path):
    told = []
    write_world(tmp_path, tracks=24, listeners=2, progress=lambda *step: told.append(step))
    assert told == [("write clips", i, 24) for i in range(1, 25)]


@pytest.mark.parametrize("instrument", sorted(TIMBRES))
@pytest.mark.parametrize("midi", [40, 57, 69, 84])
def test_the_strongest_frequency_of_a_lone_note_is_its_pitch(instrument, midi):
    sound = render([Note(0.0, 2.0, midi, instrument, 1.0)], seconds=2.0)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    pitch = 440 * 2 ** ((midi - 69) / 12)
    assert np.argmax(spectrum) * RATE / len(sound) == pytest.approx(pitch, rel=0.005, abs=0.5)


def test_instruments_sound_different():
    prints = []
    for instrument in TIMBRES:
        sound = render([Note(0.0, 1.0, 57, instrument, 1.0)], seconds=1.2)
        spectrum = np.abs(np.fft.rfft(sound)).reshape(-1)[: 6000 // 50 * 50].reshape(-1, 50).sum(1)
        shape = np.concatenate([spectrum / spectrum.sum(), np.abs(sound[:RATE]).reshape(50, -1).mean(1) / 10])
        prints.append(shape)
    apart = [np.abs(a - b).sum() for i, a in enumerate(prints) for b in prints[:i]]
    assert min(apart) > 0.1


@pytest.mark.parametrize(("midi", "low", "high"), [(KICK, 30, 130), (SNARE, 130, 6000), (HAT, 4000, 11_025)])
def test_drums_sound_where_drums_sound(midi, low, high):
    sound = render([Note(0.0, 0.1, midi, "drums", 1.0)], seconds=0.5)
    power = np.abs(np.fft.rfft(sound)) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
    assert power[(hertz >= low) & (hertz <= high)].sum() > 0.7 * power.sum()


def test_lower_brightness_is_duller():
    def treble(brightness):
        power = np.abs(np.fft.rfft(render([Note(0.0, 1.0, 60, "pad", 1.0)], 1.0, brightness))) ** 2
        return power[2000:].sum() / power.sum()

    assert treble(0.1) < 0.5 * treble(0.9)


def test_a_note_ends_when_it_should():
    sound = render([Note(0.1, 0.5, 60, "organ", 1.0)], seconds=1.0)
    assert np.abs(sound[: int(0.1 * RATE)]).max() == 0
    assert np.abs(sound[int(0.6 * RATE) :]).max() < 1e-3
    assert np.abs(sound[int(0.2 * RATE) : int(0.5 * RATE)]).max() > 0.7


def test_every_file_is_understood(world, plays):
    folder = world.folder
    files = {"plays": "plays.csv", "tracks": "tracks.csv", "playlists": "playlists", "content": "descriptors.csv"}
    gathered = gather(**{what: [folder / name] for what, name in files.items()})
    dataset = gathered.dataset
    assert len(gathered.rejects) == 0
    assert (len(dataset.users), len(dataset.tracks)) == (world.listeners, world.tracks)
    assert len(dataset.playlists.users) == world.playlists
    assert np.bincount(dataset.playlists.user).min() >= 12
    assert dataset.contents["descriptors"].known.mean() > 0.95
    assert {g for genres in dataset.catalogue.frame["genre"] for g in (genres if genres is not None else ())} == {
        genre.name for genre in GENRES
    }
