#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Learns from five experts how well phones, words and utterances are pronounced.

Learns from the training half of speechocean762, and never opens the other. First it says how good the scorer is on the 20 speakers from whom the
phoneme network has not learnt, with a scorer that has not heard the one that it judges: five folds of these speakers. Then it
learns from all of the half and writes the file.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import torch

from corpus import Utterance, held_out_speakers, read
from dump import Dump
from measure import report
from network import SCALE, Scorer, score, write

EXAMPLE = """example:
  ./train.py --data data/speechocean762 --features train.f32 --output phone-scorer.bin
"""
UTTERANCES_A_BATCH = 25
LEARNING_RATE = 2e-3


def fit(dump: Dump, learnt: np.ndarray, seed: int, options: argparse.Namespace) -> Scorer:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = Scorer(options.width, options.head, options.dropout, options.noise)
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=0.01)
    steps = options.epochs * (len(learnt) // UTTERANCES_A_BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, steps + 1)
    network.train()
    for _ in range(options.epochs):
        order = rng.permutation(learnt)
        for first in range(0, len(order) - UTTERANCES_A_BATCH + 1, UTTERANCES_A_BATCH):
            chosen = order[first : first + UTTERANCES_A_BATCH]
            phones, words, whole = network(dump.batch(chosen))
            wanted = dump.wanted(chosen)
            loss = ((phones - torch.from_numpy(wanted.phones)) ** 2).mean()
            loss = loss + 0.2 * ((words - torch.from_numpy(wanted.words / SCALE)) ** 2).mean()
            loss = loss + 0.2 * ((whole - torch.from_numpy(wanted.utterances / SCALE)) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval()


def folds_of(utterances: list[Utterance], options: argparse.Namespace) -> list[np.ndarray]:
    """The held-out speakers' utterances, a mask for each fold of speakers."""
    speakers = sorted(held_out_speakers(utterances))
    fold_of = {name: index % options.folds for index, name in enumerate(np.random.default_rng(options.seed).permutation(speakers))}
    return [np.array([fold_of.get(utterance.speaker) == fold for utterance in utterances]) for fold in range(options.folds)]


def line_of(phones: np.ndarray, utterances: list[Utterance], order: np.ndarray) -> tuple[float, float]:
    """What makes scores of phones the experts' by least squares."""
    factor, offset = np.polyfit(phones, np.concatenate([utterances[index].phone_scores for index in order]), 1)
    return float(factor), float(offset)


def cross_fit(dump: Dump, utterances: list[Utterance], options: argparse.Namespace) -> tuple[float, float]:
    """Each fold of the held-out speakers is judged by a scorer that learnt from everybody else.

    Returns what makes their scores of phones the experts' by least squares: the phoneme network knows all other speakers
    here, so a scorer takes what it hears from strangers for worse than it is.
    """
    judged, scores = [], []
    for inside in folds_of(utterances, options):
        network = fit(dump, np.flatnonzero(~inside), options.seed, options)
        judged.append(np.flatnonzero(inside))
        scores.append(score([network], dump.batch(judged[-1])))
    phones, words, whole = (np.concatenate(parts) for parts in zip(*scores))
    order = np.concatenate(judged)
    print(f"{len(held_out_speakers(utterances))} speakers, each judged by one network that learnt from others:")
    print(report([utterances[index] for index in order], phones, words, whole), flush=True)
    wanted = np.concatenate([utterances[index].phone_scores for index in order])
    factor, offset = line_of(phones, utterances, order)
    print(f"calibration of phones: {factor:.3f} x + {offset:.3f}, MSE {np.mean((factor * phones + offset - wanted) ** 2):.4f}", flush=True)
    return factor, offset


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of speechocean762")
    parser.add_argument("--features", type=Path, required=True, help="what `sidetone score --features` wrote of the training half")
    parser.add_argument("--output", type=Path, help="the file to write; none: cross-fit only")
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--head", type=int, default=16)
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--noise", type=float, default=0.1, help="added to features while learning (default: 0.1)")
    parser.add_argument("--networks", type=int, default=8, help="of which the mean is taken (default: 8)")
    parser.add_argument("--folds", type=int, default=5, help="of the held-out speakers, to be judged; 0: none")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    options = arguments()
    torch.set_num_threads(1)
    utterances = read(options.data, "train")
    dump = Dump(options.features, utterances)
    factor, offset = cross_fit(dump, utterances, options) if options.folds > 0 else (1.0, 0.0)
    if options.output is None:
        return
    networks = [fit(dump, np.arange(len(utterances)), options.seed + n, options) for n in range(options.networks)]
    for network in networks:
        network.calibrate(factor, offset)
    write(networks, options.output)
    count = sum(parameter.numel() for network in networks for parameter in network.parameters())
    print(f"{options.output}: {count} parameters, {options.output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
