# SPDX-License-Identifier: Apache-2.0
"""What `sidetone score --features` wrote, beside what the experts say."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corpus import CLASS_OF, Utterance
from network import PHONE_FEATURES, UTTERANCE_FEATURES, Batch


@dataclass
class Wanted:
    phones: np.ndarray
    words: np.ndarray
    utterances: np.ndarray


class Dump:
    """The file has a row of 32-bit floats for each phone: its features, then those of its utterance."""

    def __init__(self, path: Path, utterances: list[Utterance]) -> None:
        rows = np.fromfile(path, np.float32)
        counts = np.array([len(utterance.phone_scores) for utterance in utterances])
        columns = PHONE_FEATURES + UTTERANCE_FEATURES
        if len(rows) != columns * counts.sum():
            print(f"{path}: found {len(rows)} numbers, expected {columns} for each of {counts.sum()} phones", file=sys.stderr)
            raise SystemExit(2)
        self.rows, self.utterances = rows.reshape(-1, columns), utterances
        self.ends = np.cumsum(counts)
        self.starts = self.ends - counts

    def batch(self, chosen: np.ndarray) -> Batch:
        picked = [self.rows[self.starts[index] : self.ends[index]] for index in chosen]
        words = [word for index in chosen for word in self.utterances[index].words]
        rows = np.concatenate(picked)
        return Batch(
            rows[:, :PHONE_FEATURES],
            np.stack([part[0, PHONE_FEATURES:] for part in picked]),
            np.array([CLASS_OF[phone] for word in words for phone in word]),
            np.repeat(np.arange(len(words)), [len(word) for word in words]),
            np.repeat(np.arange(len(picked)), [len(part) for part in picked]),
        )

    def wanted(self, chosen: np.ndarray) -> Wanted:
        some = [self.utterances[index] for index in chosen]
        return Wanted(
            np.concatenate([one.phone_scores for one in some]),
            np.concatenate([one.word_scores for one in some]),
            np.stack([one.scores for one in some]),
        )
