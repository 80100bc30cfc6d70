"""What learn was asked for in, a model folder out: read the labels, hear the sound, choose an arm, write."""

from __future__ import annotations

import hashlib
import json
import shutil
import time as clock
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from recsys import manifest
from recsys.freshness import is_current
from recsys.verbs.made import Made, Pathlike, Progress
from recsys.verbs.raw import need_audio

if TYPE_CHECKING:
    from recsys.producers.labelling.choice import Choice
    from recsys.producers.labelling.examples import Examples
    from recsys.producers.labelling.labels import Labels
    from recsys.producers.labelling.starting import Start

FOLDS = "folds"


@dataclass(frozen=True)
class Asked:
    """What is to be learned from what."""

    verb: str
    audio: Path
    labels: Path
    targets: list[str]
    out: Path
    group: str | None
    arms: list[str]
    numbers: bool = False
    own: Mapping[str, Any] = field(default_factory=dict)

    def learn(
        self,
        minutes: float,
        seed: int,
        workers: int,
        cache: Pathlike | None,
        only_stale: bool,
        progress: Progress | None,
    ) -> Made:
        """Read, hear, choose, write."""
        need_audio()
        from recsys.producers.labelling.arms import arm
        from recsys.producers.labelling.labels import read_labels
        from recsys.producers.labelling.starting import begin

        started = clock.perf_counter()
        manifest.replaceable(self.out)
        for name in self.arms:
            arm(name)
        read = read_labels(self.labels, self.audio, self.targets, self.group, numbers=self.numbers)
        made_from = self._made_from(read, seed)
        if only_stale and is_current(self.out, made_from):
            return Made(self.verb, self.out, manifest.read(self.out), unchanged=True)
        kept = Path(cache) if cache is not None else self.out.parent / f"{self.out.name}-examples"
        heard, read = _heard(read, self.audio, kept, workers, progress)
        told: dict[str, Any] = {"root": self.audio, "folder": kept, "workers": workers, "seed": seed}
        start, heard = begin(heard, **told, progress=progress, **self.own)
        names = [*self.arms, *start.arms()] if self.arms else [*_usual(), *start.arms()]
        choices = _choose(heard, read, names, 60 * minutes, seed, kept / FOLDS / _mark(start.facts()), progress)
        facts = {"verb": self.verb, "seed": seed, **_counts(heard, read), "made_from": made_from}
        facts |= {"start": start.facts()} if start.facts() else {}
        written = _write(self.out, choices, heard, read, start, facts, clock.perf_counter() - started)
        shutil.rmtree(kept / FOLDS, ignore_errors=True)
        return Made(self.verb, self.out, {**written, "headline": _headline(choices, heard, read)})

    def _made_from(self, read: Labels, seed: int) -> dict[str, Any]:
        own = {name: str(value) for name, value in self.own.items() if value}
        asked = {"own": own, "targets": list(read.targets), "group": read.grouped_by, "arms": self.arms, "seed": seed}
        files = [[path, *_stamp(self.audio / path)] for path in read.paths]
        return {"labels": manifest.sha256(self.labels), "asked": {"verb": self.verb, **asked}, "audio": files}


def _counts(heard: Examples, read: Labels) -> dict[str, Any]:
    return {
        "files": len(heard),
        "groups": len(set(heard.groups.tolist())),
        "grouped_by": read.grouped_by,
        "not_heard": dict(heard.failures),
        "rejected": len(read.rejects),
    }


def _heard(
    read: Labels, audio: Pathlike, kept: Path, workers: int, progress: Progress | None
) -> tuple[Examples, Labels]:
    """Examples, and the labels of those files that could be heard; what has the same sound is of one group."""
    import numpy as np

    from recsys.producers.labelling.examples import examples
    from recsys.producers.labelling.folds import same_sound

    heard = examples(read.paths, folder=kept, root=audio, workers=workers, progress=progress)
    place = {path: row for row, path in enumerate(read.paths)}
    read = read.take(np.array([place[path] for path in heard.paths]))
    return replace(heard, groups=same_sound(read.groups, heard.digests)), read


def _choose(
    heard: Examples,
    read: Labels,
    arms: Sequence[str],
    seconds: float,
    seed: int,
    folder: Path,
    progress: Progress | None,
) -> list[Choice]:
    """The best arm for each target; time is shared out over those that are still to come."""
    from recsys.producers.labelling.choosing import Chooser
    from recsys.producers.labelling.rounds import Kept

    ends = clock.monotonic() + seconds
    choices = []
    for done, target in enumerate(read.targets.values()):
        now = clock.monotonic()
        until = now + max(0.0, ends - now) / (len(read.targets) - done)

        def left(until: float = until) -> float:
            return until - clock.monotonic()

        chooser = Chooser(heard, arms, seed, Kept(folder), left, progress)
        choices.append(chooser.choose(target))
    return choices


def _write(
    out: Path,
    choices: Sequence[Choice],
    heard: Examples,
    read: Labels,
    start: Start,
    facts: dict[str, Any],
    seconds: float,
) -> dict[str, Any]:
    from recsys.producers.labelling.kept import KIND, write_model
    from recsys.producers.labelling.summary import summary, told
    from recsys.verbs.learned_page import page

    with manifest.fresh_folder(out) as work:
        write_model(work, [choice.learned for choice in choices], heard.names)
        start.keep(work)
        (work / "SUMMARY.md").write_text(summary(choices, facts), encoding="utf-8")
        (work / "report.html").write_text(page(choices, facts), encoding="utf-8")
        rejects = [*read.rejects, *((0, f"{path}: {cause}") for path, cause in heard.failures.items())]
        pd.DataFrame(rejects, columns=["line", "reason"]).to_parquet(work / "rejects.parquet", index=False)
        learned = {"targets": [told(choice) for choice in choices], "seconds": round(seconds, 1)}
        return manifest.seal(work, KIND, {**facts, **learned})


def _headline(choices: Sequence[Choice], heard: Examples, read: Labels) -> str:
    """What was chosen, and all that a person should know."""
    parts = []
    for choice in choices:
        grades = choice.winner.grades
        name = "accuracy" if "accuracy" in grades else "average_precision" if "f1" in grades else "spearman"
        told = name.replace("_", " ") if name != "spearman" else "Spearman"
        parts.append(f"{choice.target.name}: {choice.winner.arm}, {told} {grades[name]}")
    by = f"grouped by {read.grouped_by}" if read.grouped_by else "not grouped (no column such as artist: see --group)"
    lost = [f"{len(heard.failures)} files could not be heard"] if heard.failures else []
    return "; ".join([*parts, by, *lost])


def _usual() -> list[str]:
    """Arms that are tried when none are named."""
    from recsys.producers.labelling.arms import arms

    return [one.name for one in arms().values() if one.default]


def _mark(facts: Mapping[str, Any]) -> str:
    """Folds that were learned from another beginning are kept apart."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]


def _stamp(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]
