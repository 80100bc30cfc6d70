"""The page stands alone, says what was found, and is the same for the same results."""

import json
import re
from html.parser import HTMLParser

import pytest

from recsys.evaluation import Interval, Result, charts, prepare, run, words
from recsys.evaluation.curves import Curve
from recsys.evaluation.report import read_report, write_report
from tests.evaluation.worlds import fit, world

VOID = {"meta", "line", "circle", "polyline", "br"}


@pytest.fixture(scope="module")
def results() -> list[Result]:
    return run(prepare(world()).splits, fit, draws=100, clock=lambda: 0.0)


class Tags(HTMLParser):
    """Checks nesting on the way and gathers what there is."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


CURVE = Curve("ials", "ials.factors", [16, 32, 64], [0.3, 0.4, 0.35], [0.4, 0.5, float("nan")])


def test_page_is_whole_and_stands_alone(results, tmp_path):
    page, numbers = write_report(results, tmp_path / "out", curves=[CURVE], command="recsys evaluate <x>")
    assert (page.name, numbers.name) == ("report.html", "report.json")
    text = page.read_text(encoding="utf-8")
    tags = Tags(text)
    assert not tags.open
    names = [tag for tag, _ in tags.found]
    assert not {"script", "link", "img", "iframe"} & set(names)
    assert not re.search(r"https?://|url\(|@import|//[a-z]", text)
    assert all(a.get("aria-label") and a.get("role") == "img" for t, a in tags.found if t == "svg")
    assert names.count("caption") == names.count("table")
    assert names.count("h1") == 1
    assert "recsys evaluate &lt;x&gt;" in text
    assert "NaN" not in text
    assert ">nan" not in text
    identifiers = [a["id"] for _, a in tags.found if "id" in a]
    assert len(identifiers) == len(set(identifiers))
    assert {a["href"][1:] for t, a in tags.found if t == "a"} <= set(identifiers)


def test_json_beside_it_holds_the_same(results, tmp_path):
    page, numbers = write_report(results, tmp_path / "mine.html", curves=[CURVE], skipped={"cold": "too few"})
    assert (page.name, numbers.name) == ("mine.html", "mine.json")
    content = json.loads(numbers.read_text())
    assert [r.to_json() for r in read_report(numbers)] == [r.to_json() for r in results]
    assert content["curves"][0]["train"] == [0.4, 0.5, None]
    assert content["skipped"] == {"cold": "too few"}
    assert content["headline"].startswith(f"{results[0].best} ranks the hidden tracks highest")


def test_same_results_same_bytes(results, tmp_path):
    first = [p.read_bytes() for p in write_report(results, tmp_path / "a", curves=[CURVE])]
    second = [p.read_bytes() for p in write_report(results, tmp_path / "b", curves=[CURVE])]
    assert first == second


def test_every_number_of_the_table_is_on_the_page(results, tmp_path):
    page, _ = write_report(results[0], tmp_path)
    text = page.read_text(encoding="utf-8")
    for numbers in results[0].accuracy.values():
        for metric in ("recall@20", "ndcg@10", "map@100"):
            value = numbers[metric]
            assert f"<b>{value.mean:.3f}</b><small>{value.low:.3f} – {value.high:.3f}</small>" in text


def small(gap: Interval | None, best: str = "ials") -> Result:
    accuracy = {best: {"ndcg@10": Interval(0.4, 0.35, 0.45)}, "other": {"ndcg@10": Interval(0.2, 0.1, 0.3)}}
    if gap is not None:
        accuracy["popularity"] = accuracy.pop("other")
    differences = {} if gap is None else {"popularity": {best: {"ndcg@10": gap}}}
    sizes = {"listeners evaluated": 9, "hidden pairs": 20, "candidate tracks": 30}
    return Result("warm", "ndcg@10", accuracy, differences, {name: {} for name in accuracy}, [], sizes, {}, 0)


def test_headline_says_what_is_and_is_not_known():
    clear = words.headline(small(Interval(0.2, 0.1, 0.3)))
    assert clear == (
        "<em>ials</em> ranks the hidden tracks highest: NDCG@10 0.400 (0.350 to 0.450), "
        "2.0 times popularity’s 0.200, ahead by 0.200 (0.100 to 0.300)."
    )
    assert "may be chance" in words.headline(small(Interval(0.2, -0.1, 0.3)))
    assert words.headline(small(None)).endswith("(0.350 to 0.450).")
    assert "no other model beats it" in words.headline(small(None, best="popularity"))


def test_names_are_escaped(tmp_path):
    page, _ = write_report(small(None, best="<b>&"), tmp_path)
    assert "<b>&<" not in page.read_text()
    assert "&lt;b&gt;&amp;" in page.read_text()


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-0.07, 0.003), (3, 3), (0, 0), (-120, 4000), (0.41, 0.4101)])
def test_ticks_cover_the_range(low, high):
    marks = charts.ticks(low, high)
    assert marks[0] <= low
    assert marks[-1] >= high
    assert 2 <= len(marks) <= 8
    assert len({charts.number(t, marks) for t in marks}) == len(marks)
