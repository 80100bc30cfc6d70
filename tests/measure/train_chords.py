"""Make the weights of ``recsys.producers.harmony``.

    python -m tests.measure.train_chords --songs POP909 --fonts A.sf2 --out recsys/producers/harmony/chords.npz

POP909 holds a folder per song (MIT licence). Songs to be measured on are left out with ``--without labels.csv``, whose
column ``source_song`` has their numbers. Performances are those of ``tests.measure.arrange``; three in ten are made-up
exercises, and some more are noise, drums and glides. Needs torch, and FluidSynth on the path. What is rendered is
kept in ``--cache`` and not made again: about seven minutes of one core, then three to learn.
"""

from __future__ import annotations

import argparse
import csv
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import elu

from recsys.audio.sound import Sound
from recsys.audio.spectra import Spectra
from recsys.producers.harmony.network import CHORDS, DILATIONS, REACH, by_root
from recsys.producers.harmony.units import pooled, units
from recsys.producers.notation import Segments
from recsys.producers.notation.harte import QUALITIES, parse
from tests.measure.arrange import RATE, nothing, perform, pop909

Floats = NDArray[np.float32]
WIDTH, BATCH, UNITS = 40, 16, 96
MADE_UP = 3  # performances of ten
NOTHING = 16  # one more for so many, without chords
CLASSES = {quality: place for place, quality in enumerate(QUALITIES)}
GROUPS = (0, 1, 0, 0, 1, 1, 1, 0, 0)  # of each quality: 0 counts as major, 1 as minor


class Lesson(NamedTuple):
    """One performance: notes (n, 84), chord class or −1 (n,), key or −1 (n,), kind of unit (n,)."""

    notes: Floats
    chords: NDArray[np.int64]
    keys: NDArray[np.int64]
    places: NDArray[np.int8]


