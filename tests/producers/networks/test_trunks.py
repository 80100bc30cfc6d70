"""Encoders of one's own as trunks: frozen under a linear head, and tuned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("torch")

from recsys.errors import DataError
from recsys.producers.encoders.torch import TorchEncoder
from recsys.producers.labelling import starting
from recsys.producers.labelling.examples import Examples
from recsys.producers.labelling.starting import Start, pretrained, together
from recsys.producers.labelling.targets import Target
from recsys.producers.networks import pretraining, trunks, tuned
from recsys.producers.networks.network import Net
from recsys.producers.networks.recipes import Plan, changed
from recsys.producers.networks.trunks import embedded, joined, open_trunk
from recsys.producers.networks.tuned import begun, heard
from tests.producers.encoders.test_torch import SIZE, saved
from tests.producers.networks.test_network import heard as windows
from tests.producers.networks.test_network import kind

RATE, FILES = 8000, 24
PLAN = changed(Plan(), epochs=12, batch=12, rate=2e-2, trunk_rate=0.5, valid=0.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Low and high tones, and a file that is no sound."""
    made = tmp_path_factory.mktemp("sound")
    time = np.arange(5 * RATE) / RATE
    rng = np.random.default_rng(1)
    for i in range(FILES):
        tone = 0.3 * np.sin(2 * np.pi * (200 if i % 2 else 1500) * rng.uniform(0.9, 1.1) * time)
        soundfile.write(made / f"{i}.wav", tone + 0.02 * rng.standard_normal(len(time)), RATE)
    (made / "broken.wav").write_bytes(b"no sound")
    return made


def bare(count: int = FILES, names: tuple[str, ...] = ("tempo",)) -> Examples:
    paths = tuple(f"{i}.wav" for i in range(count))
    mel, mask = np.zeros((count, 1, 0, 0), np.float16), np.ones((count, 1), bool)
    descriptors = np.zeros((count, len(names)), np.float32)
    return Examples(paths, mel, mask, descriptors, names, np.arange(count, dtype=np.int32), paths)


def test_vectors_of_a_frozen_trunk_become_descriptors_once(folder: Path, tmp_path: Path) -> None:
    encoder = open_trunk(saved(tmp_path / "net.pt"))
    some = bare(3)
    found = embedded(some, encoder, folder=tmp_path / "kept", root=folder)
    assert found.names == ("tempo", *(f"trunk:net@2:{i}" for i in range(SIZE)))
    assert np.allclose(found.descriptors[1, 1:], encoder.encode_file(folder / "1.wav", windows=3, seconds=30.0))
    again = embedded(found, encoder, folder=tmp_path / "kept", root="nowhere")
    assert again.names == found.names
    assert np.array_equal(again.descriptors, found.descriptors)


def test_an_onnx_file_is_a_trunk_that_stays_as_it_is(folder: Path, tmp_path: Path) -> None:
    onnx_tests = pytest.importorskip("tests.producers.encoders.test_onnx")
    start = Start(onnx_tests.tiny(tmp_path / "tiny.onnx"))
    found = start.ready(bare(4), folder=tmp_path / "kept", root=folder)
    assert found.names[1:] == tuple(f"trunk:tiny@1:{i}" for i in range(8))
    with pytest.raises(DataError, match="can't be tuned"):
        Start(start.trunk, tune=True).ready(bare(4), folder=tmp_path / "kept", root=folder)


def test_a_file_that_a_trunk_cannot_hear_is_unknown(folder: Path, tmp_path: Path) -> None:
    encoder = open_trunk(saved(tmp_path / "net.pt"))
    some = Examples(("0.wav", "broken.wav"), *(getattr(bare(2), name) for name in ("mel", "mask", "descriptors")),
                    ("tempo",), np.arange(2, dtype=np.int32), ("a", "b"))  # fmt: skip
    found = embedded(some, encoder, folder=tmp_path / "kept", root=folder)
    assert np.isfinite(found.descriptors[0]).all()
    assert np.isnan(found.descriptors[1, 1:]).all()
    with pytest.raises(DataError, match="encoded none of 2 files"):
        joined(some, "net@2", [None, None])


def test_a_linear_head_reads_the_trunk_alone(folder: Path, tmp_path: Path) -> None:
    found = embedded(bare(), open_trunk(saved(tmp_path / "net.pt")), folder=tmp_path / "kept", root=folder)
    head = trunks.fit(found, kind(FILES), np.arange(16))
    again = trunks.from_arrays({name: np.array(value) for name, value in head.arrays().items()})
    rows = np.arange(16, FILES)
    said = again.predict(found, rows).mean
    assert np.array_equal(said, head.predict(found, rows).mean)
    assert (said.argmax(axis=1) == rows % 2).mean() >= 0.75
    with pytest.raises(DataError, match="are missing, such as trunk:net@2:0"):
        again.predict(bare(), rows)
    with pytest.raises(DataError, match="--trunk FILE"):
        trunks.fit(bare(), kind(FILES), rows)


def test_a_model_keeps_the_encoder_that_it_reads(folder: Path, tmp_path: Path) -> None:
    start = Start(saved(tmp_path / "net.pt"), tune=True)
    found = start.ready(bare(4), folder=tmp_path / "kept", root=folder)
    (tmp_path / "model").mkdir()
    start.keep(tmp_path / "model")
    again = Start.kept(tmp_path / "model")
    same = again.ready(bare(4), folder=tmp_path / "other", root=folder)
    assert again.arms() == start.arms() == ["trunk", "tuned"]
    assert again.facts() == start.facts()
    assert same.names == found.names
    assert np.array_equal(same.descriptors, found.descriptors)
    assert Start.kept(tmp_path / "kept") == Start()
    assert Start().ready(found, folder=tmp_path) is found


