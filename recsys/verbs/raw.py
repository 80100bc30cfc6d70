"""Raw files in, features and tables out: analyze, ingest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsys import manifest
from recsys.errors import DataError, MissingExtra
from recsys.freshness import fingerprint, is_current
from recsys.settings import Settings, changed
from recsys.verbs.made import Made, Pathlike, Paths, Progress
from recsys.verbs.symbols import OPTIONS, hear_symbols, open_beside, parts_of, save_melodies, symbols_of, with_covers
from recsys.verbs.words import lyrics_state, said_of

if TYPE_CHECKING:
    from recsys.audio.space import Space
    from recsys.forgetting import Forgotten
    from recsys.joining import Joined
    from recsys.producers.encoders.encoder import Encoder
    from recsys.producers.tagging.kept import Labelled
    from recsys.sources import Gathered
    from recsys.tables import Dataset

AUDIO = ("soxr", "av", "tinytag")


def analyze(
    audio: Paths,
    *,
    out: Pathlike,
    workers: int | None = None,
    windows: int | None = None,
    with_: str | Sequence[str] | None = None,
    note_model: Pathlike | None = None,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
) -> Made:
    """Folders of sound files to a folder of features: tags, traits, vectors; only what is new or changed is heard.

    Args:
        audio: folders, or single files; the result holds these and no others.
        out: the folder to write or to bring up to date; a killed run goes on where it stopped.
        workers: processes.
        windows: windows of at most 30 s heard of each file.
        with_: "chords", "notes", or both, also with commas between: harmony, notes and melodies of whole files, kept
            beside ``out``; by default nothing of it.
        note_model: a file that hears notes, see ``transcribe``.
        settings: ``producers.onnx.path`` and ``producers.torch.path`` name encoders of one's own; their vectors go
            beside ``out``.
        only_stale: nothing to say here: finished work is never done again.
        progress: called with (what, done, total).

    Raises:
        MissingExtra: packages that read sound are not installed.
        DataError: a folder does not exist, or there is no model for notes that were asked for.
    """
    need_audio()
    from recsys.audio import library

    settings, out = settings or Settings(), Path(out)
    also: dict[str, Any] = {"symbols": None if with_ is None else list(parts_of(with_))}
    also["note_model"] = None if note_model is None else str(note_model)
    wanted = changed(settings, "analyze", workers=workers, windows=windows, **also).analyze
    made = library.analyze(audio, out, **wanted.model_dump(exclude=OPTIONS), progress=progress)
    encoded = _encode(out, settings, wanted.model_dump(exclude={"workers", *OPTIONS}), progress)
    heard = hear_symbols(out, wanted, progress)
    unchanged = made["unchanged"] and not encoded.get("encoded") and not heard.get("heard")
    return Made("analyze", out, {**made, **encoded, **heard}, unchanged=unchanged)


def _encode(features: Path, settings: Settings, hearing: dict[str, Any], progress: Progress | None) -> dict[str, Any]:
    """Vectors by encoders of one's own, where the settings name some, each into a folder beside the features."""
    from recsys.audio.store import open_features
    from recsys.producers.encoders.vectors import write_vectors

    made = [
        write_vectors(open_features(features), encoder, _vectors(features, kind), progress=progress, **hearing)
        for kind, encoder in _encoders(settings)
    ]
    if not made:
        return {}
    counts = {"encoded": sum(m["encoded"] for m in made), "not_encoded": sum(len(m["failures"]) for m in made)}
    return {"encoder": ", ".join(m["encoder"] for m in made), **counts}


def _encoders(settings: Settings) -> Iterator[tuple[str, Encoder]]:
    """The encoders that the settings name, ready, each with its kind."""
    onnx, torch = settings.producers.onnx, settings.producers.torch
    if onnx.path is not None:
        from recsys.producers.encoders.onnx import OnnxEncoder

        yield "onnx", OnnxEncoder.open(onnx.path, threads=onnx.threads)
    if torch.path is not None:
        from recsys.producers.encoders.torch import TorchEncoder

        yield "torch", TorchEncoder.open(torch.path, threads=torch.threads)


def _vectors(features: Pathlike, kind: str) -> Path:
    """Where the vectors of an encoder of one's own are: beside the features."""
    return Path(f"{features}-{kind}")


def _encoded(features: Pathlike | None, settings: Settings) -> list[Path]:
    """The folders of vectors that belong to the features."""
    kinds = ("onnx", "torch") if features is not None else ()
    return [_vectors(str(features), kind) for kind in kinds if getattr(settings.producers, kind).path is not None]


def labels_of(features: Pathlike) -> Path:
    """Where what ``label`` said of the tracks is: beside the features."""
    return Path(f"{features}-labels")


