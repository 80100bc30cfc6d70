"""Every value has a definition, and the derived ones keep to [0, 1] and to the truth about what is unknown."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.audio import dynamics, rhythm, timbre, tonal, traits
from tests.audio.tones import noise, song, spectra

NEEDED = {
    "energy": ("loudness", "fast_modulation", "pitch_steadiness"),
    "danceability": ("pulse_clarity", "tempo_bpm", "percussive_share"),
    "brightness": ("centroid",),
    "acousticness": ("pitch_steadiness", "flatness", "percussive_share", "fast_modulation"),
    "instrumentalness": ("pitch_steadiness", "voice_modulation"),
}
EVERYTHING = {name: (trait.low + trait.high) / 2 for name, trait in traits.TRAITS.items()}


@pytest.mark.parametrize(
    ("table", "names"),
    [
        (traits.RHYTHM, rhythm.NAMES),
        (traits.TONAL, tonal.NAMES),
        (traits.TIMBRE, timbre.NAMES),
        (traits.DYNAMICS, dynamics.NAMES),
        (traits.DERIVED, tuple(traits.derive({}))),
    ],
)
def test_each_value_is_defined_and_nothing_else(table, names):
    assert tuple(trait.name for trait in table) == tuple(names)


def test_definitions_are_sentences_that_also_say_what_it_is_not():
    for trait in traits.TRAITS.values():
        assert trait.low < trait.high
        assert trait.definition.endswith(".")
        assert trait.caution.startswith("Not ")
        assert trait.caution.endswith(".")


@given(st.fixed_dictionaries({name: st.floats(-1e6, 1e6) | st.just(math.nan) for name in EVERYTHING}))
def test_derived_traits_lie_between_0_and_1_or_are_unknown(values):
    for name, value in traits.derive(values).items():
        unknown = any(math.isnan(values[needed]) for needed in NEEDED[name])
        assert math.isnan(value) == unknown
        assert unknown or 0 <= value <= 1


@pytest.mark.parametrize(
    ("name", "raised", "sign"),
    [("energy", "loudness", 1), ("energy", "fast_modulation", 1), ("danceability", "pulse_clarity", 1),
     ("brightness", "centroid", 1), ("acousticness", "percussive_share", -1), ("acousticness", "flatness", -1),
     ("instrumentalness", "voice_modulation", -1), ("instrumentalness", "pitch_steadiness", 1)],
)  # fmt: skip
def test_derived_traits_follow_what_they_are_made_of(name, raised, sign):
    trait = traits.TRAITS[raised]
    low, high = (traits.derive({**EVERYTHING, raised: edge})[name] for edge in (trait.low, trait.high))
    assert sign * (high - low) > 0


def test_the_favourite_tempo_is_the_most_danceable():
    at = {bpm: traits.danceability({**EVERYTHING, "tempo_bpm": bpm}) for bpm in (40, 90, 120, 160, 240)}
    assert max(at, key=at.get) == 120


def test_noise_is_brighter_and_less_acoustic_than_a_song():
    hiss, tune = (
        traits.derive({**timbre.describe(s).values, **tonal.describe(s).values, **dynamics.describe(s).values})
        for s in (spectra(noise(5.0)), spectra(song(0)))
    )
    assert hiss["brightness"] > tune["brightness"]
    assert hiss["acousticness"] < tune["acousticness"]
