"""Spectra in, how near an onset each key is, whether it sounds and how strongly out: the network that hears notes.

Each key sees the spectra at its own partials (harmonic stacking: Bittner et al., A Lightweight Instrument-Agnostic
Model for Polyphonic Note Transcription and Multipitch Estimation, ICASSP 2022), then its neighbours in time and pitch,
and the keys whose partials coincide with its own. How near the next onset is, is learned as a triangle over time, so
that onsets between two frames can be told (Kong et al., High-Resolution Piano Transcription with Pedals by Regressing
Onset and Offset Times, IEEE/ACM TASLP 29, 2021).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, relu

from recsys.producers.transcription.keys import BINS, KEYS, PER_KEY

PARTIALS = (-36, 0, 36, 57, 72, 84, 93, 101, 108)  # bins from a key to half its pitch, itself, twice, … eight times
DILATIONS = (1, 2, 4, 8, 1)  # frames
MARGIN = 2 + 3 * sum(DILATIONS)  # frames that the network hears on each side


class NoteNetwork(nn.Module):
    """Spectra float (batch, 2, frames, BINS), 0 to 1, to logits (batch, 3, frames, KEYS): onset, sounding, velocity.

    >>> network = NoteNetwork(width=8)
    >>> tuple(network(torch.zeros(1, 2, 50, BINS)).shape)
    (1, 3, 50, 88)
    """

    def __init__(self, width: int = 40, narrow: int = 20) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2 * len(PARTIALS), width, (3, 5), stride=(1, PER_KEY), padding=(1, 0), bias=False)
        self.stem_norm = nn.BatchNorm2d(width)
        self.place = nn.Parameter(torch.zeros(1, width, 1, KEYS))
        self.blocks = nn.ModuleList(Block(width, narrow, dilation) for dilation in DILATIONS)
        self.last = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.last_norm = nn.BatchNorm2d(width)
        self.head = nn.Conv2d(width, 3, 1)

    def forward(self, spectra: Tensor) -> Tensor:
        frames = spectra.shape[2]
        spectra = pad(spectra, (0, 0, 0, -frames % max(DILATIONS)))
        hidden = self.stem_norm(self.stem(stacked(spectra)))
        hidden = relu(hidden + self.place.to(hidden.dtype))
        for block in self.blocks:
            hidden = block(hidden)
        out: Tensor = self.head(relu(self.last_norm(self.last(hidden))))
        return out[:, :, :frames]


class Block(nn.Module):
    """Neighbours in time and pitch, then keys an octave or a twelfth away, whose partials coincide, and what all do."""

    def __init__(self, width: int, narrow: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.near = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.near_norm = nn.BatchNorm2d(width)
        self.narrow = nn.Conv2d(width, narrow, (3, 1), padding=(1, 0))
        self.octaves = nn.Conv2d(narrow, width, (1, 5), padding=(0, 24), dilation=(1, 12), bias=False)
        self.twelfths = nn.Conv2d(narrow, width, (1, 3), padding=(0, 19), dilation=(1, 19), bias=False)
        self.wide_norm = nn.BatchNorm2d(width)
        self.common = nn.Conv1d(narrow, width, 3, padding=1)
        self.told = nn.Conv1d(width, width, 1)

    def forward(self, hidden: Tensor) -> Tensor:
        return woven(self._forward(combed(hidden, self.dilation)), self.dilation)

    def _forward(self, hidden: Tensor) -> Tensor:
        hidden = hidden + relu(self.near_norm(self.near(hidden)))
        few = relu(self.narrow(hidden))
        said = self.told(relu(self.common(few.mean(dim=3))))[..., None]
        return hidden + relu(self.wide_norm(self.octaves(few) + self.twelfths(few)) + said)


def stacked(spectra: Tensor) -> Tensor:
    """Both spectra shifted so that the partials of a key lie over each other, (batch, 18, frames, 264 + 2)."""
    reach, width = max(PARTIALS), KEYS * PER_KEY + 2
    padded = pad(spectra, (-min(PARTIALS) + 1, max(width + reach - BINS, 0)))
    return torch.cat([padded[..., p - min(PARTIALS) : p - min(PARTIALS) + width] for p in PARTIALS], dim=1)


def combed(hidden: Tensor, step: int) -> Tensor:
    """Every ``step``-th frame by itself, (batch · step, n, frames / step, keys): there, neighbours lie ``step`` apart.

    A convolution with gaps over time is the same; but the gradients that oneDNN gives of one in bfloat16 are not.
    """
    if step == 1:
        return hidden
    batch, width, frames, keys = hidden.shape
    rows = hidden.permute(0, 2, 3, 1).reshape(batch, frames // step, step, keys, width).transpose(1, 2)
    return rows.reshape(batch * step, frames // step, keys, width).permute(0, 3, 1, 2)


def woven(hidden: Tensor, step: int) -> Tensor:
    """What ``combed`` took apart, in order again."""
    if step == 1:
        return hidden
    batch, width, frames, keys = hidden.shape
    rows = hidden.permute(0, 2, 3, 1).reshape(batch // step, step, frames, keys, width).transpose(1, 2)
    return rows.reshape(batch // step, frames * step, keys, width).permute(0, 3, 1, 2)
