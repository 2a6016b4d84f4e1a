#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the training: run this file. Needs what training needs, but no recordings; takes some seconds."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import tempfile
import unittest
from pathlib import Path
from types import ModuleType
from unittest import mock

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import onnx
import torch
from onnx import numpy_helper

import checkpoint
import for_sherpa
import quantise as quantise_program
from augment import WARP_STEPS, augmented, change_tempo, warp_matrix
from batches import IGNORED, Example, collate, held_out_speakers
from corpus import PHONES, Utterance
from export import export
from features import BINS
from for_sherpa import wrap
from measure import best_path, edit_distance
from network import LOOK_AHEAD, STACK, PhonemeNetwork, Shape
from quantise import quantise
from train import Training

torch.set_num_threads(1)
SMALL = Shape(width=16)
SECOND_PASS = Shape(width=16, dilations=(1, 2), ahead=(1, 3, 2))


def small_network(seed: int, shape: Shape = SMALL) -> PhonemeNetwork:
    """Random weights, norms and biases included, so that no part is hidden by a zero or a one."""
    torch.manual_seed(seed)
    network = PhonemeNetwork(shape)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn_like(parameter) / np.sqrt(parameter.shape[-1]))
        network.mean.copy_(torch.randn(BINS) + 14)
        network.inverse_deviation.copy_(torch.rand(BINS) + 0.2)
    return network.eval()


