"""A model and a folder of sound in, a table with one row per file out; a killed run goes on where it stopped."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from recsys import manifest
from recsys.audio.scan import scan
from recsys.errors import DataError
from recsys.producers.labelling.arms import Prediction
from recsys.producers.labelling.examples import assemble, hear
from recsys.producers.labelling.kept import Model
from recsys.producers.labelling.learned import Learned
from recsys.producers.labelling.targets import BETWEEN

Progress = Callable[[str, int, int], None]
PATH, PROBLEM = "path", "problem"
MADE_FROM = b"recsys:made_from"
AT_ONCE = 256  # files
SURE = 0.5  # probability from which a tag is listed


def predict_folder(
    model: Model,
    audio: str | Path,
    work: str | Path,
    *,
    groups: Mapping[str, str] | None = None,
    workers: int = 2,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Predict every sound file of a folder.

    Args:
        model: opened by ``open_model``.
        audio: the folder; or one file.
        work: where finished parts are kept until the caller removes it.
        groups: by path relative to the folder which files belong together: they speak for each other.
        workers: processes that hear.
        progress: called with ("predict", files done, files).

    Returns:
        One row per file, by path: ``path`` relative to the folder; then, by target, the columns of ``columns_of``; and
        ``problem``, why there is nothing else, None where nothing is wrong.

    Raises:
        DataError: no folder, or no sound file in it.
    """
    root = Path(os.path.abspath(audio))
    found = scan([root])
    if not found.files and not found.problems:
        raise DataError(f"no sound file in {audio}; expected files such as .mp3, .flac, .ogg or .wav")
    base = root if root.is_dir() else root.parent
    parts = []
    for start in range(0, len(found.files), AT_ONCE):
        chunk = found.files[start : start + AT_ONCE]
        place = Path(work) / f"{_key(chunk)}.parquet"
        if not place.is_file():
            paths = [os.path.relpath(file.path, base) for file in chunk]
            show = _further(progress, start, len(found.files))
            write_frame(_predicted(model, paths, base, Path(work), workers, show), place)
        parts.append(pq.read_table(place))
        if progress:
            progress("predict", min(start + AT_ONCE, len(found.files)), len(found.files))
    lost = {os.path.relpath(path, base): cause for path, cause in found.problems.items()}
    if lost:
        parts.append(pa.Table.from_pandas(_missing(model, lost), preserve_index=False))
    table = pa.concat_tables(parts, promote_options="permissive")
    frame = table.to_pandas().sort_values(PATH, kind="stable").reset_index(drop=True)
    return frame if groups is None else together(model, frame, groups)


def together(model: Model, frame: pd.DataFrame, groups: Mapping[str, str]) -> pd.DataFrame:
    """What ``predict_folder`` said, where files of one group speak for each other."""
    codes = pd.factorize(frame[PATH].map(groups))[0]
    made, heard = frame.copy(), frame[PROBLEM].isna().to_numpy()
    for one in model.learned:
        if one.sharing.share:
            chances = frame.loc[heard, [f"p_{one.name}_{label}" for label in one.classes]].to_numpy(np.float32)
            for name, values in columns_of(one, one.together(Prediction(chances), codes[heard])).items():
                made.loc[heard, name] = values
    return made


def columns_of(learned: Learned, prediction: Prediction) -> dict[str, Any]:
    """The columns of one target for m files.

    Of a single target ``genre``, ``p_genre`` and ``p_genre_<class>`` for every class; of tags ``mood`` (a list) and
    ``p_mood_<tag>``; of numbers ``valence`` and ``valence_sigma``.
    """
    name, mean = learned.name, prediction.mean
    if learned.kind == "numeric":
        sigma = np.full_like(mean, np.nan) if prediction.sigma is None else prediction.sigma
        pairs = zip(learned.classes, mean.T, sigma.T, strict=True)
        return {title: values for own, m, s in pairs for title, values in ((own, m), (f"{own}_sigma", s))}
    each = {f"p_{name}_{own}": values for own, values in zip(learned.classes, mean.T, strict=True)}
    if learned.kind == "multi":
        tags = [[own for own, chance in zip(learned.classes, row, strict=True) if chance >= SURE] for row in mean]
        return {name: pd.Series(tags, dtype=object), **each}
    chosen = mean.argmax(axis=1)
    labels = np.array(learned.classes, dtype=object)[chosen]
    return {name: labels, f"p_{name}": mean[np.arange(len(mean)), chosen], **each}


