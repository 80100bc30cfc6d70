"""What a listener wants of a list beyond its score: what to leave out, and what to do at the end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import scipy.sparse as sp

from recsys.contracts import Floats
from recsys.errors import DataError
from recsys.explain import Finish
from recsys.listening import Listening
from recsys.ranking import mix
from recsys.ranking.aspects import Facts as Compared
from recsys.ranking.dials import Dials, Facts, dialled, recent
from recsys.ranking.dislikes import disliked


@dataclass(frozen=True, eq=False)
class Wishes:
    """Dials, and what they need to know of the listeners of some lists.

    Attributes:
        dials: where they stand.
        facts: of tracks.
        now: when the lists are for, Unix seconds UTC; None where the log has no times.
        listening: what these listeners heard and skipped, in the order of the lists; None for people unknown here.
    """

    dials: Dials
    facts: Facts
    now: float | None
    listening: Listening | None

    def exclude(self, histories: sp.csr_array) -> sp.csr_array:
        """What must not be listed, CSR (q, tracks): all that was heard, or only what was heard lately.

        Raises:
            DataError: "not heard in the last days" of a log without times.
        """
        if self.dials.not_heard_days is None:
            return histories
        last = self.listening.last if self.listening else None
        if last is None or self.now is None:
            raise DataError("not_heard_days needs to know when tracks were heard; expected a log with timestamps")
        return recent(histories, last, self.now, self.dials.not_heard_days)

    def finish(self, histories: sp.csr_array, n: int) -> Finish | None:
        """What is done to longer lists to give the ``n`` that are wanted; None when nothing is."""
        dislikes = self._dislikes()
        if self.dials.neutral or (dislikes is None and self._only_dislikes()):
            return None
        return partial(dialled, dials=self.dials, facts=self.facts, n=n, histories=histories, dislikes=dislikes)

    def _dislikes(self) -> sp.csr_array | None:
        mine = self.listening
        if mine is None or mine.skips is None or not self.dials.dislike or not mine.skips.nnz:
            return None
        return disliked(mine.skips, mine.skipped, mine.histories, self.now, self.dials.half_life)

    def _only_dislikes(self) -> bool:
        return replace(self.dials, dislike=0).neutral


def dial_facts(compared: Compared, listeners: Floats, taste: Floats | None) -> Facts:
    """What dials know of tracks, from what reasons know of them."""
    known = compared.genre >= 0
    shape = len(known), int(compared.genre.max(initial=0)) + 1
    genres = sp.csr_array(
        (known[known].astype(np.float32), (np.flatnonzero(known), compared.genre[known])), shape=shape
    )
    ways = [mix.bands(listeners), *([genres] if genres.nnz else [])]
    return Facts(listeners, compared.artist, mix.classes(ways), taste)
