from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from recsys import api
from recsys.errors import ArtefactError, DataError, MissingExtra
from recsys.producers.generation import learning
from recsys.producers.generation.kept import WEIGHTS, open_model
from recsys.producers.generation.learning import learn, nll, surprise
from recsys.producers.generation.lessons import batches, side_by_side, sounding
from recsys.producers.generation.network import ARMS, Plan, build
from recsys.producers.generation.rolls import Roll, Rolls
from recsys.producers.generation.teaching import Lesson
from tests.producers.generation.pieces import roll, rolls, save_midi, save_rolls

SMALL = Plan("recurrent", width=16, whole=24, dropout=0.0, reach=8)
SHORT = Lesson(epochs=6, batch=4, stretch=32, rate=1e-2)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def _asked(arm: str, piece: Roll) -> torch.Tensor:
    torch.manual_seed(0)
    network = build(replace(SMALL, arm=arm)).eval()
    batch = side_by_side([(piece, 0, len(piece))])
    with torch.no_grad():
        return network(batch.before, batch.now, batch.at)[0][0]


@pytest.mark.parametrize("arm", ARMS)
def test_a_key_hears_what_came_before_and_the_keys_below_and_no_more(arm: str) -> None:
    rng = np.random.default_rng(3)
    piece = rng.random((12, 88)) < 0.1
    changed = piece.copy()
    changed[7, 40] ^= True
    first, second = _asked(arm, piece), _asked(arm, changed)
    differs = ((first - second).abs() > 1e-6).numpy()
    assert not differs[:7].any()
    assert not differs[7, :41].any()
    assert differs[7, 41:].any()
    assert differs[8].any()


@pytest.mark.parametrize("arm", ARMS)
def test_odds_are_a_distribution(arm: str) -> None:
    """All steps of three keys add up to one, whatever came before."""
    torch.manual_seed(1)
    network = build(replace(SMALL, arm=arm, low=40, high=43)).eval()
    total = 0.0
    for number in range(8):
        piece = np.zeros((2, 88), np.bool_)
        piece[0, 41] = True
        piece[1, 40:43] = [number >> bit & 1 for bit in range(3)]
        total += math.exp(-float(surprise(network, piece, 10**9)[1]))
    assert total == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("arm", ARMS)
