"""Steps of music in, log-odds of each key at the next step out: three arms with one manner of being asked.

Within a step the keys are told one after another from the lowest, so that chords are more than independent keys
(NADE and MADE: Boulanger-Lewandowski, Bengio & Vincent, Modeling Temporal Dependencies in High-Dimensional Sequences,
ICML 2012; Germain et al., MADE, ICML 2015).

* ``tied``: every key hears its surroundings through the same weights, over time, then upwards through the keys
  (Johnson, Generating Polyphonic Music Using Tied Parallel Networks, EvoMUSART 2017), beside a net over the whole step.
* ``recurrent``: one net over whole steps, and a masked net over the keys of a step.
* ``attention``: the same with a small causal transformer over the last steps.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from recsys.errors import DataError, did_you_mean

WINDOW = 24  # keys that a key hears on each side
POSITIONS = 16  # places in time that are told apart
HEADS, LAYERS = 4, 3  # of attention
State = tuple[Tensor, ...]


@dataclass(frozen=True)
class Plan:
    """All that shapes a network.

    Attributes:
        arm: tied, recurrent or attention.
        low, high: first key, and the first that is none; the others are no part of the network.
        width: hidden values of a key (tied), of the MADE (others).
        whole: hidden values of the net over whole steps.
        dropout: share of hidden values that training leaves out.
        reach: steps that attention looks back.
    """

    arm: str = "tied"
    low: int = 0
    high: int = 88
    width: int = 64
    whole: int = 128
    dropout: float = 0.3
    reach: int = 64

    @property
    def keys(self) -> int:
        """How many keys there are."""
        return self.high - self.low

    def told(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)


class Arm(nn.Module):
    """What all arms have in common: they are asked with the steps before and the steps themselves."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        self.position = nn.Embedding(POSITIONS, 16)

    def forward(self, before: Tensor, now: Tensor, at: Tensor, state: State = ()) -> tuple[Tensor, State]:
        """Log-odds (b, t, keys), and the state after the last step.

        Args:
            before: the step before each step, 0 or 1, (b, t, keys).
            now: the steps, (b, t, keys); what a key hears of them are the keys below.
            at: the number of each step in its piece, (b, t).
        """
        raise NotImplementedError

    def opening(self, before: Tensor, at: Tensor) -> Tensor:
        """What is told of a whole step beside its keys: whether the piece begins, and the place in time."""
        first = (at == 0).float()[..., None]
        return torch.cat([before, first, self.position(at % POSITIONS)], dim=-1)

    @property
    def told(self) -> int:
        """Values of ``opening``."""
        return self.plan.keys + 17


class Tied(Arm):
    """Every key through the same weights."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        width, whole, keys = plan.width, plan.whole, plan.keys
        self.whole = nn.LSTM(self.told, whole, batch_first=True)
        self.spread = nn.Linear(whole, keys * 8)
        self.own = nn.Parameter(0.1 * torch.randn(keys, 16))
        self.around = nn.Conv1d(1, width, 2 * WINDOW + 1, padding=WINDOW)
        self.beside = nn.Linear(16 + 8, width)
        self.time = nn.LSTM(width, width)
        self.below = nn.Conv1d(1, width, WINDOW)
        self.joined = nn.Linear(2 * width + 16 + 8, width)
        self.upwards = nn.LSTM(width, width)
        self.out = nn.Linear(width, 1)
        self.drop = nn.Dropout(plan.dropout)

    def forward(self, before: Tensor, now: Tensor, at: Tensor, state: State = ()) -> tuple[Tensor, State]:
        b, t, keys = before.shape
        whole, (h0, c0) = self.whole(self.opening(before, at), state[:2] or None)
        spread = self.spread(self.drop(whole)).reshape(b, t, keys, 8)
        beside = torch.cat([spread, self.own.expand(b, t, keys, 16)], dim=-1)
        around = self.around(before.reshape(b * t, 1, keys)).transpose(1, 2).reshape(b, t, keys, -1)
        cells = functional.relu(around + self.beside(beside))
        over = cells.permute(1, 0, 2, 3).reshape(t, b * keys, -1)
        heard, (h1, c1) = self.time(over, state[2:] or None)
        heard = self.drop(heard.reshape(t, b, keys, -1).permute(2, 1, 0, 3))  # (keys, b, t, width)
        below = self.below(functional.pad(now[..., :-1], (WINDOW, 0)).reshape(b * t, 1, -1))
        below = below.permute(2, 0, 1).reshape(keys, b, t, -1)
        joined = functional.relu(self.joined(torch.cat([heard, below, beside.permute(2, 0, 1, 3)], dim=-1)))
        upwards, _ = self.upwards(joined.reshape(keys, b * t, -1))
        odds = self.out(self.drop(upwards)).reshape(keys, b, t).permute(1, 2, 0)
        return odds, (h0, c0, h1, c1)


class Masked(nn.Module):
    """MADE: log-odds of each key from a context and the keys below."""

    def __init__(self, context: int, keys: int, width: int, dropout: float) -> None:
        super().__init__()
        degree = torch.arange(width) * max(keys - 1, 1) // width  # a hidden value hears keys up to this one
        self.hears: Tensor
        self.tells: Tensor
        self.register_buffer("hears", (torch.arange(keys)[None, :] <= degree[:, None]).float(), persistent=False)
        self.register_buffer("tells", (degree[None, :] < torch.arange(keys)[:, None]).float(), persistent=False)
        self.first, self.second = nn.Linear(keys, width), nn.Linear(width, keys)
        self.straight = nn.Linear(keys, keys)
        self.given, self.direct = nn.Linear(context, width), nn.Linear(context, keys)
        self.drop = nn.Dropout(dropout)

    def forward(self, context: Tensor, now: Tensor) -> Tensor:
        """(b, t, context) and (b, t, keys) to (b, t, keys)."""
        given = self.drop(context)
        linear = functional.linear(now, self.first.weight * self.hears, self.first.bias)
        hidden = self.drop(functional.relu(linear + self.given(given)))
        told = functional.linear(hidden, self.second.weight * self.tells, self.second.bias)
        return told + self.direct(given) + functional.linear(now, torch.tril(self.straight.weight, -1))


class Recurrent(Arm):
    """One net over whole steps."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.whole = nn.LSTM(self.told, plan.whole, batch_first=True)
        self.made = Masked(plan.whole + self.told, plan.keys, plan.width, plan.dropout)

    def forward(self, before: Tensor, now: Tensor, at: Tensor, state: State = ()) -> tuple[Tensor, State]:
        opening = self.opening(before, at)
        whole, after = self.whole(opening, state or None)
        return self.made(torch.cat([whole, opening], dim=-1), now), after


