#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a network's ONNX file again with smaller weights in its matrices. Norms, biases, states and sums stay in 32 bits.

  half     16 bits a weight: rounded, and computed with in 32 bits
  bytes    8 bits a weight, a scale for each column; what is multiplied by them becomes bytes of a range of its own in each run
  hybrid   bytes, but the first matrix and the last, which see features and make probabilities, as halves

Whatever reads the file sees the same inputs and outputs.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

from onnx_file import changed_or_exit, write_or_exit

EXAMPLE = """example:
  ./quantise.py --input exported.onnx --weights half --output ../../../models/phoneme-ctc/phoneme-ctc.onnx
"""
LARGEST_BYTE = 127


def as_halves(product: NodeProto, weights: np.ndarray, constants: list[TensorProto]) -> list[NodeProto]:
    name = product.input[1]
    constants.append(numpy_helper.from_array(weights.astype(np.float16), f"{name}_half"))
    widen = helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT)
    return [widen, product]


def as_bytes(product: NodeProto, weights: np.ndarray, constants: list[TensorProto]) -> list[NodeProto]:
    x, name = product.input
    out = product.output[0]
    scales = (np.abs(weights).max(axis=0) / LARGEST_BYTE).astype(np.float32)
    scales[scales == 0] = 1
    constants.append(numpy_helper.from_array(np.rint(weights / scales).astype(np.int8), f"{name}_bytes"))
    constants.append(numpy_helper.from_array(scales, f"{name}_scales"))
    return [
        helper.make_node("DynamicQuantizeLinear", [x], [f"{out}_x", f"{out}_x_scale", f"{out}_x_zero"]),
        helper.make_node("MatMulInteger", [f"{out}_x", f"{name}_bytes", f"{out}_x_zero"], [f"{out}_sums"]),
        helper.make_node("Cast", [f"{out}_sums"], [f"{out}_sums_float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{out}_x_scale", f"{name}_scales"], [f"{out}_scale"]),
        helper.make_node("Mul", [f"{out}_sums_float", f"{out}_scale"], [out]),
    ]


def quantise(graph: GraphProto, weights: str) -> None:
    """`weights`: half, bytes or hybrid. Matrices are those constants that MatMul multiplies by."""
    values = {constant.name: numpy_helper.to_array(constant) for constant in graph.initializer}
    products = [i for i, node in enumerate(graph.node) if node.op_type == "MatMul" and node.input[1] in values]
    if not products:
        raise ValueError("found no MatMul by a constant, expected at least one")
    nodes: list[NodeProto] = []
    constants: list[TensorProto] = []
    replaced = set()
    for i, node in enumerate(graph.node):
        if i not in products:
            nodes.append(node)
            continue
        is_edge = i in (products[0], products[-1])
        make = as_halves if weights == "half" or (weights == "hybrid" and is_edge) else as_bytes
        nodes += make(node, values[node.input[1]], constants)
        replaced.add(node.input[1])
    constants += [constant for constant in graph.initializer if constant.name not in replaced]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(constants)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", type=Path, required=True, help="what export.py wrote")
    parser.add_argument("--weights", choices=("half", "bytes", "hybrid"), required=True)
    parser.add_argument("--output", type=Path, required=True, help="the .onnx file to write")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    model = changed_or_exit(options.input, lambda whole: quantise(whole.graph, options.weights))
    contents = model.SerializeToString()
    write_or_exit(contents, options.output)
    print(f"{options.output}: {len(contents)} bytes, sha256 {hashlib.sha256(contents).hexdigest()}")


if __name__ == "__main__":
    main()
