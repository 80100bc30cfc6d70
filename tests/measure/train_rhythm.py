"""Make the weights of ``recsys.audio.activations``.

    python -m tests.measure.train_rhythm --songs POP909 --scores FOLDER --fonts A.sf2 B.sf2 --out activations.npz

POP909 holds a folder per song (MIT licence); FOLDER is searched for MusicXML (played as classical pieces) and ABC
(played as tunes), such as the corpus of music21 without its Nottingham part. Needs torch, and FluidSynth on the
path; about 1,400 performances and ten minutes of one core. Songs to be measured on are left out with ``--without``.
On one machine, with the same packages, fonts and seed, it writes the same bytes each time.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import binary_cross_entropy_with_logits, elu

from recsys.audio.activations import DILATIONS, _inputs
from recsys.audio.onsets import log_bands, rises
from tests.measure.perform import RATE, Performance, perform
from tests.measure.scores import Score, abc, musicxml, pop909

CHANNELS, BATCH, FRAMES = 24, 6, 2240
SHARE = {"song": 1.0, "tune": 3.0, "classical": 2.2}  # how often a performance is drawn
POSITIVE = torch.tensor([3.0, 4.0, 1.5, 1.5])[:, None]  # weight of a beat, a downbeat and two onsets
TASKS = torch.tensor([1.0, 1.0, 0.5, 0.5])[:, None]


class Network(torch.nn.Module):
    """The network of ``recsys.audio.activations``, (batch, inputs, frames) → (batch, 4, frames)."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.first = torch.nn.Conv1d(inputs, CHANNELS, 3, padding=1)
        self.middle = torch.nn.ModuleList(
            torch.nn.Conv1d(CHANNELS, CHANNELS, 5, padding=2 * step, dilation=step) for step in DILATIONS
        )
        self.last = torch.nn.Conv1d(CHANNELS, 4, 1)
        self.drop = torch.nn.Dropout1d(0.1)

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        hidden = elu(self.first(signal))
        for layer in self.middle:
            hidden = hidden + elu(layer(self.drop(hidden)))
        return self.last(hidden)


class Source(NamedTuple):
    """A file or folder, what reads it, and how it is played."""

    path: Path
    read: Callable[[Path], Score]
    kind: str


def sources(songs: Path, folder: Path, without: set[str]) -> list[Source]:
    """Every score: songs twice, classical pieces four times (they are cut differently), chorales and tunes once."""
    kept = [song for song in sorted(songs.iterdir()) if song.is_dir() and song.name not in without]
    found = [Source(song, pop909, "song") for song in kept] * 2
    for path in sorted(folder.rglob("*.mxl")):
        found += [Source(path, musicxml, "classical")] * (1 if "bach" in path.parts else 4)
    return found + [Source(path, abc, "tune") for path in sorted(folder.rglob("*.abc"))]


def examples(
    performances: Iterator[tuple[Performance, str]],
) -> tuple[torch.Tensor, torch.Tensor, NDArray[np.float64]]:
    """Inputs (n, inputs, frames), targets (n, 4, frames) and how often each is drawn."""
    inputs, targets, shares = [], [], []
    for played, kind in performances:
        bands = log_bands(played.samples, RATE)
        found = _inputs(bands.levels, rises(bands).bands)[:FRAMES]
        inputs.append(np.pad(found, ((0, FRAMES - len(found)), (0, 0))).T.astype(np.float16))
        beats, downbeats = (_marks(times, bands.rate / 2, FRAMES, 0.5) for times in (played.beats, played.downbeats))
        onsets = _marks(played.onsets, bands.rate, 2 * FRAMES, 0.3).reshape(FRAMES, 2)
        targets.append(np.column_stack([beats, downbeats, onsets]).T)
        shares.append(SHARE[kind])
    return torch.tensor(np.stack(inputs)), torch.tensor(np.stack(targets)), np.array(shares) / sum(shares)


