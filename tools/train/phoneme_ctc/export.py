#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a checkpoint's averaged weights as a streaming ONNX file, with its memory as inputs and outputs.

  features     [1, T, 80]        Kaldi log-mel frames of 10 ms (samples scaled to +-32768), T even
  state_i      [1, frames, C]    zeros at the start of a stream; then state_i_out of the run before
  log_probs    [1, T / 2, 40]    natural logarithms for CTC; class 0 is the blank, then AA ... ZH
  frame_log_probs [1, T / 2, 40] with --framewise: of the phone at each frame; class 0 is silence

What is said at an output frame is answered two output frames (40 ms) later; by a second pass later still, and this program says by how many.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import warnings
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from checkpoint import load_or_exit
from features import BINS
from network import STACK, PhonemeNetwork

OPSET = 17
ANY_COUNT = 8  # frames in the run that is traced; any even number will do

EXAMPLE = """example:
  ./export.py --checkpoint build/phoneme-run/checkpoint.pt --output model.onnx
  ./export.py --checkpoint build/phoneme-run/checkpoint.pt --frames 8 --output eight.onnx && sidetone bench infer eight.onnx
"""


class Streaming(nn.Module):
    """The network with its outputs in the file's order."""

    def __init__(self, network: PhonemeNetwork, framewise: bool) -> None:
        super().__init__()
        self.network, self.framewise = network, framewise

    def forward(self, features: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        ctc, framewise, after = self.network(features, list(states))
        return (ctc, framewise, *after) if self.framewise else (ctc, *after)


def export(network: PhonemeNetwork, path: Path, frames: int | None = None, framewise: bool = False) -> None:
    """`frames`: T, fixed; None leaves it open. Written beside and renamed."""
    network.eval()
    states = network.states()
    inputs = ["features"] + [f"state_{i}" for i in range(len(states))]
    outputs = ["log_probs"] + (["frame_log_probs"] if framewise else []) + [f"state_{i}_out" for i in range(len(states))]
    open_axes = {"features": {1: "frames"}, "log_probs": {1: "half_frames"}, "frame_log_probs": {1: "half_frames"}}
    partial = path.with_suffix(".part")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Streaming(network, framewise),
            (torch.zeros(1, frames or ANY_COUNT, BINS), *states),
            str(partial),
            opset_version=OPSET,
            input_names=inputs,
            output_names=outputs,
            dynamic_axes=None if frames else {name: axes for name, axes in open_axes.items() if name in inputs + outputs},
        )
    model = onnx.load(str(partial))
    for output in model.graph.output:
        if output.name.startswith("state_"):  # as long as the state that went in, which the exporter does not see
            frames_kept = states[int(output.name.split("_")[1])].shape[1]
            output.type.tensor_type.shape.dim[1].dim_value = frames_kept
    onnx.checker.check_model(model)
    onnx.save(model, str(partial))
    partial.replace(path)


def even(text: str) -> int:
    value = int(text)
    if value <= 0 or value % STACK != 0:
        raise argparse.ArgumentTypeError(f"found {text}, expected an even number above 0")
    return value


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True, help="what train.py made")
    parser.add_argument("--output", type=Path, required=True, help="the .onnx file to write")
    parser.add_argument("--frames", type=even, help="fix T, for programs that want it; default: any even number")
    parser.add_argument("--framewise", action="store_true", help="with the output frame_log_probs, for alignment")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    network = load_or_exit(options.checkpoint).network()
    try:
        export(network, options.output, options.frames, options.framewise)
    except OSError as error:
        print(f"{options.output}: cannot be written: {error.strerror}", file=sys.stderr)
        raise SystemExit(2) from None
    contents = options.output.read_bytes()
    print(f"{options.output}: {len(contents)} bytes, sha256 {hashlib.sha256(contents).hexdigest()}")
    print(f"look_ahead_answers = {network.shape.look_ahead}")


if __name__ == "__main__":
    main()
