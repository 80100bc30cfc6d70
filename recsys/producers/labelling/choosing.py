"""Examples and a target in, the arm that predicts unseen groups best out, with how the others did and by how much.

Arms are tried from cheap to dear, each by grouped cross-validation, while there is time; then those that combine
others, from predictions that exist already. The best one is chosen, but a combination where no arm is ahead of it by
more than a standard error (the rule of Breiman et al., 1984, for trees): it is the safer choice. It is calibrated on
its out-of-fold predictions and fitted on everything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from recsys.blas import one_blas_thread
from recsys.errors import DataError
from recsys.producers.labelling import sharing
from recsys.producers.labelling.arms import Arm, Prediction, Progress
from recsys.producers.labelling.arms import arm as arm_of
from recsys.producers.labelling.arms import arms as all_arms
from recsys.producers.labelling.calibration import settled
from recsys.producers.labelling.choice import Choice, Folds, Point, Together, Tried
from recsys.producers.labelling.examples import Examples
from recsys.producers.labelling.folds import folds
from recsys.producers.labelling.grading import chance_of_groups, difference, graded, score
from recsys.producers.labelling.learned import Lessons, combine, of_rows
from recsys.producers.labelling.rounds import Kept, Round, out_of_fold, part_of
from recsys.producers.labelling.sharing import Sharing
from recsys.producers.labelling.targets import Target

FOLDS = 5
SHARES = (0.25, 0.5)  # of the groups, for the learning curve; all of them were learned from anyway
LAST = 1.3  # times a fit on four of five folds that a fit on everything takes
FOR_CURVE = 0.75  # the sum of the shares
EARLY, PATIENCE = 0.1, 5.0  # share of the first fit, and seconds, before an arm is said to take too long
EXPECTED = 0.5 * (FOLDS + LAST)  # times the first fit, by what its progress promises: it may stop early
Left = Callable[[], float]


class Late(Exception):
    """An arm takes longer than there is time."""


class Watch:
    """Passes progress on, and ends an arm that won't be done in time: all its folds and a fit on everything.

    Args:
        allowed: seconds.
        left: seconds until nothing is left, now.
    """

    def __init__(self, allowed: float, left: Left, progress: Progress | None) -> None:
        self.allowed, self.left, self.progress = allowed, left, progress
        self.begun, self.first = left(), True
        self.shown: dict[str, tuple[int, int]] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        """Progress of one fit, or of folds.

        Raises:
            Late: time is up, or will be at this rate.
        """
        spent = self.begun - self.left()
        share = done / max(total, 1)
        hopeless = self.first and share > EARLY and spent > PATIENCE and spent / share * EXPECTED > self.allowed
        if spent > self.allowed or hopeless:
            raise Late
        self.shown[what] = done, total
        if self.progress:
            self.progress(what, done, total)

    def end(self) -> None:
        """Bring what was begun and never done to its end, so that nobody waits for it."""
        for what, (done, total) in self.shown.items():
            if self.progress and done < total:
                self.progress(what, done, done)


@dataclass(frozen=True, eq=False)
class Chooser:
    """Chooses among arms for one target after the other.

    Attributes:
        examples: with their groups.
        names: of the arms to try; all that are tried by default when empty.
        seed: of folds and fits.
        kept: where finished folds are kept.
        left: seconds that are left.
        progress: called with (what, done, total).
    """

    examples: Examples
    names: Sequence[str] = ()
    seed: int = 0
    kept: Kept | None = None
    left: Left = lambda: float("inf")
    progress: Progress | None = None

    def choose(self, target: Target) -> Choice:
        """The arm for a target.

        Raises:
            DataError: fewer than two groups, or no arm can learn this target.
        """
        with one_blas_thread():
            return self._choose(target)

    def _choose(self, target: Target) -> Choice:
        fold = folds(target, self.examples.groups, FOLDS, seed=self.seed)
        rounds, left_out = self._rounds(target, fold)
        tried = self._graded(target, fold, rounds)
        best = self._chosen(target, fold, tried)
        predictions = {name: made.prediction for name, made in rounds.items()}
        lessons = Lessons(self.examples, target, self.seed, predictions, self.progress)
        share, together = self._together(target, fold, tried[best].fair)
        learned = lessons.learn(arm_of(best), tried[best].calibration, share)
        known = np.flatnonzero(fold >= 0)
        mean = {name: made.round.prediction.mean[known] for name, made in tried.items()}
        part, groups = target.take(known), self.examples.groups[known]
        against = {name: difference(part, mean[best], mean[name], groups) for name in tried if name != best}
        curve_arm, curve = self._curve(target, fold, tried)
        return Choice(target, fold, tried, left_out, against, curve, curve_arm, learned, together)

    def _together(self, target: Target, fold: Folds, alone: Prediction) -> tuple[Sharing, Together | None]:
        """How files of one group speak for each other; not where that is not surely the likelier."""
        groups = self.examples.groups
        share, shared = sharing.settled(target, alone, groups, fold)
        if not share.share:
            return share, None
        known = np.flatnonzero(fold >= 0)
        part, one, other = target.take(known), shared.mean[known], alone.mean[known]
        gain, loss = (difference(part, one, other, groups[known], measure=name) for name in ("score", "log_loss"))
        if loss.high >= 0:
            return Sharing(), None
        files, chance = len(sharing.several(target, groups)), chance_of_groups(one, groups[known])
        return share, Together(files, shared, graded(part, one, groups[known]), gain, loss, chance)

    def _chosen(self, target: Target, fold: Folds, tried: Mapping[str, Tried]) -> str:
        """The best arm; or the best combination, where the best arm's lead is within a standard error."""
        best = next(iter(tried))
        combined = next((name for name in tried if arm_of(name).members), best)
        known = np.flatnonzero(fold >= 0)
        one, other = (tried[name].round.prediction.mean[known] for name in (best, combined))
        lead = difference(target.take(known), one, other, self.examples.groups[known])
        return best if lead.mean > (lead.high - lead.low) / 4 else combined

    def _rounds(self, target: Target, fold: Folds) -> tuple[dict[str, Round], dict[str, str]]:
        """Out-of-fold predictions of every arm there is time for; and why the others have none."""
        rounds: dict[str, Round] = {}
        left_out: dict[str, str] = {}
        several = self._arms(target)
        for one in several:
            if one.members:
                continue
            made = self._try(one, target, fold, rounds) if not rounds or self._affordable(rounds) else None
            if made is None:
                left_out[one.name] = "no time"
            elif isinstance(made, str):
                left_out[one.name] = made
            else:
                rounds[one.name] = made
        if not rounds:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items()) or "none is for such targets"
            raise DataError(f"no arm could learn {target.name} ({reasons}); expected one that can")
        for one in several:
            if one.members:
                self._combine(one, target, fold, rounds, left_out)
        return rounds, left_out

    def _arms(self, target: Target) -> list[Arm]:
        known = all_arms().values()
        wanted = [arm_of(name) for name in self.names] or [one for one in known if one.default]
        if all(one.members for one in wanted):
            asked = {name for one in wanted for name in one.members}
            wanted += [one for one in known if one.name in asked]
        return sorted((one for one in wanted if target.kind in one.kinds), key=lambda one: one.cost)

    def _affordable(self, rounds: Mapping[str, Round]) -> bool:
        """Whether any time is left beside that for fitting on everything."""
        return self.left() > LAST * sum(made.seconds for made in rounds.values())

    def _try(self, one: Arm, target: Target, fold: Folds, rounds: Mapping[str, Round]) -> Round | str | None:
        """Its round; None when there is no time; or what went wrong."""
        last = LAST * sum(made.seconds for made in rounds.values())
        watch = Watch(self.left() - last if rounds else float("inf"), self.left, self.progress)

        def enough(remaining: float) -> bool:
            watch.first = False
            return bool(rounds) and self.left() < last + remaining + LAST * remaining / (FOLDS - 1)

        try:
            return out_of_fold(
                one, self.examples, target, fold, seed=self.seed, kept=self.kept, enough=enough, progress=watch
            )
        except Late:
            return None
        except (ArithmeticError, ValueError, np.linalg.LinAlgError, MemoryError) as error:
            return f"failed: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
        finally:
            watch.end()

    def _combine(
        self, one: Arm, target: Target, fold: Folds, rounds: dict[str, Round], left_out: dict[str, str]
    ) -> None:
        """Each fold by a combination that was learned from the others."""
        members = {name: rounds[name] for name in one.members if name in rounds}
        if len(members) < 2:
            left_out[one.name] = "fewer than two members"
            return
        predictions = {name: made.prediction for name, made in members.items()}
        mean = np.zeros(target.values.shape, np.float32)
        sigma = None
        for number in np.unique(fold[fold >= 0]):
            learned, asked = np.flatnonzero((fold >= 0) & (fold != number)), np.flatnonzero(fold == number)
            combined = combine(one, predictions, target, learned, self.examples.groups, self.seed)
            assert combined is not None
            found = combined.predict({name: of_rows(said, asked) for name, said in predictions.items()})
            mean[asked] = found.mean
            if found.sigma is not None:
                sigma = np.zeros_like(mean) if sigma is None else sigma
                sigma[asked] = found.sigma
        rounds[one.name] = Round(Prediction(mean, sigma), sum(made.seconds for made in members.values()))

    def _graded(self, target: Target, fold: Folds, rounds: Mapping[str, Round]) -> dict[str, Tried]:
        """Arms with their measures, best first; of equals the cheaper one."""
        known = np.flatnonzero(fold >= 0)
        part, groups = target.take(known), self.examples.groups[known]
        tried = []
        for name, made in rounds.items():
            grades = graded(part, made.prediction.mean[known], groups)
            tried.append(Tried(name, made, grades, *settled(target, made.prediction, fold)))
        tried.sort(key=lambda one: (-round(one.grades["score"].mean, 6), one.round.seconds))
        return {one.arm: one for one in tried}

    def _curve(self, target: Target, fold: Folds, tried: Mapping[str, Tried]) -> tuple[str, list[Point]]:
        """Of the best arm whose curve there is time for, and that learns by itself."""
        affordable = [
            one
            for one in tried.values()
            if not arm_of(one.arm).members and self.left() > FOLDS * FOR_CURVE * one.round.seconds
        ]
        if not affordable:
            return "", []
        name = affordable[0].arm
        points = []
        for share in SHARES:
            made = out_of_fold(arm_of(name), self.examples, target, fold, seed=self.seed, kept=self.kept, share=share)
            if made is not None:
                points.append(self._point(target, fold, share, made))
        points.append(self._point(target, fold, 1.0, tried[name].round))
        return name, list({point.files: point for point in points}.values())

    def _point(self, target: Target, fold: Folds, share: float, made: Round) -> Point:
        known = np.flatnonzero(fold >= 0)
        learned = part_of(np.flatnonzero((fold >= 0) & (fold != 0)), self.examples.groups, share, self.seed)
        return Point(share, len(learned), score(target.take(known), made.prediction.mean[known]), made.seen)
