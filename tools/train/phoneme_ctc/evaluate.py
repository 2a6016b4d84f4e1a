#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Phone error rate of a checkpoint's averaged weights, streaming, best path, no language model, 32-bit products.

On the speakers held out of training, for choosing; or on the test half, for reporting, and for nothing else.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from batches import held_out_speakers, load_examples
from checkpoint import load_or_exit
from measure import measure

EXAMPLE = """example:
  ./evaluate.py --cache build/phoneme-cache --checkpoint build/phoneme-run/checkpoint.pt --on test
"""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="what prepare.py made")
    parser.add_argument("--checkpoint", type=Path, required=True, help="what train.py made")
    parser.add_argument("--on", choices=("dev", "test"), default="dev", help="default: dev, the speakers held out")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    torch.set_num_threads(1)
    stored = load_or_exit(options.checkpoint)
    name = "test" if options.on == "test" else "train"
    speech = load_examples(options.cache, name)
    if options.on == "dev":
        held_out = held_out_speakers([example.utterance for example in speech])
        speech = [example for example in speech if example.utterance.speaker in held_out]
    print(f"epoch {stored.epochs_done}, {len(speech)} utterances of {options.on}: {measure(stored.network(), speech)}")


if __name__ == "__main__":
    main()