def _marks(times: NDArray[np.floating], rate: float, frames: int, beside: float) -> NDArray[np.float32]:
    """1 at each time, ``beside`` in the frames next to it."""
    out = np.zeros(frames, np.float32)
    for shift, value in ((-1, beside), (1, beside), (0, 1.0)):
        places = np.round(times * rate).astype(int) + shift
        places = places[(places >= 0) & (places < frames)]
        out[places] = np.maximum(out[places], value)
    return out


def train(inputs: torch.Tensor, targets: torch.Tensor, shares: NDArray[np.float64], steps: int, seed: int) -> Network:
    """Adam with one cycle of the learning rate; level, tilt and contrast of the spectra are varied."""
    torch.manual_seed(seed)
    rng, network = np.random.default_rng(seed), Network(inputs.shape[1])
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 8e-3, total_steps=steps, pct_start=0.15)
    for step in range(steps):
        rows = torch.tensor(rng.choice(len(inputs), BATCH, p=shares))
        heard = network(_varied(inputs[rows].float()))
        losses = binary_cross_entropy_with_logits(heard, targets[rows], reduction="none", pos_weight=POSITIVE)
        loss = (losses * TASKS).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            print(f"step {step}: loss {loss.item():.4f}", flush=True)
    return network


def _varied(signal: torch.Tensor) -> torch.Tensor:
    batch, groups = len(signal), signal.shape[1] // 3
    tilt = 0.3 * torch.randn(batch, 1, 1) * torch.linspace(-1, 1, groups)[None, :, None]
    out = signal + 0.1 * torch.randn_like(signal)
    out[:, :groups] += 0.25 * torch.randn(batch, 1, 1) + tilt
    out[:, groups:] *= torch.exp(0.25 * torch.randn(batch, 1, 1))
    return out


def save(network: Network, mean: torch.Tensor, scale: torch.Tensor, path: Path) -> None:
    """Weights as (taps, in, out) in half precision."""
    layers = list(network.middle)
    kernels = {"first_w": network.first.weight, "last_w": network.last.weight}
    arrays = {name: kernel.detach().permute(2, 1, 0).numpy() for name, kernel in kernels.items()}
    arrays["mid_w"] = np.stack([layer.weight.detach().permute(2, 1, 0).numpy() for layer in layers])
    arrays = {name: array.astype(np.float16) for name, array in arrays.items()}
    arrays |= {"first_b": network.first.bias.detach().numpy(), "last_b": network.last.bias.detach().numpy()}
    arrays |= {"mid_b": np.stack([layer.bias.detach().numpy() for layer in layers])}
    np.savez(path, mean=mean.numpy(), scale=scale.numpy(), **arrays)


def main() -> None:
    """Perform, train, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--songs", type=Path, required=True)
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--fonts", type=Path, nargs="+", required=True)
    parser.add_argument("--without", type=lambda path: set(Path(path).read_text().split()), default=set())
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--most", type=int, default=1400, help="performances")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    rng = np.random.default_rng(chosen.seed)
    found = sources(chosen.songs, chosen.scores, chosen.without)
    kept = [found[place] for place in rng.permutation(len(found))[: chosen.most]]
    inputs, targets, shares = examples(performances(kept, chosen.fonts, rng))
    mean, scale = inputs.float().mean((0, 2)), inputs.float().std((0, 2))
    inputs = ((inputs.float() - mean[None, :, None]) / scale[None, :, None]).half()
    save(train(inputs, targets, shares, chosen.steps, chosen.seed), mean, scale, chosen.out)


def performances(kept: list[Source], fonts: list[Path], rng: np.random.Generator) -> Iterator[tuple[Performance, str]]:
    """Each score played once; those that are too short or cannot be read are passed over."""
    for source in kept:
        try:
            yield perform(source.read(source.path), source.kind, fonts, rng), source.kind
        except (ValueError, IndexError, KeyError, TypeError, ElementTree.ParseError) as problem:
            print(f"left out {source.path.name}: {problem}")


if __name__ == "__main__":
    main()
