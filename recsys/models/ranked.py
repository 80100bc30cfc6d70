"""Two stages: candidates from every member of a blend, put in order by a ranker learned from hidden plays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys import models
from recsys.contracts import Floats, Histories, Recommender, Rows, VectorRecommender
from recsys.models.base import divided
from recsys.models.blend import HALF, PRIOR, Blend
from recsys.models.content import Content, content_vectors, has_content
from recsys.models.evidence import trust
from recsys.models.hiding import hide
from recsys.models.lessons import Examples, examples
from recsys.models.ordering import parts_of, put_in_order
from recsys.models.orders import NEVER, Order
from recsys.models.staging import Stage, stages
from recsys.ranking.candidates import best, closed, recall_by_source
from recsys.ranking.facts import facts_of, latest_plays
from recsys.ranking.features import possible
from recsys.ranking.learned import learn
from recsys.ranking.scenes import Scene
from recsys.ranking.trusted import between_listeners
from recsys.tables import TopK
from recsys.tables.merge import Place, spread

if TYPE_CHECKING:
    from recsys.tables import Dataset

HIDE = 0.1  # share of every history that ``fit`` hides to learn the ranker from
SURE = 8.0  # listeners of a track at which the ranker is believed as much as the blend


class Ranked(Blend):
    """A blend whose best few hundred tracks per listener are put in order by a learned ranker.

    Candidates are the union of what each member, likeness to the strongest plays, the artists of the history and
    popularity put on top. The ranker sees every member's score and rank and the features of ``ranking.features``. It
    learns from tracks as the log has them, so of n listeners n / (n + 8) of its say in a track stays, and the rest is
    the blend's; a track that nobody has played has the place that the blend gives it. So have all tracks for an empty
    history, and those that are no candidates come after, in the order of the blend.

    Args:
        members, weights, lengths, fallback, half: as of the blend.
        hidden: width of each net.
        nets: nets that are averaged.

    >>> from recsys.tables import Catalogue, Dataset, IdMap, Interactions
    >>> user, track = np.nonzero((np.arange(12)[:, None] + np.arange(8)) % 2 == 0)
    >>> plays = Interactions(IdMap(range(12)), IdMap(range(8)), user, track, np.ones(len(user)))
    >>> model = Ranked(members=[("rp3beta", {}), ("itemknn", {})], weights=[2, 1], nets=1)
    >>> model = model.fit(Dataset(plays, Catalogue.empty(8)), rng=np.random.default_rng(0))
    >>> some = sp.csr_array(np.float32([[1, 0, 0, 0, 1, 0, 1, 0]]))
    >>> model.top_parts(some, 1, exclude=some)[0].rows
    array([[2]], dtype=int32)
    """

    name: ClassVar[str] = "ranked"
    order_: Order | None
    facts_: dict[str, NDArray[Any]]
    latest_: Rows  # (users, m), rows of their latest plays, padded by −1

    def __init__(
        self,
        members: Sequence[tuple[str, Mapping[str, Any]]] | None = None,
        weights: Sequence[float] | Sequence[Sequence[float]] | None = None,
        lengths: Sequence[float] | None = None,
        fallback: Sequence[float] | None = None,
        half: float = HALF,
        hidden: int = 16,
        nets: int = 5,
    ) -> None:
        super().__init__(members, weights, lengths, fallback, half)
        self.hidden, self.nets = hidden, nets

    def fit(self, dataset: Dataset, *, rng: np.random.Generator) -> Self:
        """Members on a part of the plays and the ranker on the rest, then the members anew on everything."""
        shown, held = hide(dataset, HIDE, rng)
        users = np.flatnonzero(np.diff(held.indptr)).astype(np.int32)
        if not len(users):
            return self._fit_members(dataset, rng)
        self._fit_members(shown, rng).fit_ranker(shown.matrix()[users], held[users], users, rng=rng)
        order = self.order_
        return self._fit_members(dataset, rng).take(order)

    def _fit_members(self, dataset: Dataset, rng: np.random.Generator) -> Self:
        """All of them: one that counts for nothing in the blend may help the ranker."""
        chosen = self._chosen(dataset)
        table, shares = self._table([name for name, _ in chosen]), self.fallback
        if chosen[-1][0] != PRIOR:
            chosen.append((PRIOR, {}))
            table = np.pad(table, ((0, 0), (0, 1)))
            shares = None if shares is None else [*shares, 0.0]
        return self._settle([models.build(n, **p).fit(dataset, rng=rng) for n, p in chosen], dataset, table, shares)

    def _settle(
        self, fitted: list[Recommender], dataset: Dataset, weights: Floats, fallback: Sequence[float] | None
    ) -> Self:
        super()._settle(fitted, dataset, weights, fallback)
        self.order_, self.facts_, self.latest_ = None, self._facts(dataset), latest_plays(dataset)
        return self

    def take(self, order: Order | None) -> Self:
        """Use a ranker that was learned with the same members fitted on other plays; without one, the blend's order."""
        fits = order and order.members == self.names and set(order.features) <= set(possible(self.facts_))
        self.order_ = order if fits else None
        return self

    # ---- learning -------------------------------------------------------------------------------------

    def fit_ranker(
        self, histories: Histories, held: Histories, users: Rows | None = None, *, rng: np.random.Generator
    ) -> Self:
        """Learn the order of candidates from hidden plays, from each history whole and shortened at random.

        Args:
            histories: what the members were fitted on, CSR (q, tracks).
            held: plays of the same listeners that they were not fitted on, CSR (q, tracks).
            users: trained user rows of these listeners, or None.
            rng: listeners (if there are many), lengths, and the nets' beginnings.
        """
        return self.learn_order(self.examples(histories, held, users, rng=rng), rng=rng)

    def examples(
        self, histories: Histories, held: Histories, users: Rows | None = None, *, rng: np.random.Generator
    ) -> Examples:
        """What ``learn_order`` learns from; arguments as of ``fit_ranker``."""
        return examples(self, self.facts_, self._sure, histories, held, users, rng=rng, recent=self.latest_)

    def learn_order(
        self, examples: Examples, some: NDArray[np.bool_] | None = None, *, rng: np.random.Generator
    ) -> Self:
        """Learn the ranker from the examples of all listeners, or of those marked in ``some`` (q,)."""
        self.order_ = None
        some_ = examples if some is None else examples.of(some)
        if some_.hits.any():
            net = learn(some_.rows, some_.starts, some_.hits, rng=rng, hidden=self.hidden, nets=self.nets)
            self.order_ = Order(net, some_.names, NEVER, self.names).calibrated(some_)
        return self

    # ---- answering ------------------------------------------------------------------------------------

    def shares(self, histories: Histories, users: Rows | None = None) -> Iterator[Floats]:
        """Each member's part of every score, float32 (q, tracks), one member after another; they sum to ``scores``."""
        shares = np.zeros((len(self.models_), *histories.shape), np.float32)
        for some, stage in self.stages(histories, users, histories):
            for number, share in enumerate(self._ordered(stage)[1]):
                shares[number, some] = share
        yield from shares

    def top_parts(
        self,
        histories: Histories,
        k: int,
        *,
        users: Rows | None = None,
        exclude: sp.csr_array | None = None,
        allow: Rows | None = None,
    ) -> tuple[TopK, Floats]:
        """The ``k`` best tracks for each history and each member's part of their scores, float32 (q, k, members).

        Args:
            histories: weights, CSR (q, tracks).
            k: length of each list.
            users: trained user rows, or None.
            exclude: tracks that a listener must not get, CSR (q, tracks); usually the histories.
            allow: the only tracks that may be returned; candidates are looked for among these.
        """
        answer, kept = TopK.empty(histories.shape[0], k), min(k, histories.shape[1])
        parts = np.zeros((*answer.rows.shape, len(self.models_)), np.float32)
        for some, stage in self.stages(histories, users, exclude, allow):
            total, shares = self._ordered(stage)
            scores = closed(total, None if exclude is None else exclude[some], allow)
            rows = best(scores, kept)
            real, places = rows >= 0, np.maximum(rows, 0)
            answer.rows[some, :kept] = rows
            answer.scores[some, :kept] = np.where(real, np.take_along_axis(scores, places, axis=1), -np.inf)
            for number, share in enumerate(shares):
                parts[some, :kept, number] = np.where(real, np.take_along_axis(share, places, axis=1), 0)
        return answer, parts

    def chances(self, histories: Histories, rows: Rows, users: Rows | None = None) -> Floats:
        """How likely each listener is to play some tracks, float32 (q, k); 0 for row −1 and for what is no candidate.

        Learned from hidden plays: the chance that a track is among the part of a listener's plays that was hidden.
        """
        found = np.zeros(rows.shape, np.float32)
        if self.order_ is None:
            return found
        for some, stage in self.stages(histories, users, histories):
            candidates = stage.scene.candidates
            total, _ = self._ordered(stage)
            final, told = candidates.at(total), np.full(total.shape, -np.inf, np.float32)
            told[candidates.owner, candidates.rows] = between_listeners(final, candidates.starts, stage.scene.length)
            taken = np.take_along_axis(told, np.maximum(rows[some], 0), axis=1)
            found[some] = self.order_.curve(np.where(rows[some] >= 0, taken, -np.inf))
        return found

    def recall_by_source(
        self, histories: Histories, held: Histories, users: Rows | None = None
    ) -> dict[str, tuple[float, float]]:
        """For each source, and "all" together: share of held-out pairs among its tracks, and tracks per listener."""
        found, tracks = Counter[str](), Counter[str]()
        for some, stage in self.stages(histories, users, histories):
            part = sp.csr_array(held[some])
            found.update({name: share * part.nnz for name, share in recall_by_source(stage.sources, part).items()})
            tracks.update({name: int((rows >= 0).sum()) for name, rows in stage.sources.items()})
            tracks["all"] += len(stage.scene.candidates.rows)
        return {name: (found[name] / max(held.nnz, 1), tracks[name] / max(histories.shape[0], 1)) for name in found}

    # ---- one tile -------------------------------------------------------------------------------------

    def stages(
        self,
        histories: Histories,
        users: Rows | None = None,
        exclude: sp.csr_array | None = None,
        allow: Rows | None = None,
    ) -> Iterator[tuple[slice, Stage]]:
        """Some histories at a time, with their candidates."""
        return stages(self, self.facts_, histories, users, exclude, allow, self.latest_)

    def _ordered(self, stage: Stage) -> tuple[Floats, list[Floats]]:
        """All scores, float32 (q, tracks), and each member's part of them; the memory of the stage is used."""
        if self.order_ is None or not len(stage.scene.candidates.rows):
            return stage.blend, stage.shares
        return put_in_order(stage, parts_of(self.order_, stage.scene, self.models_), self._sure(stage.scene))

    def _sure(self, scene: Scene) -> Floats:
        """How far the ranker is believed: by plays, and not about what a member has not learned of or was played."""
        evidence = self.evidence_[:, scene.candidates.rows]
        known: NDArray[np.bool_] = np.all(evidence > 0, axis=0)
        asked = (scene.length > 0)[scene.owner] & ~scene.candidates.inside(scene.histories)
        return np.where(known, trust(evidence[-1], SURE), 0) * asked.astype(np.float32)

    # ---- storing and updating -------------------------------------------------------------------------

    def resized(self, tracks: Place, users: Place) -> Self:
        """Over more tracks and listeners; the ranker stays, and leaves tracks that no member knows to the blend."""
        made = super().resized(tracks, users)
        made.hidden, made.nets, made.order_ = self.hidden, self.nets, self.order_
        made.facts_ = {name: spread(values, tracks) for name, values in self.facts_.items()}
        made.latest_ = np.full((users.size, self.latest_.shape[1]), -1, np.int32)
        made.latest_[users.rows] = np.where(self.latest_ >= 0, tracks.rows[self.latest_], -1)
        return made

    def absorb(self, dataset: Dataset, rows: Rows) -> Rows:
        """New tracks go to the members; what is known about tracks is gathered again."""
        learned = super().absorb(dataset, rows)
        self.facts_, self.latest_ = self._facts(dataset), latest_plays(dataset)
        self.take(self.order_)
        return learned

    def params(self) -> dict[str, Any]:
        """The constructor's arguments, as lists that JSON keeps."""
        return {**super().params(), "hidden": self.hidden, "nets": self.nets}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The blend's arrays, facts about tracks, and the ranker."""
        found = super().arrays() | {f"facts.{name}": values for name, values in self.facts_.items()}
        found["latest"] = self.latest_
        if self.order_ is not None:
            found |= {f"order.{name}": values for name, values in self.order_.arrays().items()}
        return found

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], **params: Any) -> Self:
        """The fitted model back from ``arrays()`` and ``params()``."""
        made = super().from_arrays(arrays, **params)
        made.facts_, order = _under(arrays, "facts."), _under(arrays, "order.")
        made.order_ = Order.from_arrays(order) if order else None
        made.latest_ = arrays.get("latest", np.empty((0, 0), np.int32))
        return made

    def _facts(self, dataset: Dataset) -> dict[str, NDArray[Any]]:
        spaces = {}
        vectors = (
            m.track_vectors() for m in self.models_ if isinstance(m, VectorRecommender) and m.name != Content.name
        )
        taste = next((v for v in vectors if v is not None), None)
        if taste is not None:
            spaces["taste"] = divided(taste, np.linalg.norm(taste, axis=1, keepdims=True)).astype(np.float32)
        if has_content(dataset):
            spaces["content"] = content_vectors(dataset)
        return facts_of(dataset, spaces)


def _under(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): arrays[name] for name in arrays if name.startswith(prefix)}