def run_onnx(model: onnx.ModelProto, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The few operators of an exported file, in plain NumPy: a reading of the file that shares nothing with its writer."""
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer} | feeds
    for node in model.graph.node:
        attribute = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        x = [values[name] for name in node.input if name]
        match node.op_type:
            case "Constant":
                out = numpy_helper.to_array(attribute["value"])
            case "Add":
                out = x[0] + x[1]
            case "Sub":
                out = x[0] - x[1]
            case "Mul":
                out = x[0] * x[1]
            case "Relu":
                out = np.maximum(x[0], 0)
            case "MatMul":
                out = x[0] @ x[1]
            case "Reshape":
                out = x[0].reshape(x[1])
            case "Concat":
                out = np.concatenate(x, axis=attribute["axis"])
            case "Slice":
                begin, end, axis = (int(part.reshape(-1)[0]) for part in x[1:4])
                out = x[0].swapaxes(0, axis)[begin:end].swapaxes(0, axis)
            case "Identity":
                out = x[0]
            case "Cast":
                out = x[0].astype(np.float32)
            case "DynamicQuantizeLinear":  # ONNX's operator, with its three outputs
                low, high = min(0.0, float(x[0].min())), max(0.0, float(x[0].max()))
                scale = np.float32((high - low) / 255)
                zero = np.uint8(np.clip(np.rint(-low / scale), 0, 255))
                values[node.output[1]], values[node.output[2]] = scale, zero
                out = np.clip(np.rint(x[0] / scale) + zero, 0, 255).astype(np.uint8)
            case "MatMulInteger":
                out = (x[0].astype(np.int32) - x[2].astype(np.int32)) @ x[1].astype(np.int32)
            case "LogSoftmax":
                away = x[0] - x[0].max(axis=-1, keepdims=True)
                out = away - np.log(np.exp(away).sum(axis=-1, keepdims=True))
            case "LayerNormalization":
                away = x[0] - x[0].mean(axis=-1, keepdims=True)
                variance = (away**2).mean(axis=-1, keepdims=True)
                out = away / np.sqrt(variance + attribute.get("epsilon", 1e-5)) * x[1] + x[2]
            case other:
                raise AssertionError(f"operator {other} is not expected in an exported file")
        values[node.output[0]] = out
    return {output.name: values[output.name] for output in model.graph.output}


class Streaming(unittest.TestCase):
    def test_the_exported_file_in_chunks_equals_the_network_on_the_whole(self) -> None:
        for shape in (SMALL, SECOND_PASS):
            with self.subTest(shape=shape):
                self.compare_chunks_with_the_whole(small_network(1, shape))

    def compare_chunks_with_the_whole(self, network: PhonemeNetwork) -> None:
        features = (torch.randn(1, 144, BINS) * 4 + 14).float()
        with torch.no_grad():
            whole = [output.numpy() for output in network.of_whole(features)]
        with tempfile.TemporaryDirectory() as folder:
            for frames in (None, 2, 8):
                path = Path(folder) / "model.onnx"
                export(network, path, frames, framewise=True)
                model = onnx.load(str(path))
                for chunk in (frames,) if frames else (2, 8):
                    states = {f"state_{i}": state.numpy() for i, state in enumerate(network.states())}
                    parts = []
                    for begin in range(0, features.shape[1], chunk):
                        out = run_onnx(model, {"features": features[:, begin : begin + chunk].numpy(), **states})
                        states = {name: out[f"{name}_out"] for name in states}
                        parts.append((out["log_probs"], out["frame_log_probs"]))
                    for index in range(2):
                        streamed = np.concatenate([part[index] for part in parts], axis=1)
                        self.assertEqual(streamed.shape, (1, features.shape[1] // STACK, len(PHONES)))
                        np.testing.assert_allclose(streamed, whole[index], atol=1e-4)

    def test_no_output_depends_on_frames_after_it(self) -> None:
        network = small_network(seed=2)
        features = torch.randn(1, 80, BINS)
        changed = features.clone()
        changed[:, 40:] += 1
        with torch.no_grad():
            before, after = network.of_whole(features)[0], network.of_whole(changed)[0]
        self.assertTrue(torch.equal(before[:, :20], after[:, :20]))
        self.assertFalse(torch.allclose(before[:, 20], after[:, 20]))


class SecondPass(unittest.TestCase):
    def test_an_answer_hears_its_look_ahead_and_nothing_after_it(self) -> None:
        network = small_network(2, SECOND_PASS)
        features = torch.randn(1, 80, BINS)
        changed = features.clone()
        changed[:, 40:] += 1
        with torch.no_grad():
            before, after = network.of_whole(features)[0], network.of_whole(changed)[0]
        self.assertEqual(network.shape.look_ahead, LOOK_AHEAD + 6)
        self.assertTrue(torch.equal(before[:, :20], after[:, :20]))
        self.assertFalse(torch.equal(before[:, 20], after[:, 20]))

    def test_begins_as_a_delay_of_the_streaming_network(self) -> None:
        streaming = small_network(7, Shape(width=16, dilations=(1, 2)))
        second = PhonemeNetwork(SECOND_PASS).eval()
        second.begin_with(streaming.state_dict())
        features = torch.randn(1, 60, BINS) * 4 + 14
        with torch.no_grad():
            before, after = streaming.of_whole(features), second.of_whole(features)
        for one, other in zip(before, after):
            torch.testing.assert_close(other[:, 6:], one[:, :-6])

    def test_weights_of_another_network_are_refused(self) -> None:
        with self.assertRaises((ValueError, RuntimeError)):
            PhonemeNetwork(SECOND_PASS).begin_with(small_network(7).state_dict())


class Smaller(unittest.TestCase):
    def exported(self, seed: int) -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
        network = small_network(seed)
        with tempfile.TemporaryDirectory() as folder:
            export(network, Path(folder) / "model.onnx")
            model = onnx.load(str(Path(folder) / "model.onnx"))
        states = {f"state_{i}": torch.randn_like(state).numpy() for i, state in enumerate(network.states())}
        return model, {"features": (torch.randn(1, 8, BINS) * 4 + 14).numpy(), **states}

    def test_smaller_weights_make_nearly_the_same_answers(self) -> None:
        for weights, most in (("half", 0.02), ("bytes", 0.5), ("hybrid", 0.5)):
            model, feeds = self.exported(seed=3)
            whole = run_onnx(model, feeds)
            before = model.ByteSize()
            quantise(model.graph, weights)
            onnx.checker.check_model(model)
            self.assertLess(model.ByteSize(), before)
            out = run_onnx(model, feeds)
            self.assertEqual(list(out), list(whole))
            difference = max(float(np.abs(out[name] - whole[name]).max()) for name in out)
            self.assertLess(difference, most)
            self.assertGreater(difference, 0)

    def test_a_file_without_matrices_is_refused(self) -> None:
        model, _ = self.exported(seed=3)
        del model.graph.initializer[:]
        with self.assertRaisesRegex(ValueError, "found no MatMul"):
            quantise(model.graph, "half")

    def test_what_is_wrapped_for_sherpa_onnx_computes_the_same(self) -> None:
        model, feeds = self.exported(seed=4)
        plain = run_onnx(model, feeds)
        wrap(model)
        onnx.checker.check_model(model)
        shapes = {value.name: [d.dim_value for d in value.type.tensor_type.shape.dim] for value in model.graph.input}
        made_of = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "Reshape"}
        states = {made_of[name]: value for name, value in feeds.items() if name in made_of}
        given = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
        given.update({name: value.reshape(shapes[name]) for name, value in states.items()})
        out = run_onnx(model, {**given, "features": feeds["features"]})
        np.testing.assert_array_equal(out["log_probs"], plain["log_probs"])
        for name, state in made_of.items():
            if name.startswith("new_"):
                np.testing.assert_array_equal(out[name].reshape(-1), plain[state].reshape(-1))
        self.assertEqual(len(out), len(shapes))


class Programs(unittest.TestCase):
    """quantise.py and for_sherpa.py as somebody calls them."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.input, self.output = self.folder / "input.onnx", self.folder / "out"
        export(small_network(6), self.input)

    def refusal(self, program: ModuleType, *also: str) -> str:
        message = io.StringIO()
        words = [program.__name__, "--input", str(self.input), "--output", str(self.output), *also]
        with mock.patch("sys.argv", words), self.assertRaises(SystemExit) as refused, contextlib.redirect_stderr(message):
            program.main()
        self.assertEqual(refused.exception.code, 2)
        self.assertEqual(message.getvalue().count("\n"), 1, message.getvalue())
        return message.getvalue()

    def refusals(self) -> list[str]:
        return [self.refusal(quantise_program, "--weights", "half"), self.refusal(for_sherpa)]

    def test_a_file_that_is_no_network_of_ours_is_named_and_nothing_is_written(self) -> None:
        other = onnx.helper.make_model(onnx.helper.make_graph([], "empty", [], []))
        for contents in (b"not an ONNX file", b"", other.SerializeToString()):
            self.input.write_bytes(contents)
            for message in self.refusals():
                self.assertTrue(message.startswith(f"{self.input}: "), message)
                self.assertIn("expected", message)
            self.assertEqual(list(self.folder.iterdir()), [self.input])

    def test_a_file_that_is_not_there_is_named(self) -> None:
        self.input.unlink()
        for message in self.refusals():
            self.assertTrue(message.startswith(f"{self.input}: cannot be read: "), message)

    def test_an_output_that_cannot_be_written_is_named(self) -> None:
        (self.folder / "file").touch()
        self.output = self.folder / "file" / "out"
        for message in self.refusals():
            self.assertTrue(message.startswith(f"{self.output}: cannot be written: "), message)


class Targets(unittest.TestCase):
    def test_a_phone_is_asked_for_two_output_frames_after_it_is_heard(self) -> None:
        phone_at = np.zeros(12, np.int64)
        phone_at[4:6] = 7  # all of output frame 2
        batch = collate([(np.zeros((12, BINS), np.float32), phone_at, np.array([7]))], np.zeros(BINS), LOOK_AHEAD)
        expected = [IGNORED] * LOOK_AHEAD + [0, 0, 7, 0, 0, 0]
        self.assertEqual(batch.phone_at[0].tolist(), expected)
        self.assertEqual(batch.features.shape[1], 12 + STACK * LOOK_AHEAD)

    def test_speakers_held_out_are_half_children_and_always_the_same(self) -> None:
        def speech(order: np.ndarray) -> list[Utterance]:
            return [Utterance(f"u{i}", f"s{i % 60}", 8 if i % 60 < 25 else 30, np.array([1]), np.array([True])) for i in order]

        first, second = held_out_speakers(speech(np.arange(120))), held_out_speakers(speech(np.arange(120)[::-1]))
        self.assertEqual(first, second)
        self.assertEqual(sum(int(name[1:]) < 25 for name in first), 10)
        self.assertEqual(len(first), 20)


class Augmentation(unittest.TestCase):
    def test_warping_moves_a_resonance_by_its_factor_and_by_nothing_without_one(self) -> None:
        np.testing.assert_array_equal(warp_matrix(0).round(6), np.eye(BINS, dtype=np.float32))
        frame = np.exp(-0.5 * ((np.arange(BINS) - 30) / 2.0) ** 2)
        self.assertGreater((frame @ warp_matrix(WARP_STEPS)).argmax(), 30)
        self.assertLess((frame @ warp_matrix(-WARP_STEPS)).argmax(), 30)

    def test_frames_and_phones_stay_together(self) -> None:
        phone_at = np.repeat(np.arange(1, 11), 9)
        frames = np.repeat(phone_at[:, None], BINS, axis=1).astype(np.float32)
        slower, labels = change_tempo(frames, phone_at, 0.9)
        self.assertGreater(len(slower), 1.09 * len(frames))
        np.testing.assert_allclose(slower[:, 0], labels, atol=0.5001)

    def test_inputs_are_left_as_they_are(self) -> None:
        rng = np.random.default_rng(3)
        frames, phone_at = rng.normal(14, 4, (200, BINS)).astype(np.float32), np.ones(200, np.int64)
        before = frames.copy()
        for _ in range(20):
            changed, labels = augmented(frames, phone_at, frames[:50], frames.mean(axis=0), rng)
            self.assertEqual(len(changed), len(labels))
            self.assertTrue(np.isfinite(changed).all())
        np.testing.assert_array_equal(frames, before)


class Measures(unittest.TestCase):
    def test_best_path_merges_repeats_and_keeps_those_with_a_blank_between(self) -> None:
        self.assertEqual(best_path(np.eye(4)[[0, 2, 2, 0, 2, 3, 3, 0]]), [2, 2, 3])

    def test_edit_distance(self) -> None:
        for heard, said, expected in (("", "abc", 3), ("abc", "abc", 0), ("axc", "abc", 1), ("kitten", "sitting", 3)):
            self.assertEqual(edit_distance([ord(c) for c in heard], [ord(c) for c in said]), expected)


class Resuming(unittest.TestCase):
    """Two epochs in one go, and with a checkpoint between, are the same training."""

    def training(self, dropout: float = 0.1, ahead: tuple[int, ...] = ()) -> Training:
        rng = np.random.default_rng(5)
        speech = []
        for index in range(6):
            phones = rng.integers(1, len(PHONES), 5)
            frames = rng.normal(14, 4, (60, BINS)).astype(np.float32)
            speech.append(Example(Utterance(f"u{index}", "s", 9, phones, np.ones(5, bool)), frames, np.repeat(phones, 12)))
        options = argparse.Namespace(
            epochs=4, seed=1, width=16, dropout=dropout, peak_rate=1e-3, batch=150, lj_share=0.5, ahead=ahead, full_precision=True
        )
        return Training(options, speech[:4], speech[4:], speech[5].frames)

    def test_a_resumed_training_is_the_same_training(self) -> None:
        for ahead in ((), (1, 2)):
            with self.subTest(ahead=ahead):
                self.compare_resumed_with_straight(ahead)

    def compare_resumed_with_straight(self, ahead: tuple[int, ...]) -> None:
        straight = self.training(ahead=ahead)
        straight.epoch(), straight.epoch()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "checkpoint.pt"
            first = self.training(ahead=ahead)
            first.epoch()
            checkpoint.save(first.checkpoint(), path)
            second = self.training(ahead=ahead)
            second.resume(path)
            second.epoch()
            message = io.StringIO()
            with self.assertRaises(SystemExit) as refused, contextlib.redirect_stderr(message):
                self.training(0.2, ahead).resume(path)
        self.assertEqual(refused.exception.code, 2)
        self.assertIn("--dropout was 0.1, found 0.2", message.getvalue())
        self.assertEqual(second.steps_done, straight.steps_done)
        for name, value in straight.network.state_dict().items():
            self.assertTrue(torch.equal(value, second.network.state_dict()[name]), name)
            self.assertTrue(torch.equal(straight.average[name], second.average[name]), name)


if __name__ == "__main__":
    unittest.main()
