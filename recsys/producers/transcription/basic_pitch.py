"""The network of basic-pitch, from a file that the user has: ``nmp.onnx``, run by onnxruntime.

Bittner et al., ICASSP 2022: windows of 43,844 samples at 22,050 Hz in, for each of 172 frames of 256 samples the
probability of 88 notes, of their onsets, and a finer contour out. Windows overlap by 30 frames, half of which are
dropped on each side.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.audio.sound import RATE, Sound
from recsys.errors import DataError, MissingExtra
from recsys.producers.notation import Notes
from recsys.producers.transcription.decoding import find_notes

Floats = NDArray[np.float32]
WINDOW, HOP, OVERLAP = 43_844, 256, 30
STEP = WINDOW - OVERLAP * HOP
NOTES = 88
BATCH = 8  # windows at a time


class BasicPitch:
    """Hears notes with the network of a file.

    Args:
        path: ``nmp.onnx``.
        threads: of onnxruntime.

    Raises:
        DataError: a network with other inputs or outputs.
        MissingExtra: onnxruntime is not installed.
    """

    speed = 80.0

    def __init__(self, path: str | os.PathLike[str], threads: int = 1) -> None:
        try:
            onnxruntime = import_module("onnxruntime")
        except ImportError as error:
            raise MissingExtra("onnxruntime", "onnx") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = threads
        try:
            self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise DataError(f"{path} is no network that can be run: {error}") from error
        self.name = f"basic-pitch@{hashlib.sha256(Path(path).read_bytes()).hexdigest()[:8]}"
        self._input = self.session.get_inputs()[0].name
        self._note, self._onset = self._outputs(path)

    def notes(self, sounds: Iterable[Sound]) -> Notes:
        """Notes of stretches of sound that follow each other."""
        frames, onsets, times, end = [], [], [], 0.0
        for first, windows in _batched(_windows(sounds)):
            note, onset = self._heard(windows)
            kept = slice(OVERLAP // 2, note.shape[1] - OVERLAP // 2)
            frames.append(note[:, kept].reshape(-1, NOTES))
            onsets.append(onset[:, kept].reshape(-1, NOTES))
            local = np.arange(note.shape[1])[kept] * HOP - OVERLAP // 2 * HOP
            starts = (first + np.arange(len(windows)))[:, None] * STEP
            times.append(((starts + local) / RATE).ravel())
            end = times[-1][-1] + HOP / RATE
        if not frames:
            return Notes.none()
        clock = np.maximum.accumulate(np.append(np.concatenate(times), end))
        return find_notes(np.concatenate(onsets), np.concatenate(frames), clock)

    def _heard(self, windows: Floats) -> tuple[Floats, Floats]:
        note, onset = self.session.run([self._note, self._onset], {self._input: windows[:, :, None]})
        return note, onset

    def _outputs(self, path: Any) -> tuple[str, str]:
        """Names of the outputs for notes and onsets: the second and third of their numbered names."""
        shapes = {output.name: output.shape for output in self.session.get_outputs()}
        wide = sorted(name for name, shape in shapes.items() if len(shape) == 3 and shape[-1] == NOTES)
        given = self.session.get_inputs()[0].shape
        if len(wide) != 2 or len(given) != 3 or given[1] != WINDOW:
            raise DataError(f"{path} takes {given} and gives {shapes}; expected the nmp.onnx of basic-pitch")
        return wide[0], wide[1]


def _windows(sounds: Iterable[Sound]) -> Iterator[Floats]:
    """Overlapping windows; half an overlap of silence comes before the first."""
    waiting = np.zeros(OVERLAP * HOP // 2, np.float32)
    for sound in sounds:
        waiting = np.concatenate([waiting, sound.samples])
        while len(waiting) >= WINDOW:
            yield waiting[:WINDOW]
            waiting = waiting[STEP:]
    if len(waiting) > OVERLAP * HOP // 2:
        yield np.pad(waiting, (0, WINDOW - len(waiting)))


def _batched(windows: Iterable[Floats]) -> Iterator[tuple[int, Floats]]:
    """Some windows at a time, and the number of the first."""
    first, held = 0, []
    for window in windows:
        held.append(window)
        if len(held) == BATCH:
            yield first, np.stack(held)
            first, held = first + len(held), []
    if held:
        yield first, np.stack(held)
