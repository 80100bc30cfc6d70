"""The network of ``recsys.producers.instruments.tagger`` in torch, and how it is trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, max_pool2d, relu

from recsys.producers.instruments.names import CLASSES, INSTRUMENTS
from recsys.producers.instruments.tagger import ACTIVE, BANDS, DEPTH, POOLS, SHRUNK
from tests.measure.instrument_variety import Mixer

WIDTHS, EMBEDDING = (16, 32, 64, 128), 128


class Network(torch.nn.Module):
    """Windows (b, frames, 64) → log-odds (b, classes)."""

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        pairs = list(zip((1, *widths), widths, strict=False))
        self.convolutions = torch.nn.ModuleList(torch.nn.Conv2d(a, b, 3, padding=1, bias=False) for a, b in pairs)
        self.norms = torch.nn.ModuleList(torch.nn.BatchNorm2d(width) for width in widths)
        self.flat = torch.nn.Linear(widths[-1] * BANDS // 2 ** len(POOLS), EMBEDDING)
        self.embed = torch.nn.Linear(2 * EMBEDDING, EMBEDDING)
        self.out = torch.nn.Linear(EMBEDDING, len(CLASSES))
        self.drop = torch.nn.Dropout(0.2)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        frames = mel.shape[1] // SHRUNK
        under = mel[:, : frames * SHRUNK] - mel.amax((1, 2), keepdim=True)
        loud = under.amax(2).reshape(-1, frames, SHRUNK).amax(2) > -ACTIVE
        scaled = under.clamp_min(-DEPTH) * 2 / DEPTH + 1
        hidden = ((scaled[:, ::2] + scaled[:, 1::2]) / 2)[:, None].contiguous(memory_format=torch.channels_last)
        for pool, convolution, norm in zip(POOLS, self.convolutions, self.norms, strict=True):
            hidden = max_pool2d(relu(norm(convolution(hidden))), (pool, 2))
        flat = relu(self.flat(self.drop(hidden.permute(0, 2, 3, 1).flatten(2))))  # (b, frames, bands · channels)
        active = loud.float()[:, :, None]
        mean = (flat * active).sum(1) / active.sum(1).clamp_min(1)
        embedded = relu(self.embed(self.drop(torch.cat([mean, (flat * active).amax(1)], 1))))
        return self.out(self.drop(embedded))


def train(
    network: Network,
    mixer: Mixer,
    steps: int,
    *,
    size: int,
    rate: float,
    tell: Callable[[int, float, Network], None] | None = None,
) -> Network:
    """Adam with one cycle of the learning rate; single voices also compete for the one instrument they are."""
    network = network.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.15)
    mean = 0.0
    for step in range(1, steps + 1):
        loss = loss_of(network, mixer, size)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimizer.step()
        schedule.step()
        mean += (loss.item() - mean) * max(0.01, 1 / step)
        if tell:
            tell(step, mean, network)
    return network.eval()


def loss_of(network: Network, mixer: Mixer, size: int) -> torch.Tensor:
    """Cross-entropy of each class where it is known, and of the choice between instruments in single voices."""
    batch = mixer.batch(size)
    with torch.autocast("cpu", torch.bfloat16):
        odds = network(batch.mel).float()
    known = ~torch.isnan(batch.labels)
    each = binary_cross_entropy_with_logits(odds, batch.labels.nan_to_num(), reduction="none")
    instruments = batch.labels[:, : len(INSTRUMENTS)]
    one = batch.alone & (instruments == 1).any(1)
    choice = cross_entropy(odds[one, : len(INSTRUMENTS)], instruments[one].argmax(1), label_smoothing=0.05)
    return 10 * each[known].mean() + 0.5 * choice


def arrays(network: Network) -> dict[str, np.ndarray]:
    """Weights as the tagger wants them, batch normalisation folded into the convolutions."""
    out = {}
    with torch.no_grad():
        for place, (convolution, norm) in enumerate(zip(network.convolutions, network.norms, strict=True)):
            scale = norm.weight / (norm.running_var + norm.eps).sqrt()
            kernel = convolution.weight * scale[:, None, None, None]  # (out, in, frames, bands)
            out[f"conv{place}_w"] = kernel.permute(2, 3, 1, 0).reshape(-1, len(scale)).numpy()
            out[f"conv{place}_b"] = (norm.bias - norm.running_mean * scale).numpy()
        for name in ("flat", "embed", "out"):
            layer = getattr(network, name)
            out[f"{name}_w"], out[f"{name}_b"] = layer.weight.T.contiguous().numpy(), layer.bias.numpy()
    return out | {"slope": np.ones(len(CLASSES), np.float32), "shift": np.zeros(len(CLASSES), np.float32)}


def save(weights: dict[str, np.ndarray], path: Path, told: dict[str, str]) -> None:
    """As safetensors, matrices in half precision."""
    from safetensors.numpy import save_file

    kept = {
        name: np.ascontiguousarray(array, np.float16 if name.endswith("_w") else np.float32)
        for name, array in sorted(weights.items())
    }
    save_file(kept, path, metadata={"classes": json.dumps(CLASSES), **told})
