"""Windows of a file become one description of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recsys.audio.analyse import DESCRIPTORS, analyse, analyser, by_confidence
from recsys.audio.described import Described
from recsys.audio.traits import TRAITS
from tests.audio.sounds import noise, save


@pytest.fixture(scope="module")
def pulses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty seconds of noise in pulses at 120 a minute, a second of silence at either end."""
    silence = np.zeros((22050, 1), np.float32)
    samples = np.concatenate([silence, noise(38), silence])
    return save(tmp_path_factory.mktemp("pulses") / "a.wav", samples)


def test_a_file_in_numbers(pulses: Path) -> None:
    found = analyse(str(pulses))
    assert found.seconds == 40.0
    assert found.flags == []
    assert set(found.traits) == set(TRAITS)
    assert set(found.blocks) == set(DESCRIPTORS) - {"fingerprint"}
    assert all(np.isfinite(block).all() and block.dtype == np.float32 for block in found.blocks.values())
    assert found.traits["tempo_bpm"] == pytest.approx(120, rel=0.01)
    assert found.traits["tempo_half"] == pytest.approx(found.traits["tempo_bpm"] / 2)
    assert found.traits["silence_head"] == pytest.approx(1.0, abs=0.02)
    assert found.traits["silence_tail"] == pytest.approx(1.0, abs=0.5)


def test_events_count_from_the_start_of_the_file(pulses: Path) -> None:
    whole = analyse(str(pulses)).events["onsets"]
    expected = 1.0 + 0.5 * np.arange(76)
    near = np.abs(whole[:, None] - expected).min(axis=1)
    assert (near < 0.05).mean() > 0.95
    assert len(whole) == pytest.approx(76, abs=4)


def test_silence_at_the_ends_is_unknown_when_the_windows_do_not_reach_them(pulses: Path) -> None:
    found = analyse(str(pulses), windows=1, seconds=5.0)
    assert np.isnan(found.traits["silence_head"])
    assert np.isnan(found.traits["silence_tail"])


def test_a_silent_file_has_no_traits(tmp_path: Path) -> None:
    found = analyse(str(save(tmp_path / "a.wav", 0 * noise(5))))
    assert found.flags == ["silent"]
    assert found.blocks == {}
    assert {name for name, value in found.traits.items() if not np.isnan(value)} <= {"tempo_confidence"}


def test_trimming_moves_no_event_and_keeps_the_dynamics(pulses: Path) -> None:
    plain, cut = analyse(str(pulses)), analyse(str(pulses), trim=True)
    assert cut.traits["silence_head"] == plain.traits["silence_head"]
    assert cut.traits["loudness"] == plain.traits["loudness"]
    np.testing.assert_allclose(cut.events["onsets"][1:10], plain.events["onsets"][1:10], atol=0.02)


def test_one_loudness_makes_a_quiet_copy_equal(tmp_path: Path) -> None:
    loud = save(tmp_path / "a.wav", noise(10), subtype="FLOAT")
    quiet = save(tmp_path / "b.wav", 0.05 * noise(10), subtype="FLOAT")
    first, second = (analyse(str(path), loudness=-23.0) for path in (loud, quiet))
    np.testing.assert_allclose(first.blocks["timbre"], second.blocks["timbre"], rtol=1e-3, atol=1e-3)
    assert first.traits["loudness"] - second.traits["loudness"] == pytest.approx(26.0, abs=0.1)


def test_the_analyser_changes_with_its_options() -> None:
    assert analyser(windows=3) == analyser(windows=3)
    assert len({analyser(windows=3), analyser(windows=2), analyser(windows=3, trim=True)}) == 3


def test_values_of_unsure_windows_count_less() -> None:
    parts = [
        Described({"tempo": 60.0, "tempo_confidence": 0.1}, np.float32([1, 2])),
        Described({"tempo": 61.0, "tempo_confidence": 0.1}, np.float32([3, 2])),
        Described({"tempo": 120.0, "tempo_confidence": 0.9}),
        Described({"tempo": np.nan, "tempo_confidence": np.nan}),
    ]
    whole = by_confidence(parts)
    assert whole.values == {"tempo": 120.0, "tempo_confidence": pytest.approx(0.3667, abs=1e-3)}
    assert whole.vector is not None
    assert whole.vector.tolist() == [2, 2]
    assert np.isnan(by_confidence(parts[3:]).values["tempo"])