def sounds(audio: str | Path) -> str:
    """A short hash of the files of a folder, by name, size and time of change."""
    return _key(scan([audio]).files)


def made_of(out: Path) -> str:
    """What ``write_frame`` was told that a Parquet file was made from; "" when there is none."""
    try:
        return (pq.read_schema(out).metadata or {}).get(MADE_FROM, b"").decode()
    except (OSError, pa.ArrowException):
        return ""


def write_frame(frame: pd.DataFrame, out: Path, made_from: str = "") -> None:
    """A table as Parquet, or CSV by the suffix with ``;`` between tags, written whole or not at all.

    Args:
        made_from: kept in the Parquet file's own metadata.
    """
    buffer = BytesIO()
    if out.suffix.lower() == ".csv":
        frame.apply(_cells).to_csv(buffer, index=False)
    else:
        table = pa.Table.from_pandas(frame, preserve_index=False)
        told = {**(table.schema.metadata or {}), MADE_FROM: made_from.encode()}
        pq.write_table(table.replace_schema_metadata(told), buffer)
    manifest.write_bytes(out, buffer.getvalue())


def _cells(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column for CSV: tags as a table of labels has them."""
    if column.dtype != object:
        return column
    return column.map(lambda cell: BETWEEN[0].join(cell) if isinstance(cell, list | np.ndarray) else cell)


def _further(progress: Progress | None, start: int, total: int) -> Progress | None:
    """Progress of all files, from that of some."""
    return progress and (lambda _, done, __: progress("predict", start + done, total))


def _predicted(
    model: Model, paths: Sequence[str], root: Path, work: Path, workers: int, progress: Progress | None
) -> pd.DataFrame:
    """Rows of some files, those that failed included."""
    digests, failures = hear(paths, folder=work / "heard", root=root, workers=workers, progress=progress)
    good = [path for path in paths if path in digests]
    frames = [_missing(model, failures)] if failures else []
    if good:
        examples = assemble(good, [digests[path] for path in good], work / "heard", model.names)
        examples = model.start.ready(examples, folder=work, root=root)
        columns: dict[str, Any] = {PATH: np.array(good, dtype=object)}
        for one in model.learned:
            columns |= columns_of(one, one.predict(examples))
        frames.insert(0, pd.DataFrame(columns).assign(**{PROBLEM: pd.Series([None] * len(good), dtype=object)}))
    made = [frame.astype(frames[0].dtypes.to_dict()) for frame in frames]
    return pd.concat(made) if len(made) > 1 else made[0]


def _missing(model: Model, failures: Mapping[str, str]) -> pd.DataFrame:
    """Rows of files that could not be heard."""
    columns: dict[str, Any] = {PATH: pd.Series(list(failures), dtype=object)}
    for one in model.learned:
        nothing = Prediction(np.full((1, len(one.classes)), np.nan, np.float32))
        for name, values in columns_of(one, nothing).items():
            text = name == one.name and one.kind != "numeric"
            made = pd.Series([None if text else np.nan] * len(failures), dtype=object if text else values.dtype)
            columns[name] = made
    return pd.DataFrame(columns).assign(**{PROBLEM: pd.Series(list(failures.values()), dtype=object)})


def _key(files: Sequence[Any]) -> str:
    facts = repr([(file.path, file.size, file.mtime_ns) for file in files])
    return hashlib.sha256(facts.encode()).hexdigest()[:24]
