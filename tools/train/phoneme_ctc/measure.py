# SPDX-License-Identifier: Apache-2.0
"""How well a network hears: phone error rate of the best path, and the share of frames with the right phone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from batches import CHILD_BELOW_AGE, IGNORED, Example, collate
from network import PhonemeNetwork

UTTERANCES_AT_ONCE = 32


def best_path(log_probs: np.ndarray) -> list[int]:
    """The likeliest class of each frame, repeats merged, blanks dropped."""
    path = log_probs.argmax(axis=1)
    changed = np.concatenate([[True], path[1:] != path[:-1]])
    return [int(label) for label in path[changed] if label != 0]


def edit_distance(heard: list[int], said: list[int]) -> int:
    row = list(range(len(said) + 1))
    for i, one in enumerate(heard, start=1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(said, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (one != other))
    return row[-1]


@dataclass
class Result:
    """Rates are shares of 1. `frame_accuracy` is against the alignment, its look-ahead later, silence included."""

    error_rate: float
    error_rate_children: float
    error_rate_others: float
    frame_accuracy: float
    ctc_loss: float

    def __str__(self) -> str:
        return (
            f"PER {100 * self.error_rate:.2f} % (under {CHILD_BELOW_AGE}: {100 * self.error_rate_children:.2f} %, "
            f"others: {100 * self.error_rate_others:.2f} %), frames right {100 * self.frame_accuracy:.1f} %, "
            f"CTC loss a phone {self.ctc_loss:.3f}"
        )


def measure(network: PhonemeNetwork, speech: list[Example]) -> Result:
    """Greedy decoding against the canonical phones, without augmentation."""
    network.eval()
    errors, counts = {True: 0, False: 0}, {True: 0, False: 0}
    right = frames = 0
    loss = 0.0
    order = sorted(speech, key=lambda example: len(example.frames))
    fill = network.mean.numpy()
    for first in range(0, len(order), UTTERANCES_AT_ONCE):
        group = order[first : first + UTTERANCES_AT_ONCE]
        parts = [(example.frames, example.phone_at, example.utterance.phones) for example in group]
        batch = collate(parts, fill, network.shape.look_ahead)
        with torch.no_grad():
            ctc, framewise = network.of_whole(batch.features)
            loss += float(
                torch.nn.functional.ctc_loss(
                    ctc.transpose(0, 1), batch.phones, batch.frame_counts, batch.phone_counts, reduction="sum", zero_infinity=True
                )
            )
        asked = batch.phone_at != IGNORED
        right += int(((framewise.argmax(dim=2) == batch.phone_at) & asked).sum())
        frames += int(asked.sum())
        for index, example in enumerate(group):
            heard = best_path(ctc[index, : int(batch.frame_counts[index])].numpy())
            child = example.utterance.age < CHILD_BELOW_AGE
            errors[child] += edit_distance(heard, [int(label) for label in example.utterance.phones])
            counts[child] += len(example.utterance.phones)
    rate = {child: errors[child] / max(1, counts[child]) for child in (True, False)}
    total = sum(counts.values())
    return Result(sum(errors.values()) / total, rate[True], rate[False], right / frames, loss / total)