class Network(torch.nn.Module):
    """The network of ``recsys.producers.harmony.network``, (batch, units, 12, 96) → chords and keys."""

    def __init__(self, width: int) -> None:
        super().__init__()

        def weights(*shape: int) -> torch.nn.Parameter:
            return torch.nn.Parameter(torch.randn(shape) * (0.7 / np.sqrt(np.prod(shape[:-1]))))

        self.first_w, self.first_b = weights(REACH, width), torch.nn.Parameter(torch.zeros(width))
        for layer in range(len(DILATIONS)):
            self.register_parameter(f"time_w{layer}", weights(3, width, width))
            self.register_parameter(f"time_b{layer}", torch.nn.Parameter(torch.zeros(width)))
            self.register_parameter(f"round_w{layer}", weights(12, width, width))
            self.register_parameter(f"round_b{layer}", torch.nn.Parameter(torch.zeros(width)))
        self.chord_w, self.chord_b = weights(width, len(QUALITIES)), torch.nn.Parameter(torch.zeros(len(QUALITIES)))
        self.none_w, self.none_b = weights(width, 1), torch.nn.Parameter(torch.zeros(1))
        self.key_w, self.key_b = weights(width, 2), torch.nn.Parameter(torch.zeros(2))
        self.drop = torch.nn.Dropout(0.15)

    def forward(self, heard: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = elu(heard @ self.first_w + self.first_b)
        for layer, dilation in enumerate(DILATIONS):
            get = {name: getattr(self, f"{name}{layer}") for name in ("time_w", "time_b", "round_w", "round_b")}
            hidden = hidden + elu(self._over_time(self.drop(hidden), get["time_w"], dilation) + get["time_b"])
            hidden = hidden + elu(self._round(self.drop(hidden), get["round_w"]) + get["round_b"])
        chords = (hidden @ self.chord_w + self.chord_b).flatten(2)
        none = hidden.mean(dim=2) @ self.none_w + self.none_b
        keys = (hidden @ self.key_w + self.key_b).transpose(2, 3).flatten(2)
        return torch.cat([chords, none], dim=2), keys

    @staticmethod
    def _over_time(hidden: torch.Tensor, kernel: torch.Tensor, dilation: int) -> torch.Tensor:
        padded = torch.nn.functional.pad(hidden, (0, 0, 0, 0, dilation, dilation))
        n = hidden.shape[1]
        return sum(padded[:, i * dilation : i * dilation + n] @ kernel[i] for i in range(3))

    @staticmethod
    def _round(hidden: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
        places = (torch.arange(12)[:, None] - torch.arange(12)[None, :]) % 12  # from, to
        width = kernel.shape[1]
        matrix = kernel[places].permute(0, 2, 1, 3).reshape(12 * width, 12 * width)
        return (hidden.flatten(2) @ matrix).unflatten(2, (12, width))


def lesson(made: dict[str, NDArray]) -> Lesson:
    """Notes and truth of a performance that was kept, on half beats."""
    samples = made["samples"].astype(np.float32) / 32768
    spectra = Spectra(Sound(samples))
    end = min(float(made["ci"][-1, 1]) if len(made["ci"]) else 0.0, len(samples) / RATE)
    found = units(made["beats"], made["bars"], end)
    notes = pooled(spectra.notes, spectra.long_times.astype(float), found.edges)
    chords = labelled(Segments(made["ci"], list(made["cl"])), found.edges)
    keys = labelled(Segments(made["ki"], list(made["kl"])), found.edges)
    return Lesson(
        notes, np.array([chord_class(c) for c in chords]), np.array([key_class(k) for k in keys]), found.places
    )


def labelled(segments: Segments, edges: NDArray[np.float64]) -> list[str]:
    """The label that covers most of each unit; "X" where less than half of it has one."""
    found = []
    for start, end in itertools.pairwise(edges.tolist()):
        covered = np.minimum(segments.intervals[:, 1], end) - np.maximum(segments.intervals[:, 0], start)
        best = int(covered.argmax()) if len(covered) else -1
        found.append(segments.labels[best] if best >= 0 and covered[best] > (end - start) / 2 else "X")
    return found


def chord_class(label: str) -> int:
    """The place of a label among the outputs, −1 where it has none."""
    if label == "N":
        return CHORDS - 1
    chord = parse(label)
    return -1 if chord.quality is None else chord.root * len(QUALITIES) + CLASSES[chord.quality]


def key_class(label: str) -> int:
    """0 to 23, −1 where unknown."""
    chord = parse(label)
    return -1 if chord.quality not in ("maj", "min") else chord.root + 12 * (chord.quality == "min")


def render(args: argparse.Namespace) -> None:
    """Performances into the cache, those that are missing."""
    out = left_out(args.without) if args.without else set()
    songs = [path for path in sorted(args.songs.iterdir()) if path.is_dir() and path.name not in out]
    order = np.random.default_rng(0).permutation(len(songs))
    args.cache.mkdir(parents=True, exist_ok=True)
    for number in range(args.performances + args.performances // NOTHING):
        place, font = args.cache / f"{number}.npz", args.fonts[number % len(args.fonts)]
        if place.exists():
            continue
        rng = np.random.default_rng([7, number])
        made_up = number % 10 >= 10 - MADE_UP
        song = None if made_up else songs[order[number * (10 - MADE_UP) // 10 % len(songs)]]
        if number >= args.performances:
            kind, played = "nothing", nothing(font, rng)
        else:
            kind, played = perform(None if song is None else pop909(song), font, rng)
        level = 32767 / max(1.0, float(np.abs(played.samples).max()))
        facts = {"kind": kind, "song": "" if song is None else song.name}
        chords = {"ci": played.chords.intervals, "cl": np.array(played.chords.labels)}
        keys = {"ki": played.keys.intervals, "kl": np.array(played.keys.labels)}
        time = {"beats": played.piece.beats, "bars": played.piece.downbeats}
        np.savez(place, samples=(played.samples * level).astype(np.int16), **facts, **chords, **keys, **time)


def left_out(labels: Path) -> set[str]:
    """Numbers of the songs to be measured on."""
    with open(labels, newline="") as file:
        return {row["source_song"].zfill(3) for row in csv.DictReader(file)}


def lessons(cache: Path, performances: int) -> list[Lesson]:
    """All performances of the cache as lessons; notes are kept there too."""
    found = []
    for number in range(performances + performances // NOTHING):
        place, kept = cache / f"{number}.npz", cache / f"{number}.lesson.npz"
        if not place.exists():
            continue
        if not kept.exists():
            made = lesson(dict(np.load(place)))
            np.savez(kept, **made._replace(notes=made.notes.astype(np.float16))._asdict())
        stored = np.load(kept)
        found.append(Lesson(stored["notes"].astype(np.float32), *(stored[n] for n in ("chords", "keys", "places"))))
    return found


def batches(
    lessons: list[Lesson], rng: np.random.Generator
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Stretches of units, moved by random semitones."""
    sizes = np.array([len(one.chords) for one in lessons], float)
    for _ in range(int(sizes.sum() / (BATCH * UNITS)) + 1):
        heard, chords, keys = [], [], []
        for place in rng.choice(len(lessons), BATCH, p=sizes / sizes.sum()):
            one = lessons[place]
            start = int(rng.integers(max(len(one.chords) - UNITS, 0) + 1))
            part = slice(start, start + UNITS)
            steps = int(rng.integers(-6, 7))
            heard.append(_padded(by_root(_moved(_tilted(one.notes[part], rng), steps)), 0.0))
            chords.append(_padded(_class_moved(one.chords[part], steps), -1))
            keys.append(_padded(_key_moved(one.keys[part], steps), -1))
        yield torch.tensor(np.stack(heard)), torch.tensor(np.stack(chords)), torch.tensor(np.stack(keys))


def _padded(part: NDArray, value: float) -> NDArray:
    return np.concatenate([part, np.full((UNITS - len(part), *part.shape[1:]), value, part.dtype)])


def _tilted(notes: Floats, rng: np.random.Generator) -> Floats:
    """Other gains of low and high notes, and of all."""
    curve = rng.normal(0, 0.12) * np.linspace(-1, 1, notes.shape[1]) + rng.normal(0, 0.12)
    return (notes * np.exp(curve)).astype(np.float32)


def _moved(notes: Floats, steps: int) -> Floats:
    """Notes higher by so many semitones; what leaves the range is lost."""
    out = np.zeros_like(notes)
    if steps >= 0:
        out[:, steps:] = notes[:, : notes.shape[1] - steps]
    else:
        out[:, :steps] = notes[:, -steps:]
    return out


def _class_moved(classes: NDArray[np.int64], steps: int) -> NDArray[np.int64]:
    width = len(QUALITIES)
    moved = (classes // width + steps) % 12 * width + classes % width
    return np.where((classes < 0) | (classes == CHORDS - 1), classes, moved)


def _key_moved(keys: NDArray[np.int64], steps: int) -> NDArray[np.int64]:
    return np.where(keys < 0, keys, keys // 12 * 12 + (keys % 12 + steps) % 12)


def loss_of(chords: torch.Tensor, keys: torch.Tensor, wanted: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of all chords, of them as major, minor and none, and of keys."""
    logs = chords.log_softmax(2)
    full = torch.nn.functional.nll_loss(logs.flatten(0, 1), wanted.flatten(), ignore_index=-1)
    table = torch.tensor([2 * root + group for root in range(12) for group in GROUPS] + [24])
    grouped = torch.stack([logs[..., table == g].logsumexp(2) for g in range(25)], 2)
    plain = torch.where(wanted >= 0, table[wanted.clamp(min=0)], -1)
    simple = torch.nn.functional.nll_loss(grouped.flatten(0, 1), plain.flatten(), ignore_index=-1)
    local = torch.nn.functional.cross_entropy(keys.flatten(0, 1), key.flatten(), ignore_index=-1)
    return 0.5 * full + simple + 0.3 * local


def train(taught: list[Lesson], held: list[Lesson], epochs: int, seed: int) -> Network:
    """AdamW with one cycle of the learning rate."""
    torch.manual_seed(seed)
    rng, network = np.random.default_rng(seed), Network(WIDTH)
    steps = epochs * len(list(range(int(sum(len(one.chords) for one in taught) / (BATCH * UNITS)) + 1)))
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps, pct_start=0.15)
    for epoch in range(epochs):
        network.train()
        losses = []
        for heard, chords, keys in batches(taught, rng):
            loss = loss_of(*network(heard), chords, keys)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        print(f"epoch {epoch}: loss {np.mean(losses):.3f}, held out {right(network, held)}", flush=True)
    return network


def right(network: Network, held: list[Lesson]) -> str:
    """Shares of units whose chord (as major, minor or none) and key are right."""
    network.eval()
    chord, key, n, m = 0, 0, 0, 0
    table = np.array([2 * root + group for root in range(12) for group in GROUPS] + [24])
    with torch.inference_mode():
        for one in held:
            logs, keys = (out[0].numpy() for out in network(torch.tensor(by_root(one.notes))[None]))
            odds = np.stack([np.logaddexp.reduce(logs[:, table == g], axis=1) for g in range(25)], 1)
            known = np.isin(one.chords % len(QUALITIES), (0, 1, 2, 3, 4)) & (one.chords >= 0)
            chord += (odds.argmax(1) == table[one.chords])[known].sum()
            key += (keys.argmax(1) == one.keys)[one.keys >= 0].sum()
            n, m = n + known.sum(), m + (one.keys >= 0).sum()
    return f"chords {chord / max(n, 1):.3f}, keys {key / max(m, 1):.3f}"


def changes(taught: list[Lesson]) -> dict[str, Floats]:
    """How often chords change by kind of unit (3,), and counts of what follows by quality, step, quality (q, 12, q)."""
    width = len(QUALITIES)
    changed, counts = np.ones((3, 2)), np.full((width, 12, width), 0.3)
    for one in taught:
        for before, after, place in zip(one.chords[:-1], one.chords[1:], one.places[1:], strict=True):
            if before < 0 or after < 0:
                continue
            changed[place, int(before != after)] += 1
            if before != after and max(before, after) < CHORDS - 1:
                counts[before % width, (after // width - before // width) % 12, after % width] += 1
    rates = changed[:, 1] / changed.sum(1)
    return {"change": rates.astype(np.float32), "follows": counts.astype(np.float32)}


def main() -> None:
    """Render, learn, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--songs", type=Path, required=True)
    parser.add_argument("--fonts", type=Path, nargs="+", required=True)
    parser.add_argument("--without", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--performances", type=int, default=400)
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    render(args)
    everything = lessons(args.cache, args.performances)
    held = [one for place, one in enumerate(everything) if place % 15 == 4 or place % 15 == 8]
    taught = [one for place, one in enumerate(everything) if not (place % 15 == 4 or place % 15 == 8)]
    network = train(taught, held, args.epochs, args.seed)
    arrays = {name: value.detach().numpy().astype(np.float16) for name, value in network.named_parameters()}
    np.savez_compressed(args.out, **arrays, **changes(taught))


if __name__ == "__main__":
    main()
