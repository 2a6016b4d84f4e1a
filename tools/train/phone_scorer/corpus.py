# SPDX-License-Identifier: Apache-2.0
"""speechocean762: what is read, by whom, and what five experts say of it."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PHONES = (
    "- AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH"
).split()
CLASS_OF = {name: index for index, name in enumerate(PHONES)}
UTTERANCE_SCORES = ("accuracy", "completeness", "fluency", "prosodic", "total")
HELD_OUT_SEED = 762
CHILD_BELOW_AGE = 13
FINE = 1.5 - 1e-6  # phones of this mean score and more are fine; scores are 32-bit floats


@dataclass
class Utterance:
    """Scores: phones 0 to 2, the mean of the experts; words and utterance 0 to 10, their median rounded half up."""

    name: str
    speaker: str
    age: int
    text: str
    words: list[list[str]]  # phones of each
    phone_scores: np.ndarray
    word_scores: np.ndarray
    scores: np.ndarray  # in the order of UTTERANCE_SCORES


def median(ratings: list[float]) -> float:
    return float(np.floor(np.median(ratings) + 0.5))


def utterance_scores(row: dict) -> list[float]:
    """Completeness is a share in the table."""
    return [10 * float(np.median(row[name])) if name == "completeness" else median(row[name]) for name in UTTERANCE_SCORES]


def read(folder: Path, half: str) -> list[Utterance]:
    """`half` is "train" or "test"; utterances in alphabetical order."""
    speaker_of = dict(line.split() for line in (folder / f"{half}.utt2spk").read_text().splitlines())
    age_of = dict(line.split() for line in (folder / f"{half}.spk2age").read_text().splitlines())
    rated = {name: json.loads(row) for name, row in (line.split("\t") for line in open(folder / f"{half}.scores.tsv"))}
    words: dict[str, dict[int, list[str]]] = defaultdict(dict)
    for line in (folder / "text-phone.txt").read_text().splitlines():
        key, phones = line.split("\t")
        name, index = key.rsplit(".", 1)
        words[name][int(index)] = phones.split()
    utterances = []
    with open(folder / "phone-scores.csv", newline="") as table:
        for row in csv.DictReader(table):
            name = row["file_name"].split(".")[0]
            if name not in speaker_of:
                continue
            left, spoken = iter(row["transcription"].split()), []
            for _, phones in sorted(words[name].items()):
                spoken.append([next(left) for _ in phones])
            facts = rated[name]
            assert len(facts["words"]) == len(spoken), name
            utterances.append(
                Utterance(
                    name,
                    speaker_of[name],
                    int(age_of[speaker_of[name]]),
                    facts["text"],
                    spoken,
                    np.array(row["p_scores"].split(), dtype=np.float32),
                    np.array([median(word["total"]) for word in facts["words"]], dtype=np.float32),
                    np.array(utterance_scores(facts), dtype=np.float32),
                )
            )
    return sorted(utterances, key=lambda utterance: utterance.name)


def held_out_speakers(utterances: list[Utterance]) -> set[str]:
    """The 20 speakers of the training half from whom the phoneme network did not learn (phoneme_ctc/batches.py)."""
    age_of = {utterance.speaker: utterance.age for utterance in utterances}
    rng = np.random.default_rng(HELD_OUT_SEED)
    children = sorted(speaker for speaker, age in age_of.items() if age < CHILD_BELOW_AGE)
    others = sorted(speaker for speaker, age in age_of.items() if age >= CHILD_BELOW_AGE)
    chosen = list(rng.choice(children, 10, replace=False))
    return {str(name) for name in chosen + list(rng.choice(others, 10, replace=False))}
