# SPDX-License-Identifier: Apache-2.0
"""The network: log-mel frames to phone probabilities, frame by frame, with all its memory in explicit states.

Causal dilated convolutions; no layer looks ahead. Two frames of 10 ms become one of 20 ms, and what is said is answered
LOOK_AHEAD frames of 20 ms later, because training asks for it only then. A state holds what its layer heard last. It starts at
zero, in training as in a stream, so the first frames of a stream are nothing that training has not seen.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from corpus import PHONES
from features import BINS

STACK = 2  # input frames of 10 ms to an output frame
LOOK_AHEAD = 2  # output frames
KERNEL = 3


@dataclass
class Shape:
    """What a checkpoint needs to build its network again."""

    width: int = 256
    dilations: tuple[int, ...] = (1, 2, 4, 8, 1, 2, 4, 8)
    dropout: float = 0.15

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
        d = self.dilation
        heard = torch.cat([cast(state, product), cast(x, product)], dim=1)
        taps = torch.cat([heard[:, : -2 * d], heard[:, d:-d], heard[:, 2 * d :]], dim=2)
        return linear(self.weight, taps), heard[:, -2 * d :]


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
        hidden = F.relu(hidden)
        if self.training and self.dropout > 0:
            # One draw for an utterance and a channel: a fresh one for each frame costs more time than the products.
            kept = torch.rand(x.shape[0], 1, hidden.shape[2]) >= self.dropout
            hidden = hidden * (kept / (1 - self.dropout)).to(hidden.dtype)
        return x + cast(linear(self.mix, hidden), torch.float32), state


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

    def states(self, batch: int = 1) -> list[Tensor]:
        return [self.front.state(batch)] + [block.taps.state(batch) for block in self.blocks]

    def forward(self, features: Tensor, states: list[Tensor]) -> tuple[Tensor, Tensor, list[Tensor]]:
        """`features`: [batch, T, 80], T even. Returns log probabilities for CTC (class 0: blank) and of the phone at each
        frame (class 0: silence), both [batch, T / 2, 40], and the states for the frames that follow."""
        x = (features - self.mean) * self.inverse_deviation
        x = x.reshape(len(x), -1, STACK * BINS)
        x, state = self.front(x, states[0], self.product)
        x, after = cast(F.relu(x), torch.float32), [state]
        for block, state in zip(self.blocks, states[1:]):
            x, state = block(x, state, self.product)
            after.append(state)
        x = self.norm(x)
        return F.log_softmax(self.ctc(x), dim=2), F.log_softmax(self.framewise(x), dim=2), after

    def of_whole(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Both outputs for sounds that begin where the features begin."""
        ctc, framewise, _ = self(features, self.states(features.shape[0]))
        return ctc, framewise


def parameter_count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
