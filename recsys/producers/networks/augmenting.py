"""Batches of log-mel windows in, altered batches out: what pitch, speed, filters and lost parts would make of them.

All on log-mel windows (b, frames, bands) in deviations: hundreds of times cheaper than altering sound and hearing it
again. What is random takes its generator as an argument.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recsys.producers.networks.recipes import Alterations

Values = dict[str, Tensor]

FASTEST = 1.25


Chance = np.random.Generator


def altered(windows: Tensor, frames: int, how: Alterations, rng: Chance) -> Tensor:
    """``frames`` from a random place of each window, at another pitch and speed, filtered and partly blanked.

    Masks are those of Park and others, SpecAugment, Interspeech 2019.

    >>> windows = torch.randn(3, 160, 64)
    >>> tuple(altered(windows, 128, Alterations(), np.random.default_rng(1)).shape)
    (3, 128, 64)
    """
    moved = warped(windows, frames, how.pitch, how.speed, rng)
    return masked(filtered(moved, how.filter, rng), how.masks, how.masked, rng)


def warped(windows: Tensor, frames: int, pitch: float, speed: float, rng: Chance) -> Tensor:
    """Read at shifted places: ``frames`` of each window, (b, frames, bands)."""
    count, length, bands = windows.shape
    fastest = min(FASTEST, (length - 1) / (frames - 1))
    pace = np.minimum(np.exp(rng.standard_normal((count, 1)) * speed), fastest)
    start = rng.random((count, 1)) * np.maximum(length - 1 - (frames - 1) * pace, 0)
    time = (start + np.arange(frames) * pace) * (2 / (length - 1)) - 1
    band = (np.arange(bands) + rng.standard_normal((count, 1)) * pitch) * (2 / (bands - 1)) - 1
    shape = (count, frames, bands)
    grid = np.stack([np.broadcast_to(band[:, None], shape), np.broadcast_to(time[:, :, None], shape)], -1)
    places = torch.from_numpy(grid.astype(np.float32)).to(windows.device)
    read = torch.nn.functional.grid_sample(windows.unsqueeze(1), places, padding_mode="border", align_corners=True)
    return read.squeeze(1)


def filtered(windows: Tensor, deviation: float, rng: Chance) -> Tensor:
    """Louder or quieter, and through a random smooth filter of five slow curves."""
    count, _, bands = windows.shape
    curves = np.cos(np.outer(np.arange(5), np.arange(bands)) * (np.pi / bands))
    change = rng.standard_normal((count, 5)) * deviation @ curves
    return windows + torch.from_numpy(change.astype(np.float32)).to(windows.device).unsqueeze(1)


def masked(windows: Tensor, masks: int, share: float, rng: Chance) -> Tensor:
    """Some stretches of bands and of frames set to what is usual, 0."""
    count, frames, bands = windows.shape
    kept = np.ones(windows.shape, np.float32)
    for _ in range(masks):
        kept *= _stretch(count, bands, share, rng)[:, None]
        kept *= _stretch(count, frames, share, rng)[:, :, None]
    return windows * torch.from_numpy(kept).to(windows.device) if masks else windows


def mixed(windows: Tensor, values: Mapping[str, Tensor], strength: float, rng: Chance) -> tuple[Tensor, Values]:
    """Each window and its values mixed with those of another (Zhang and others, mixup, ICLR 2018); 0 = as they are.

    A value that is unknown of either is unknown of both.
    """
    if strength <= 0:
        return windows, dict(values)
    drawn = rng.beta(strength, strength, len(windows)).astype(np.float32)
    share = torch.from_numpy(np.maximum(drawn, 1 - drawn)).to(windows.device).view(-1, 1)
    other = torch.from_numpy(rng.permutation(len(windows))).to(windows.device)
    some = {name: share * value + (1 - share) * value[other] for name, value in values.items()}
    part = share.view(-1, *[1] * (windows.ndim - 1))
    return part * windows + (1 - part) * windows[other], some


def _stretch(count: int, length: int, share: float, rng: Chance) -> NDArray[np.float32]:
    """1 and, in one stretch of each row, 0; (count, length)."""
    width = rng.random((count, 1)) * length * share
    start = rng.random((count, 1)) * (length - width)
    place = np.arange(length)
    return ((place < start) | (place >= start + width)).astype(np.float32)
