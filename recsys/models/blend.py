"""Several models that vote: standardised scores, summed with weights fitted on held-out plays and on evidence."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys import models
from recsys.contracts import Floats, Histories, Recommender, Rows
from recsys.errors import SettingsError
from recsys.models.base import known_rows
from recsys.models.evidence import alikeness
from recsys.models.fusion import standardised
from recsys.models.weighted import UNKNOWN, Weighted
from recsys.tables.merge import Place, spread

if TYPE_CHECKING:
    from recsys.tables import Dataset

MEMBERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("ials", {}),
    ("hybrid", {}),
    ("bpr", {}),
    ("slim", {}),
    ("ease", {}),
    ("cease", {}),
    ("rp3beta", {}),
    ("ridge", {}),
    ("mapped", {}),
    ("content", {}),
)
WEIGHTS = {"ials": 0.45, "bpr": 0.45, "slim": 0.1}
PRIOR = "popularity"
HALF = 4.0
SAMPLE = 128  # histories from which ``absorb`` learns how alike members score
CELLS = 1 << 23  # scores of one member held at a time: 32 MB


def at_once(tracks: int) -> int:
    """How many histories to score together, so that a block of scores stays small.

    >>> at_once(3_000), at_once(100_000)
    (256, 83)
    """
    return max(16, min(256, CELLS // max(tracks, 1)))


class Blend(Weighted):
    """Score = Σ weight × member's score, standardised per history over the played tracks that are not in it.

    The weights follow the evidence (``Weighted``): for a track with few listeners those of members that learn from
    plays alone fade, and the rest goes to members that know what the track is, in the proportions ``fallback``. And
    the weights for a history of one track may differ from those for a long one (``lengths``).

    Popularity is always the last member: an empty history, about which the others know nothing, is answered
    by it alone; otherwise it counts only with the weight it is given.

    Args:
        members: (name, parameters) of each; None = those of ``MEMBERS`` that can be fitted and have a usual weight.
        weights: one per member, 0 or more, or a list of such lists, one for each of ``lengths``; a member of weight
            0 everywhere is not fitted. None = those that served best on held-out plays of a public log (ials .45,
            bpr .45, slim .1), or equal ones for other members; ``weighing.weigh`` finds them for your own.
        lengths: the lengths of history that ``weights`` are for, growing.
        fallback: one per member, how members that know content share what evidence leaves open; None = equally.
        half: listeners of a track at which plays decide one half.

    BPR is weak alone, yet next to iALS it added more on that log than any of the linear models did.

    >>> from recsys.tables import Catalogue, Dataset, IdMap, Interactions
    >>> users, tracks = IdMap(["ann", "bo", "cy"]), IdMap(["rock1", "rock2", "jazz1", "jazz2"])
    >>> plays = Interactions(users, tracks, [0, 0, 1, 2, 2], [2, 3, 2, 0, 1], [1, 1, 1, 1, 1])
    >>> blend = Blend(members=[("rp3beta", {}), ("itemknn", {})], weights=[2, 1])
    >>> blend = blend.fit(Dataset(plays, Catalogue.empty(4)), rng=np.random.default_rng(0))
    >>> blend.names
    ('rp3beta', 'itemknn', 'popularity')
    >>> int(blend.scores(plays.matrix())[1, [0, 1, 3]].argmax())
    2
    """

    name: ClassVar[str] = "blend"

    def __init__(
        self,
        members: Sequence[tuple[str, Mapping[str, Any]]] | None = None,
        weights: Sequence[float] | Sequence[Sequence[float]] | None = None,
        lengths: Sequence[float] | None = None,
        fallback: Sequence[float] | None = None,
        half: float = HALF,
    ) -> None:
        self.members, self.weights, self.lengths, self.fallback, self.half = members, weights, lengths, fallback, half

    def fit(self, dataset: Dataset, *, rng: np.random.Generator) -> Self:
        """Fit every member that has a weight, in order."""
        chosen = self._chosen(dataset)
        table = self._table([name for name, _ in chosen])
        shares = self.fallback if self.fallback is not None else [0.0] * len(chosen)
        used = [i for i in range(len(chosen)) if table[:, i].any() or shares[i]]
        fitted = [models.build(chosen[i][0], **chosen[i][1]).fit(dataset, rng=rng) for i in used]
        weights, fallback = table[:, used], None if self.fallback is None else [shares[i] for i in used]
        if fitted[-1].name != PRIOR:
            fitted.append(models.build(PRIOR).fit(dataset, rng=rng))
            weights = np.hstack([weights, np.zeros((len(weights), 1), np.float32)])
            fallback = None if fallback is None else [*fallback, 0.0]
        return self._settle(fitted, dataset, weights, fallback)

    def adopt(self, fitted: Sequence[Recommender], dataset: Dataset) -> Self:
        """Take members that were fitted on this dataset already, popularity last, in the place of ``fit``."""
        return self._settle(list(fitted), dataset, self._table([m.name for m in fitted]), self.fallback)

    def _settle(
        self, fitted: list[Recommender], dataset: Dataset, weights: Floats, fallback: Sequence[float] | None
    ) -> Self:
        self.models_, self.weights_, self.half_ = fitted, weights, float(self.half)
        self.lengths_ = np.asarray([1.0] if self.lengths is None else self.lengths, np.float64)
        knows = np.array([getattr(m, "cold", False) for m in fitted], np.float32)
        shares = knows if fallback is None else knows * np.asarray(fallback, np.float32)
        self.fallback_ = shares / shares.sum() if shares.any() else shares
        plays = np.bincount(dataset.histories().indices, minlength=len(dataset.tracks)).astype(np.float32)
        self.evidence_ = np.repeat(plays[None, :], len(fitted), axis=0)
        self.alike_ = np.eye(len(fitted), dtype=np.float32)
        self.reconsider()
        return self

    def resized(self, tracks: Place, users: Place) -> Self:
        """Every member over more tracks and listeners; none has learned anything of the new ones."""
        made = type(self)(self.members, self.weights, self.lengths, self.fallback, self.half)
        made.models_ = [model.resized(tracks, users) for model in self.models_]  # type: ignore[attr-defined]
        for name in ("weights", "lengths", "fallback", "half", "alike"):
            setattr(made, f"{name}_", getattr(self, f"{name}_"))
        made.evidence_ = spread(self.evidence_, tracks, axis=1)
        made.evidence_[:, tracks.new] = UNKNOWN
        return made

    def absorb(self, dataset: Dataset, rows: Rows) -> Rows:
        """New tracks go to every member that can take them up, whose say in them is then shared by those."""
        histories = dataset.histories()
        some = histories[np.flatnonzero(np.diff(histories.indptr))]
        some = sp.csr_array(some[np.linspace(0, some.shape[0] - 1, min(SAMPLE, some.shape[0])).astype(int)])
        known = np.flatnonzero((self.evidence_ > 0).all(axis=0))
        self.alike_ = alikeness([block[:, known] for block in self.blocks(some) if block is not None])
        plays = np.bincount(histories.indices, minlength=len(dataset.tracks)).astype(np.float32)
        found = []
        for number, model in enumerate(self.models_):
            learned = model.absorb(dataset, rows)  # type: ignore[attr-defined]
            self.evidence_[number, learned] = plays[learned]
            if self._used(self.weights_)[number]:
                found.append(learned)
        self.reconsider()
        return np.unique(np.concatenate(found)).astype(np.int32)

    def scores(self, histories: Histories, users: Rows | None = None) -> Floats:
        """float32 (q, tracks); comparable within a row only."""
        found = np.zeros(histories.shape, np.float32)
        for start, shares in self._tiles(histories, users):
            for share in shares:
                found[start : start + len(share)] += share
        return found

    def parts(self, histories: Histories, users: Rows | None, rows: Rows) -> Floats:
        """What each member added to the scores of some tracks, float32 (q, k, members); they sum to the score.

        Args:
            histories: CSR (q, tracks).
            users: trained user rows, or None.
            rows: track rows per history, int32 (q, k); −1 = none, whose parts are 0.
        """
        found = np.zeros((*rows.shape, len(self.models_)), np.float32)
        for start, shares in self._tiles(histories, users):
            for member, share in enumerate(shares):
                asked = rows[start : start + len(share)]
                taken = np.take_along_axis(share, np.maximum(asked, 0), axis=1)
                found[start : start + len(share), :, member] = np.where(asked >= 0, taken, 0)
        return found

    def shares(self, histories: Histories, users: Rows | None = None) -> Iterator[Floats]:
        """Each member's part of every score, float32 (q, tracks), one member after another; they sum to ``scores``."""
        weights = self.weights_for(histories, known_rows(users, histories.shape[0]))
        some = (np.diff(histories.indptr) > 0) | (weights[:, -1] < 1)
        say, late, blind = self.say(weights), self.believed.late, self._blind()
        for number, block in enumerate(self.blocks(histories, users, np.flatnonzero(self._used(weights)))):
            if block is None:
                yield np.zeros(histories.shape, np.float32)
                continue
            block *= say.of(number)
            if len(late) and number in blind:
                block[:, late] *= self._said(weights, late) * self._knows(late)[number]
            if number < len(self.models_) - 1:
                block[~some] = 0
            yield block

    def blocks(
        self, histories: Histories, users: Rows | None = None, wanted: NDArray[np.intp] | None = None
    ) -> Iterator[Floats | None]:
        """Standardised scores of each member, float32 (q, tracks), or None for those that are not ``wanted``."""
        users = known_rows(users, histories.shape[0])
        counted = self.believed.counted
        for number, model in enumerate(self.models_):
            if wanted is not None and number not in wanted:
                yield None
            else:
                yield standardised(model.scores(histories, users), histories, counted=counted)

    def imputed(self, histories: Histories, users: Rows | None = None) -> list[Floats]:
        """Each member's blocks with what evidence leaves open filled in: the weighted sum of these is the score."""
        blocks = [block for block in self.blocks(histories, users) if block is not None]
        if self.fallback_.any():
            trusted, shares = self.believed.trusted, self.believed.fallback
            known = [share * block for share, block in zip(shares, blocks, strict=True) if share.any()]
            filled = np.sum(known, axis=0, dtype=np.float32)
            for block, believed in zip(blocks, trusted, strict=True):
                block *= believed
                block += (1 - believed) * filled
        return blocks

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the members, in the order of ``weights_`` and ``parts``."""
        return tuple(model.name for model in self.models_)

    @property
    def cold(self) -> bool:  # type: ignore[override]
        """Whether any member can score tracks that nobody has played."""
        return bool(self.fallback_.any())

    def track_vectors(self) -> Floats | None:
        """Those of the first member that has any: iALS, by default."""
        return next((v for v in (m.track_vectors() for m in self.models_) if v is not None), None)

    def params(self) -> dict[str, Any]:
        """The constructor's arguments, as lists that JSON keeps."""
        members = None if self.members is None else [[name, dict(params)] for name, params in self.members]
        lists = {
            name: None if getattr(self, name) is None else np.asarray(getattr(self, name), np.float64).tolist()
            for name in ("weights", "lengths", "fallback")
        }
        return {"members": members, **lists, "half": self.half}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Each member's arrays under its number, who they are (JSON text), and how they are weighed."""
        fitted = json.dumps([[m.name, m.params()] for m in self.models_])
        found: dict[str, NDArray[Any]] = {
            "members": np.array(fitted),
            "weights": self.weights_,
            "lengths": self.lengths_,
            "fallback": self.fallback_,
            "evidence": self.evidence_,
            "alike": self.alike_,
            "half": np.array(self.half_),
        }
        for number, model in enumerate(self.models_):
            found |= {f"{number}.{key}": value for key, value in model.arrays().items()}
        return found

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], **params: Any) -> Self:
        """The fitted blend back from ``arrays()`` and ``params()``."""
        made = cls(**params)
        made.models_ = []
        for number, (name, own) in enumerate(json.loads(arrays["members"].item())):
            prefix = f"{number}."
            mine = {key.removeprefix(prefix): arrays[key] for key in arrays if key.startswith(prefix)}
            made.models_.append(models.from_arrays(name, mine, own))
        for name in ("weights", "lengths", "fallback", "evidence", "alike"):
            setattr(made, f"{name}_", arrays[name])
        made.half_ = float(arrays["half"])
        return made

    def _chosen(self, dataset: Dataset) -> list[tuple[str, dict[str, Any]]]:
        if self.members is not None:
            return [(name, dict(params)) for name, params in self.members]
        can = [(name, dict(params)) for name, params in MEMBERS if models.feasible(name, dataset) is None]
        return [member for member in can if member[0] in WEIGHTS] or can

    def _table(self, names: Sequence[str]) -> Floats:
        """A row of weights per length, each with sum 1: those given, else the usual ones, else equal ones."""
        usual = [WEIGHTS.get(name, 0.0) for name in names]
        chosen = self.weights if self.weights is not None else usual if any(usual) else [1.0] * len(names)
        found = np.atleast_2d(np.asarray(chosen, np.float64))
        lengths = 1 if self.lengths is None else len(self.lengths)
        if found.shape != (lengths, len(names)):
            raise SettingsError(
                f"blend has weights of shape {found.shape} for {len(names)} members and {lengths} lengths; "
                "expected one for each"
            )
        if not (np.isfinite(found).all() and found.min(initial=0) >= 0 and (found.sum(axis=1) > 0).all()):
            raise SettingsError(f"blend.weights = {list(chosen)}; expected finite numbers, 0 or more, not all 0")
        return (found / found.sum(axis=1, keepdims=True)).astype(np.float32)

    def _tiles(self, histories: Histories, users: Rows | None) -> Iterator[tuple[int, Iterator[Floats]]]:
        """For some histories at a time: where they start, and each member's share, float32 (few, tracks)."""
        users = known_rows(users, histories.shape[0])
        size = at_once(histories.shape[1])
        for start in range(0, histories.shape[0], size):
            yield start, self.shares(histories[start : start + size], users[start : start + size])
