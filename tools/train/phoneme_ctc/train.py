#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the phoneme network, on one core, from nothing; goes on where it stopped.

Loss: CTC, and cross-entropy of the phone at each frame LOOK_AHEAD frames before, by an output of its own and by the CTC
output among its phones. The latter two keep the CTC peaks where the phones are: alone, CTC likes to wait and see.

With --ahead it trains the second pass: blocks that look both ways follow the streaming network's, which --from gives. The loss
is that of its answers, plus FIRST_WEIGHT of that of the streaming network's inside.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from dataclasses import replace
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
FIRST_WEIGHT = 0.3
FIRST_RATE = 0.5  # of the learning rate, for what was taken over
WARM_UP_SHARE = 0.1
WEIGHT_DECAY = 0.01
LONGEST_GRADIENT = 3.0
SLOWEST_AVERAGE = 0.998

EXAMPLE = """example:
  ./train.py --cache build/phoneme-cache --run build/phoneme-run --epochs 60 --minutes 90
  (the same command again goes on from the last whole epoch)
  ./train.py --cache build/phoneme-cache --run build/second-run --from build/phoneme-run/checkpoint.pt --ahead 1,2,4,8,2
"""


def distances(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


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
    parser.add_argument(
        "--ahead", type=distances, default=(), help="second pass: distances of the blocks that look both ways, as 1,2,4"
    )
    parser.add_argument("--full-precision", action="store_true", help="32-bit products, where bfloat16 is not faster")
    return parser.parse_args()


def loss_of(network: PhonemeNetwork, batch: Batch) -> Tensor:
    wait = network.shape.wait
    if wait == 0:
        return loss_of_answers(*network.of_whole(batch.features), batch, 0)
    x, after = network.first_blocks(batch.features, network.states(len(batch.features)))
    second = network.second_answers(x, network.states(len(x))[len(after) :])[:2]
    first = network.first_answers(x[:, :-wait])
    return loss_of_answers(*second, batch, 0) + FIRST_WEIGHT * loss_of_answers(*first, batch, wait)


def loss_of_answers(ctc: Tensor, framewise: Tensor, batch: Batch, earlier: int) -> Tensor:
    """`earlier`: output frames by which the answers come before those that the batch asks for."""
    by_ctc = F.ctc_loss(
        ctc.transpose(0, 1), batch.phones, batch.frame_counts - earlier, batch.phone_counts, reduction="sum", zero_infinity=True
    ) / len(batch.phones)
    phone_at = batch.phone_at[:, earlier:]
    asked = phone_at != IGNORED
    by_frame = F.nll_loss(framewise[asked], phone_at[asked])
    # The phones' share of what is not blank; where silence is asked for, the blank is free.
    spoken = asked & (phone_at > 0)
    among_phones = F.cross_entropy(ctc[spoken][:, 1:], phone_at[spoken] - 1)
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
            key: getattr(options, key) for key in ("epochs", "seed", "width", "dropout", "peak_rate", "batch", "lj_share", "ahead")
        }
        torch.manual_seed(options.seed)
        self.network = PhonemeNetwork(Shape(width=options.width, dropout=options.dropout, ahead=options.ahead))
        self.network.product = torch.float32 if options.full_precision else torch.bfloat16
        frames = np.concatenate([example.frames for example in speech])
        self.fill = frames.mean(axis=0)
        self.network.mean.copy_(torch.from_numpy(self.fill))
        self.network.inverse_deviation.copy_(torch.from_numpy(1.0 / frames.std(axis=0)))
        self.average = {key: value.clone() for key, value in self.network.state_dict().items()}
        self.optimizer = torch.optim.AdamW(self.groups(), betas=(0.9, 0.98))
        self.epochs_done = self.steps_done = 0

    def groups(self) -> list[dict[str, Any]]:
        """Parameters by weight decay, and by how fast they may change."""
        groups = []
        named = list(self.network.named_parameters())
        for is_new, factor in ((True, 1.0), (False, FIRST_RATE if self.network.shape.ahead else 1.0)):
            some = [p for name, p in named if is_new == (name.startswith("second") or not self.network.shape.ahead)]
            for is_matrix, decay in ((True, WEIGHT_DECAY), (False, 0.0)):
                chosen = [p for p in some if is_matrix == (p.dim() > 1)]
                if chosen:
                    groups.append({"params": chosen, "weight_decay": decay, "factor": factor})
        return groups

    def resume(self, path: Path) -> None:
        stored = load_or_exit(path)
        for key, value in self.settings.items():
            was = stored.settings.get(key, ())
            if was != value:
                name = "--" + key.replace("_", "-")
                print(f"{path}: {name} was {was}, found {value}; give the same, or another --run", file=sys.stderr)
                raise SystemExit(2)
        self.network.load_state_dict(stored.weights)
        self.average = stored.average
        self.optimizer.load_state_dict(stored.optimizer)
        self.epochs_done, self.steps_done = stored.epochs_done, stored.steps_done

    def begin_with(self, path: Path) -> None:
        """Another cycle over averaged weights; rates, averages and randomness begin anew."""
        stored = load_or_exit(path)
        shape = self.network.shape
        if stored.shape not in (shape, replace(shape, ahead=(), dropout=stored.shape.dropout)):
            print(f"{path}: found another network, {stored.shape}, expected {shape}", file=sys.stderr)
            raise SystemExit(2)
        self.network.begin_with(stored.average)
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
        batches = epoch_batches(chosen, self.noise, self.fill, self.options.batch, self.network.shape.look_ahead, rng)
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
            group["lr"] = rate * group["factor"]
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
