"""Pieces in symbols in, a model of them out: learn generation; and the model's own pieces: compose."""

from __future__ import annotations

import os
import time as clock
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys import manifest
from recsys.errors import DataError, MissingExtra
from recsys.freshness import is_current
from recsys.settings import Settings
from recsys.verbs.made import Made, Pathlike, Progress

if TYPE_CHECKING:
    from recsys.producers.generation.rolls import Rolls

VERB = "learn generation"


def learn_generation(
    *,
    out: Pathlike,
    midi: Pathlike | None = None,
    rolls: Pathlike | None = None,
    arm: str | None = None,
    epochs: int | None = None,
    shift: int | None = None,
    threads: int = 2,
    seed: int | None = None,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
) -> Made:
    """Learn what comes next in polyphonic pieces; ``metrics.json`` of the folder has ``valid_nll`` and ``test_nll``.

    Both are nats per step, summed over 88 keys, mean over all steps of a part. The valid part says when to stop;
    where there is no test part, ``test_nll`` is null. A run that was killed goes on where it stopped.

    Args:
        out: the folder of the model; an older one is replaced.
        midi: a folder of MIDI files, four steps to a beat; folders in it called train, valid and test are those parts.
        rolls: or an .npz with ``train``, ``valid`` and, if there, ``test``, steps × 88, and the lengths ``*_len``.
        arm: recurrent, tied or attention; default: what suits the size of the data.
        epochs: at most.
        shift: semitones that pieces are moved by at most while learning.
        threads: of the processor.
        seed: of weights and of the order of pieces.

    Raises:
        MissingExtra: torch is not installed.
        DataError: no pieces, or not one source of them.
        ArtefactError: ``out`` holds something else.
    """
    found, place = _rolls(midi, rolls), Path(os.path.abspath(out))
    from recsys.producers.generation.kept import write_model
    from recsys.producers.generation.learning import learn, nll
    from recsys.producers.generation.usual import usual

    started = clock.perf_counter()
    number = (settings or Settings()).train.seed if seed is None else seed
    manifest.replaceable(place)
    plan, lesson = usual(found, arm=arm, epochs=epochs, shift=shift)
    asked = {"arm": arm, "epochs": epochs, "shift": shift, "seed": number}
    made_from = {"rolls": found.digest, "asked": asked}
    if only_stale and is_current(place, made_from):
        return Made(VERB, place, manifest.read(place), unchanged=True)
    kept = place.parent / f".{place.name}.learning"
    with limited(threads):
        learned = learn(found, plan, lesson, number, kept=kept, progress=progress)
        tested = round(nll(learned.network, found.test, learned.steps), 4) if found.test else None
    seconds = round(clock.perf_counter() - started, 1)
    metrics = {"valid_nll": round(learned.valid_nll, 4), "test_nll": tested, "epochs": len(learned.course)}
    counts = {part: len(pieces) for part, pieces in zip(found._fields, found, strict=True)}
    facts = {"verb": VERB, "seed": number, "pieces": counts, "made_from": made_from, "seconds": seconds}
    with manifest.fresh_folder(place) as work:
        written = write_model(work, learned, {**metrics, "seconds": seconds, "course": learned.course}, facts | metrics)
    kept.unlink(missing_ok=True)
    return Made(VERB, place, {**written, "headline": _headline(metrics, plan.arm)})


def _rolls(midi: Pathlike | None, rolls: Pathlike | None) -> Rolls:
    """The pieces of the one source that was named."""
    need_torch()
    from recsys.producers.generation.rolls import read_folder, read_rolls

    if (midi is None) == (rolls is None):
        found = "neither --midi nor --rolls" if midi is None else "both --midi and --rolls"
        raise DataError(f"{found} given; expected a folder of MIDI files or an .npz of rolls")
    return read_folder(midi) if midi is not None else read_rolls(str(rolls))


def need_torch() -> None:
    """Say how to install what learns.

    Raises:
        MissingExtra: torch or safetensors is not installed.
    """
    from importlib.util import find_spec

    for package in ("torch", "safetensors"):
        if find_spec(package) is None:
            raise MissingExtra(package, "torch")


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Torch with so many threads, and as it was afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _headline(metrics: dict[str, Any], arm: str) -> str:
    tested = "" if metrics["test_nll"] is None else f", test {metrics['test_nll']:.3f}"
    return f"{arm}: valid {metrics['valid_nll']:.3f}{tested} nats per step after {metrics['epochs']} epochs"
