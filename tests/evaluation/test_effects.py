"""What a block is worth: pooled over splits, sure over listeners, and honest about harm."""

from __future__ import annotations

import numpy as np
import pytest

from recsys.errors import DataError
from recsys.evaluation import Interval
from recsys.evaluation.effects import Ablation, Effect, Sample, relative_loss
from recsys.evaluation.report import write_report
from tests.evaluation.test_report import small


def sample(gain: float, seed: int = 0, count: int = 400) -> Sample:
    rng = np.random.default_rng(seed)
    whole = rng.uniform(0.2, 0.6, count)
    return Sample(np.arange(count), whole, whole * (1 - gain) + rng.normal(0, 0.02, count))


def test_the_loss_is_found_with_its_interval() -> None:
    found = relative_loss([sample(0.1, s) for s in range(3)])
    assert found.low < 0.1 < found.high
    assert found.high - found.low < 0.02
    none = relative_loss([sample(0.0, 7)])
    assert none.low < 0 < none.high


def test_a_listener_in_several_splits_is_one_listener() -> None:
    """The same values three times over say nothing new, so the interval must not shrink."""
    one = sample(0.1)
    once, thrice = relative_loss([one]), relative_loss([one] * 3)
    assert thrice == pytest.approx(once)
    others = [Sample(one.listeners + 400 * i, one.whole, one.treated) for i in range(3)]
    wide, narrow = (x.high - x.low for x in (once, relative_loss(others)))
    assert narrow < 0.8 * wide


def test_nothing_to_lose_is_said() -> None:
    with pytest.raises(DataError, match="no samples"):
        relative_loss([])
    with pytest.raises(DataError, match="nothing to lose"):
        relative_loss([Sample(np.arange(3), np.zeros(3), np.zeros(3))])


def ablation(**losses: Interval) -> Ablation:
    effects = [Effect("cold", name, "removed", loss, 5) for name, loss in losses.items()]
    effects += [Effect("warm", name, "removed", Interval(0.5, 0.4, 0.6), 5) for name in losses]
    return Ablation("hybrid", "ndcg@100", {"cold": 0.4, "warm": 0.5}, effects)


def test_a_block_pays_when_it_costs_enough_on_new_tracks_beyond_doubt() -> None:
    found = ablation(
        good=Interval(0.05, 0.01, 0.09),
        small=Interval(0.015, 0.01, 0.02),
        unsure=Interval(0.05, -0.01, 0.11),
        harmful=Interval(-0.05, -0.09, -0.01),
    )
    assert found.pays() == {"good": True, "unsure": False, "small": False, "harmful": False}
    assert found.blocks()[-1] == "harmful"
    assert found.to_json()["on by default"]["good"] is True


def test_the_report_says_what_pays(tmp_path) -> None:
    found = ablation(tags=Interval(0.3, 0.2, 0.4), year=Interval(-0.01, -0.02, 0.0))
    page, numbers = write_report(small(None), tmp_path, ablation=found)
    text = page.read_text(encoding="utf-8")
    assert "<b>tags</b>" in text
    assert "does not pay" in text
    assert "<b>0.300</b><small>0.200 – 0.400</small>" in text
    assert '"on by default"' in numbers.read_text(encoding="utf-8")