class Block(nn.Module):
    """A layer of a transformer; distances have values of their own, by head."""

    def __init__(self, width: int, reach: int, dropout: float) -> None:
        super().__init__()
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.asked, self.said = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 3 * width), nn.Linear(3 * width, width)
        self.places = nn.Parameter(0.02 * torch.randn(HEADS, reach))
        self.drop = nn.Dropout(dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        """(b, t, width) to the same."""
        b, t, width = hidden.shape
        asked, keys, values = (
            part.reshape(b, t, HEADS, -1).transpose(1, 2) for part in self.asked(self.before(hidden)).chunk(3, dim=-1)
        )
        heard = functional.scaled_dot_product_attention(asked, keys, values, attn_mask=self._distances(t))
        hidden = hidden + self.drop(self.said(heard.transpose(1, 2).reshape(b, t, width)))
        return hidden + self.drop(self.narrow(functional.gelu(self.wide(self.after(hidden)))))

    def _distances(self, steps: int) -> Tensor:
        """What is added to the attention of step i on step j, by head, (heads, t, t)."""
        reach = self.places.shape[1]
        back = torch.arange(steps)[:, None] - torch.arange(steps)[None, :]
        inside = (back >= 0) & (back < reach)
        return self.places[:, back.clamp(0, reach - 1)].masked_fill(~inside, float("-inf"))


class Attention(Arm):
    """A causal transformer over the last steps."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.into = nn.Linear(self.told, plan.whole)
        self.layers = nn.ModuleList(Block(plan.whole, plan.reach, plan.dropout) for _ in range(LAYERS))
        self.made = Masked(plan.whole + self.told, plan.keys, plan.width, plan.dropout)

    def forward(self, before: Tensor, now: Tensor, at: Tensor, state: State = ()) -> tuple[Tensor, State]:
        opening = self.opening(before, at)
        hidden = steps = torch.cat([*state, self.into(opening)], dim=1)
        for layer in self.layers:
            hidden = layer(hidden)
        told = self.made(torch.cat([hidden[:, -before.shape[1] :], opening], dim=-1), now)
        return told, (steps[:, -LAYERS * self.plan.reach :].detach(),)


ARMS: dict[str, type[Arm]] = {"tied": Tied, "recurrent": Recurrent, "attention": Attention}


def build(plan: Plan) -> Arm:
    """A network with fresh weights, from torch's random state.

    Raises:
        DataError: no such arm.

    >>> made = build(Plan("recurrent", width=8, whole=8))
    >>> odds, state = made(torch.zeros(1, 5, 88), torch.zeros(1, 5, 88), torch.arange(5)[None])
    >>> tuple(odds.shape)
    (1, 5, 88)
    """
    if plan.arm not in ARMS:
        raise DataError(f"no arm {plan.arm!r}{did_you_mean(plan.arm, ARMS)}")
    return ARMS[plan.arm](plan)
