"""Several models that vote: standardised scores, summed with weights fitted on held-out plays."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from recsys import models
from recsys.contracts import Floats, Histories, Recommender, Rows
from recsys.errors import SettingsError
from recsys.models.base import Model, known_rows
from recsys.models.fusion import candidates, fit_weights, standardised

if TYPE_CHECKING:
    from recsys.tables import Dataset

MEMBERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("ials", {}),
    ("bpr", {}),
    ("slim", {}),
    ("ease", {}),
    ("rp3beta", {}),
)
WEIGHTS = {"ials": 0.45, "bpr": 0.45, "slim": 0.1}
PRIOR = "popularity"
USERS_AT_ONCE = 256
MOST_LISTENERS = 2000


class Blend(Model):
    """Score = Σ weight × member's score, standardised per history over the tracks that are not in it.

    Popularity is always the last member: an empty history, about which the others know nothing, is answered
    by it alone; otherwise it counts only with the weight it is given.

    Args:
        members: (name, parameters) of each; None = those of ials, bpr, slim, ease and rp3beta that can be fitted.
        weights: one per member, 0 or more; a member of weight 0 is not fitted. None = those that served best on
            held-out plays of a public log (ials .45, bpr .45, slim .1), or equal ones for other members;
            ``fit_weights`` finds them for your own.

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
    models_: list[Recommender]
    weights_: Floats

    def __init__(
        self,
        members: Sequence[tuple[str, Mapping[str, Any]]] | None = None,
        weights: Sequence[float] | None = None,
    ) -> None:
        self.members, self.weights = members, weights

    def fit(self, dataset: Dataset, *, rng: np.random.Generator) -> Self:
        """Fit every member, in order."""
        chosen = self._chosen(dataset)
        weights = self._weights([name for name, _ in chosen])
        used = [(*member, weight) for member, weight in zip(chosen, weights, strict=True) if weight > 0]
        if used[-1][0] != PRIOR:
            used.append((PRIOR, {}, 0.0))
        self.models_ = [models.build(name, **params).fit(dataset, rng=rng) for name, params, _ in used]
        self.weights_ = np.array([weight for _, _, weight in used], np.float32)
        return self

    def adopt(self, fitted: Sequence[Recommender]) -> Self:
        """Take members that are fitted already, popularity last, in the place of ``fit``."""
        self.models_ = list(fitted)
        self.weights_ = self._weights([m.name for m in fitted])
        return self

    def fit_weights(self, histories: Histories, held: Histories, users: Rows | None = None) -> Self:
        """Choose the weights that rank held-out plays best, by N@100; the members stay as they are.

        Args:
            histories: what the members were fitted on, CSR (q, tracks).
            held: plays of the same listeners that they were not fitted on, CSR (q, tracks).
            users: trained user rows of these listeners, or None.
        """
        users = known_rows(users, histories.shape[0])
        chosen = np.flatnonzero((np.diff(histories.indptr) > 0) & (np.diff(held.indptr) > 0))
        if len(chosen) > MOST_LISTENERS:
            chosen = chosen[np.linspace(0, len(chosen) - 1, MOST_LISTENERS).astype(int)]
        parts = []
        for start in range(0, len(chosen), USERS_AT_ONCE):
            some = chosen[start : start + USERS_AT_ONCE]
            blocks = [standardised(m.scores(histories[some], users[some]), histories[some]) for m in self.models_]
            parts.append(candidates(blocks, histories[some], held[some]))
        if parts:
            self.weights_ = fit_weights(parts, self.weights_)
        return self

    def scores(self, histories: Histories, users: Rows | None = None) -> Floats:
        """float32 (q, tracks); comparable within a row only."""
        found = np.zeros(histories.shape, np.float32)
        for start, share in self._tiles(histories, users):
            for block in share:
                found[start : start + len(block)] += block
        return found

    def parts(self, histories: Histories, users: Rows | None, rows: Rows) -> Floats:
        """What each member added to the scores of some tracks, float32 (q, k, members); they sum to the score.

        Args:
            histories: CSR (q, tracks).
            users: trained user rows, or None.
            rows: track rows per history, int32 (q, k); −1 = none, whose parts are 0.
        """
        found = np.zeros((*rows.shape, len(self.models_)), np.float32)
        for start, share in self._tiles(histories, users):
            for member, block in enumerate(share):
                asked = rows[start : start + len(block)]
                taken = np.take_along_axis(block, np.maximum(asked, 0), axis=1)
                found[start : start + len(block), :, member] = np.where(asked >= 0, taken, 0)
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the members, in the order of ``weights_`` and ``parts``."""
        return tuple(model.name for model in self.models_)

    def track_vectors(self) -> Floats | None:
        """Those of the first member that has any: iALS, by default."""
        return next((v for v in (m.track_vectors() for m in self.models_) if v is not None), None)

    def params(self) -> dict[str, Any]:
        """The constructor's arguments, as lists that JSON keeps."""
        members = None if self.members is None else [[name, dict(params)] for name, params in self.members]
        return {"members": members, "weights": None if self.weights is None else [float(w) for w in self.weights]}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Each member's arrays under its number, who they are (JSON text), and the weights."""
        fitted = json.dumps([[m.name, m.params()] for m in self.models_])
        found: dict[str, NDArray[Any]] = {"members": np.array(fitted), "weights": self.weights_}
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
        made.weights_ = np.asarray(arrays["weights"], np.float32)
        return made

    def _chosen(self, dataset: Dataset) -> list[tuple[str, dict[str, Any]]]:
        if self.members is not None:
            return [(name, dict(params)) for name, params in self.members]
        return [(name, dict(params)) for name, params in MEMBERS if models.feasible(name, dataset) is None]

    def _weights(self, names: Sequence[str]) -> Floats:
        """One weight per name, scaled to sum 1: those given, else the usual ones, else equal ones."""
        usual = [WEIGHTS.get(name, 0.0) for name in names]
        chosen = self.weights if self.weights is not None else usual if any(usual) else [1.0] * len(names)
        found = np.asarray(chosen, np.float64)
        if len(found) != len(names):
            raise SettingsError(f"blend has {len(found)} weights for {len(names)} members; expected one for each")
        if not (np.isfinite(found).all() and found.min(initial=0) >= 0 and found.sum() > 0):
            raise SettingsError(f"blend.weights = {list(chosen)}; expected finite numbers, 0 or more, not all 0")
        return (found / found.sum()).astype(np.float32)

    def _tiles(self, histories: Histories, users: Rows | None) -> Iterator[tuple[int, Iterator[Floats]]]:
        """For some histories at a time: where they start, and each member's weighted block, float32 (≤ 256, tracks)."""
        users = known_rows(users, histories.shape[0])
        for start in range(0, histories.shape[0], USERS_AT_ONCE):
            stop = start + USERS_AT_ONCE
            yield start, self._blocks(histories[start:stop], users[start:stop])

    def _blocks(self, histories: Histories, users: Rows) -> Iterator[Floats]:
        some = np.diff(histories.indptr) > 0
        last = len(self.models_) - 1
        for number, (model, weight) in enumerate(zip(self.models_, self.weights_, strict=True)):
            alone = np.float32(number == last)
            if weight == 0 and (alone == 0 or some.all()):
                yield np.zeros(histories.shape, np.float32)
                continue
            yield standardised(model.scores(histories, users), histories, np.where(some, weight, alone))
