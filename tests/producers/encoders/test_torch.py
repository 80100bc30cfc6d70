"""An encoder of one's own as weights: a real small network, made here."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch")

from recsys import api  # noqa: E402
from recsys.audio.sound import Sound  # noqa: E402
from recsys.errors import DataError, MissingExtra  # noqa: E402
from recsys.producers.encoders.encoder import log_mel  # noqa: E402
from recsys.producers.encoders.sidecar import LogMel  # noqa: E402
from recsys.producers.encoders.torch import TorchEncoder  # noqa: E402
from recsys.producers.encoders.vectors import read_vectors, write_vectors  # noqa: E402
from recsys.settings import Settings, override  # noqa: E402
from recsys.tables import Dataset  # noqa: E402
from tests.producers.encoders.test_onnx import library, tone  # noqa: E402

BANDS, SIZE = 24, 6
MEL = {"kind": "log-mel", "n_fft": 512, "hop": 256, "bands": BANDS, "layout": "bands-frames"}
LAYERS: list[dict[str, Any]] = [
    {"layer": "Conv1d", "name": "body.0", "in_channels": BANDS, "out_channels": 10, "kernel_size": 5, "stride": 2},
    {"layer": "BatchNorm1d", "name": "body.1", "num_features": 10},
    {"layer": "ReLU"},
    {"layer": "Mean", "dim": -1},
    {"layer": "Dropout", "p": 0.5},
    {"layer": "Linear", "name": "vector", "in_features": 10, "out_features": SIZE},
    {"layer": "Linear", "name": "classes", "in_features": SIZE, "out_features": 3},
]
SIDECAR = {"name": "net@2", "sample_rate": 8000, "seconds": 2.0, "front_end": MEL, "layers": LAYERS, "output": "vector"}


class Net(torch.nn.Module):
    """What its owner trained."""

    def __init__(self) -> None:
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Conv1d(BANDS, 10, 5, stride=2), torch.nn.BatchNorm1d(10))
        self.vector = torch.nn.Linear(10, SIZE)

    def forward(self, mel: Any) -> Any:
        return self.vector(torch.relu(self.body(mel)).mean(-1))


def net() -> Net:
    """With weights, and statistics of a batch, that are the same each time."""
    made = Net().eval()
    chance = np.random.default_rng(1)
    for name, value in made.state_dict().items():
        if value.is_floating_point():
            drawn = chance.uniform(0.5, 1.5, value.shape) if "var" in name else chance.normal(0, 0.3, value.shape)
            value.copy_(torch.from_numpy(drawn))
    return made


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return saved(tmp_path / "net.pt")


def saved(path: Path, weights: Any = None, **changes: Any) -> Path:
    torch.save(net().state_dict() if weights is None else weights, path)
    path.with_suffix(".json").write_text(json.dumps({**SIDECAR, **changes}))
    return path


def expected(sound: Sound) -> np.ndarray:
    """The same by the network itself."""
    pieces = sound.samples[: len(sound.samples) // 16000 * 16000].reshape(-1, 16000)
    mels = np.stack([log_mel(piece, 8000, LogMel.model_validate(MEL)) for piece in pieces])
    with torch.inference_mode():
        return net()(torch.from_numpy(mels)).mean(0).numpy()


def test_the_vector_is_what_the_network_gives(model: Path) -> None:
    before, sound = torch.random.get_rng_state(), Sound(tone(440, 5.0, 8000), 8000)
    vector = TorchEncoder.open(model).encode([sound])
    assert torch.equal(before, torch.random.get_rng_state()), "nothing random is touched"
    np.testing.assert_allclose(vector, expected(sound), rtol=1e-4)


@pytest.mark.parametrize("kind", ["wrapped", "half", "safetensors"])
def test_weights_come_in_several_wrappings(kind: str, tmp_path: Path) -> None:
    weights = net().state_dict()
    if kind == "safetensors":
        tensors = pytest.importorskip("safetensors.torch")
        saved(tmp_path / "net.pt")
        tensors.save_file(weights, tmp_path / "net.safetensors")
        path = tmp_path / "net.safetensors"
    else:
        half = {name: value.half() if value.is_floating_point() else value for name, value in weights.items()}
        path = saved(tmp_path / "net.pth", half if kind == "half" else {"epoch": 3, "state_dict": weights})
    sound = Sound(tone(440, 4.0, 8000), 8000)
    np.testing.assert_allclose(TorchEncoder.open(path).encode([sound]), expected(sound), rtol=5e-3)


def test_a_waveform_gets_the_axes_that_the_first_layer_wants(tmp_path: Path) -> None:
    layers = [
        {"layer": "Conv2d", "name": "c", "in_channels": 1, "out_channels": 4, "kernel_size": 3, "bias": False},
        {"layer": "AdaptiveAvgPool2d", "output_size": [1, 2]},
        {"layer": "Flatten", "name": "flat"},
    ]
    weights = {"c.weight": torch.ones(4, 1, 3, 3) / 9}
    path = saved(tmp_path / "w.pt", weights, layers=layers, output="flat")
    assert TorchEncoder.open(path).encode([Sound(tone(440, 2.0, 8000), 8000)]).shape == (8,)
    raw = [{"layer": "Conv1d", "name": "c", "in_channels": 1, "out_channels": 2, "kernel_size": 2, "bias": False}]
    raw += [{"layer": "Mean", "dim": 2, "name": "m"}]
    wave = {"front_end": {"kind": "waveform"}, "layers": raw, "output": "m"}
    encoder = TorchEncoder.open(saved(tmp_path / "x.pt", {"c.weight": torch.ones(2, 1, 2)}, **wave))
    np.testing.assert_allclose(encoder.encode([Sound(np.ones(16000, np.float32), 8000)]), [2.0, 2.0])


def changed(place: int, **changes: Any) -> list[dict[str, Any]]:
    """The layers with one of them declared otherwise."""
    return [{**layer, **changes} if i == place else layer for i, layer in enumerate(LAYERS)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"output": "vectr"}, "no layer is named 'vectr'; the layers' names are body.0, body.1, vector, classes"),
        ({"layers": changed(0, layer="Conv1D")}, "layer 0 is 'Conv1D'; did you mean Conv1d"),
        ({"layers": changed(0, layer="system")}, "layer 0 is 'system'"),
        ({"layers": changed(0, out_channels=11)}, "size mismatch for weight"),
        ({"layers": changed(0, name="head")}, "Missing key"),
        ({"layers": changed(0, name=None)}, "has weight, bias and no name"),
        ({"layers": changed(0, kernel=5)}, "unexpected keyword argument 'kernel'"),
        ({"layers": changed(5, name="body.0")}, "no layer is named 'vector'"),
        ({"layers": changed(6, name="vector")}, "two layers are named 'vector'"),
        ({"layers": changed(3, dim="x")}, r"layer 3 \(Mean\) of net@2 failed"),
        ({"layers": []}, "layers = "),
        ({"weights": "x"}, "weights = 'x'"),
        ({"output": "body.0"}, r"gave \(1, 10, 30\).*expected \(batch, d\)"),
        ({"layers": changed(5, in_features=9)}, "size mismatch"),
        ({"front_end": {**MEL, "bands": 20}}, r"layer 0 \(Conv1d\) of net@2 failed on \(1, 20, 63\)"),
    ],
)
def test_a_wrong_sidecar_is_named(model: Path, changes: dict[str, Any], message: str) -> None:
    model.with_suffix(".json").write_text(json.dumps({**SIDECAR, **changes}))
    with pytest.raises(DataError, match=message):
        TorchEncoder.open(model).encode([Sound(tone(440, 2.0, 8000), 8000)])


class Hostile:
    """A pickle that would run code."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("ran"),)


