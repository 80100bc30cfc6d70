"""Plays from every format, with the columns found, and every way a row can be bad."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.errors import DataError
from recsys.settings import Ingest
from recsys.sources import gather, read_histories, read_ids
from recsys.sources.read import expand
from recsys.tables import IdMap
from tests.sources.conftest import Write, ingest, reasons, triples

ROWS = [("ann", "x", 3), ("ann", "y", 1), ("bo", "x", 2)]


def parquet(path: Path, columns: dict[str, object]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def as_csv(rows: list[tuple[object, ...]], head: str = "user_id,track_id,plays", sep: str = ",") -> str:
    return "".join(sep.join(map(str, row)) + "\n" for row in [head.replace(",", sep).split(sep), *rows])


@pytest.fixture(params=["csv", "tsv", "txt", "jsonl", "json", "parquet", "csv.gz", "jsonl.gz"])
def log(request: pytest.FixtureRequest, write: Write, tmp_path: Path) -> Path:
    kind = request.param
    objects = [dict(zip(("user_id", "track_id", "plays"), row, strict=True)) for row in ROWS]
    lines = "".join(json.dumps(o) + "\n" for o in objects)
    if kind == "parquet":
        return parquet(tmp_path / "log.parquet", {k: [o[k] for o in objects] for k in objects[0]})
    text = {"csv": as_csv(ROWS), "tsv": as_csv(ROWS, sep="\t"), "txt": as_csv(ROWS, sep=";")}
    text |= {"jsonl": lines, "json": json.dumps(objects)}
    content = text[kind.removesuffix(".gz")].encode()
    return write(f"log.{kind}", gzip.compress(content) if kind.endswith(".gz") else content)


def test_each_format_reads_alike(log: Path) -> None:
    gathered = ingest(log)
    assert triples(gathered.dataset.plays) == [("ann", "x", 3.0), ("ann", "y", 1.0), ("bo", "x", 2.0)]
    assert gathered.dataset.plays.time is None
    assert gathered.rejects.empty
    assert gathered.counts["plays_rows"] == 3


@pytest.mark.parametrize(
    "head",
    [
        "userID\tartistID\tweight",
        "User Name,Song ID,Listen Count",
        "listener;recording_mbid;playcount",
        "uid|item|count",
    ],
)
def test_columns_are_found_by_their_usual_names(write: Write, head: str) -> None:
    sep = next(c for c in "\t,;|" if c in head)
    gathered = ingest(write("log.dat", head + "\n" + sep.join(["7", "9", "4"]) + "\n"))
    assert triples(gathered.dataset.plays) == [(7, 9, 4.0)]


def test_a_mapping_wins_over_a_guess(write: Write) -> None:
    log = write("log.csv", "user_id,who,track_id,n\n1,ann,x,5\n")
    gathered = ingest(log, columns={"user_id": "who", "plays": "n"})
    assert triples(gathered.dataset.plays) == [("ann", "x", 5.0)]


def test_a_mapping_to_a_column_that_is_not_there_is_named(write: Write) -> None:
    log = write("log.csv", as_csv(ROWS))
    with pytest.raises(DataError, match=r"maps plays to 'nplays'; found columns user_id, track_id, plays"):
        ingest(log, columns={"plays": "nplays"})
    with pytest.raises(DataError, match="did you mean track_id"):
        ingest(log, columns={"trackid": "x"})


def test_missing_columns_say_what_was_found_and_how_to_map(write: Write) -> None:
    with pytest.raises(DataError, match=r"found columns a, b; expected plays with user_id .*ingest\.columns\] user_id"):
        ingest(write("log.csv", "a,b\n1,2\n"))
    with pytest.raises(DataError, match="the first line looks like data, so add a header line"):
        ingest(write("log.tsv", "1\t51\t13883\n1\t52\t11690\n"))


@pytest.mark.parametrize(
    ("values", "integer"),
    [(["1", "20"], True), (["1", "a"], False), (["01", "2"], False), (["-3", "0"], True), (["9" * 30, "1"], False)],
)
def test_ids_are_integers_only_if_all_are(write: Write, values: list[str], integer: bool) -> None:
    tracks = ingest(write("log.csv", as_csv([("u", v) for v in values], "user,track"))).dataset.tracks
    assert tracks.integer == integer
    assert {str(i) for i in tracks.ids} == set(values)


def test_one_source_with_text_makes_all_ids_text(write: Write, tmp_path: Path) -> None:
    numbers = parquet(tmp_path / "a.parquet", {"user": [1, 2], "track": [10, 9]})
    assert ingest(numbers).dataset.tracks.ids.tolist() == [9, 10]
    words = write("b.csv", "user,track\n1,x9\n")
    both = ingest(numbers, words).dataset
    assert both.tracks.ids.tolist() == ["10", "9", "x9"]
    assert both.users.ids.tolist() == [1, 2]


def test_text_ids_of_typed_files_stay_text(tmp_path: Path) -> None:
    log = parquet(tmp_path / "a.parquet", {"user": ["1"], "track": ["10"]})
    assert ingest(log).dataset.tracks.ids.tolist() == ["10"]


def test_integer_ids_with_gaps_read_as_floats_stay_integers(tmp_path: Path) -> None:
    pd.DataFrame({"user": [1.0, np.nan], "track": [5, 6]}).to_parquet(tmp_path / "a.parquet")
    gathered = ingest(tmp_path / "a.parquet")
    assert gathered.dataset.users.ids.tolist() == [1]
    assert reasons(gathered) == [(2, "user id is missing")]


def test_categories_that_no_row_uses_are_no_ids(tmp_path: Path) -> None:
    users = pd.Categorical(["ann", None, "bo"], categories=["zoe", "bo", "a\nb", "ann"])
    pd.DataFrame({"user": users, "track": [1, 2, 3]}).to_parquet(tmp_path / "a.parquet")
    gathered = ingest(tmp_path / "a.parquet")
    assert gathered.dataset.users.ids.tolist() == ["ann", "bo"]
    assert gathered.dataset.tracks.ids.tolist() == [1, 3]
    assert reasons(gathered) == [(2, "user id is missing")]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_every_bad_value_is_rejected_with_its_line_and_the_rest_goes_on(
    kind: str, write: Write, tmp_path: Path
) -> None:
    rows = [
        ("ann", "x", "1", "1600000000"),
        ("", "x", "1", "1600000000"),
        ("nan", "x", "1", "1600000000"),
        ("ann", "a\x07b", "1", "1600000000"),
        ("ann", "l" * 513, "1", "1600000000"),
        ("ann", "x", "-1", "1600000000"),
        ("ann", "x", "NaN", "1600000000"),
        ("ann", "x", "inf", "1600000000"),
        ("ann", "x", "many", "1600000000"),
        ("ann", "x", "1", "yesterday"),
        ("ann", "x", "1", ""),
        ("ann", "x", "1", "-5"),
        ("ann", "x", "1", "7300000000"),
        ("bo", "y", "2", "1600000001"),
    ]
    names = ["user_id", "track_id", "plays", "timestamp"]
    if kind == "csv":
        log = write("log.csv", as_csv(rows, ",".join(names)))
    elif kind == "jsonl":
        log = write("log.jsonl", "".join(json.dumps(dict(zip(names, r, strict=True))) + "\n" for r in rows))
    else:
        log = parquet(tmp_path / "log.parquet", {n: [r[i] for r in rows] for i, n in enumerate(names)})
    gathered = ingest(log)
    assert triples(gathered.dataset.plays) == [("ann", "x", 1.0), ("bo", "y", 2.0)]
    first = 2 if kind == "csv" else 1
    late = "timestamp is unreadable, before 1970 or after 2200"
    expected = [
        *("user id is missing", "user id is missing", "track id has control characters"),
        *(
            "track id has more than 512 bytes",
            "count is negative",
            "count is missing",
            "count is infinite or too large",
        ),
        *("count is not a number", late, "timestamp is missing", late, late),
    ]
    found = reasons(gathered)
    assert [line for line, _ in found] == [first + i for i in range(1, 13)]
    assert [reason.partition(":")[0] for _, reason in found] == expected
    assert found[7][1] == "count is not a number: 'many'"
    assert set(gathered.rejects.file) == {str(log)}
    assert gathered.dataset.users.ids.tolist() == ["ann", "bo"]
    assert gathered.dataset.tracks.ids.tolist() == ["x", "y"]


def test_too_many_bad_rows_are_an_error_that_names_the_commonest(write: Write) -> None:
    log = write("log.csv", as_csv([*ROWS, ("ann", "x", -1), ("ann", "x", -2), ("", "x", 1)]))
    with pytest.raises(DataError, match=r"3 of 6 plays rows \(50.0 %\).*count is negative \(2 times, e.g. .*line 5"):
        ingest(log, share=0.49)
    assert len(ingest(log, share=0.5).rejects) == 3


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1_600_000_000], 1_600_000_000),
        ([1_600_000_000_123], 1_600_000_000),
        ([1_600_000_000_123_456], 1_600_000_000),
        ([1.6e9], 1_600_000_000),
        (["1600000000"], 1_600_000_000),
        (["2020-09-13T12:26:40Z"], 1_600_000_000),
        (["2020-09-13 14:26:40+02:00"], 1_600_000_000),
        (["2020-09-13 12:26"], 1_599_999_960),
        (["2020-09-13"], 1_599_955_200),
        ([pd.Timestamp("2020-09-13 12:26:40.9")], 1_600_000_000),
        ([pd.Timestamp("2020-09-13 14:26:40", tz="Europe/Paris")], 1_600_000_000),
        ([pd.Timestamp("2020-09-13").date()], 1_599_955_200),
        ([0], 0),
    ],
)
def test_times_of_every_kind_are_unix_seconds(tmp_path: Path, values: list[object], expected: int) -> None:
    log = parquet(tmp_path / "log.parquet", {"user": ["a"], "track": ["x"], "ts": values})
    time = ingest(log).dataset.plays.time
    assert time is not None
    assert time.tolist() == [expected]


def test_a_glob_and_a_folder_are_read_in_order(write: Write, tmp_path: Path) -> None:
    for name, user in (("logs/b.csv", "bo"), ("logs/a.csv", "ann"), ("logs/.c.csv", "no"), ("logs/readme.md", "no")):
        write(name, f"user,track\n{user},x\n")
    expected = [("ann", "x", 1.0), ("bo", "x", 1.0)]
    assert triples(ingest(tmp_path / "logs").dataset.plays) == expected
    assert triples(ingest(str(tmp_path / "logs" / "*.csv")).dataset.plays) == [*expected]
    assert expand([tmp_path / "logs", tmp_path / "logs/a.csv"], "plays") == [
        tmp_path / "logs" / f for f in ("a.csv", "b.csv")
    ]
    with pytest.raises(DataError, match=r"no plays at .*nowhere"):
        ingest(tmp_path / "nowhere" / "*.csv")


def test_rows_repeated_at_the_same_second_are_one_event(write: Write) -> None:
    rows = [("ann", "x", 5), ("ann", "x", 5), ("ann", "x", 6), ("bo", "x", 5), ("ann", "x", 5)]
    gathered = ingest(write("log.csv", as_csv(rows, "user,track,ts")))
    assert gathered.counts["duplicates"] == 2
    assert len(gathered.dataset.plays) == 3
    untimed = ingest(write("plain.csv", as_csv([r[:2] for r in rows], "user,track")))
    assert untimed.dataset.matrix().toarray().tolist() == [[4.0], [1.0]]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_duplicates_are_exactly_the_repeated_rows(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, ...]]
) -> None:
    log = tmp_path_factory.mktemp("logs") / "log.csv"
    log.write_text(as_csv(rows, "user,track,ts"))
    plays = ingest(log).dataset.plays
    assert plays.time is not None
    kept = zip(
        plays.users.at(plays.user).tolist(), plays.tracks.at(plays.track).tolist(), plays.time.tolist(), strict=True
    )
    assert list(kept) == list(dict.fromkeys(rows))


def test_skips_stand_apart_from_plays(write: Write) -> None:
    rows = [
        ("a", "x", 200000, ""),
        ("a", "y", 29999, "false"),
        ("a", "z", 30000, "TRUE"),
        ("a", "w", "", "0"),
        ("a", "v", 5, "?"),
    ]
    gathered = ingest(write("log.csv", as_csv(rows, "user,track,ms_played,skipped")))
    dataset = gathered.dataset
    assert triples(dataset.plays) == [("a", "x", 1.0), ("a", "w", 1.0)]
    assert dataset.skips is not None
    assert triples(dataset.skips) == [("a", "y", 1.0), ("a", "z", 1.0)]
    assert reasons(gathered) == [(6, "skipped is neither true nor false: '?'")]
    assert gathered.counts["skips"] == 2
    lenient = ingest(write("b.csv", as_csv(rows[:2], "user,track,ms_played,skipped")), skip_seconds=1.0)
    assert lenient.dataset.skips is None


def test_ratings_are_kept_and_likes_and_dislikes_follow(write: Write) -> None:
    rows = [("a", str(stars), stars) for stars in (1, 2, 3, 4, 5)]
    dataset = ingest(write("log.csv", as_csv([*rows, ("a", "9", "")], "user,track,rating"))).dataset
    assert dataset.ratings is not None
    assert dataset.skips is not None
    assert triples(dataset.ratings) == [("a", n, float(n)) for n in range(1, 6)]
    assert triples(dataset.plays) == [("a", 4, 3.0), ("a", 5, 5.0)]
    assert triples(dataset.skips) == [("a", 1, 1.0), ("a", 2, 1.0)]


def test_ratings_and_counts_are_both_used(write: Write) -> None:
    rows = [("a", "x", 10, 5), ("a", "y", 7, 1), ("a", "z", 2, ""), ("a", "w", 0, 3), ("a", "v", 0, "")]
    dataset = ingest(write("log.csv", as_csv(rows, "user,track,plays,stars"))).dataset
    assert dataset.ratings is not None
    assert dataset.skips is not None
    assert triples(dataset.plays) == [("a", "x", 15.0), ("a", "y", 7.0), ("a", "z", 2.0)]
    assert triples(dataset.ratings) == [("a", "x", 5.0), ("a", "y", 1.0), ("a", "w", 3.0)]
    assert triples(dataset.skips) == [("a", "y", 1.0)]


def test_the_last_rating_of_a_track_counts_and_a_scale_from_zero_moves_up(write: Write) -> None:
    rows = [("a", "x", 10, 20), ("a", "x", 0, 10), ("a", "y", 0, 30)]
    gathered = ingest(write("log.csv", as_csv(rows, "user,track,rating,ts")))
    assert gathered.dataset.ratings is not None
    assert triples(gathered.dataset.ratings) == [("a", "x", 11.0), ("a", "y", 1.0)]
    assert gathered.counts["ratings_replaced"] == 1
    assert gathered.counts["ratings_shifted_by"] == 1.0


def test_zero_counts_are_no_evidence_and_no_error(write: Write) -> None:
    gathered = ingest(write("log.csv", as_csv([("a", "x", 0), ("a", "y", 1)])), share=0.0)
    assert triples(gathered.dataset.plays) == [("a", "y", 1.0)]
    assert gathered.counts["zero_counts"] == 1


def test_the_same_input_gives_the_same_dataset(write: Write) -> None:
    log = write("log.csv", as_csv([(i * 7 % 5, i * 3 % 11, i) for i in range(1, 60)]))
    first, second = ingest(log).dataset, ingest(log).dataset
    assert triples(first.plays) == triples(second.plays)
    assert first.tracks.fingerprint == second.tracks.fingerprint


def test_rows_stay_in_order_over_batches(tmp_path: Path) -> None:
    n = (1 << 20) + 5
    columns = {"user_id": np.arange(n) % 1000, "track_id": [f"t{i}" for i in range(99)] * (n // 99) + ["t0"] * (n % 99)}
    log = parquet(tmp_path / "log.parquet", {**columns, "timestamp": np.arange(n)})
    plays = ingest(log).dataset.plays
    assert plays.time is not None
    np.testing.assert_array_equal(plays.time, np.arange(n))
    assert plays.users.at(plays.user[-3:]).tolist() == columns["user_id"][-3:].tolist()
    assert plays.tracks.at(plays.track).tolist() == list(columns["track_id"])


def test_progress_ends_at_the_total(write: Write) -> None:
    calls: list[tuple[str, int, int]] = []
    gather([write("log.csv", as_csv(ROWS))], progress=lambda *call: calls.append(call))
    what, done, total = calls[-1]
    assert (what, done) == ("plays", total)


def test_histories_of_new_listeners_use_the_known_tracks(write: Write) -> None:
    log = write("new.csv", as_csv([("zoe", 10, 2), ("zoe", 99, 1), ("yan", 20, 1), ("", 10, 1)]))
    known = IdMap([10, 20, 30], noun="track")
    histories = read_histories([log], known, settings=Ingest(max_reject_share=1))
    assert triples(histories.interactions) == [("zoe", 10, 2.0), ("yan", 20, 1.0)]
    assert histories.interactions.tracks is known
    assert histories.unknown_rows == 1
    assert len(histories.rejects) == 1
    with pytest.raises(DataError, match="none of the 3 tracks in these histories is known"):
        read_histories([log], IdMap(["t1"]), settings=Ingest(max_reject_share=1))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("ids.txt", "b\na\nb\n", ["b", "a"]),
        ("ids.txt", "12\n7\n", [12, 7]),
        ("ids.txt", "Ann – B, C\nBo – D\n", ["Ann – B, C", "Bo – D"]),
        ("ids.csv", "name,track_id\nq,x\nr,y\n", ["x", "y"]),
        ("ids.csv", "track_id\nx\n", ["x"]),
        ("ids.jsonl", '{"track_id": 5}\n', [5]),
    ],
)
def test_ids_come_from_lines_or_a_table(write: Write, name: str, content: str, expected: list[object]) -> None:
    assert read_ids(write(name, content), "track") == expected


def test_ids_that_are_not_there_are_an_error(write: Write) -> None:
    with pytest.raises(DataError, match="found columns a, b; expected user ids"):
        read_ids(write("ids.csv", "a,b\n1,2\n"), "user")
    with pytest.raises(DataError, match="no user ids at"):
        read_ids("nowhere.txt", "user")


def test_a_log_of_bad_rows_only_is_an_error_even_when_all_may_be_bad(write: Write) -> None:
    with pytest.raises(DataError, match="all 1 rows are bad"):
        ingest(write("log.csv", as_csv([("", "x", 1)])))


def test_nothing_to_read_is_an_error() -> None:
    with pytest.raises(DataError, match="nothing to read"):
        ingest()
