"""The making of the instrument tagger's weights in miniature, from notes made by code alone."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest

torch = pytest.importorskip("torch")
load_file = pytest.importorskip("safetensors.numpy").load_file

from recsys.producers.instruments.names import CLASSES, INSTRUMENTS, TOLD  # noqa: E402
from recsys.producers.instruments.tagger import Tagger  # noqa: E402
from tests.measure.instrument_network import Network, arrays  # noqa: E402
from tests.measure.instrument_notes import OTHERS, PLAYED, Note, labels  # noqa: E402
from tests.measure.instrument_picture import picture  # noqa: E402
from tests.measure.instrument_synthetic import RECIPES, synthetic  # noqa: E402
from tests.measure.instrument_variety import Mixer, Notes, mels, notes  # noqa: E402
from tests.measure.instruments import confusion, interval, macro_f1, reliability  # noqa: E402
from tests.measure.train_instruments import Phase, kept, trained  # noqa: E402


@pytest.fixture(scope="module")
def bank() -> Notes:
    rng = np.random.default_rng(0)
    sounds, told = synthetic(2, rng)
    return notes(mels(sounds, rng), told)


def test_the_same_seed_makes_the_same_weights(bank: Notes, tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    phases = (
        Phase(2, 16, 1e-3, {"hardness": 1.0}),
        Phase(2, 8, 1e-3, {"hardness": 0.5, "warp": 1.0, "alive": 2.0, "contrast": 0.05}),
    )
    files = (tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    found = [kept(trained((bank, bank), phases), bank, file, batches=1) for file in files]
    torch.set_num_threads(threads)
    first, second = (load_file(file) for file in files)
    assert first.keys() == second.keys()
    assert all(first[name].tobytes() == second[name].tobytes() for name in first)
    assert found[0] == found[1]
    assert 0 <= found[0]["accuracy"] <= 1
    assert Tagger.open(tmp_path / "a.safetensors").classes == TOLD


def test_numpy_runs_the_network_that_torch_trained(bank: Notes) -> None:
    torch.manual_seed(0)
    network = Network()
    network(bank.mel[:8].float())  # moves the means of the batch normalisation
    network.eval()
    mel = bank.mel[8:12].float()
    with torch.no_grad():
        expected = network(mel).numpy()
    assert np.allclose(Tagger(arrays(network)).odds(mel.numpy())[0], expected, atol=1e-4)


def test_mixtures_name_what_is_in_them(bank: Notes) -> None:
    batch = Mixer(bank, 1).batch(32)
    count = (batch.labels[:, : len(INSTRUMENTS)] == 1).sum(1)
    assert torch.isfinite(batch.mel).all()
    assert (count[batch.alone] == 1).all()
    assert (count[~batch.alone] >= 1).all()
    assert (count[~batch.alone] > 1).any()
    assert torch.equal(batch.mel, Mixer(bank, 1).batch(32).mel)


def test_every_instrument_is_played_and_labelled() -> None:
    assert PLAYED.keys() == INSTRUMENTS.keys()
    assert RECIPES.keys() <= INSTRUMENTS.keys()
    told = labels([Note((0, 43), 40, 90, 1.0, "double bass"), Note((0, 126), 60, 90, 1.0, "")])
    assert [CLASSES[k] for k in np.flatnonzero(told[0])] == ["double bass", "strings", "bass"]
    assert [CLASSES[k] for k in np.flatnonzero(told[1])] == ["applause"]
    assert not OTHERS.keys() & {preset for _, _, presets in PLAYED.values() for preset in presets}


def test_measures_of_known_answers() -> None:
    truth, named = np.array(["a", "a", "b", "b"]), np.array(["a", "b", "b", "b"])
    score, low, high = macro_f1(truth, named, np.arange(4))
    assert score == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert 0 <= low < score < high <= 1
    assert macro_f1(truth, truth, np.arange(4)) == (1, 1, 1)
    assert interval(truth == named, np.arange(4))[0] == 0.75
    assert reliability(np.array([0.25] * 4), np.array([True, False, False, False])) == 0
    assert reliability(np.array([1.0] * 4), truth == named) == pytest.approx(0.25)
    drawing = fromstring(picture(truth, named))
    shades = [cell.get("fill") for cell in drawing.findall(".//{*}rect")][1:]
    assert shades == ["rgb(147,147,255)", "rgb(147,147,255)", "rgb(255,255,255)", "rgb(38,38,255)"]
    assert confusion(truth, named).splitlines()[2:] == ["| a | 1 | 1 |", "| b |  | 2 |"]
