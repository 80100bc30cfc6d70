"""One listener taken out of everything below some folders, step by step; a run that was killed can be done again."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from recsys import bundle, manifest
from recsys.errors import ArtefactError
from recsys.forgetting import bundles, files, traces
from recsys.forgetting.proof import Proof
from recsys.forgetting.who import Who
from recsys.freshness import fingerprint
from recsys.partitions import REPORT
from recsys.playlists.ledger import PART, Ledger
from recsys.tables.dataset import KIND as TABLES

Progress = Callable[[str, int, int], None]
LISTS = {".m3u", ".m3u8", ".xspf", ".jspf", ".csv", ".parquet", ".json", ".txt", ".svg", ".pls"}
HALF = re.compile(r"\..+\.(\d+)\.tmp")  # what a process that was killed left behind


def erase(who: Who, folders: Sequence[Path], proof: Proof, *, progress: Progress | None = None) -> None:
    """Take a listener out of bundles, tables, ledgers, lists, logs and other files; the proof says what was done.

    Args:
        who: the listener.
        folders: everything below them.
        proof: written along the way; ``left`` names what could not be taken out.
        progress: called with (what, done, total).
    """
    steps = (_halves, _bundles, _tables, _ledgers, _lists, _others)
    for done, step in enumerate(steps):
        if progress:
            progress("forget", done, len(steps) + 1)
        for record in step(who, folders):
            proof.add(**{name: _told(who, value) for name, value in record.items()})
    looked: Counter[str] = Counter()
    skip = proof.path.parent.resolve()
    found = traces.traces(folders, who, looked)
    found = [path for path in found if skip not in Path(path).resolve().parents] + _sources(who, folders)
    proof.left = [who.masked(path) for path in found]
    proof.looked = dict(sorted(looked.items()))
    if progress:
        progress("forget", len(steps) + 1, len(steps) + 1)


def _sources(who: Who, folders: Sequence[Path]) -> list[str]:
    """Files elsewhere that tables were made from and that still name the listener: these would come back with them."""
    homes = [folder.resolve() for folder in folders]
    inputs = [manifest.read(folder).get("inputs") for folder, kind in _made(folders) if kind == TABLES]
    paths = {Path(path) for given in inputs for files_ in (given or {}).values() for path in files_}
    outside = [path for path in sorted(paths) if path.is_file() and not any(h in path.resolve().parents for h in homes)]
    return [str(path) for path in outside if files.without(path, who, write=False)]


def _told(who: Who, value: Any) -> Any:
    return who.masked(value) if isinstance(value, str) else value


def _made(folders: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Every finished folder with its kind."""
    for path in list(traces.files_of(folders)):
        if path.name in (manifest.NAME, manifest.OUTPUT_NAME) and path.is_file():
            try:
                yield path.parent, str(manifest.read(path.parent)["kind"])
            except (ArtefactError, KeyError):
                continue


def _halves(who: Who, folders: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Working folders of processes that were killed; folders that were moved aside go back."""
    for folder in folders:
        for path in sorted(folder.rglob(".*")):
            if path.name.endswith(".old"):
                manifest.recover(path.with_name(path.name.removeprefix(".").removesuffix(".old")))
            elif (found := HALF.fullmatch(path.name)) and not manifest.alive(found[1]):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                yield {"path": str(path), "kind": "unfinished", "removed": {}, "before": "", "after": ""}


def _bundles(who: Who, folders: Sequence[Path]) -> Iterator[dict[str, Any]]:
    for folder, kind in _made(folders):
        if kind != bundle.KIND:
            continue
        before = fingerprint(folder)
        if rebuilt := bundles.rebuilt_bundle(folder, who):
            made, removed = rebuilt
            told = {"before": before, "after": fingerprint(made), "now": str(made)}
            yield {"path": str(folder), "kind": kind, "removed": removed, **told}


def _tables(who: Who, folders: Sequence[Path]) -> Iterator[dict[str, Any]]:
    for folder, kind in _made(folders):
        if kind != TABLES:
            continue
        before = fingerprint(folder)
        if (removed := bundles.rebuilt_tables(folder, who)) is not None:
            told = {"before": before, "after": fingerprint(folder)}
            yield {"path": str(folder), "kind": kind, "removed": removed, **told}


def _ledgers(who: Who, folders: Sequence[Path]) -> Iterator[dict[str, Any]]:
    parts = [path for path in traces.files_of(folders) if PART.fullmatch(path.name)]
    for folder in dict.fromkeys(path.parent for path in parts):
        book = Ledger(folder)
        before = _names(folder)
        names = {str(name) for name in book.read()["listener"].unique()}
        rows = sum(book.erase(name).rows for name in sorted(names) if who.named(name))
        if rows:
            told = {"before": before, "after": _names(folder)}
            yield {"path": str(folder), "kind": "ledger", "removed": {"ledger rows": rows}, **told}


def _names(folder: Path) -> str:
    """The parts of a ledger, whose names tell their content."""
    return " ".join(sorted(path.stem.rpartition("-")[2] for path in folder.glob("part-*.parquet")))


def _lists(who: Who, folders: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Folders and files of lists that were made for the listener."""
    for path in list(traces.files_of(folders)):
        mine = who.named(path.parent.name) or who.named(path.stem) or _tells_of(path, who)
        if mine and path.suffix.lower() in LISTS and not manifest.find(path.parent):
            before = manifest.sha256(path)
            path.unlink()
            if who.named(path.parent.name) and not any(path.parent.iterdir()):
                path.parent.rmdir()
            yield {"path": str(path), "kind": "list", "removed": {"lists": 1}, "before": before, "after": ""}


def _tells_of(path: Path, who: Who) -> bool:
    """Whether a JSON file is the report on a list for this listener."""
    if path.suffix != ".json" or path.stat().st_size > 1 << 24:
        return False
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(told, dict) and isinstance(told.get("listener"), str) and who.named(told["listener"])


def _others(who: Who, folders: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Recommendations and the like, then logs and every other file of rows."""
    made = dict(_made(folders))
    for folder, kind in made.items():
        if kind not in (bundle.KIND, TABLES) and any(_rows(path, who) for path in traces.files_of([folder])):
            before = fingerprint(folder)
            rows = _swapped(folder, kind, who)
            told = {"before": before, "after": fingerprint(folder)}
            yield {"path": str(folder), "kind": kind, "removed": {"rows": rows}, **told}
    for path in list(traces.files_of(folders)):
        if PART.fullmatch(path.name) or set(path.parents) & set(made):
            continue
        before = manifest.sha256(path)
        if rows := files.without(path, who):
            told = {"before": before, "after": manifest.sha256(path)}
            yield {"path": str(path), "kind": "file", "removed": {"rows": rows}, **told}


def _rows(path: Path, who: Who) -> int:
    return files.without(path, who, write=False)


def _swapped(folder: Path, kind: str, who: Who) -> int:
    """A finished folder remade without the listener's rows, sealed again, in one step; returns how many rows."""
    name = next(n for n in (manifest.NAME, manifest.OUTPUT_NAME) if (folder / n).is_file())
    facts = {key: fact for key, fact in manifest.read(folder).items() if key not in bundles.OWN}
    with manifest.fresh_folder(folder) as work:
        shutil.copytree(folder, work, dirs_exist_ok=True)
        rows = sum(files.without(path, who) for path in traces.files_of([work]))
        (work / REPORT).unlink(missing_ok=True)  # it may show their list, and counts it
        if isinstance(facts.get("listeners"), int):
            facts["listeners"] -= 1
        manifest.seal(work, kind, facts, name=name)
    return rows
