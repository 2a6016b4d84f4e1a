#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Learns how English letters sound from a pronouncing dictionary: a tree of questions for each letter.

Every letter of a word is aligned with none, one or two phones. A tree then asks which letters are around it and what the two
letters before it have become, until the answer is clear. A tenth of the words is held out and measured; the file is made from the rest.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from alignment import Spelling, align
from forest import CONTEXT, Forest, grow
from phones import CLASS_OF

EXAMPLE = """example:
  ./train.py --dictionary /usr/share/pocketsphinx/model/en-us/cmudict-en-us.dict --output letter-to-sound.bin
"""
SPOKEN = re.compile(r"[a-z][a-z']*")


def read_dictionary(path: Path) -> dict[str, list[tuple[int, ...]]]:
    """Words of letters and apostrophes, with all their pronunciations, stress dropped."""
    words: dict[str, list[tuple[int, ...]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith(";;;"):
            continue
        name, *phones = line.split()
        word = re.sub(r"\(\d+\)$", "", name).lower()
        said = tuple(CLASS_OF[phone.rstrip("012")] for phone in phones)
        known = words.setdefault(word, [])
        if said not in known:
            known.append(said)
    return {word: said for word, said in words.items() if SPOKEN.fullmatch(word)}


def edit_distance(heard: tuple[int, ...], said: tuple[int, ...]) -> int:
    row = list(range(len(said) + 1))
    for i, one in enumerate(heard, start=1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(said, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (one != other))
    return row[-1]


def measure(forest: Forest, words: dict[str, list[tuple[int, ...]]]) -> str:
    """Against the nearest of a word's pronunciations."""
    errors = phones = right = 0
    for word, said in words.items():
        heard = forest.pronounce(word)
        wrong, length = min((edit_distance(heard, one), len(one)) for one in said)
        errors, phones, right = errors + wrong, phones + length, right + (wrong == 0)
    return f"{len(words)} words: {100 * right / len(words):.1f} % right, phone error rate {100 * errors / phones:.1f} %"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dictionary", type=Path, required=True, help="lines of WORD PH PH …, as the CMU dictionary has them")
    parser.add_argument("--output", type=Path, required=True, help="the file to write")
    parser.add_argument("--seed", type=int, default=39, help="which words are held out (default: 39)")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    if not options.dictionary.is_file():
        print(f"{options.dictionary}: found no such file, expected a pronouncing dictionary", file=sys.stderr)
        raise SystemExit(2)
    sys.setrecursionlimit(10_000)  # a tree may be as deep as it has questions
    words = read_dictionary(options.dictionary)
    order = np.random.default_rng(options.seed).permutation(sorted(words))
    held_out = {str(word): words[str(word)] for word in order[: len(order) // 10]}
    learnt = {word: said for word, said in words.items() if word not in held_out}
    spellings = align([Spelling(word, said[0]) for word, said in sorted(learnt.items())])
    print(f"{len(spellings)} of {len(learnt)} words aligned, {len(held_out)} held out", flush=True)
    forest = grow(spellings)
    forest.write(options.output)
    print(f"{options.output}: {forest.node_count()} nodes, {options.output.stat().st_size} bytes, context {CONTEXT} letters")
    sample = {str(word): learnt[str(word)] for word in order[len(order) // 10 : len(order) // 5]}
    print(f"held out: {measure(forest, held_out)}")
    print(f"a tenth of those learnt: {measure(forest, sample)}")


if __name__ == "__main__":
    main()
