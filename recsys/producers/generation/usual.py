"""How much there is to learn from in, the plan and the lesson that suit it out."""

from __future__ import annotations

from dataclasses import replace

from recsys.errors import DataError, did_you_mean
from recsys.producers.generation.network import ARMS, Plan
from recsys.producers.generation.rolls import Rolls
from recsys.producers.generation.teaching import Lesson

FEW = 50_000  # steps below which a net learns by heart unless much is left out
TIED = Plan("tied", dropout=0.3)  # on chorales 4.88 nats a step against 5.20 of the recurrent arm (one seed)
SMALL = Plan("recurrent", width=384, whole=192, dropout=0.4)
LARGE = Plan("recurrent", width=512, whole=384, dropout=0.3)
FOR_FEW = Lesson(epochs=40)
FOR_TIED = Lesson(epochs=30)
FOR_MANY = Lesson(epochs=40, patience=6, batch=16, stretch=96)
REACH = {"attention": 1e-3}  # rates of learning of arms that need their own


def usual(
    rolls: Rolls, *, arm: str | None = None, epochs: int | None = None, shift: int | None = None
) -> tuple[Plan, Lesson]:
    """The usual plan and lesson, with what was asked for instead.

    Raises:
        DataError: no such arm.
    """
    few = sum(map(len, rolls.train)) < FEW
    if arm is not None and arm not in ARMS:
        raise DataError(f"no arm {arm!r}{did_you_mean(arm, ARMS)}")
    arm = arm or ("tied" if few else "recurrent")
    plan = TIED if arm == "tied" else replace(SMALL if few else LARGE, arm=arm)
    lesson = (FOR_TIED if arm == "tied" else FOR_FEW) if few else FOR_MANY
    lesson = replace(lesson, rate=REACH.get(plan.arm, lesson.rate))
    return plan, replace(
        lesson,
        epochs=lesson.epochs if epochs is None else epochs,
        shift=lesson.shift if shift is None else shift,
    )
