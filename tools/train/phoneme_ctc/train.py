#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the phoneme network, on one core, from nothing; goes on where it stopped.

Loss: CTC, and cross-entropy of the phone at each frame LOOK_AHEAD frames before, by an output of its own and by the CTC
output among its phones. The latter two keep the CTC peaks where the phones are: alone, CTC likes to wait and see.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from batches import IGNORED, Batch, Example, epoch_batches, held_out_speakers, load_examples
from checkpoint import Checkpoint, load_or_exit, save
from measure import measure
from network import PhonemeNetwork, Shape, parameter_count

FRAMEWISE_WEIGHT = 0.3
AMONG_PHONES_WEIGHT = 0.15
WARM_UP_SHARE = 0.1
WEIGHT_DECAY = 0.01
LONGEST_GRADIENT = 3.0
SLOWEST_AVERAGE = 0.998

EXAMPLE = """example:
  ./train.py --cache build/phoneme-cache --run build/phoneme-run --epochs 60 --minutes 90
  (the same command again goes on from the last whole epoch)
"""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="what prepare.py made")
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoint.pt and log.txt")
    parser.add_argument("--epochs", type=int, default=60, help="length of the whole training (default 60)")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after the epoch in which these have passed")
    parser.add_argument("--seed", type=int, default=1, help="of weights, batches and augmentation (default 1)")
    parser.add_argument("--width", type=int, default=256, help="channels of each layer (default 256)")
    parser.add_argument("--dropout", type=float, default=0.15)
    parser.add_argument("--peak-rate", type=float, default=2e-3, help="largest learning rate (default 0.002)")
    parser.add_argument("--batch", type=int, default=9000, help="input frames in a batch (default 9000)")
    parser.add_argument("--lj-share", type=float, default=0.5, help="share of LJ's recordings in each epoch (default 0.5)")
    parser.add_argument("--from", type=Path, dest="begin", help="checkpoint.pt of a finished training: its weights are the first")
    parser.add_argument("--full-precision", action="store_true", help="32-bit products, where bfloat16 is not faster")
    return parser.parse_args()


def loss_of(network: PhonemeNetwork, batch: Batch) -> Tensor:
    ctc, framewise = network.of_whole(batch.features)
    by_ctc = F.ctc_loss(
        ctc.transpose(0, 1), batch.phones, batch.frame_counts, batch.phone_counts, reduction="sum", zero_infinity=True
    ) / len(batch.phones)
    asked = batch.phone_at != IGNORED
    by_frame = F.nll_loss(framewise[asked], batch.phone_at[asked])
    # The phones' share of what is not blank; where silence is asked for, the blank is free.
    spoken = asked & (batch.phone_at > 0)
    among_phones = F.cross_entropy(ctc[spoken][:, 1:], batch.phone_at[spoken] - 1)
    return by_ctc + FRAMEWISE_WEIGHT * by_frame + AMONG_PHONES_WEIGHT * among_phones


def rate_at(progress: float, peak: float) -> float:
    """One cycle: a straight rise, then half a cosine down to a thousandth. `progress`: 0 to 1."""
    if progress < WARM_UP_SHARE:
        return peak * max(0.02, progress / WARM_UP_SHARE)
    return peak * max(1e-3, 0.5 + 0.5 * math.cos(math.pi * (progress - WARM_UP_SHARE) / (1 - WARM_UP_SHARE)))


