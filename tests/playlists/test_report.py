"""A report tells what the list itself shows, in words, as JSON and as a picture."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from recsys.playlists import Curve, Goals, Pool, Rules, solve
from recsys.playlists.facts import Facts
from recsys.playlists.picture import svg
from recsys.playlists.report import Report, spark
from recsys.tables import Catalogue


@pytest.fixture(scope="module")
def facts() -> Facts:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"title": [f"<s{i}>" for i in range(40)], "artist": [f"a{i % 12}" for i in range(40)]})
    frame["energy"] = rng.random(40).round(3)
    frame["tempo"] = rng.uniform(80, 160, 40).round(1)
    frame["key"] = [["8A", "C major", None, "F# minor"][i % 4] for i in range(40)]
    frame["duration"] = 200.0
    return Facts(Catalogue(frame))


def test_numbers_are_those_of_the_list(facts: Facts) -> None:
    goals = Goals(curves=(Curve("energy", ((0, 0.2), (1, 0.8)), absolute=True),))
    made = solve(Pool.of(facts), Rules(tracks=10, max_per_artist=1), goals)
    before = np.zeros(40, bool)
    before[made.rows[:3]] = True
    report = Report.of("Up & <away>", made, facts, goals=goals, heard=made.rows[:5], before=before)
    assert (report.tracks, report.artists, report.seconds) == (10, 10, 2000.0)
    assert (report.familiar, report.overlap) == (0.5, 0.3)
    assert report.traits["energy"] == [round(float(v), 4) for v in facts.number("energy")[made.rows]]
    assert (report.curves["energy"][0], report.curves["energy"][-1]) == (0.2, 0.8)
    assert [key for key in report.keys if key] == [
        {0: "8A", 1: "8B", 3: "11A"}[row % 4] for row in made.rows.tolist() if row % 4 != 2
    ]
    tempo = facts.number("tempo")[made.rows]
    folded = np.abs(np.log2(tempo[1:] / tempo[:-1]))
    turns = np.round(folded)
    assert report.steps["tempo"] == pytest.approx(
        np.minimum(folded, np.abs(folded - turns) + 0.1 * turns).mean(), abs=1e-3
    )
    assert json.loads(json.dumps(report.json()))["title"] == "Up & <away>"
    text = report.text()
    assert "10 tracks by 10 artists, 33:20" in text
    assert "familiar  50%" in text


def test_the_picture_is_well_formed_and_shows_every_track(facts: Facts) -> None:
    goals = Goals(curves=(Curve("energy", ((0, 0.2), (1, 0.8)), absolute=True),))
    made = solve(Pool.of(facts), Rules(tracks=10, max_per_artist=1), goals)
    root = ElementTree.fromstring(svg(Report.of("Up & <away>", made, facts, goals=goals)))
    names = [child.tag.split("}")[1] for child in root]
    assert names.count("circle") == 20
    assert names.count("polyline") == 3
    assert "Up & <away>" in [child.text for child in root]


def test_what_is_relaxed_and_noted_is_told(facts: Facts) -> None:
    made = solve(Pool.of(facts, [0, 12, 24, 36]), Rules(tracks=4, max_per_artist=2))
    report = Report.of("One artist", made, facts)
    assert report.relaxed
    assert "relaxed   max_per_artist relaxed from 2 to 4" in report.text()
    assert "max_per_artist relaxed" in svg(report)


def test_nothing_known_and_nothing_listed() -> None:
    facts = Facts(Catalogue.empty(3))
    made = solve(Pool.of(facts), Rules(tracks=2))
    report = Report.of("", made, facts)
    assert set(report.json()) <= {"title", "tracks", "artists", "relaxed", "notes", "goals"}
    ElementTree.fromstring(svg(report))


def test_spark_shrinks_long_lists() -> None:
    assert len(spark([float(i) for i in range(500)])) == 60
    assert spark([]) == ""
    assert spark([2.0, 2.0]) == "▁▁"
