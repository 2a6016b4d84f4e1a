# SPDX-License-Identifier: Apache-2.0
"""A training's state between epochs, in one file that is whole or absent."""

from __future__ import annotations

import pickle
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from network import PhonemeNetwork, Shape


@dataclass
class Checkpoint:
    """`average` holds the weights to use: the mean over recent steps. `weights` and `optimizer` are for going on."""

    shape: Shape
    settings: dict[str, Any]
    epochs_done: int
    steps_done: int
    weights: dict[str, torch.Tensor]
    average: dict[str, torch.Tensor]
    optimizer: dict[str, Any]

    def network(self) -> PhonemeNetwork:
        network = PhonemeNetwork(self.shape)
        network.load_state_dict(self.average)
        network.eval()
        return network


def save(checkpoint: Checkpoint, path: Path) -> None:
    partial = path.with_suffix(".part")
    torch.save({**vars(checkpoint), "shape": checkpoint.shape.stored()}, partial)
    partial.replace(path)


def load(path: Path) -> Checkpoint:
    stored = torch.load(path, map_location="cpu")
    return Checkpoint(**{**stored, "shape": Shape(**stored["shape"])})


def load_or_exit(path: Path) -> Checkpoint:
    """For programs: one line and exit code 2 where there is none."""
    try:
        return load(path)
    except (OSError, EOFError, RuntimeError, KeyError, TypeError, pickle.UnpicklingError) as error:
        print(f"{path}: found no checkpoint ({type(error).__name__}), expected one that train.py wrote", file=sys.stderr)
        raise SystemExit(2) from None
