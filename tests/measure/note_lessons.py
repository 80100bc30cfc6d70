"""Performances that were heard and told in, a network that hears notes out: batches, losses, and learning."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from pathlib import Path

import mir_eval
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from recsys.producers.notation import Notes
from recsys.producers.transcription.keys import BINS, KEYS, PER_KEY
from recsys.producers.transcription.network import NoteNetwork
from recsys.producers.transcription.peaks import Odds, Thresholds, find

Bytes = NDArray[np.uint8]
SCALE = 238.0  # of stored levels
BATCH, FRAMES = 4, 192
RATE = 4e-3


def batch(clips: Sequence[Bytes], chances: NDArray[np.float64], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Spectra (BATCH, 2, FRAMES, BINS) and targets (BATCH, 2, FRAMES, KEYS), moved in pitch, level and colour."""
    heard, told = [], []
    for place in rng.choice(len(clips), BATCH, p=chances):
        clip = clips[place]
        start = int(rng.integers(max(len(clip) - FRAMES, 0) + 1))
        part = np.zeros((FRAMES, clip.shape[1]), np.uint8)
        taken = clip[start : start + FRAMES]
        part[: len(taken)] = taken
        steps = int(rng.integers(-4, 5)) if rng.random() < 0.6 else 0
        spectra = part[:, : 2 * BINS].reshape(FRAMES, 2, BINS).transpose(1, 0, 2).astype(np.float32) / SCALE
        curve = np.interp(np.arange(BINS), np.linspace(0, BINS, 5), rng.normal(0, 0.03, 5)) + rng.uniform(-0.16, 0.08)
        spectra = np.where(spectra > 0, np.maximum(spectra + curve.astype(np.float32), 0), 0)
        heard.append(moved(spectra, PER_KEY * steps))
        told.append(moved(part[:, 2 * BINS :].reshape(FRAMES, 2, KEYS).transpose(1, 0, 2), steps))
    return torch.from_numpy(np.stack(heard)), torch.from_numpy(np.stack(told).astype(np.float32))


def moved(array: NDArray, steps: int) -> NDArray:
    """Columns moved up; what enters is 0."""
    out = np.zeros_like(array)
    if steps > 0:
        out[..., steps:] = array[..., :-steps]
    elif steps < 0:
        out[..., :steps] = array[..., -steps:]
    else:
        return array
    return out


def loss_of(logits: Tensor, told: Tensor) -> Tensor:
    """Cross-entropy of onsets and of what sounds, squares of velocities at onsets."""
    near, loud = told[:, 0] / 255, told[:, 1] / 127
    onset = binary_cross_entropy_with_logits(logits[:, 0], near, weight=1 + 2 * near)
    frame = binary_cross_entropy_with_logits(logits[:, 1], (loud > 0).float())
    begins = ((near > 0.5) & (loud > 0)).float()
    force = (begins * (logits[:, 2].sigmoid() - loud).square()).sum() / (begins.sum() + 1)
    return 40 * onset + 15 * frame + force


def learn(
    clips: Sequence[Bytes],
    held: Sequence[Bytes],
    steps: int,
    out: Path,
    *,
    limit: float = np.inf,
    seed: int = 0,
    widths: tuple[int, int] = (40, 20),
) -> NoteNetwork:
    """AdamW with one cycle of the learning rate, for so many steps or seconds; a running mean of the weights."""
    torch.manual_seed(seed)
    rng, began = np.random.default_rng(seed), time.monotonic()
    network = NoteNetwork(*widths).to(memory_format=torch.channels_last)
    mean, losses = copy.deepcopy(network), []
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.01)
    sizes = np.array([len(clip) for clip in clips], float)
    for step in range(steps):
        done = max(step / steps, (time.monotonic() - began) / limit)
        if done > 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = RATE * one_cycle(done)
        losses.append(_step(network, optimizer, *batch(clips, sizes / sizes.sum(), rng)))
        averaged(mean, network, min(0.998, 1 - 10 / (step + 20)))
        if step % 25 == 24:
            print(f"step {step + 1}, {time.monotonic() - began:.0f} s: loss {np.mean(losses[-25:]):.3f}", flush=True)
        if step % 250 == 249:
            save(mean, out)
            print(f"  held out: {validate(mean, held[:8])}", flush=True)
    save(mean, out)
    print(f"held out: {validate(mean, held)}; best with {choose(mean, held)}", flush=True)
    return mean