def test_no_code_of_a_file_is_run(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for content in (pickle.dumps(Hostile()), b"", b"no weights", model.read_bytes()[:1000]):
        model.write_bytes(content)
        with pytest.raises(DataError, match=r"net\.pt is no state-dict"):
            TorchEncoder.open(model)
    torch.save(Hostile(), model)
    with pytest.raises(DataError, match="no state-dict"):
        TorchEncoder.open(model)
    torch.save([1, 2], model)
    with pytest.raises(DataError, match="holds no state-dict"):
        TorchEncoder.open(model)
    assert not Path("ran").exists()


def test_broken_safetensors_are_named(model: Path, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    (tmp_path / "net.safetensors").write_bytes(b"no tensors")
    with pytest.raises(DataError, match="no safetensors file"):
        TorchEncoder.open(tmp_path / "net.safetensors")
    with pytest.raises(DataError, match=r"no weights file; expected \.pt"):
        TorchEncoder.open(tmp_path / "net.ckpt")


def test_without_torch_the_extra_is_named(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"recsys\[torch\]"):
        TorchEncoder.open(model)


def test_another_sidecar_encodes_anew(model: Path, tmp_path: Path) -> None:
    """The same weights behind another front end are another encoder."""
    files, out = library(tmp_path, "ab"), tmp_path / "out"
    assert write_vectors(files, TorchEncoder.open(model), out)["encoded"] == 2
    assert write_vectors(files, TorchEncoder.open(model), out)["encoded"] == 0
    model.with_suffix(".json").write_text(json.dumps({**SIDECAR, "front_end": {**MEL, "log": "db"}}))
    assert write_vectors(files, TorchEncoder.open(model), out)["encoded"] == 2


def test_from_the_settings_to_the_tracks_of_a_log(model: Path, tmp_path: Path) -> None:
    """The log calls its tracks otherwise than the library does: the vectors find them all the same."""
    (tmp_path / "music").mkdir()
    library(tmp_path / "music", "ab")
    (tmp_path / "music" / "c.ogg").unlink()
    settings = override(Settings(), [f"producers.torch.path={model}", "analyze.workers=1"])
    made = api.analyze([tmp_path / "music"], out=tmp_path / "F", settings=settings)
    assert (made.facts["encoder"], made.facts["encoded"]) == ("net@2", 2)
    pd.DataFrame({"user_id": ["u", "v"], "track_id": ["x", "y"]}).to_csv(tmp_path / "plays.csv", index=False)
    names = pd.DataFrame({"track_id": ["x", "y", "z"], "path": ["b.ogg", "a.ogg", None]})
    names.to_csv(tmp_path / "tracks.csv", index=False)
    given: dict[str, Any] = {"tracks": [tmp_path / "tracks.csv"], "features": tmp_path / "F", "settings": settings}
    dataset = Dataset.open(api.ingest([tmp_path / "plays.csv"], **given, out=tmp_path / "T").path)
    assert dataset.tracks.ids.tolist() == ["x", "y", "z"]
    space = dataset.contents["net-2"]
    assert space.known.tolist() == [True, True, False]
    vector = TorchEncoder.open(model).encode_file(tmp_path / "music" / "b.ogg")
    np.testing.assert_allclose(space.vectors[0], vector / np.linalg.norm(vector), atol=1e-6)
    assert api.ingest([tmp_path / "plays.csv"], **given, out=tmp_path / "T", only_stale=True).unchanged


def test_vectors_are_read_for_the_tracks_that_are_there(model: Path, tmp_path: Path) -> None:
    files, out = library(tmp_path, "ab"), tmp_path / "out"
    write_vectors(files, TorchEncoder.open(model), out)
    files.catalogue = files.catalogue.iloc[[1, 1]].assign(digest=["other", files.catalogue["digest"].iloc[1]])
    assert read_vectors(out, files).known.tolist() == [False, True]
