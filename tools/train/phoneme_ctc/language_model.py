#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Which phone follows which: an n-gram model of the phones of the training half's prompts, as an ARPA file.

Probabilities are smoothed as Witten and Bell do (IEEE Trans. Information Theory 37, 1991), interpolated; the same
numbers in ARPA's form, which backs off. The speakers held out ("dev") are left out, so that they can choose weights.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

import corpus
from batches import held_out_speakers

EXAMPLE = """example:
  ./language_model.py --cache build/phoneme-cache --output ../../../models/phone-language-model/phones.arpa
"""
START = 0  # before the first phone; the blank's class, which is in no prompt


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="what prepare.py made")
    parser.add_argument("--output", type=Path, required=True, help="the .arpa file to write")
    parser.add_argument("--order", type=int, default=5, choices=range(1, 8), help="phones that count, the next one included")
    return parser.parse_args()


def prompts(cache: Path) -> list[list[int]]:
    """Phones of all prompts that training heard."""
    path = cache / "train.npz"
    if not path.exists():
        print(f"{path}: found no such file, expected what prepare.py makes", file=sys.stderr)
        raise SystemExit(2)
    utterances = corpus.load(path).utterances
    held_out = held_out_speakers(utterances)
    return [[int(phone) for phone in utterance.phones] for utterance in utterances if utterance.speaker not in held_out]


History = tuple[int, ...]


def counts_of(sequences: list[list[int]], order: int) -> dict[History, Counter[int]]:
    """How often each phone follows each history of up to order - 1 phones."""
    counts: dict[History, Counter[int]] = defaultdict(Counter)
    for sequence in sequences:
        padded = [START] * (order > 1) + sequence
        for at in range(len(padded) - len(sequence), len(padded)):
            for length in range(min(order, at + 1)):
                counts[tuple(padded[at - length : at])][padded[at]] += 1
    return counts


def smoothed(counts: dict[History, Counter[int]]) -> dict[History, np.ndarray]:
    """Probability of each class after each history that was seen; class 0 never follows."""
    classes = len(corpus.PHONES)
    made: dict[History, np.ndarray] = {}
    nothing_known = np.full(classes, 1 / (classes - 1))
    nothing_known[START] = 0
    for history in sorted(counts, key=len):
        shorter = made[history[1:]] if history else nothing_known
        seen = counts[history]
        kinds = len(seen)
        own = np.zeros(classes)
        for phone, count in seen.items():
            own[phone] = count
        made[history] = (own + kinds * shorter) / (own.sum() + kinds)
    return made


def arpa_lines(counts: dict[History, Counter[int]], order: int) -> list[str]:
    probabilities = smoothed(counts)
    names = ["<s>", *corpus.PHONES[1:]]
    levels: list[list[str]] = [[] for _ in range(order)]
    levels[0].append(f"-99\t<s>{back_off(counts, (START,))}")
    for history in sorted(counts, key=lambda h: (len(h), h)):
        listed = range(1, len(names)) if not history else sorted(counts[history])
        for phone in listed:
            words = " ".join(names[label] for label in (*history, phone))
            line = f"{np.log10(probabilities[history][phone]):.4f}\t{words}{back_off(counts, (*history, phone))}"
            levels[len(history)].append(line)
    lines = ["\\data\\", *(f"ngram {n}={len(level)}" for n, level in enumerate(levels, start=1))]
    for n, level in enumerate(levels, start=1):
        lines += ["", f"\\{n}-grams:", *level]
    return [*lines, "", "\\end\\"]


def back_off(counts: dict[History, Counter[int]], history: History) -> str:
    """What is left for phones that never followed `history`; nothing where nothing ever did."""
    seen = counts.get(history)
    if not seen:
        return ""
    return f"\t{np.log10(len(seen) / (sum(seen.values()) + len(seen))):.4f}"


def main() -> None:
    options = arguments()
    sequences = prompts(options.cache)
    lines = arpa_lines(counts_of(sequences, options.order), options.order)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    beside = options.output.with_suffix(".part")
    beside.write_text("\n".join(lines) + "\n")
    beside.rename(options.output)
    print(f"{options.output}: {len(lines)} lines from {len(sequences)} prompts, {sum(map(len, sequences))} phones")


if __name__ == "__main__":
    main()