class Training:
    """Network, optimizer and the average of weights, from one epoch to the next."""

    def __init__(self, options: argparse.Namespace, speech: list[Example], lj: list[Example], noise: np.ndarray) -> None:
        self.options, self.speech, self.lj, self.noise = options, speech, lj, noise
        self.settings: dict[str, Any] = {
            key: getattr(options, key) for key in ("epochs", "seed", "width", "dropout", "peak_rate", "batch", "lj_share")
        }
        torch.manual_seed(options.seed)
        self.network = PhonemeNetwork(Shape(width=options.width, dropout=options.dropout))
        self.network.product = torch.float32 if options.full_precision else torch.bfloat16
        frames = np.concatenate([example.frames for example in speech])
        self.fill = frames.mean(axis=0)
        self.network.mean.copy_(torch.from_numpy(self.fill))
        self.network.inverse_deviation.copy_(torch.from_numpy(1.0 / frames.std(axis=0)))
        self.average = {key: value.clone() for key, value in self.network.state_dict().items()}
        matrices = [p for p in self.network.parameters() if p.dim() > 1]
        others = [p for p in self.network.parameters() if p.dim() <= 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}],
            betas=(0.9, 0.98),
        )
        self.epochs_done = self.steps_done = 0

    def resume(self, path: Path) -> None:
        stored = load_or_exit(path)
        for key, value in self.settings.items():
            if stored.settings[key] != value:
                name = "--" + key.replace("_", "-")
                was = stored.settings[key]
                print(f"{path}: {name} was {was}, found {value}; give the same, or another --run", file=sys.stderr)
                raise SystemExit(2)
        self.network.load_state_dict(stored.weights)
        self.average = stored.average
        self.optimizer.load_state_dict(stored.optimizer)
        self.epochs_done, self.steps_done = stored.epochs_done, stored.steps_done

    def begin_with(self, path: Path) -> None:
        """Another cycle over averaged weights; rates, averages and randomness begin anew."""
        stored = load_or_exit(path)
        if stored.shape != self.network.shape:
            print(f"{path}: found another network, {stored.shape}, expected {self.network.shape}", file=sys.stderr)
            raise SystemExit(2)
        self.network.load_state_dict(stored.average)
        self.average = {key: value.clone() for key, value in self.network.state_dict().items()}

    def checkpoint(self) -> Checkpoint:
        return Checkpoint(
            self.network.shape,
            self.settings,
            self.epochs_done,
            self.steps_done,
            self.network.state_dict(),
            self.average,
            self.optimizer.state_dict(),
        )

    def epoch(self) -> float:
        """Returns the mean loss. Its randomness depends on seed and epoch alone, so a resumed run is the same run."""
        rng = np.random.default_rng([self.options.seed, self.epochs_done])
        torch.manual_seed(1000 * self.options.seed + self.epochs_done)
        native = rng.permutation(len(self.lj))[: round(self.options.lj_share * len(self.lj))]
        chosen = self.speech + [self.lj[i] for i in native]
        batches = epoch_batches(chosen, self.noise, self.fill, self.options.batch, rng)
        expected = sum(len(example.frames) for example in chosen) / self.options.batch
        self.network.train()
        losses: list[float] = []
        for batch in batches:
            progress = (self.epochs_done + min(1.0, len(losses) / expected)) / self.options.epochs
            losses.append(self.step(batch, rate_at(progress, self.options.peak_rate)))
        self.epochs_done += 1
        return float(np.mean(losses))

    def step(self, batch: Batch, rate: float) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss = loss_of(self.network, batch)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), LONGEST_GRADIENT)
        self.optimizer.step()
        self.steps_done += 1
        keep = min(SLOWEST_AVERAGE, (1 + self.steps_done) / (10 + self.steps_done))
        for key, value in self.network.state_dict().items():
            self.average[key].lerp_(value, 1 - keep)
        return loss.item()

    def averaged(self) -> PhonemeNetwork:
        network = self.checkpoint().network()
        network.product = self.network.product
        return network


def main() -> None:
    options = arguments()
    torch.set_num_threads(1)
    ocean = load_examples(options.cache, "train")
    held_out = held_out_speakers([example.utterance for example in ocean])
    speech = [example for example in ocean if example.utterance.speaker not in held_out]
    dev = [example for example in ocean if example.utterance.speaker in held_out]
    training = Training(options, speech, load_examples(options.cache, "lj"), np.load(options.cache / "noise.npy"))
    options.run.mkdir(parents=True, exist_ok=True)
    whole = options.run / "checkpoint.pt"
    if whole.exists():
        training.resume(whole)
    elif options.begin is not None:
        training.begin_with(options.begin)
    log = open(options.run / "log.txt", "a")
    print(
        f"{parameter_count(training.network)} parameters, {len(speech)} utterances to learn from, "
        f"{len(dev)} of {len(held_out)} speakers held out",
        flush=True,
    )
    begun = time.monotonic()
    while training.epochs_done < options.epochs and time.monotonic() - begun < 60 * options.minutes:
        started = time.monotonic()
        loss = training.epoch()
        trained = time.monotonic()
        result = measure(training.averaged(), dev)
        save(training.checkpoint(), whole)
        line = (
            f"epoch {training.epochs_done}/{options.epochs}: loss {loss:.3f}, dev {result}, "
            f"{trained - started:.0f} s training, {time.monotonic() - trained:.0f} s measuring"
        )
        print(line, flush=True)
        print(line, file=log, flush=True)


if __name__ == "__main__":
    main()
