#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Learns how probable it is, given a phone's score, that experts take the phone for fine: a mean of 1.5 of 2 and more.

A logistic curve for the scores of each pass, and one for the mean of both. Curves are fitted on the 20 speakers from whom the phoneme networks have
not learnt, each judged by scorers that have not heard them: five folds, as in train.py.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import torch

from corpus import FINE, read
from dump import Dump
from measure import reliability
from train import folds_of, fit, line_of

from network import score

EXAMPLE = """example:
  ./certainty.py --data data/speechocean762 --streaming train.f32 --full train-full.f32 --output certainty.txt
"""
STEPS = 50


def scores_of_strangers(features: Path, utterances: list, options: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the held-out speakers' utterances, and the scores of their phones as `sidetone score` would give them."""
    dump = Dump(features, utterances)
    judged, first, mean = [], [], []
    for inside in folds_of(utterances, options):
        learnt, heard = np.flatnonzero(~inside), np.flatnonzero(inside)
        phones = [score([fit(dump, learnt, options.seed + n, options)], dump.batch(heard))[0] for n in range(options.networks)]
        judged.append(heard)
        first.append(phones[0])
        mean.append(np.mean(phones, axis=0))
    order = np.concatenate(judged)
    factor, offset = line_of(np.concatenate(first), utterances, order)  # as train.py has it
    return order, np.clip(factor * np.concatenate(mean) + offset, 0, 2)


def logistic(x: np.ndarray, is_true: np.ndarray) -> tuple[float, float]:
    """Offset and slope of the likeliest curve, by Newton's method."""
    columns = np.stack([np.ones_like(x), x], axis=1).astype(np.float64)
    weights = np.zeros(2)
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-columns @ weights))
        weights += np.linalg.solve(columns.T @ (columns * (p * (1 - p))[:, None]), columns.T @ (is_true - p))
    return float(weights[0]), float(weights[1])


def curves_of(utterances: list, order: np.ndarray, scores: dict[str, np.ndarray]) -> list[str]:
    is_fine = np.concatenate([utterances[index].phone_scores for index in order]) >= FINE
    lines = []
    for name, x in scores.items():
        offset, slope = logistic(x, is_fine)
        print(f"{name}: {offset:.3f} + {slope:.3f} x\n{reliability(1 / (1 + np.exp(-offset - slope * x)), is_fine)}")
        lines.append(f"{name} {offset:.3f} {slope:.3f}")
    return lines


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of speechocean762")
    parser.add_argument("--streaming", type=Path, required=True, help="what `sidetone score --features` wrote of the training half")
    parser.add_argument("--full", type=Path, required=True, help="the same with --pass full")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--head", type=int, default=16)
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--noise", type=float, default=0.1)
    parser.add_argument("--networks", type=int, default=4, help="of which the mean is taken (default: 4)")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


HEADER = """# How probable it is that experts take a phone for fine (a mean of 1.5 of 2 and more), given its score x: 1 / (1 + exp(-(a + b x))).
# A line for the scores of each pass, and one for the mean of both: name, a, b.
# Made by tools/train/phone_scorer/certainty.py from 20 speakers of speechocean762's training half, held out of all that judged them.
"""


def main() -> None:
    options = arguments()
    torch.set_num_threads(1)
    utterances = read(options.data, "train")
    order, streaming = scores_of_strangers(options.streaming, utterances, options)
    _, full = scores_of_strangers(options.full, utterances, options)
    lines = curves_of(utterances, order, {"streaming": streaming, "full": full, "both": (streaming + full) / 2})
    partial = options.output.with_suffix(".part")
    partial.write_text(HEADER + "\n".join(lines) + "\n")
    partial.replace(options.output)


if __name__ == "__main__":
    main()
