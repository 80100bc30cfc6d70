"""EASE that starts from content: tracks on tracks in closed form, drawn towards what content alone would say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.contracts import Floats, Histories, Rows
from recsys.models.base import weighted
from recsys.models.described import DescribedModel, check_content
from recsys.models.ease import Ease, gram_matrix, inverse, ridge
from recsys.models.ridge import Ridge
from recsys.models.splitting import Split, by_blocks

if TYPE_CHECKING:
    from recsys.tables import Dataset

ONE = {"log": np.e - 1, "binary": 1.0, "raw": 1.0}  # the play weight that each transform turns into 1


class Cease(DescribedModel, Ease):
    """Coefficients B that minimise |R − R B|² + |B − content · B₀|² weighed by each track's λ, with a zero diagonal.

    B₀ are the coefficients of ``Ridge``, which predicts plays from content alone. A track that nobody played takes no
    part in the loss: it has just those. Adding content as rows to R (Jeunen et al. 2020), the usual way, was worse on
    held-out plays of tagged artists (validation N@100 .317 against .320; EASE .303), and can't score new tracks.

    Args:
        content: what B₀ is multiplied by; its own ridge makes it too small.
        regularization, track_power, user_power, weight: as of EASE.

    Steck, Embarrassingly shallow autoencoders for sparse data, WWW 2019; Jeunen, Van Balen, Goethals, Closed-form
    models for collaborative filtering with side-information, RecSys 2020.

    >>> import pandas as pd
    >>> from recsys.tables import Catalogue, Dataset, IdMap, Interactions
    >>> songs = Catalogue(pd.DataFrame({"genre": [["rock"], ["rock"], ["jazz"], ["jazz"], ["rock"]]}))
    >>> plays = Interactions(IdMap(range(4)), IdMap(range(5)), [0, 0, 1, 1, 2, 2, 3], [0, 1, 0, 1, 2, 3, 2], np.ones(7))
    >>> model = Cease(regularization=1.0).fit(Dataset(plays, songs), rng=np.random.default_rng(0))
    >>> scores = model.scores(plays.matrix())[:, 4]  # nobody has played the last one
    >>> bool(scores[0] > scores[2])
    True
    """

    name: ClassVar[str] = "cease"
    moved: ClassVar[bool] = True
    state: ClassVar[tuple[str, ...]] = (*Ease.state, "told", "alone", "level", "trained")
    axes: ClassVar[Mapping[str, str]] = {**Ease.axes, "told": "t-", "alone": "t-", "level": "t", "trained": "t"}
    told_: Floats
    alone_: Floats
    level_: Floats
    trained_: NDArray[np.bool_]
    grid: ClassVar[list[dict[str, Any]]] = [{"content": 1.0}, {"content": 3.0}, {"regularization": 200.0}]

    def __init__(
        self,
        content: float = 2.0,
        regularization: float = 100.0,
        track_power: float = 0.5,
        user_power: float = 0.5,
        weight: str = "log",
    ) -> None:
        super().__init__(regularization, track_power, user_power, weight)
        self.content = content

    def fit(self, dataset: Dataset, *, rng: np.random.Generator) -> Self:
        """Invert one matrix. DataError when there are too many tracks or nothing is known about any."""
        check_content(dataset)
        gram = gram_matrix(dataset, self.weight, self.user_power)
        played = gram.diagonal() > 0
        own = ridge(gram, self.regularization, self.track_power)
        gram[np.diag_indices_from(gram)] += own
        content = Ridge(weight=self.weight).fit(dataset, rng=rng)
        prior = self._prior(content)
        found = inverse(gram)
        self.features_, self.trained_, self.alone_ = content.features_, played, content.rows_ * content.spread_
        self.told_ = found @ (self.alone_ * (self.content * own)[:, None])
        made = found @ (prior * (self.content * own)[:, None])
        made -= found * own
        diagonal = np.diag_indices_from(made)
        made[diagonal] += 1
        made -= found * (made[diagonal] / found[diagonal])
        made[:, ~played] = prior[:, ~played]
        made[diagonal] = 0
        self.coefficients_ = np.ascontiguousarray(made, dtype=np.float32)
        self.level_ = made[:, played].mean(axis=1).astype(np.float32)
        return self

    def split(self, known: Dataset, histories: Histories, rows: Rows) -> Split:
        """What each block of content gave to the scores of some tracks (q, k), but not their artists and albums.

        With E the coefficients of EASE, those of this model are ``told @ content + (1 + own) * E`` where ``own`` is
        the diagonal of the first: the first is linear in content, the rest is what goes together in histories.

        Args:
            known: what is known of the tracks.
            histories: CSR (q, tracks).
            rows: track rows, (q, k).
        """
        plays, seen = weighted(histories, self.weight), np.maximum(rows, 0)
        played, score = self.trained_[seen], _at(plays, self.coefficients_, seen)
        given, rest = {}, np.where(played, score - (plays @ self.level_)[:, None], score)
        told, alone = (by_blocks(self.features_, known, plays @ side, rows).given for side in (self.told_, self.alone_))
        for name in told:
            given[name] = np.where(played, told[name], alone[name])
            rest = rest - given[name]
        centre = (plays @ self.alone_) @ (self.features_.centre_ @ self.features_.turn_)
        return Split(given, np.where(played, rest, rest - centre[:, None]).astype(np.float32))

    def _prior(self, content: Ridge) -> Floats:
        """What content says of each track, given that one other was played, (tracks, tracks) with a zero diagonal."""
        alone = sp.csr_array(sp.eye(len(content.rows_), dtype=np.float32)) * np.float32(ONE[self.weight])
        found = content.scores(alone)
        np.fill_diagonal(found, 0)
        return found


def _at(plays: sp.csr_array, matrix: Floats, rows: Rows) -> Floats:
    """(plays @ matrix) at some columns of each row, float32 (q, k)."""
    found = np.zeros(rows.shape, np.float32)
    for row, wanted in enumerate(rows):
        span = slice(plays.indptr[row], plays.indptr[row + 1])
        found[row] = plays.data[span] @ matrix[np.ix_(plays.indices[span], wanted)]
    return found
