"""What the instrument tagger can hear: instruments, their families, applause and silence."""

from __future__ import annotations

from types import MappingProxyType

INSTRUMENTS = MappingProxyType(
    {
        "piano": ("keyboards",),
        "electric piano": ("keyboards",),
        "harpsichord": ("keyboards",),
        "organ": ("organs",),
        "accordion": ("organs",),
        "bells": ("mallets",),
        "vibraphone": ("mallets",),
        "marimba": ("mallets",),
        "guitar": ("plucked",),
        "electric guitar": ("plucked",),
        "distorted guitar": ("plucked",),
        "banjo": ("plucked",),
        "mandolin": ("plucked",),
        "harp": ("plucked",),
        "electric bass": ("bass",),
        "synth bass": ("bass", "synth"),
        "double bass": ("strings", "bass"),
        "violin": ("strings",),
        "viola": ("strings",),
        "cello": ("strings",),
        "string ensemble": ("strings",),
        "choir": ("voices",),
        "trumpet": ("brass",),
        "trombone": ("brass",),
        "tuba": ("brass",),
        "french horn": ("brass",),
        "brass section": ("brass",),
        "saxophone": ("woodwind",),
        "oboe": ("woodwind",),
        "cor anglais": ("woodwind",),
        "bassoon": ("woodwind",),
        "clarinet": ("woodwind",),
        "flute": ("woodwind",),
        "recorder": ("woodwind",),
        "synth lead": ("synth",),
        "synth pad": ("synth",),
        "drums": ("percussion",),
    }
)
"""Each instrument with its families. Bells are celesta, glockenspiel, music box and tubular bells; marimba holds the
xylophone, accordion the harmonica, flute the piccolo, recorder all other flutes blown at the end."""

FAMILIES = (
    "strings", "woodwind", "brass", "keyboards", "plucked", "mallets",
    "voices", "synth", "percussion", "organs", "bass",
)  # fmt: skip
EVENTS = ("applause",)
CLASSES = (*INSTRUMENTS, *FAMILIES, *EVENTS)
"""What the network learned. Speech, singing and live recordings are not among it: there was no honest data."""
SILENCE = "silence"
TOLD = (*CLASSES, SILENCE)
"""What is told of a window: what the network hears, and whether there is anything to hear, which needs no network."""
