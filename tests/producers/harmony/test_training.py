"""Weights can be made again: what torch learns is what numpy hears."""

import numpy as np
import pytest

from recsys.producers.harmony import network
from recsys.producers.harmony.network import CHORDS, by_root, odds
from recsys.producers.harmony.units import units
from recsys.producers.notation import Segments
from recsys.producers.notation.harte import QUALITIES

torch = pytest.importorskip("torch")
training = pytest.importorskip("tests.measure.train_chords")
rng = np.random.default_rng(0)


def lesson(seed: int) -> "training.Lesson":
    """Triads of C and G in turn, in C major."""
    draw = np.random.default_rng(seed)
    roots = np.repeat([0, 7], 12)
    notes = 0.1 * draw.random((24, 84)).astype(np.float32)
    for unit, root in enumerate(roots):
        for tone in (0, 4, 7):
            notes[unit, [20 + (root + tone) % 12, 32 + (root + tone) % 12]] = 2
    chords = ((roots + 28 + 20) % 12) * len(QUALITIES)
    return training.Lesson(notes, chords, np.zeros(24, np.int64), np.tile(np.int8([2, 0, 1, 0]), 6))


def test_numpy_hears_what_torch_has_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    taught = [lesson(seed) for seed in range(4)]
    for name, value in {"WIDTH": 12, "BATCH": 4, "UNITS": 24}.items():
        monkeypatch.setattr(training, name, value)
    taught_network = training.train(taught, taught[:1], epochs=40, seed=0).eval()
    arrays = {name: value.detach().numpy() for name, value in taught_network.named_parameters()}
    monkeypatch.setattr(network, "learned", lambda: arrays | training.changes(taught))
    found = odds(taught[0].notes)
    with torch.inference_mode():
        chords, keys = taught_network(torch.tensor(by_root(taught[0].notes))[None])
    assert np.allclose(found.chords, chords[0].log_softmax(1).numpy(), atol=1e-3)
    assert np.allclose(found.keys, keys[0].log_softmax(1).numpy(), atol=1e-3)
    assert (found.chords.argmax(1) == taught[0].chords).mean() > 0.9


def test_truth_on_units() -> None:
    found = units(np.array([0.0, 1.0, 2.0]), np.array([True, False, False]), 2.0)
    truth = Segments(np.array([[0.0, 0.9], [0.9, 1.6]]), ["C:maj", "A:min7"])
    labels = training.labelled(truth, found.edges)
    assert labels == ["C:maj", "C:maj", "A:min7", "X"]
    assert [training.chord_class(label) for label in labels] == [0, 0, 9 * len(QUALITIES) + QUALITIES.index("min7"), -1]
    assert training.chord_class("N") == CHORDS - 1
    assert [training.key_class(key) for key in ("Eb:maj", "A:min", "X")] == [3, 21, -1]


@pytest.mark.parametrize("steps", [-4, 3])
def test_notes_and_truth_move_together(steps: int) -> None:
    one = lesson(0)
    moved = training._moved(one.notes, steps)
    assert np.array_equal(moved[:, 20 + steps : 60 + steps], one.notes[:, 20:60])
    root = training._class_moved(one.chords, steps) // len(QUALITIES)
    assert np.array_equal(root, (one.chords // len(QUALITIES) + steps) % 12)
    assert training._class_moved(np.array([-1, CHORDS - 1]), steps).tolist() == [-1, CHORDS - 1]
    assert training._key_moved(np.array([14, -1]), steps).tolist() == [12 + (2 + steps) % 12, -1]
