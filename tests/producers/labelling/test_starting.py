"""From sound, labels and an encoder of one's own, or unlabelled sound, to predictions, by the verbs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")

from recsys import api
from recsys.producers.labelling.kept import open_model
from recsys.producers.networks import pretraining
from recsys.producers.networks.recipes import changed
from tests.producers.clips import write_clips
from tests.producers.encoders.test_torch import saved


def test_a_model_predicts_with_what_it_began_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretraining, "PLAN", changed(pretraining.PLAN, epochs=1, batch=16))
    write_clips(tmp_path / "sound")
    encoder = saved(tmp_path / "net.pt")
    made = api.learn_classification(
        tmp_path / "sound",
        labels=tmp_path / "sound" / "labels.csv",
        target="kind",
        out=tmp_path / "model",
        arms="linear",
        trunk=encoder,
        unlabelled=tmp_path / "sound",
    )
    names = open_model(made.path).names
    assert sum(name.startswith("trunk:net@2:") for name in names) == 6
    assert sum(name.startswith("trunk:self@1:") for name in names) == 256
    encoder.unlink()
    out = tmp_path / "predicted.csv"
    api.predict(made.path, audio=tmp_path / "sound", out=out)
    said = pd.read_csv(out).set_index("path")["kind"]
    truth = pd.read_csv(tmp_path / "sound" / "labels.csv").set_index("audio_file")["kind"]
    assert sorted(said.index) == sorted(truth.index)
    assert float(np.mean(said == truth.loc[said.index])) > 0.7