def test_long_pieces_are_heard_in_parts_that_give_the_same(arm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    network, piece = build(replace(SMALL, arm=arm)), roll(2)
    whole = surprise(network, piece, 10)
    monkeypatch.setattr(learning, "HEARD", 10)
    assert np.allclose(surprise(network, piece, 10), whole, atol=1e-4)


def test_keys_that_never_sounded_cost_what_is_left_to_them() -> None:
    network, piece = build(replace(SMALL, low=39, high=66)), roll(1)
    higher = piece.copy()
    higher[3, 80] = True
    more = surprise(network, higher, 98) - surprise(network, piece, 98)
    assert more[3] == pytest.approx(math.log(0.99 / 0.01))
    assert more[[0, 1, 2, 4]] == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("arm", ARMS)
def test_what_repeats_is_learned(arm: str) -> None:
    epochs = 6 if arm == "tied" else 12
    lesson = replace(SHORT, epochs=epochs)
    learned = learn(rolls(), replace(SMALL, arm=arm), lesson, 0)
    assert learned.valid_nll < 0.7 * learned.course[0]
    assert learned.valid_nll == pytest.approx(nll(learned.network, rolls().valid, learned.steps))


def test_a_seed_gives_the_same_and_a_stopped_learning_goes_on(tmp_path: Path) -> None:
    whole = learn(rolls(), SMALL, SHORT, 5)
    kept = tmp_path / "state"

    class Stop(Exception):
        pass

    def stop(what: str, done: int, total: int) -> None:
        if done == 3:
            raise Stop

    with pytest.raises(Stop):
        learn(rolls(), SMALL, SHORT, 5, kept=kept, progress=stop)
    rest = learn(rolls(), SMALL, SHORT, 5, kept=kept)
    assert rest.course == whole.course
    assert all((a == b).all() for a, b in zip(rest.network.parameters(), whole.network.parameters(), strict=True))
    assert learn(rolls(), SMALL, SHORT, 6).course != whole.course


def test_a_kept_state_of_other_data_is_not_gone_on_from(tmp_path: Path) -> None:
    kept = tmp_path / "state"
    learn(rolls(), SMALL, replace(SHORT, epochs=1), 5, kept=kept)
    again = learn(rolls(5), SMALL, replace(SHORT, epochs=1), 5, kept=kept)
    assert again.course == learn(rolls(5), SMALL, replace(SHORT, epochs=1), 5).course


def test_patience_ends_learning() -> None:
    made = rolls()
    noise = np.random.default_rng(0).random((64, 88)) < 0.3
    hard = Rolls(made.train, [noise])
    learned = learn(hard, SMALL, replace(SHORT, epochs=40, patience=2, rate=3e-2), 0)
    assert len(learned.course) < 40
    assert len(learned.course) - 1 - int(np.argmin(learned.course)) == 2


def test_batches_hold_every_step_once_and_know_what_came_before() -> None:
    pieces = list(rolls().train)
    low, high = sounding(pieces)
    steps = 0
    for batch in batches(pieces, low, high, Lesson(batch=4, stretch=20), np.random.default_rng(0)):
        steps += int(batch.real.sum())
        assert (batch.before[:, 1:] == batch.now[:, :-1])[batch.real[:, 1:]].all()
        assert not batch.before[:, 0][batch.at[:, 0] == 0].any()
        assert batch.before[:, 0][batch.at[:, 0] > 0].any(dim=-1).all()
    assert steps == sum(map(len, pieces))


def test_moved_pieces_stay_within_the_keys_and_whole() -> None:
    pieces = list(rolls().train)
    low, high = sounding(pieces)
    notes = set()
    for seed in range(5):
        made = list(batches(pieces, low, high, Lesson(batch=1, stretch=500, shift=6), np.random.default_rng(seed)))
        assert sum(float(batch.now.sum()) for batch in made) == sum(piece.sum() for piece in pieces)
        notes |= {int(batch.now[0, 0].argmax()) for batch in made}
    assert len(notes) > 5


def test_learn_generation_writes_a_model(tmp_path: Path) -> None:
    source = save_rolls(tmp_path / "r.npz", rolls())
    made = api.learn_generation(rolls=source, out=tmp_path / "m", epochs=2, threads=1, seed=1)
    metrics = json.loads((tmp_path / "m" / "metrics.json").read_text())
    assert metrics["valid_nll"] == made.facts["valid_nll"] < 20
    assert metrics["test_nll"] > 0
    network, steps = open_model(tmp_path / "m")
    assert nll(network, rolls().valid, steps) == pytest.approx(metrics["valid_nll"], abs=1e-3)
    again = api.learn_generation(rolls=source, out=tmp_path / "m", epochs=2, threads=1, seed=1, only_stale=True)
    assert again.unchanged
    (tmp_path / "m" / WEIGHTS).write_bytes(b"x")
    with pytest.raises(ArtefactError, match="learn the model again"):
        open_model(tmp_path / "m")


def test_learn_generation_reads_midi(tmp_path: Path) -> None:
    for part, count in (("train", 4), ("valid", 1)):
        for number in range(count):
            save_midi(tmp_path / "midi" / part / f"{number}.mid", shift=number)
    made = api.learn_generation(midi=tmp_path / "midi", out=tmp_path / "m", epochs=1, threads=1)
    assert made.facts["test_nll"] is None
    assert made.facts["pieces"] == {"train": 4, "valid": 1, "test": 0}


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="neither"):
        api.learn_generation(out=tmp_path / "m")
    with pytest.raises(DataError, match="both"):
        api.learn_generation(midi=tmp_path, rolls=tmp_path / "x.npz", out=tmp_path / "m")
    with pytest.raises(DataError, match="did you mean tied"):
        api.learn_generation(rolls=save_rolls(tmp_path / "r.npz", rolls()), arm="tide", out=tmp_path / "m")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra):
        api.learn_generation(rolls=tmp_path / "r.npz", out=tmp_path / "m")
