# SPDX-License-Identifier: Apache-2.0
"""The network: log-mel frames to phone probabilities, frame by frame, with all its memory in explicit states.

Causal dilated convolutions; no layer looks ahead. Two frames of 10 ms become one of 20 ms, and what is said is answered
LOOK_AHEAD frames of 20 ms later, because training asks for it only then. A state holds what its layer heard last. It starts at
zero, in training as in a stream, so the first frames of a stream are nothing that training has not seen.

The second pass is the same network with further blocks that look both ways. They too run as a stream does: each is late by what
it hears of the future, so a file in pieces has the answers of the whole.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from corpus import PHONES
from features import BINS

STACK = 2  # input frames of 10 ms to an output frame
LOOK_AHEAD = 2  # output frames; those of blocks that look both ways come on top
KERNEL = 3


@dataclass
class Shape:
    """What a checkpoint needs to build its network again."""

    width: int = 256
    dilations: tuple[int, ...] = (1, 2, 4, 8, 1, 2, 4, 8)
    dropout: float = 0.15
    ahead: tuple[int, ...] = ()  # distances of blocks that look both ways; none: the streaming network

    @property
    def wait(self) -> int:
        """Output frames by which the last block's answers come later than the first's."""
        return sum(self.ahead)

    @property
    def look_ahead(self) -> int:
        return LOOK_AHEAD + self.wait

    def stored(self) -> dict[str, object]:
        return asdict(self)


class CausalTaps(nn.Module):
    """A convolution over time as a matrix product: each row is a frame beside those `dilation` and twice `dilation` before."""

    def __init__(self, inputs: int, outputs: int, dilation: int) -> None:
        super().__init__()
        self.dilation, self.inputs = dilation, inputs
        self.weight = nn.Linear(KERNEL * inputs, outputs)

    def state(self, batch: int) -> Tensor:
        return torch.zeros(batch, (KERNEL - 1) * self.dilation, self.inputs)

    def forward(self, x: Tensor, state: Tensor, product: torch.dtype) -> tuple[Tensor, Tensor]:
        heard = torch.cat([cast(state, product), cast(x, product)], dim=1)
        return self.over(heard), heard[:, -2 * self.dilation :]

    def over(self, heard: Tensor) -> Tensor:
        """As many frames as there are in `heard`, but for those of a state."""
        d = self.dilation
        return linear(self.weight, torch.cat([heard[:, : -2 * d], heard[:, d:-d], heard[:, 2 * d :]], dim=2))


def cast(x: Tensor, to: torch.dtype) -> Tensor:
    """As Tensor.to, but where there is nothing to do the exported graph has no node for it."""
    return x if x.dtype == to else x.to(to)


def linear(layer: nn.Linear, x: Tensor) -> Tensor:
    return F.linear(x, cast(layer.weight, x.dtype), cast(layer.bias, x.dtype))


class Block(nn.Module):
    """x + matrix(relu(taps(norm(x))))."""

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.taps = CausalTaps(width, width, dilation)
        self.mix = nn.Linear(width, width)
        self.dropout = dropout

    def forward(self, x: Tensor, state: Tensor, product: torch.dtype) -> tuple[Tensor, Tensor]:
        hidden, state = self.taps(self.norm(x), state, product)
        hidden = dropped(F.relu(hidden), self.dropout if self.training else 0.0)
        return x + cast(linear(self.mix, hidden), torch.float32), state


class BlockBothWays(nn.Module):
    """As Block, with one of three taps in the past and one in the future: `dilation` frames late, for it waits for the latter.

    The state has what the block is given, not its norm. Its last matrix begins with zeros: at first it is a mere delay.
    """

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.taps = CausalTaps(width, width, dilation)
        self.mix = nn.Linear(width, width)
        nn.init.zeros_(self.mix.weight)
        nn.init.zeros_(self.mix.bias)
        self.dropout = dropout

    def forward(self, x: Tensor, state: Tensor, product: torch.dtype) -> tuple[Tensor, Tensor]:
        d = self.taps.dilation
        heard = torch.cat([state, x], dim=1)
        hidden = F.relu(self.taps.over(cast(self.norm(heard), product)))
        hidden = dropped(hidden, self.dropout if self.training else 0.0)
        return heard[:, d:-d] + cast(linear(self.mix, hidden), torch.float32), heard[:, -2 * d :]


def dropped(hidden: Tensor, share: float) -> Tensor:
    """One draw for an utterance and a channel: a fresh one for each frame costs more time than the products."""
    if share == 0:
        return hidden
    kept = torch.rand(hidden.shape[0], 1, hidden.shape[2]) >= share
    return hidden * (kept / (1 - share)).to(hidden.dtype)


class PhonemeNetwork(nn.Module):
    """Products may run in `product` = torch.bfloat16 (four times faster here); sums across layers and norms stay in 32 bits."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.product = torch.float32
        self.register_buffer("mean", torch.zeros(BINS))
        self.register_buffer("inverse_deviation", torch.ones(BINS))
        self.front = CausalTaps(STACK * BINS, shape.width, 1)
        self.blocks = nn.ModuleList(Block(shape.width, d, shape.dropout) for d in shape.dilations)
        self.norm = nn.LayerNorm(shape.width)
        self.ctc = nn.Linear(shape.width, len(PHONES))
        self.framewise = nn.Linear(shape.width, len(PHONES))
        if shape.ahead:
            self.second = nn.ModuleList(BlockBothWays(shape.width, d, shape.dropout) for d in shape.ahead)
            self.second_norm = nn.LayerNorm(shape.width)
            self.second_ctc = nn.Linear(shape.width, len(PHONES))
            self.second_framewise = nn.Linear(shape.width, len(PHONES))

    def states(self, batch: int = 1) -> list[Tensor]:
        second = self.second if self.shape.ahead else []
        return [self.front.state(batch)] + [block.taps.state(batch) for block in [*self.blocks, *second]]

    def forward(self, features: Tensor, states: list[Tensor]) -> tuple[Tensor, Tensor, list[Tensor]]:
        """`features`: [batch, T, 80], T even. Returns log probabilities for CTC (class 0: blank) and of the phone at each
        frame (class 0: silence), both [batch, T / 2, 40], and the states for the frames that follow."""
        x, after = self.first_blocks(features, states)
        if not self.shape.ahead:
            return *self.first_answers(x), after
        ctc, framewise, more = self.second_answers(x, states[len(after) :])
        return ctc, framewise, after + more

    def first_blocks(self, features: Tensor, states: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        x = (features - self.mean) * self.inverse_deviation
        x = x.reshape(len(x), -1, STACK * BINS)
        x, state = self.front(x, states[0], self.product)
        x, after = cast(F.relu(x), torch.float32), [state]
        for block, state in zip(self.blocks, states[1:]):
            x, state = block(x, state, self.product)
            after.append(state)
        return x, after

    def first_answers(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Of the first blocks, LOOK_AHEAD frames late."""
        x = self.norm(x)
        return F.log_softmax(self.ctc(x), dim=2), F.log_softmax(self.framewise(x), dim=2)

    def second_answers(self, x: Tensor, states: list[Tensor]) -> tuple[Tensor, Tensor, list[Tensor]]:
        after = []
        for block, state in zip(self.second, states):
            x, state = block(x, state, self.product)
            after.append(state)
        x = self.second_norm(x)
        return F.log_softmax(self.second_ctc(x), dim=2), F.log_softmax(self.second_framewise(x), dim=2), after

    def begin_with(self, streaming: dict[str, Tensor]) -> None:
        """Takes over the weights of a streaming network; blocks that look both ways then begin as a delay of its answers."""
        missing, unknown = self.load_state_dict(streaming, strict=False)
        if unknown or any(not name.startswith("second") for name in missing):
            raise ValueError("found weights of another network")
        if missing:
            for name in ("norm", "ctc", "framewise"):
                getattr(self, f"second_{name}").load_state_dict(getattr(self, name).state_dict())

    def of_whole(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Both outputs for sounds that begin where the features begin."""
        ctc, framewise, _ = self(features, self.states(features.shape[0]))
        return ctc, framewise


def parameter_count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