def test_a_trunk_from_unlabelled_sound_is_made_once_and_read_by_all_arms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pretraining, "PLAN", changed(pretraining.PLAN, epochs=1, batch=16))
    some = windows(files=20)
    told: list[int] = []
    place = pretrained([some], folder=tmp_path, progress=lambda _, done, total: told.append(done))
    assert pretrained([some], folder=tmp_path, progress=lambda _, done, total: told.append(done)) == place
    assert told == [1]
    start = Start(learned=place)
    found = start.ready(some, folder=tmp_path)
    assert found.descriptors.shape == (20, 256)
    assert np.isfinite(found.descriptors).all()
    head = trunks.fit(found, kind(20), np.arange(14))
    assert (head.predict(found, np.arange(14, 20)).mean.argmax(axis=1) == np.arange(14, 20) % 2).all()
    (tmp_path / "model").mkdir()
    start.keep(tmp_path / "model")
    again = Start.kept(tmp_path / "model").ready(some, folder=tmp_path)
    assert np.array_equal(again.descriptors, found.descriptors)


def test_unlabelled_sound_is_heard_beside_the_labelled(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def hear(files: list[str], **_: object) -> Examples:
        asked.extend(files)
        more = windows(seed=1, files=len(files))
        return replace(more, digests=tuple(f"other {i}" for i in range(len(files))))

    monkeypatch.setattr(starting, "examples", hear)
    monkeypatch.setattr(pretraining, "PLAN", changed(pretraining.PLAN, epochs=1, batch=16))
    start, found = starting.begin(windows(files=6), folder=tmp_path, unlabelled=folder)
    assert {Path(name).name for name in asked} >= {f"{i}.wav" for i in range(FILES)}
    assert start.learned is not None
    assert found.descriptors.shape == (6, 256)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no sound file in"):
        starting.begin(windows(files=6), folder=tmp_path, unlabelled=tmp_path / "empty")
    assert starting.begin(found, folder=tmp_path) == (Start(), found)


def test_windows_of_several_sets_are_each_sound_once() -> None:
    one = windows(files=6)
    narrow = replace(one, mel=one.mel[:, :2], mask=one.mask[:, :2], digests=("5.wav", *"abcde"))
    both = together([one, narrow])
    assert both.digests == (*one.digests, *"abcde")
    assert both.mel.shape[:2] == (11, 3)
    assert not both.mask[6:, 2].any()


def test_what_is_no_trunk_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected .onnx, .pt"):
        open_trunk(tmp_path / "net.keras")


def test_weights_with_layers_are_tuned_with_a_head(folder: Path, tmp_path: Path) -> None:
    encoder = TorchEncoder.open(saved(tmp_path / "net.pt"))
    found = heard(bare(), encoder, folder=tmp_path / "kept", root=folder)
    assert found.own is not None
    assert found.own.mel.shape[:2] == (FILES, 2)
    target, rows = kind(FILES), np.arange(16, FILES)
    learned = tuned.fit(found, target, np.arange(16), seed=1, plan=PLAN)
    again = tuned.from_arrays({name: np.array(value) for name, value in learned.arrays().items()})
    said = again.predict(found, rows).mean
    assert np.array_equal(said, learned.predict(found, rows).mean)
    assert (said.argmax(axis=1) == rows % 2).all()
    assert again.embed(found, rows).shape == (len(rows), SIZE)
    own = found.own.trunk.weights
    assert any(not np.array_equal(value, learned.net.weights[f"trunk.{name}"]) for name, value in own.items())


def test_before_it_is_tuned_a_trunk_gives_what_the_encoder_gives(folder: Path, tmp_path: Path) -> None:
    encoder = TorchEncoder.open(saved(tmp_path / "net.pt"))
    found = heard(bare(2), encoder, folder=tmp_path / "kept", root=folder)
    still = changed(PLAN, epochs=1, trunk_rate=0.0)
    learned = tuned.fit(found, Target("one", "numeric", ("x",), np.ones((2, 1), np.float32)), np.arange(2), plan=still)
    expected = encoder.encode_file(folder / "1.wav", windows=3, seconds=30.0)
    assert np.allclose(
        learned.embed(found, np.array([1]))[0], expected, atol=2e-3
    )  # windows are kept in half precision


def test_some_files_keep_their_windows(folder: Path, tmp_path: Path) -> None:
    encoder = TorchEncoder.open(saved(tmp_path / "net.pt"))
    found = heard(bare(3), encoder, folder=tmp_path / "kept", root=folder)
    some = found.take(np.array([2, 0]))
    assert found.own is not None
    assert some.own is not None
    assert some.paths == ("2.wav", "0.wav")
    assert np.array_equal(some.own.mel[0], found.own.mel[2])


def test_tuning_needs_windows_of_the_trunk() -> None:
    with pytest.raises(DataError, match="--trunk FILE"):
        tuned.fit(bare(), kind(FILES), np.arange(4))


def test_the_network_begins_with_the_trunk_of_the_examples() -> None:
    from recsys.producers.networks import network
    from recsys.producers.networks.pretraining import PLAN as ALONE
    from recsys.producers.networks.pretraining import pretrain

    start = pretrain(windows(), seed=1, plan=changed(ALONE, epochs=1, batch=16))
    still = changed(Plan(), epochs=1, batch=16, trunk_rate=0.0)
    learned: Net = network.fit(begun(windows(), start), kind(), np.arange(20), plan=still)
    assert np.array_equal(learned.weights["trunk.body.0.0.weight"], start.weights["body.0.0.weight"])
