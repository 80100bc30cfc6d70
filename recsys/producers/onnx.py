"""An encoder that someone owns, as an ONNX file with a JSON sidecar in; one vector per track out.

Nothing is downloaded. Sound goes to the encoder in windows of the length that the sidecar declares; the vectors
of all windows of a file are averaged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import soxr
from numpy.typing import NDArray

from recsys import manifest
from recsys.audio.decode import windows
from recsys.audio.spectra import mel_filters, power_spectrum
from recsys.errors import DataError, MissingExtra
from recsys.producers.sidecar import LogMel, Sidecar, read_sidecar

if TYPE_CHECKING:
    from recsys.audio.sound import Sound
    from recsys.audio.store import Features

Floats = NDArray[np.float32]
Progress = Callable[[str, int, int], None]

KIND = "vectors"
BATCH = 16
SAVE_EVERY = 1000  # tracks
SPECIAL = re.compile(r"[^A-Za-z0-9_-]")
UNITS = {"ln": 1.0, "log10": 1 / np.log(10), "db": 10 / np.log(10)}


class Encoder:
    """An ONNX file ready to turn sound into vectors.

    Attributes:
        sidecar: what it declares.
        sha256: of the ONNX file.
    """

    def __init__(self, path: Path, sidecar: Sidecar, session: Any) -> None:
        self.path, self.sidecar, self.sha256 = path, sidecar, manifest.sha256(path)
        self._session = session
        self._rank = len(next(i for i in session.get_inputs() if i.name == sidecar.input).shape)

    @classmethod
    def open(cls, path: str | Path, *, threads: int = 1) -> Encoder:
        """Load an encoder and check that it is what its sidecar says.

        Raises:
            MissingExtra: onnxruntime is not installed.
            DataError: the file or its sidecar is missing or wrong.
        """
        path = Path(path)
        if not path.is_file():
            raise DataError(f"no {path}; expected an ONNX file with a .json of the same name beside it")
        sidecar = read_sidecar(path)
        session = _session(path, threads)
        for noun, wanted, there in (
            ("input", sidecar.input, session.get_inputs()),
            ("output", sidecar.output, session.get_outputs()),
        ):
            names = [one.name for one in there]
            if wanted not in names:
                raise DataError(f"{path} has no {noun} {wanted!r}; it has {', '.join(names)}: mend its .json")
        others = [one.name for one in session.get_inputs() if one.name != sidecar.input]
        if others:
            raise DataError(f"{path} also wants {', '.join(others)}; an encoder takes one input")
        return cls(path, sidecar, session)

    def encode_file(self, path: str | Path, *, count: int = 3, seconds: float = 30.0) -> Floats:
        """The vector (d,) of a sound file, from ``count`` windows of at most ``seconds``.

        Raises:
            DataError: nothing in it can be decoded, or the encoder fails on it.
            OSError: it cannot be read.
        """
        return self.encode(windows(path, count=count, seconds=seconds))

    def encode(self, sounds: Sequence[Sound]) -> Floats:
        """The mean vector (d,) of windows of sound.

        Raises:
            DataError: the encoder fails on them, or gives what is not finite.
        """
        pieces = np.concatenate([self._pieces(sound) for sound in sounds])
        inputs = np.stack([self._front_end(piece) for piece in pieces])
        outputs = [self._run(inputs[i : i + BATCH]) for i in range(0, len(inputs), BATCH)]
        vector = np.concatenate(outputs).mean(axis=0, dtype=np.float64).astype(np.float32)
        if not np.isfinite(vector).all():
            raise DataError(f"{self.sidecar.name} gave a vector that is not finite")
        return vector

    def _pieces(self, sound: Sound) -> Floats:
        """Pieces of equal length at the wanted rate, (pieces, samples); a sound too short for one is padded."""
        rate, size = self.sidecar.sample_rate, round(self.sidecar.seconds * self.sidecar.sample_rate)
        samples = sound.samples if sound.rate == rate else soxr.resample(sound.samples, sound.rate, rate)
        whole = len(samples) // size
        if whole == 0:
            return np.pad(samples, (0, size - len(samples)))[None].astype(np.float32)
        return np.asarray(samples[: whole * size].reshape(whole, size), np.float32)

    def _front_end(self, samples: Floats) -> Floats:
        front_end = self.sidecar.front_end
        return log_mel(samples, self.sidecar.sample_rate, front_end) if isinstance(front_end, LogMel) else samples

    def _run(self, batch: Floats) -> Floats:
        """Outputs (batch, d); what the encoder gives for several frames is averaged."""
        while batch.ndim < self._rank:
            batch = batch[:, None]
        try:
            (output,) = self._session.run([self.sidecar.output], {self.sidecar.input: batch})
        except Exception as error:  # onnxruntime has no public tree of errors
            raise DataError(f"{self.sidecar.name} failed on input {batch.shape}: {str(error)[:200]}") from error
        output = np.asarray(output, np.float32)
        if output.ndim < 2 or len(output) != len(batch):
            raise DataError(f"{self.sidecar.name} gave {output.shape} for {batch.shape}; expected (batch, …, d)")
        return output.reshape(len(output), -1, output.shape[-1]).mean(axis=1)


def log_mel(samples: Floats, rate: int, front_end: LogMel) -> Floats:
    """Log power in mel bands, float32 (frames, bands) or (bands, frames) by the layout.

    >>> log_mel(np.zeros(4096, np.float32), 16000, LogMel(kind="log-mel", log="db")).shape
    (9, 80)
    """
    high = front_end.high or rate / 2
    if not front_end.low < high <= rate / 2:
        raise DataError(f"mel bands from {front_end.low} to {high} Hz; expected low < high <= {rate / 2:g}")
    filters = mel_filters(rate, front_end.n_fft, front_end.bands, front_end.low, high)
    power = power_spectrum(samples, front_end.n_fft, front_end.hop) @ filters
    logs = np.log(np.maximum(power, np.float32(front_end.floor))) * UNITS[front_end.log]
    scaled = ((logs - front_end.mean) / front_end.std).astype(np.float32)
    return scaled if front_end.layout == "frames-bands" else np.ascontiguousarray(scaled.T)


def write_vectors(
    features: Features,
    encoder: Encoder,
    out: str | Path,
    *,
    count: int = 3,
    seconds: float = 30.0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Encode all tracks into a folder with one Parquet file (track_id, digest, vector), which ingest reads as content.

    The file, and so the content space, is named after the encoder: ``mine@1`` becomes ``mine-1``. What the folder
    holds already from the same encoder is not made again; a killed run loses at most the last 1,000 tracks.

    Returns:
        Facts: ``encoder``, ``sha256``, ``windows``, ``seconds``, ``dimensions``, ``tracks``, ``failures`` (cause by
        track id), ``encoded`` in this run.

    Raises:
        DataError: not one track could be encoded.
        ArtefactError: ``out`` holds something else.
    """
    made_by = {"encoder": encoder.sidecar.name, "sha256": encoder.sha256, "windows": count, "seconds": seconds}
    vectors = _held(Path(out), made_by)
    files = features.catalogue[["path", "digest"]]
    wanted = files[~files["digest"].isin(vectors.keys())]
    failures: dict[str, str] = {}
    for done, (track, path, digest) in enumerate(wanted.itertuples(), 1):
        try:
            vectors[digest] = encoder.encode_file(path, count=count, seconds=seconds)
        except (DataError, OSError) as error:
            failures[str(track)] = str(error)
        if done % SAVE_EVERY == 0:
            _save(Path(out), files["digest"], vectors, {**made_by, "failures": failures})
        if progress:
            progress("encode", done, len(wanted))
    if not vectors:
        raise DataError(
            f"{encoder.sidecar.name} encoded none of {len(files)} tracks: {next(iter(failures.values()), '')}"
        )
    facts = _save(Path(out), files["digest"], vectors, {**made_by, "failures": failures})
    return {**facts, "encoded": len(wanted) - len(failures)}


