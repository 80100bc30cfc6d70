"""Files that are not what they say: each ends in one clear error, or costs only its bad lines."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.errors import DataError
from recsys.sources import delimited
from tests.sources.conftest import Write, ingest, reasons, triples

HEAD = "user,track,plays\n"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", r"a.csv is empty"),
        ("a.csv", b"\n \n\n", r"a.csv is empty"),
        ("a.csv", HEAD.encode(), "no plays in .*only a header"),
        ("a.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "is not text"),
        ("a.csv", b"\xff\xfe\x00\xd8", "can't read .*a.csv"),
        ("a.csv", b"\x80\x81\x82\n", "first line is not UTF-8"),
        ("a.parquet", b"PAR1" + b"\x07" * 40, "can't read .*a.parquet"),
        ("a.csv.gz", gzip.compress(b"user,track\n" + os.urandom(9999).hex().encode())[:-20], "can't read .*a.csv.gz"),
        ("a.json", b"[1, 2", "is not valid JSON"),
        ("a.jsonl", b"{}\n", "found columns none"),
    ],
)
def test_files_that_cannot_be_read_are_one_plain_error(write: Write, name: str, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        ingest(write(name, content))


def test_random_bytes_are_an_error(write: Write) -> None:
    for seed in range(20):
        junk = bytes((seed * 37 + i * i * 101 + i // 7) % 256 for i in range(3000))
        with pytest.raises(DataError):
            ingest(write("junk.csv", junk), share=0.05)


def test_utf16_and_byte_order_marks_read_as_text(write: Write) -> None:
    text = HEAD + "ann,é,1\n"
    for encoding in ("utf-16", "utf-8-sig"):
        assert triples(ingest(write("a.csv", text.encode(encoding))).dataset.plays) == [("ann", "é", 1.0)]
    line = '{"user": "ann", "track": "x"}\n'
    assert triples(ingest(write("a.jsonl", line.encode("utf-8-sig"))).dataset.plays) == [("ann", "x", 1.0)]


def test_ragged_blank_and_unreadable_lines_cost_only_themselves(write: Write) -> None:
    text = (
        HEAD.encode() + b'ann,x,1\n\nann,x\nann,x,1,2\nann,\xff,1\n"ann","two\nlines",1\nbo,"y",2\r\n"open,z,3\ncy,z,3'
    )
    gathered = ingest(write("a.csv", text))
    assert triples(gathered.dataset.plays) == [("ann", "x", 1.0), ("bo", "y", 2.0), ("cy", "z", 3.0)]
    assert [line for line, _ in reasons(gathered)] == [4, 5, 6, 7, 10]
    kinds = [reason.partition(":")[0] for _, reason in reasons(gathered)]
    wrong = "wrong number of columns"
    assert kinds == [wrong, wrong, "is not UTF-8 text", "track id has control characters", "quote is never closed"]


def test_broken_json_lines_cost_only_themselves(write: Write) -> None:
    lines = [
        '{"user": "a", "track": "x"}',
        '{"user": "a", ',
        "[1]",
        "",
        '{"user": "b", "track": "\\ud800"}',
        "[" * 100_000,
    ]
    gathered = ingest(write("a.jsonl", "\n".join(lines)))
    assert triples(gathered.dataset.plays)[0] == ("a", "x", 1.0)
    assert {2, 3, 6} <= {line for line, _ in reasons(gathered)}


def test_mixed_json_types_in_a_column(write: Write) -> None:
    lines = [
        '{"user": 1, "track": "x", "plays": 2}',
        '{"user": "b", "track": 3, "plays": "4"}',
        '{"user": [1], "track": {}, "plays": 1}',
    ]
    plays = ingest(write("a.jsonl", "\n".join(lines))).dataset.plays
    assert triples(plays)[:2] == [("1", "x", 2.0), ("b", "3", 4.0)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(["ann,x,1", "ann,x", "", '"a,b",x,1', 'a"b,x,2', '"a\nb",x,1', "a,b,-1", "é,y,3\r"]),
        max_size=12,
    )
)
def test_the_fast_and_the_careful_reader_agree(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    path = tmp_path_factory.mktemp("logs") / "log.csv"
    path.write_bytes((HEAD + "first,x,1\n" + "\n".join(lines)).encode())
    fast = ingest(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited._Reading, "_fast", lambda self, block: None)
        careful = ingest(path)
    assert triples(fast.dataset.plays) == triples(careful.dataset.plays)
    assert reasons(fast) == reasons(careful)


def test_rows_that_straddle_blocks_stay_whole(write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rows = [f'u{i},"t,{i}",1' if i % 3 else f'u{i},"t\n{i}",1' for i in range(50)]
    path = write("a.csv", HEAD + "\n".join(rows))
    whole = ingest(path)
    monkeypatch.setattr(delimited, "BLOCK", 40)
    pieces = ingest(path)
    assert triples(pieces.dataset.plays) == triples(whole.dataset.plays)
    assert reasons(pieces) == reasons(whole)
    assert len(whole.rejects) == 17