def _step(network: NoteNetwork, optimizer: torch.optim.Optimizer, heard: Tensor, told: Tensor) -> float:
    network.train()
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(heard.to(memory_format=torch.channels_last))
    loss = loss_of(logits.float(), told)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
    optimizer.step()
    return loss.item()


def one_cycle(done: float) -> float:
    """The share of the highest learning rate after this share of the work."""
    rising, least = 0.06, 0.005
    if done < rising:
        return 0.04 + 0.96 * done / rising
    return least + (1 - least) * 0.5 * (1 + np.cos(np.pi * (done - rising) / (1 - rising)))


@torch.no_grad()
def averaged(mean: NoteNetwork, network: NoteNetwork, decay: float) -> None:
    """Move the running mean of all weights and statistics."""
    for old, new in zip(mean.state_dict().values(), network.state_dict().values(), strict=True):
        if old.is_floating_point():
            old.lerp_(new, 1 - decay)
        else:
            old.copy_(new)


def save(network: NoteNetwork, out: Path) -> None:
    """Write float16 weights."""
    from safetensors.torch import save_file

    part = out.with_suffix(".part")
    save_file(
        {n: (a.half() if a.is_floating_point() else a).contiguous() for n, a in network.state_dict().items()}, part
    )
    part.chmod(0o644)
    part.rename(out)


def odds(network: NoteNetwork, clip: Bytes) -> Odds:
    """What a network hears in a whole clip."""
    network.eval()
    levels = np.ascontiguousarray(clip[:, : 2 * BINS]).reshape(len(clip), 2, BINS).transpose(1, 0, 2)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        heard = torch.from_numpy(levels / np.float32(SCALE))[None].to(memory_format=torch.channels_last)
        out = network(heard)[0].float().sigmoid().numpy()
    return Odds(*np.rint(255 * out).astype(np.uint8))


def truth(clip: Bytes) -> Notes:
    """The notes that a clip was made of, near enough: peaks of its own targets."""
    onset, loud = clip[:, 2 * BINS :].reshape(len(clip), 2, KEYS).transpose(1, 0, 2)
    sounding = np.where(loud > 0, 255, 0).astype(np.uint8)
    return find(Odds(onset, sounding, np.rint(loud * (255 / 127)).astype(np.uint8)), Thresholds(0.5, 0.5, 0.1))


def f1(real: Notes, found: Notes, offsets: bool = False) -> tuple[float, float, float]:
    """Precision, recall and F1 of mir_eval: onsets within 50 ms, pitches within half a semitone."""
    if not len(real) or not len(found):
        right = float(len(real) == len(found))
        return right, right, right
    sides = []
    for notes in (real, found):
        sides += [np.column_stack([notes.onset, np.maximum(notes.offset, notes.onset + 0.01)])]
        sides += [440 * 2 ** ((notes.pitch.astype(float) - 69) / 12)]
    ratio = 0.2 if offsets else None
    return mir_eval.transcription.precision_recall_f1_overlap(*sides, offset_ratio=ratio)[:3]


def validate(network: NoteNetwork, held: Sequence[Bytes], thresholds: Thresholds = Thresholds()) -> str:  # noqa: B008
    """Mean precision, recall and F1 over clips."""
    scores = [f1(truth(clip), find(odds(network, clip), thresholds)) for clip in held]
    return "P {:.3f} R {:.3f} F1 {:.3f}".format(*np.mean(scores, axis=0))


def choose(network: NoteNetwork, held: Sequence[Bytes]) -> tuple[Thresholds, float]:
    """The thresholds that are best on clips for validation: by onsets, then, of the frames, by offsets."""
    heard = [(truth(clip), odds(network, clip)) for clip in held]

    def mean(least: Thresholds, offsets: bool) -> float:
        return float(np.mean([f1(real, find(one, least), offsets)[2] for real, one in heard]))

    tried = [Thresholds(onset, 0.5, note) for onset in (0.3, 0.4, 0.5, 0.6) for note in (0.3, 0.4, 0.5, 0.6)]
    best = max(tried, key=lambda least: mean(least, False))
    best = max((best._replace(frame=frame) for frame in (0.4, 0.5, 0.6)), key=lambda least: mean(least, True))
    return best, mean(best, False)


def clips_of(cache: Path, kind: str) -> list[Bytes]:
    """What was rendered so far: memory maps."""
    return [np.load(path, mmap_mode="r") for path in sorted(cache.glob(f"{kind}*.npy"))]