def _held(out: Path, made_by: Mapping[str, Any]) -> dict[str, Floats]:
    """Vectors by digest that an earlier run with the same encoder left."""
    if not out.is_dir() or not manifest.find(out):
        return {}
    facts = manifest.read(out, KIND)
    if any(facts.get(name) != value for name, value in made_by.items()):
        return {}
    table = pd.read_parquet(out / _file(facts["encoder"]))
    return {
        digest: np.asarray(vector, np.float32) for digest, vector in zip(table["digest"], table["vector"], strict=True)
    }


def _save(out: Path, digests: pd.Series, vectors: Mapping[str, Floats], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write the vectors of the tracks that have one; the facts with what there is of them."""
    kept = digests[digests.isin(vectors.keys())]
    rows = [vectors[digest] for digest in kept]
    frame = pd.DataFrame({"track_id": kept.index.to_numpy(), "digest": kept.to_numpy(), "vector": rows})
    told = {**facts, "tracks": len(rows), "dimensions": len(rows[0]) if rows else 0}
    with manifest.fresh_folder(out) as work:
        frame.to_parquet(work / _file(str(facts["encoder"])), index=False)
        manifest.seal(work, KIND, told, name=manifest.OUTPUT_NAME)
    return told


def _file(encoder: str) -> str:
    return f"{SPECIAL.sub('-', encoder)}.parquet"


def _session(path: Path, threads: int) -> Any:
    try:
        runtime = import_module("onnxruntime")
    except ImportError as error:
        raise MissingExtra("onnxruntime", "onnx") from error
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    try:
        return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no public tree of errors
        raise DataError(f"{path} is no ONNX file that can be run: {str(error)[:200]}") from error
