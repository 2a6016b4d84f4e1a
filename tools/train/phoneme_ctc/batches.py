# SPDX-License-Identifier: Apache-2.0
"""Utterances to batches: who is held out, what an epoch holds, how frames meet their targets."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import corpus
from augment import augmented
from corpus import Corpus, Utterance
from network import STACK

HELD_OUT_SEED = 762
HELD_OUT_CHILDREN = 10
HELD_OUT_OTHERS = 10
CHILD_BELOW_AGE = 13
IGNORED = -100  # target of frames that ask for nothing


@dataclass
class Example:
    """An utterance with the class of the phone at each frame (0: silence)."""

    utterance: Utterance
    frames: np.ndarray
    phone_at: np.ndarray


def examples(source: Corpus, alignment: np.ndarray) -> list[Example]:
    """`alignment`: index of the phone within its utterance for each frame of the corpus, -1 in silence."""
    out = []
    for utterance in source.utterances:
        index = alignment[utterance.begin : utterance.end]
        phone_at = np.where(index >= 0, utterance.phones[np.maximum(index, 0)], 0)
        out.append(Example(utterance, source.of(utterance), phone_at))
    return out


def held_out_speakers(utterances: list[Utterance]) -> set[str]:
    """The speakers of the training half on whom choices are made; the same ones always."""
    age_of = {utterance.speaker: utterance.age for utterance in utterances}
    rng = np.random.default_rng(HELD_OUT_SEED)
    children = sorted(speaker for speaker, age in age_of.items() if age < CHILD_BELOW_AGE)
    others = sorted(speaker for speaker, age in age_of.items() if age >= CHILD_BELOW_AGE)
    chosen = list(rng.choice(children, HELD_OUT_CHILDREN, replace=False))
    return {str(name) for name in chosen + list(rng.choice(others, HELD_OUT_OTHERS, replace=False))}


def load_examples(cache: Path, name: str) -> list[Example]:
    """For programs: one line and exit code 2 where something is missing."""
    for needed in (cache / f"{name}.npz", cache / f"{name}.alignment.npy", cache / "noise.npy"):
        if not needed.exists():
            print(f"{needed}: found no such file, expected what prepare.py makes", file=sys.stderr)
            raise SystemExit(2)
    return examples(corpus.load(cache / f"{name}.npz"), np.load(cache / f"{name}.alignment.npy"))


@dataclass
class Batch:
    features: Tensor  # [batch, T, 80], T even
    frame_counts: Tensor  # output frames of each
    phones: Tensor  # all labels in a row
    phone_counts: Tensor
    phone_at: Tensor  # [batch, T / 2] class asked for at each output frame, or IGNORED


def collate(parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]], fill: np.ndarray, look_ahead: int) -> Batch:
    """Each part: frames, class at each frame, labels. An end is prolonged by its last frame, so that the last phone can still
    be answered `look_ahead` output frames later, then by the mean."""
    tail = STACK * look_ahead
    counts = [(len(frames) + tail + STACK - 1) // STACK for frames, _, _ in parts]
    features = np.tile(fill.astype(np.float32), (len(parts), STACK * max(counts), 1))
    targets = np.full((len(parts), max(counts)), IGNORED, np.int64)
    for index, (frames, phone_at, _) in enumerate(parts):
        features[index, : len(frames)] = frames
        features[index, len(frames) : len(frames) + tail] = frames[-1]
        heard = phone_at[STACK - 1 :: STACK]
        targets[index, look_ahead : look_ahead + len(heard)] = heard
    return Batch(
        torch.from_numpy(features),
        torch.tensor(counts),
        torch.from_numpy(np.concatenate([phones for _, _, phones in parts])),
        torch.tensor([len(phones) for _, _, phones in parts]),
        torch.from_numpy(targets),
    )


def epoch_batches(
    speech: list[Example], noise: np.ndarray, fill: np.ndarray, frames_a_batch: int, look_ahead: int, rng: np.random.Generator
) -> Iterator[Batch]:
    """All examples once, augmented afresh, those of like length together, batches in random order."""
    length = np.array([len(example.frames) for example in speech]) * rng.uniform(0.9, 1.1, len(speech))
    groups: list[list[int]] = [[]]
    for index in np.argsort(length):
        if (len(groups[-1]) + 1) * len(speech[index].frames) > frames_a_batch and groups[-1]:
            groups.append([])
        groups[-1].append(int(index))
    for group in rng.permutation(len(groups)):
        parts = []
        for index in groups[group]:
            example = speech[index]
            parts.append((*augmented(example.frames, example.phone_at, noise, fill, rng), example.utterance.phones))
        yield collate(parts, fill, look_ahead)
