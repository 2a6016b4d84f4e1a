#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Trains models/deepfilternet3/fresh_gains.onnx from the examples that fresh_gains_examples writes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

STATE, BINS = 512, 96
INPUTS = STATE + 3 * BINS
COLUMNS = INPUTS + 2 * BINS + 2
HIDDEN = 192
DROPOUT = 0.2  # of inputs and of the first layer: the noises are few
RATE, BATCH = 2e-3, 512


class Examples:
    """Rows as examples.cpp writes them; errors of a clip weigh by how noisy it is, as a mean in dB would have them."""

    def __init__(self, files: list[Path]) -> None:
        parts = [np.fromfile(file, dtype=np.float32).reshape(-1, COLUMNS) for file in files]
        rows = np.concatenate(parts)
        self.inputs = torch.from_numpy(rows[:, :INPUTS].astype(np.float16))
        self.power = torch.from_numpy(rows[:, INPUTS : INPUTS + BINS].copy())
        self.common = torch.from_numpy(rows[:, INPUTS + BINS : INPUTS + 2 * BINS].copy())
        self.clean, self.clip = rows[:, -2].copy(), rows[:, -1].astype(int)

    def error(self, gains: torch.Tensor) -> NDArray[np.float64]:
        """Per clip: the power of the error over that of the clean speech."""
        rows = (self.power * gains**2 - 2 * gains * self.common).sum(1).numpy() + self.clean
        clean = np.bincount(self.clip, weights=self.clean)
        return np.bincount(self.clip, weights=rows)[clean > 0] / clean[clean > 0]

    def weights(self) -> torch.Tensor:
        """Per row: what makes the clips' errors equal if every gain is the best constant for its clip and bin."""
        power, common = self.power.double().numpy(), self.common.double().numpy()
        clips = self.clip.max() + 1
        left = np.bincount(self.clip, weights=self.clean, minlength=clips)
        for k in range(BINS):
            p = np.bincount(self.clip, weights=power[:, k], minlength=clips)
            c = np.bincount(self.clip, weights=common[:, k], minlength=clips)
            left -= np.maximum(c, 0) ** 2 / np.maximum(p, 1e-30)
        weights = 1 / np.maximum(left, 1e-30)[self.clip]
        return torch.from_numpy((weights / weights.mean()).astype(np.float32))


def make_network() -> torch.nn.Sequential:
    layer = torch.nn.Linear
    return torch.nn.Sequential(
        torch.nn.Dropout(DROPOUT), layer(INPUTS, HIDDEN), torch.nn.ReLU(),
        torch.nn.Dropout(DROPOUT), layer(HIDDEN, HIDDEN), torch.nn.ReLU(), layer(HIDDEN, BINS), torch.nn.Sigmoid(),
    )  # fmt: skip


def mean_error_db(network: torch.nn.Sequential, examples: Examples) -> float:
    with torch.no_grad():
        gains = torch.cat([network(inputs.float()) for inputs in examples.inputs.split(4096)])
    return float(10 * np.log10(examples.error(gains)).mean())


def train(examples: Examples, epochs: int) -> torch.nn.Sequential:
    mean = examples.inputs[::7].float().mean(0)
    deviation = examples.inputs[::7].float().std(0) + 1e-2
    weights = examples.weights()[:, None]
    scale = 10 * weights / (examples.power * weights).sum(1).mean()
    network, count = make_network(), len(examples.inputs)
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-2)
    steps = count // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=epochs * steps, pct_start=0.1)
    for epoch in range(epochs):
        order, total = torch.randperm(count), 0.0
        for step in range(steps):
            rows = order[step * BATCH : (step + 1) * BATCH]
            inputs = (examples.inputs[rows].float() - mean) / deviation
            gains = network(inputs + 0.1 * torch.randn_like(inputs))
            loss = (scale[rows] * (examples.power[rows] * gains**2 - 2 * gains * examples.common[rows])).sum(1).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: loss {total / steps:.4f}", flush=True)
    network.eval()
    with torch.no_grad():  # the inputs as they come
        first = network[1]
        first.weight /= deviation
        first.bias -= first.weight @ mean
    return network


def to_onnx(network: torch.nn.Sequential) -> onnx.ModelProto:
    layers = [layer for layer in network if isinstance(layer, torch.nn.Linear)]
    nodes = [helper.make_node("Concat", ["emb", "evidence"], ["x0"], axis=2)]
    weights = []
    for i, layer in enumerate(layers):
        matrix, bias = layer.weight.detach().numpy().T.copy(), layer.bias.detach().numpy()
        weights += [numpy_helper.from_array(matrix, f"w{i}"), numpy_helper.from_array(bias, f"b{i}")]
        is_last = i == len(layers) - 1
        nodes += [
            helper.make_node("MatMul", [f"x{i}", f"w{i}"], [f"m{i}"]),
            helper.make_node("Add", [f"m{i}", f"b{i}"], [f"a{i}"]),
            helper.make_node("Sigmoid" if is_last else "Relu", [f"a{i}"], ["fresh" if is_last else f"x{i + 1}"]),
        ]
    def tensor(name: str, length: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, length])

    graph = helper.make_graph(
        nodes, "fresh_gains", [tensor("emb", STATE), tensor("evidence", 3 * BINS)], [tensor("fresh", BINS)], weights
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="sidetone")
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def read_examples(files: list[Path]) -> Examples:
    try:
        return Examples(files)
    except (OSError, ValueError) as error:
        print(f"{', '.join(map(str, files))}: {error}, expected rows of {COLUMNS} numbers", file=sys.stderr)
        raise SystemExit(2) from error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=Path, nargs="+", required=True, help="files of fresh_gains_examples")
    parser.add_argument("--held", type=Path, nargs="*", default=[], help="others, to be told how well it does on them")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(1)
    examples = read_examples(arguments.examples)
    held = read_examples(arguments.held) if arguments.held else None
    network = train(examples, arguments.epochs)
    print(f"{len(examples.inputs)} examples; error of the clips learnt from {mean_error_db(network, examples):.2f} dB")
    if held:
        print(f"error of the clips held back {mean_error_db(network, held):.2f} dB")
    contents = to_onnx(network).SerializeToString()
    partial = arguments.output.with_name(arguments.output.name + ".part")
    partial.write_bytes(contents)
    partial.replace(arguments.output)


if __name__ == "__main__":
    main()
