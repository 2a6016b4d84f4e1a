# SPDX-License-Identifier: Apache-2.0
"""The scorer as src/speech/pronunciation_scorer.cpp runs it, and its file.

The file: "S2PN"; 16-bit numbers: features of a phone, features of an utterance, networks, width, width of heads; then for each network and
layer, in the order below, its matrix (a row for each output) and its biases, as 32-bit floats; all little-endian.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

PHONE_FEATURES = 46
UTTERANCE_FEATURES = 5
CLASSES = 40
SCALE = 5.0  # scores of words and utterances are a fifth inside
LAYERS = ("phone", "around", "phone_score", "word", "word_score", "utterance", "utterance_scores")


class Batch:
    """Some utterances' phones in a row. `word_of` and `utterance_of` count from 0."""

    def __init__(self, features: np.ndarray, whole: np.ndarray, phones: np.ndarray, word_of: np.ndarray, utterance_of: np.ndarray):
        kinds = np.eye(CLASSES, dtype=np.float32)[phones]
        self.inputs = torch.from_numpy(np.concatenate([features, kinds], axis=1))
        self.whole = torch.from_numpy(whole)  # one row an utterance
        self.word_of, self.utterance_of = torch.from_numpy(word_of), torch.from_numpy(utterance_of)
        new = np.diff(utterance_of, prepend=-1) != 0
        self.first, self.last = torch.from_numpy(new), torch.from_numpy(np.append(new[1:], True))


def mean_of(x: Tensor, group: Tensor) -> Tensor:
    count = int(group[-1]) + 1
    sums = torch.zeros(count, x.shape[1]).index_add(0, group, x)
    return sums / torch.zeros(count, 1).index_add(0, group, torch.ones(len(x), 1))


def least_of(x: Tensor, group: Tensor) -> Tensor:
    """`group` is in order; gradients go to the least of each."""
    counts = torch.bincount(group).tolist()
    return torch.stack([part.min() for part in torch.split(x, counts)])


class Scorer(nn.Module):
    def __init__(self, width: int, head: int, dropout: float, noise: float) -> None:
        super().__init__()
        self.width, self.head, self.noise = width, head, noise
        self.phone = nn.Linear(PHONE_FEATURES + CLASSES, width)
        self.around = nn.Linear(4 * width + UTTERANCE_FEATURES, width)
        self.phone_score = nn.Linear(2 * width, 1)
        self.word = nn.Linear(2 * width + 2, head)
        self.word_score = nn.Linear(head, 1)
        self.utterance = nn.Linear(2 * width + UTTERANCE_FEATURES + 2, head)
        self.utterance_scores = nn.Linear(head, 5)
        self.dropout = nn.Dropout(dropout)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Scores of phones (0 to 2), of words and of utterances (0 to 2: a fifth)."""
        inputs = batch.inputs
        if self.training and self.noise > 0:
            inputs = inputs + self.noise * torch.randn_like(inputs) * (torch.arange(inputs.shape[1]) < PHONE_FEATURES)
        alone = self.dropout(torch.relu(self.phone(inputs)))
        before = torch.roll(alone, 1, 0) * ~batch.first[:, None]
        after = torch.roll(alone, -1, 0) * ~batch.last[:, None]
        mean = mean_of(alone, batch.utterance_of)
        context = torch.cat([before, alone, after, torch.cat([mean, batch.whole], 1)[batch.utterance_of]], 1)
        around = self.dropout(torch.relu(self.around(context)))
        both = torch.cat([around, alone], 1)
        phones = self.phone_score(both)[:, 0]
        words = self.of_group(both, phones, batch.word_of, None, self.word, self.word_score)[:, 0]
        whole = self.of_group(both, phones, batch.utterance_of, batch.whole, self.utterance, self.utterance_scores)
        return phones, words, whole

    def calibrate(self, factor: float, offset: float) -> None:
        """From now on scores of phones are factor · what they were + offset; words and utterances stay as they were."""
        with torch.no_grad():
            self.phone_score.weight *= factor
            self.phone_score.bias.mul_(factor).add_(offset)
            for hidden in (self.word, self.utterance):  # their last inputs are the least and the mean score
                hidden.weight[:, -2:] /= factor
                hidden.bias -= offset * hidden.weight[:, -2:].sum(dim=1)

    @staticmethod
    def of_group(both: Tensor, scores: Tensor, group: Tensor, more: Tensor | None, hidden: nn.Linear, output: nn.Linear) -> Tensor:
        parts = [mean_of(both, group)] + ([more] if more is not None else [])
        parts += [least_of(scores, group)[:, None], mean_of(scores[:, None], group)]
        return output(torch.relu(hidden(torch.cat(parts, 1))))


def score(networks: list[Scorer], batch: Batch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean of all networks: phones 0 to 2, words and utterances 0 to 10."""
    with torch.no_grad():
        outputs = [network.eval()(batch) for network in networks]
    phones, words, whole = (torch.stack(parts).mean(0) for parts in zip(*outputs))
    return phones.clamp(0, 2).numpy(), (SCALE * words).clamp(0, 10).numpy(), (SCALE * whole).clamp(0, 10).numpy()


def write(networks: list[Scorer], path: Path) -> None:
    """Beside, then renamed."""
    parts = [b"S2PN", struct.pack("<5H", PHONE_FEATURES, UTTERANCE_FEATURES, len(networks), networks[0].width, networks[0].head)]
    for network in networks:
        for name in LAYERS:
            layer = getattr(network, name)
            parts += [tensor.detach().numpy().astype("<f4").tobytes() for tensor in (layer.weight, layer.bias)]
    partial = path.with_suffix(".part")
    partial.write_bytes(b"".join(parts))
    partial.replace(path)