def ingest(
    plays: Paths = (),
    *,
    out: Pathlike,
    tracks: Paths = (),
    playlists: Paths = (),
    content: Paths = (),
    listeners: Paths = (),
    features: Pathlike | None = None,
    forgotten: Pathlike | None = None,
    settings: Settings | None = None,
    only_stale: bool = False,
    progress: Progress | None = None,
) -> Made:
    """Raw files to a folder of tables; bad rows go to ``rejects.parquet`` there, each with file, line and reason.

    Args:
        plays, tracks, playlists, content, listeners: files, folders or globs; see ``recsys.sources``.
        features: a folder that ``analyze`` wrote; its tracks join those of the other sources, see ``recsys.joining``.
        out: the folder to write; an older one is replaced as a whole.
        forgotten: folder of proofs that ``forget`` wrote: whoever is on its list stays out, whatever a log says;
            default: ``forgotten`` beside ``out`` or above it, where there is one.
        settings: how columns are named and rows weighed.
        only_stale: do nothing when the tables there were made from the same inputs and settings.
        progress: called with (what, done, total).

    Raises:
        DataError: nothing readable, missing columns, or too many bad rows.
    """
    from recsys import sources
    from recsys.forgetting.listed import Forgotten
    from recsys.tables.card import NAME as SUMMARY
    from recsys.tables.card import data_card

    settings, out = settings or Settings(), Path(out)
    gone = Forgotten.above(out, forgotten)
    given = {"plays": plays, "tracks": tracks, "playlists": playlists, "content": content, "listeners": listeners}
    files = sources.find_files(**given)
    inputs = {kind: {str(path): manifest.sha256(path) for path in paths} for kind, paths in files.items()}
    encoded = _encoded(features, settings)
    heard = {"features": fingerprint(Path(features))} if features is not None else {}
    heard |= {folder.name: fingerprint(folder) for folder in encoded}
    if features is not None and manifest.find(labels_of(features)):
        heard["labels"] = fingerprint(labels_of(features))
    if features is not None and settings.ingest.lyrics:
        heard["lyrics"] = lyrics_state(features)
    if features is not None and manifest.find(symbols_of(features)):
        heard["symbols"] = fingerprint(symbols_of(features))
    heard |= {"forgotten": gone.fingerprint} if gone else {}
    made_from = {"inputs": inputs, "settings": settings.ingest.model_dump(), **heard}
    if only_stale and is_current(out, made_from):
        return Made("ingest", out, manifest.read(out, "tables"), unchanged=True)
    gathered, joined = _gather(given, features, encoded, settings, gone, progress)
    facts = {"made_from": made_from, "rejected": len(gathered.rejects), "counts": gathered.counts}
    with manifest.fresh_folder(out) as work:
        gathered.rejects.to_parquet(work / "rejects.parquet", index=False)
        if joined is not None and features is not None:
            tunes = save_melodies(work, features, joined.digests)
            with_covers(joined.relations, tunes, joined.dataset).to_parquet(work / "relations.parquet", index=False)
        if joined is not None and joined.space:
            _save_sound(work / "sound", joined.space, joined)
        if settings.ingest.text:
            gathered = replace(gathered, dataset=_with_words(gathered.dataset, work))
        card = data_card(gathered.dataset, gathered.rejects, inputs)
        manifest.write_bytes(work / SUMMARY, card.encode())
        gathered.dataset.save(work, inputs=inputs, facts=facts)
    return Made("ingest", out, manifest.read(out, "tables"))


def believed(dataset: Dataset, labelled: Labelled) -> Dataset:
    """The dataset with labels that were given in the spaces of predicted ones, as sure."""
    from recsys.producers.tagging.kept import SPACE, with_given

    contents = dict(dataset.contents)
    for name, said in labelled.said.items():
        space = contents.get(f"{SPACE}:{name}")
        if space is not None and said.kind != "numeric" and name in dataset.catalogue.frame:
            contents[space.space] = with_given(space, said.classes, dataset.catalogue.values(name))
    return replace(dataset, contents=contents)


def _with_words(dataset: Dataset, work: Path) -> Dataset:
    """The dataset with its text as a content space; what places other texts in it is kept."""
    from recsys.bundle import save_arrays
    from recsys.opened import WORDS
    from recsys.producers.text.space import NAME, TextSpace

    if NAME in dataset.contents:
        raise DataError(f"there is a content space {NAME!r} already; rename the content file, or leave ingest.text out")
    space = TextSpace.fit(dataset.catalogue.frame)
    save_arrays(work / WORDS, space.arrays())
    return replace(dataset, contents={**dataset.contents, NAME: space.vectors(dataset.catalogue.frame)})


def _save_sound(folder: Path, space: Space, joined: Joined) -> None:
    """What places other sounds beside the tracks, and tells which of them they are."""
    from recsys.audio.outside import save_sounds

    space.save(folder)
    save_sounds(folder, joined.digests)


def _gather(
    given: Mapping[str, Paths],
    features: Pathlike | None,
    encoded: Sequence[Path],
    settings: Settings,
    gone: Forgotten | None,
    progress: Progress | None,
) -> tuple[Gathered, Joined | None]:
    """All sources as one, and what came of the library of sound."""
    from recsys import sources

    how: dict[str, Any] = {**given, "settings": settings.ingest, "forgotten": gone, "progress": progress}
    if features is None:
        return sources.gather(**how), None
    need_audio()
    from recsys import joining
    from recsys.audio.store import open_features
    from recsys.producers.encoders.vectors import read_vectors
    from recsys.producers.tagging.kept import open_labels

    library = open_features(features)
    some = any(given.values())
    found = sources.gather(**how) if some else joining.nothing()
    spaces = [read_vectors(folder, library) for folder in encoded]
    symbols = open_beside(features, library)
    spaces += symbols.spaces() if symbols else []
    labelled = None
    if manifest.find(labels_of(features)) is not None:
        labelled = open_labels(labels_of(features), library.catalogue["digest"].tolist())
        spaces += labelled.spaces()
    joined = joining.join(found.dataset, library, spaces, said=said_of(library, labelled, settings))
    if labelled is not None:
        joined = replace(joined, dataset=believed(joined.dataset, labelled))
    return replace(found, dataset=joined.dataset, counts=found.counts | joined.counts), joined


def need_audio() -> None:
    """MissingExtra when a package is absent without which no sound can be read."""
    for package in AUDIO:
        if find_spec(package) is None:
            raise MissingExtra(package, "audio")
