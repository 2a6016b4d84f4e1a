#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes phoneme-tiny/ and phoneme-tiny-both-ways/ beside this file: phoneme networks of the real ones' forms, small, with random
weights, the latter a second pass.

They hear nothing, but stream: for tests of what is around the network, without trained weights. Made once; the files are the reference.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "tools" / "train" / "phoneme_ctc"))

from corpus import PHONES
from export import export
from features import BINS
from network import STACK, PhonemeNetwork, Shape

ROWS = 8
SPREAD = 6.0  # of the outputs' weights: answers that differ from one another, as a trained network's do

HEAD = """# SPDX-License-Identifier: Apache-2.0
# ../make_phoneme_tiny.py wrote this folder.
name = "{name}"
description = "random weights, for tests"
licence = "Apache-2.0"
source = "tests/data/make_phoneme_tiny.py"
task = "phonemes"
sample_rate_hz = 16000
backend = "native"

[features]
kind = "kaldi_log_mel"
bands = {bands}
rows_per_answer = {stack}
look_ahead_answers = {look_ahead}
classes = [{classes}]

[[graph]]
file = "{name}.onnx"
bytes = {bytes}
sha256 = "{sha256}"
domain = "features"
input = "features"
output = "log_probs"
"""


def tensors(key: str, signal: str, suffix: str, states: list[torch.Tensor]) -> str:
    lines = [signal] + [f'  {{ name = "state_{i}{suffix}", shape = {list(state.shape)} }},' for i, state in enumerate(states)]
    return f"{key} = [\n" + "\n".join(lines) + "\n]\n"


def make(name: str, shape: Shape) -> None:
    torch.manual_seed(6)
    network = PhonemeNetwork(shape)
    network.mean.fill_(12.0)
    network.inverse_deviation.fill_(0.25)
    with torch.no_grad():
        (network.second_ctc if shape.ahead else network.ctc).weight.mul_(SPREAD)
        for block in network.second if shape.ahead else []:
            block.mix.weight.copy_(torch.randn(shape.width, shape.width) / shape.width**0.5)
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    weights = folder / f"{name}.onnx"
    export(network, weights)
    contents = weights.read_bytes()
    states = network.states()
    classes = ", ".join(f'"{phone}"' for phone in ("-", *PHONES[1:]))
    text = HEAD.format(
        name=name,
        bands=BINS,
        stack=STACK,
        look_ahead=shape.look_ahead,
        classes=classes,
        bytes=len(contents),
        sha256=hashlib.sha256(contents).hexdigest(),
    )
    text += tensors("inputs", f'  {{ name = "features", shape = [1, {ROWS}, {BINS}] }},', "", states)
    text += tensors("outputs", f'  {{ name = "log_probs", shape = [1, {ROWS // STACK}, {len(PHONES)}] }},', "_out", states)
    pairs = "\n".join(f'  {{ input = "state_{i}", output = "state_{i}_out" }},' for i in range(len(states)))
    (folder / "model.toml").write_text(text + f"states = [\n{pairs}\n]\n")


def main() -> None:
    make("phoneme-tiny", Shape(width=16, dilations=(1, 2)))
    make("phoneme-tiny-both-ways", Shape(width=16, dilations=(1, 2), ahead=(1, 3)))


if __name__ == "__main__":
    main()
