#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Wraps the network's file so that sherpa-onnx runs it, for `sidetone bench speech --sherpa FOLDER`.

sherpa-onnx knows streaming CTC networks of few makes. Its zipformer2-ctc is told the shapes of its states by the file's metadata,
so the network's own states go in as those that a Zipformer's convolutions keep; what else one would have is a
number or two, handed through. The network inside is the same, node by node, and so are its weights.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import onnx
from onnx import ModelProto, TensorProto, ValueInfoProto, helper

from corpus import PHONES
from features import BINS
from onnx_file import changed_or_exit, refuse, write_or_exit

ROWS = 8  # a run: 80 ms
EMBEDDING = [1, 128, 3, 19]  # of a Zipformer, whatever the metadata says

EXAMPLE = """example:
  ./for_sherpa.py --input ../../../models/phoneme-ctc/phoneme-ctc.onnx --output FOLDER && sidetone bench speech --sherpa FOLDER
"""


class Wrapping:
    """Inputs and outputs of the wrapped graph, in the order in which sherpa-onnx binds them."""

    def __init__(self, model: ModelProto) -> None:
        self.graph = model.graph
        self.inputs: list[ValueInfoProto] = []
        self.outputs: list[ValueInfoProto] = []
        self.before: list[onnx.NodeProto] = []
        self.after: list[onnx.NodeProto] = []

    def hand_through(self, name: str, shape: list[int], kind: int = TensorProto.FLOAT) -> None:
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        self.outputs.append(helper.make_tensor_value_info(f"new_{name}", kind, shape))
        self.after.append(helper.make_node("Identity", [name], [f"new_{name}"]))

    def keep_state(self, name: str, state: str, frames: int, channels: int) -> None:
        """sherpa-onnx says [1, channels, frames]; which number lies where is the network's affair."""
        theirs, ours = [1, channels, frames], [1, frames, channels]
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, theirs))
        self.outputs.append(helper.make_tensor_value_info(f"new_{name}", TensorProto.FLOAT, theirs))
        for shape, suffix in ((theirs, "theirs"), (ours, "ours")):
            constant = helper.make_tensor(f"{name}_{suffix}", TensorProto.INT64, [3], shape)
            self.graph.initializer.append(constant)
        self.before.append(helper.make_node("Reshape", [name, f"{name}_ours"], [state]))
        self.after.append(helper.make_node("Reshape", [f"{state}_out", f"{name}_theirs"], [f"new_{name}"]))


def shapes_of_states(model: ModelProto) -> list[tuple[int, int]]:
    """Frames and channels."""
    found = {value.name: [d.dim_value for d in value.type.tensor_type.shape.dim] for value in model.graph.input}
    count = sum(name.startswith("state_") for name in found)
    shapes = [found.get(f"state_{i}", []) for i in range(count)]
    if not shapes or any(len(shape) != 3 or min(shape) < 1 for shape in shapes):
        raise ValueError(f"found states of shapes {shapes}, expected state_0 and on, each [1, frames, channels]")
    return [(frames, channels) for _, frames, channels in shapes]


def layers_of(shapes: list[tuple[int, int]]) -> list[list[int]]:
    """States by layers: a layer keeps two of one shape, or one."""
    layers: list[list[int]] = []
    for i, shape in enumerate(shapes):
        partner = next((layer for layer in layers if len(layer) == 1 and shapes[layer[0]] == shape), None)
        if partner is None:
            layers.append([i])
        else:
            partner.append(i)
    return layers


def wrap(model: ModelProto) -> None:
    wrapping, shapes = Wrapping(model), shapes_of_states(model)
    layers = layers_of(shapes)
    for number, layer in enumerate(layers):
        frames, channels = shapes[layer[0]]
        wrapping.hand_through(f"key_{number}", [1, 1, 1])
        wrapping.hand_through(f"attention_{number}", [1, 1, 1, 3 * channels // 4])
        wrapping.hand_through(f"value_{number}", [1, 1, 1])
        wrapping.hand_through(f"other_value_{number}", [1, 1, 1])
        wrapping.keep_state(f"convolution_{number}", f"state_{layer[0]}", frames, channels)
        if len(layer) == 2:
            wrapping.keep_state(f"other_convolution_{number}", f"state_{layer[1]}", frames, channels)
        else:
            wrapping.hand_through(f"other_convolution_{number}", [1, channels, frames])
    wrapping.hand_through("embedding", EMBEDDING)
    wrapping.hand_through("processed", [1], TensorProto.INT64)

    graph = model.graph
    nodes = wrapping.before + list(graph.node) + wrapping.after
    del graph.node[:], graph.input[:], graph.output[:]
    graph.node.extend(nodes)
    graph.input.extend([helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, ROWS, BINS]), *wrapping.inputs])
    answers = helper.make_tensor_value_info("log_probs", TensorProto.FLOAT, [1, ROWS // 2, len(PHONES)])
    graph.output.extend([answers, *wrapping.outputs])
    helper.set_model_props(model, metadata([shapes[layer[0]] for layer in layers]))


def metadata(shapes: list[tuple[int, int]]) -> dict[str, str]:
    """What sherpa-onnx reads shapes from; a Zipformer's convolution keeps half its kernel."""
    ones = ",".join("1" for _ in shapes)
    return {
        "model_type": "zipformer2",
        "T": str(ROWS),
        "decode_chunk_len": str(ROWS),
        "encoder_dims": ",".join(str(channels) for _, channels in shapes),
        "cnn_module_kernels": ",".join(str(2 * frames + 1) for frames, _ in shapes),
        **{key: ones for key in ("query_head_dims", "value_head_dims", "num_heads", "num_encoder_layers", "left_context_len")},
    }


def tokens() -> str:
    names = ["<blk>", *PHONES[1:]]
    return "".join(f"{name} {number}\n" for number, name in enumerate(names))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", type=Path, required=True, help="what export.py or quantise.py wrote")
    parser.add_argument("--output", type=Path, required=True, help="folder for model.onnx and tokens.txt")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    model = changed_or_exit(options.input, wrap)
    try:
        options.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        refuse(f"{options.output}: cannot be written: {error.strerror}")
    write_or_exit(tokens().encode(), options.output / "tokens.txt")
    write_or_exit(model.SerializeToString(), options.output / "model.onnx")
    print(f"{options.output}: model.onnx and tokens.txt")


if __name__ == "__main__":
    main()
