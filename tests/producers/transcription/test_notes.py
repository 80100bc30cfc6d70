"""Probabilities to notes, and the network of a file."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.audio.sound import RATE, Sound
from recsys.errors import DataError
from recsys.producers.transcription.basic_pitch import HOP, NOTES, OVERLAP, STEP, WINDOW, BasicPitch, _windows
from recsys.producers.transcription.decoding import find_notes
from recsys.producers.transcription.models import open_model

onnx = pytest.importorskip("onnx")
TIMES = 0.01 * np.arange(401)

note = st.tuples(st.integers(0, 300), st.integers(15, 80), st.integers(0, 87))


@given(st.lists(note, max_size=8, unique_by=lambda one: one[2]))
@settings(deadline=None)
def test_plain_notes_are_found(given_notes: list[tuple[int, int, int]]) -> None:
    frames, onsets = np.zeros((400, 88), np.float32), np.zeros((400, 88), np.float32)
    for start, length, pitch in given_notes:
        frames[start : start + length, pitch] = 0.8
        onsets[start, pitch] = 0.9
    found = find_notes(onsets, frames, TIMES)
    wanted = sorted((pitch + 21, start, min(start + length, 400)) for start, length, pitch in given_notes)
    told = sorted(
        (int(p), round(a * 100), round(b * 100)) for p, a, b in zip(found.pitch, found.onset, found.offset, strict=True)
    )
    assert told == wanted
    assert np.allclose(found.confidence, 0.8, atol=1e-3)


def test_silence_and_hum_have_no_notes() -> None:
    nothing = np.zeros((400, 88), np.float32)
    assert len(find_notes(nothing, nothing, TIMES)) == 0
    assert len(find_notes(nothing, nothing + 0.25, TIMES)) == 0


def test_a_note_struck_again_is_two() -> None:
    frames, onsets = np.zeros((400, 88), np.float32), np.zeros((400, 88), np.float32)
    frames[10:100, 40] = 0.9
    onsets[[10, 50], 40] = 0.9
    found = find_notes(onsets, frames, TIMES)
    assert found.onset.round(2).tolist() == [0.1, 0.5]
    assert found.offset.round(2).tolist() == [0.5, 1.0]


@given(st.lists(st.integers(1, 60_000), min_size=1, max_size=5))
@settings(deadline=None, max_examples=30)
def test_windows_hold_every_sample_once_but_for_their_overlap(lengths: list[int]) -> None:
    whole = np.arange(1, sum(lengths) + 1, dtype=np.float32)
    parts = np.split(whole, np.cumsum(lengths)[:-1])
    found = list(_windows([Sound(part) for part in parts]))
    lead = OVERLAP * HOP // 2
    line = np.zeros(STEP * (len(found) - 1) + WINDOW, np.float32)
    for place, window in enumerate(found):
        assert len(window) == WINDOW
        line[place * STEP : place * STEP + WINDOW] = window
    assert np.array_equal(line[lead : lead + len(whole)], whole)


def network(path: Path, pitches: int = NOTES) -> Path:
    """A stand-in with the inputs and outputs of basic-pitch: pitch 60 sounds while the sound is loud."""
    h, t = onnx.helper, onnx.TensorProto
    frames = 172
    pick = np.zeros((1, 1, pitches), np.float32)
    pick[0, 0, 39] = 1
    nodes = [
        h.make_node("Abs", ["serving_default_input_2:0"], ["loud"]),
        h.make_node("Transpose", ["loud"], ["turned"], perm=[0, 2, 1]),
        h.make_node("AveragePool", ["turned"], ["means"], kernel_shape=[HOP], strides=[HOP], ceil_mode=1),
        h.make_node("Transpose", ["means"], ["course"], perm=[0, 2, 1]),
        h.make_node("Mul", ["course", "pick"], ["StatefulPartitionedCall:1"]),
        h.make_node("Mul", ["StatefulPartitionedCall:1", "none"], ["StatefulPartitionedCall:2"]),
        h.make_node("Expand", ["course", "wide"], ["StatefulPartitionedCall:0"]),
    ]
    constants = [
        onnx.numpy_helper.from_array(pick, "pick"),
        onnx.numpy_helper.from_array(np.ones((1, 1, 1), np.float32), "none"),
        onnx.numpy_helper.from_array(np.array([1, frames, 264]), "wide"),
    ]
    shapes = {
        "StatefulPartitionedCall:0": 264,
        "StatefulPartitionedCall:1": pitches,
        "StatefulPartitionedCall:2": pitches,
    }
    outputs = [h.make_tensor_value_info(name, t.FLOAT, ["n", frames, width]) for name, width in shapes.items()]
    given = h.make_tensor_value_info("serving_default_input_2:0", t.FLOAT, ["n", WINDOW, 1])
    graph = h.make_graph(nodes, "g", [given], outputs, constants)
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 19)])
    model.ir_version = 9
    onnx.save(model, str(path))
    return path


def test_the_network_of_a_file_is_heard_at_the_right_times(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    samples = np.zeros(RATE * 9, np.float32)
    for start, end in ((1.0, 2.5), (5.0, 6.0)):
        samples[round(start * RATE) : round(end * RATE)] = 0.9
    model = open_model(network(tmp_path / "nmp.onnx"))
    found = model.notes([Sound(samples[: 4 * RATE]), Sound(samples[4 * RATE :], start=4.0)])
    assert model.name.startswith("basic-pitch@")
    assert found.pitch.tolist() == [60, 60]
    assert np.allclose(found.onset, [1.0, 5.0], atol=0.025)
    assert np.allclose(found.offset, [2.5, 6.0], atol=0.025)
    assert len(model.notes([])) == 0


def test_another_network_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    with pytest.raises(DataError, match=r"expected the nmp\.onnx"):
        BasicPitch(network(tmp_path / "other.onnx", pitches=60))
    (tmp_path / "no.onnx").write_bytes(b"no")
    with pytest.raises(DataError, match="no network"):
        BasicPitch(tmp_path / "no.onnx")
