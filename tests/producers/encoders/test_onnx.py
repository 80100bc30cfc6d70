"""An encoder of one's own: a real small ONNX file, made here."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from recsys import api, manifest  # noqa: E402
from recsys.audio.sound import Sound  # noqa: E402
from recsys.errors import DataError, MissingExtra  # noqa: E402
from recsys.producers.encoders.encoder import log_mel  # noqa: E402
from recsys.producers.encoders.onnx import OnnxEncoder  # noqa: E402
from recsys.producers.encoders.sidecar import LogMel  # noqa: E402
from recsys.producers.encoders.vectors import write_vectors  # noqa: E402
from recsys.tables import Dataset  # noqa: E402

BANDS, SIZE = 40, 8
MEL = {"kind": "log-mel", "n_fft": 1024, "hop": 256, "bands": BANDS, "low": 50.0, "high": 7600.0}
SIDECAR = {
    "name": "tiny@1",
    "sample_rate": 16000,
    "seconds": 2.0,
    "front_end": MEL,
    "input": "mel",
    "output": "vector",
}
WEIGHTS = np.random.default_rng(0).normal(size=(BANDS, SIZE)).astype(np.float32)


def save_model(
    path: Path, nodes: list[Any], shape: list[Any], given: dict[str, Any], weights: list[Any], rank: int = 2
) -> Path:
    """Write a graph and its sidecar."""
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    inputs = [helper.make_tensor_value_info(given["input"], floats, shape)]
    outputs = [helper.make_tensor_value_info(given["output"], floats, [None] * rank)]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    path.with_suffix(".json").write_text(json.dumps(given))
    return path


def tiny(path: Path, **changes: Any) -> Path:
    """tanh(mean over frames of mel @ WEIGHTS)."""
    node = onnx.helper.make_node
    nodes = [
        node("MatMul", ["mel", "weights"], ["frames"]),
        node("ReduceMean", ["frames"], ["mean"], axes=[1], keepdims=0),
        node("Tanh", ["mean"], ["vector"]),
    ]
    weights = [onnx.numpy_helper.from_array(WEIGHTS, "weights")]
    return save_model(path, nodes, ["batch", None, BANDS], {**SIDECAR, **changes}, weights)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny(tmp_path / "tiny.onnx")


def tone(hz: float, seconds: float, rate: int = 16000) -> np.ndarray:
    return (0.4 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def test_the_vector_is_what_the_graph_says(model: Path) -> None:
    sound = Sound(tone(440, 5.0), 16000)
    pieces = [sound.samples[:32000], sound.samples[32000:64000]]  # the last second is no whole piece
    front_end = LogMel.model_validate(MEL)
    expected = np.mean([np.tanh((log_mel(p, 16000, front_end) @ WEIGHTS).mean(axis=0)) for p in pieces], axis=0)
    np.testing.assert_allclose(OnnxEncoder.open(model).encode([sound]), expected, atol=1e-5)


def test_log_mel_agrees_with_librosa() -> None:
    librosa = pytest.importorskip("librosa")
    samples = tone(440, 1.0) + 0.1 * np.random.default_rng(0).standard_normal(16000).astype(np.float32)
    front_end = LogMel.model_validate({**MEL, "log": "db", "layout": "bands-frames", "mean": -20.0, "std": 10.0})
    options = {"n_fft": 1024, "hop_length": 256, "n_mels": BANDS, "fmin": 50.0, "fmax": 7600.0}
    power = librosa.feature.melspectrogram(y=samples, sr=16000, pad_mode="constant", **options)
    expected = (10 * np.log10(np.maximum(power, 1e-10)) + 20) / 10
    np.testing.assert_allclose(log_mel(samples, 16000, front_end), expected, atol=2e-3)


def test_a_waveform_with_a_channel_axis_and_frames_in_the_output(tmp_path: Path) -> None:
    """Input (batch, 1, samples), output (batch, frames, 1): the loudness of each tenth of a second."""
    node = onnx.helper.make_node
    shape = onnx.numpy_helper.from_array(np.array([0, -1, 800]), "shape")
    nodes = [
        node("Reshape", ["sound", "shape"], ["frames"]),
        node("Abs", ["frames"], ["levels"]),
        node("ReduceMean", ["levels"], ["loudness"], axes=[2], keepdims=1),
    ]
    given = {
        **SIDECAR,
        "sample_rate": 8000,
        "seconds": 1.0,
        "front_end": {"kind": "waveform"},
        "input": "sound",
        "output": "loudness",
    }
    encoder = OnnxEncoder.open(save_model(tmp_path / "loud.onnx", nodes, ["batch", 1, 8000], given, [shape], 3))
    vector = encoder.encode([Sound(tone(440, 3.0, 22050), 22050)])
    assert vector == pytest.approx([0.4 * 2 / np.pi], rel=0.01)
    short = encoder.encode([Sound(tone(440, 0.5, 22050), 22050)])
    assert short == pytest.approx([0.2 * 2 / np.pi], rel=0.02), "padded with silence"


def library(folder: Path, names: str = "abc") -> Any:
    """Two tones and a file that is no sound, as a folder of features would tell of them."""
    for name, hz in (("a", 220.0), ("b", 3000.0)):
        soundfile.write(folder / f"{name}.ogg", tone(hz, 4.0, 22050), 22050)
    (folder / "c.ogg").write_bytes(b"no sound")
    rows = {"path": [str(folder / f"{name}.ogg") for name in names], "digest": [name * 8 for name in names]}
    return SimpleNamespace(catalogue=pd.DataFrame(rows, index=list(names)))


def test_a_library_becomes_vectors_and_a_broken_file_fails_alone(model: Path, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    facts = write_vectors(
        library(tmp_path), OnnxEncoder.open(model), tmp_path / "out", progress=lambda *step: seen.append(step)
    )
    assert (facts["tracks"], facts["encoded"], list(facts["failures"])) == (2, 2, ["c"])
    assert seen[-1] == ("encode", 3, 3)
    one, other = pd.read_parquet(tmp_path / "out")["vector"]
    assert not np.allclose(one, other)


def test_only_what_is_new_is_encoded_and_what_is_gone_goes(model: Path, tmp_path: Path) -> None:
    encoder, out = OnnxEncoder.open(model), tmp_path / "out"
    assert write_vectors(library(tmp_path, "a"), encoder, out)["encoded"] == 1
    assert write_vectors(library(tmp_path, "ab"), encoder, out)["encoded"] == 1
    again = write_vectors(library(tmp_path, "b"), encoder, out)
    assert (again["encoded"], again["tracks"]) == (0, 1)
    assert pd.read_parquet(out)["track_id"].tolist() == ["b"]
    assert write_vectors(library(tmp_path, "b"), encoder, out, windows=1)["encoded"] == 1, "other windows"


def test_a_killed_run_keeps_what_was_saved(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recsys.producers.encoders.vectors.SAVE_EVERY", 1)

    def stop(_: str, done: int, __: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_vectors(library(tmp_path, "ab"), OnnxEncoder.open(model), tmp_path / "out", progress=stop)
    assert write_vectors(library(tmp_path, "ab"), OnnxEncoder.open(model), tmp_path / "out")["encoded"] == 1


def test_when_nothing_can_be_encoded_the_cause_is_told(model: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="encoded none of 1 tracks"):
        write_vectors(library(tmp_path, "c"), OnnxEncoder.open(model), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_vectors_on_disk_are_content_for_ingest(model: Path, tmp_path: Path) -> None:
    facts = write_vectors(library(tmp_path), OnnxEncoder.open(model), tmp_path / "vectors")
    assert (facts["encoder"], facts["dimensions"], facts["tracks"]) == ("tiny@1", SIZE, 2)
    assert manifest.problems(tmp_path / "vectors") == []
    assert manifest.read(tmp_path / "vectors")["sha256"] == manifest.sha256(model)
    frame = pd.read_parquet(tmp_path / "vectors")
    assert frame["track_id"].tolist() == ["a", "b"]
    plays = tmp_path / "plays.csv"
    plays.write_text("user_id,track_id\nu1,a\nu1,b\nu2,b\n")
    api.ingest([plays], content=[tmp_path / "vectors"], out=tmp_path / "tables")
    space = Dataset.open(tmp_path / "tables").contents["tiny-1"]
    vectors = np.stack(frame["vector"])
    np.testing.assert_allclose(space.vectors, vectors / np.linalg.norm(vectors, axis=1, keepdims=True), atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input": "sound"}, "no input 'sound'; it has mel"),
        ({"output": "logits"}, "no output 'logits'; it has vector"),
        ({"name": "tiny"}, "name = 'tiny'"),
        ({"sample_rate": 96000}, "sample_rate = 96000"),
        ({"front_end": {"kind": "cqt"}}, "front_end"),
        ({"front_end": {**MEL, "band": 3}}, "band = 3"),
        ({"threshold": 1}, "threshold = 1"),
    ],
)
def test_a_wrong_sidecar_is_named(model: Path, changes: dict[str, Any], message: str) -> None:
    model.with_suffix(".json").write_text(json.dumps({**SIDECAR, **changes}))
    with pytest.raises(DataError, match=message):
        OnnxEncoder.open(model)


def test_what_is_missing_or_no_model_is_named(model: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no .*gone\.onnx"):
        OnnxEncoder.open(tmp_path / "gone.onnx")
    model.write_bytes(b"no model")
    with pytest.raises(DataError, match="no ONNX file that can be run"):
        OnnxEncoder.open(model)
    model.with_suffix(".json").write_text("{")
    with pytest.raises(DataError, match="not readable JSON"):
        OnnxEncoder.open(model)
    model.with_suffix(".json").unlink()
    with pytest.raises(DataError, match=r"expected a JSON object with name, sample_rate"):
        OnnxEncoder.open(model)


def test_an_encoder_that_wants_another_shape_says_so(tmp_path: Path) -> None:
    encoder = OnnxEncoder.open(tiny(tmp_path / "tiny.onnx", front_end={**MEL, "bands": 64}))
    with pytest.raises(DataError, match=r"tiny@1 failed on input \(2, 126, 64\)"):
        encoder.encode([Sound(tone(440, 4.0), 16000)])


def test_bands_above_half_the_rate_are_refused(tmp_path: Path) -> None:
    encoder = OnnxEncoder.open(tiny(tmp_path / "tiny.onnx", front_end={**MEL, "high": 9000.0}))
    with pytest.raises(DataError, match="low < high <= 8000"):
        encoder.encode([Sound(tone(440, 4.0), 16000)])


def test_without_onnxruntime_the_extra_is_named(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtra, match=r"recsys\[onnx\]"):
        OnnxEncoder.open(model)
