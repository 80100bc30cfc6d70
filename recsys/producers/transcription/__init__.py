"""Sound files in, their music in symbols out: a folder of MIDI, chord sheets, beats and notes."""
