"""Altered log-mel windows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from recsys.producers.networks.augmenting import altered, filtered, masked, mixed, warped  # noqa: E402
from recsys.producers.networks.recipes import Alterations  # noqa: E402

NONE = Alterations(0.0, 0.0, 0.0, 0, 0.0)


def ramps(count: int = 4, frames: int = 40, bands: int = 16) -> torch.Tensor:
    """Windows that rise by 1 a frame and by 100 a band."""
    one = torch.arange(frames)[:, None] + 100.0 * torch.arange(bands)[None]
    return one.repeat(count, 1, 1)


def test_nothing_altered_is_a_stretch_of_the_window() -> None:
    found = altered(ramps(), 30, NONE, np.random.default_rng(1))
    assert torch.allclose(found[:, 1:] - found[:, :-1], torch.ones(4, 29, 16), atol=1e-3)
    starts = found[:, 0, 0]
    assert (starts >= 0).all()
    assert (starts <= 10.01).all()
    assert len(set(starts.tolist())) == 4


def test_speed_changes_the_pace_of_each_window() -> None:
    found = warped(ramps(), 20, 0.0, 0.2, np.random.default_rng(1))
    pace = found[:, 1] - found[:, 0]
    assert torch.allclose(found[:, 1:] - found[:, :-1], pace[:, None].expand(4, 19, 16), atol=1e-3)
    assert pace[:, 0].std() > 0.05


def test_pitch_shifts_all_frames_alike() -> None:
    found = warped(ramps(), 40, 1.5, 0.0, np.random.default_rng(1))
    moved = (found - ramps())[:, :, 8]
    assert torch.allclose(moved, moved[:, :1].expand(4, 40), atol=1e-2)
    assert moved[:, 0].abs().max() > 50


def test_filters_are_slow_curves_over_bands() -> None:
    change = filtered(torch.zeros(3, 5, 64), 0.5, np.random.default_rng(1))
    assert torch.equal(change[:, 0], change[:, 4])
    assert change.abs().mean() > 0.2
    assert change.diff(dim=2).abs().max() < 0.5


@given(st.integers(0, 3), st.floats(0.0, 0.5))
def test_masks_blank_no_more_than_asked(masks: int, share: float) -> None:
    found = masked(torch.ones(6, 50, 20), masks, share, np.random.default_rng(3))
    assert set(found.unique().tolist()) <= {0.0, 1.0}
    most = 1 - (1 - share) ** (2 * masks)
    rounding = masks * (1 / 50 + 1 / 20)
    assert 1 - float(found.mean(dim=(1, 2)).min()) <= most + rounding


def test_mixed_values_follow_the_windows_and_unknown_stays_unknown() -> None:
    windows = torch.eye(4).view(4, 1, 4).repeat(1, 3, 1)
    values = {"one": torch.eye(4), "other": torch.tensor([[0.0], [1.0], [float("nan")], [1.0]])}
    found, some = mixed(windows, values, 0.5, np.random.default_rng(2))
    assert torch.allclose(found[:, 0], some["one"])
    assert torch.allclose(some["one"].sum(1), torch.ones(4))
    touched = some["one"][:, 2] > 0
    assert torch.equal(torch.isnan(some["other"][:, 0]) | ~touched, torch.ones(4, dtype=torch.bool))
    assert (some["one"].max(1).values >= 0.5).all()


def test_not_mixed_at_all() -> None:
    windows = ramps()
    found, _ = mixed(windows, {}, 0.0, np.random.default_rng(2))
    assert found is windows


def test_same_generator_same_windows() -> None:
    how = replace(Alterations(), masks=1)
    one, other = (altered(ramps(), 30, how, np.random.default_rng(5)) for _ in range(2))
    assert torch.equal(one, other)
