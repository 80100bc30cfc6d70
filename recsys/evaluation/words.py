"""What the report says in words: headline, protocols, metrics."""

from __future__ import annotations

from html import escape

from recsys.evaluation.intervals import Interval
from recsys.evaluation.result import Result

PROTOCOLS = {
    "warm": (
        "Known listeners",
        "A part of every listener's tracks was hidden; models know the listeners and all tracks.",
    ),
    "fold": (
        "Known listeners",
        "One fold of every listener's tracks was hidden; models know the listeners and all tracks.",
    ),
    "strong": (
        "New listeners",
        "These listeners were never seen in training. They show a part of their tracks; the rest is hidden.",
    ),
    "continuation": (
        "After",
        "These sequences were never seen in training. Their first tracks are known; what follows later is hidden.",
    ),
    "cold": (
        "New tracks",
        "Whole artists (or tracks, where no artist is known) were taken out of training; only their tracks are "
        "candidates. A model that knows nothing but plays can't tell them apart.",
    ),
    "thaw": (
        "From cold to warm",
        "Some artists (or tracks, where no artist is known) were made new and got back a few plays of random listeners "
        "at a time. Other listeners judge: what they played of the new tracks stays hidden at every step, and, for "
        "lists of all tracks, a fifth of what they played of the others.",
    ),
    "temporal": (
        "The future",
        "Models were trained on all plays before one moment; hidden is what listeners first played after it.",
    ),
}
METRICS = {
    "recall@k": "hidden tracks found in the first k, of the min(k, hidden) that could be found",
    "ndcg@k": "as recall, but a track found early counts more; 1 = all hidden tracks first",
    "map@k": "mean precision at each hidden track found in the first k",
    "hit@k": "share of listeners with at least one hidden track in the first k",
    "mrr": "1 / the place of the first hidden track",
    "r_precision": "hidden tracks found in a list as long as there are hidden tracks",
    "clicks": "pages of ten to turn before the first hidden track, 51 if none in 500; smaller is better",
    "coverage@k": "share of the candidate tracks that anybody is recommended",
    "gini@k": "how unevenly recommendations fall on the candidates: 0 all alike, 1 all on one",
    "novelty@k": "mean surprise in bits: how few listeners a recommended track has",
    "popularity_lift@k": "how much more popular recommendations are than what the listener plays; 0 = as popular",
    "repeat_rate@k": "share of recommendations that the listener has played before",
    "cold_share@k": "share of recommendations that nobody has played",
    "artist_share@k": "the largest share of a list that one artist has",
    "diversity_…@k": "mean of 1 − cosine between the tracks of a list, in a content space",
}


def heading(protocol: str) -> str:
    """What a protocol is about, in two or three words."""
    base, _, count = protocol.partition("-")
    text = PROTOCOLS.get(base, (protocol, ""))[0]
    if base == "continuation":
        return f"{text} {count} track{'' if count == '1' else 's'}"
    if base == "thaw" and count:
        plays, _, everything = count.partition("-")
        return f"{text}, {plays} play{'' if plays == '1' else 's'}{', all tracks' if everything else ''}"
    return f"{text}, fold {count}" if base == "fold" else text


def explanation(protocol: str) -> str:
    """How a protocol hides what it hides, in a sentence or two."""
    return PROTOCOLS.get(protocol.partition("-")[0], ("", ""))[1]


def headline(result: Result) -> str:
    """The main finding as one sentence of HTML.

    The best model, its primary metric with interval, and how far it is above popularity.
    """
    best = result.best
    found = result.accuracy[best][result.primary]
    start = f"<em>{escape(best)}</em> ranks the hidden tracks highest: {pretty(result.primary)} {plain(found)}"
    if best == "popularity":
        return f"{start}; no other model beats it." if len(result.accuracy) > 1 else f"{start}."
    gap = result.differences.get("popularity", {}).get(best, {}).get(result.primary)
    if gap is None:
        return f"{start}."
    base = result.accuracy["popularity"][result.primary].mean
    times = f"{found.mean / base:.1f} times popularity’s {base:.3f}" if base > 0 else "popularity finds none"
    sure = f"ahead by {plain(gap)}" if gap.low > 0 else f"but the difference of {plain(gap)} may be chance"
    return f"{start}, {times}, {sure}."


def runner_up(result: Result) -> str:
    """How the best compares with the strongest reference model, or nothing when there is none."""
    best = result.best
    rivals = [m for m in result.ranking() if m not in (best, "popularity") and m in result.differences]
    if not rivals:
        return ""
    gap = result.differences[rivals[0]][best][result.primary]
    verdict = "a clear lead" if gap.low > 0 else "which may be chance"
    return f"Against {rivals[0]}, the strongest reference, it gains {plain(gap)}: {verdict}."


def pretty(metric: str) -> str:
    """A metric's name as people write it.

    >>> pretty("ndcg@100"), pretty("r_precision"), pretty("popularity_lift@20")
    ('NDCG@100', 'R-precision', 'Popularity lift')
    """
    name, at, k = metric.partition("@")
    known = {"ndcg": "NDCG", "map": "MAP", "mrr": "MRR", "r_precision": "R-precision"}
    if name in ("recall", "ndcg", "map", "hit"):
        return known.get(name, name.capitalize()) + at + k
    return known.get(name, name.replace("_", " ").capitalize())


def plain(value: Interval) -> str:
    """A number and its interval in a sentence."""
    return f"{value.mean:.3f} ({value.low:.3f} to {value.high:.3f})"
