#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which word follows which: an n-gram model of sentences, one a line, as an ARPA file for `sidetone transcribe --word-lm`.

Probabilities are smoothed as Witten and Bell do (IEEE Trans. Information Theory 37, 1991), interpolated; the same
numbers in ARPA's form, which backs off. In a line, [a|b|] stands for a, for b, and for nothing. "#" begins a comment.
"""

from __future__ import annotations

import argparse
import itertools
import math
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

EXAMPLE = """example:
  ./word_ngrams.py --sentences ../../../models/voice-commands/commands.txt --output ../../../models/voice-commands/commands.arpa
"""
MOST_SENTENCES_OF_A_LINE = 10_000
History = tuple[str, ...]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=Path, required=True, help="text file, a sentence a line")
    parser.add_argument("--output", type=Path, required=True, help="the .arpa file to write")
    parser.add_argument("--order", type=int, default=3, choices=range(1, 8), help="words that count, the next one included (3)")
    return parser.parse_args()


def refuse(file: Path, number: int, what: str) -> None:
    print(f"{file}:{number}: {what}", file=sys.stderr)
    raise SystemExit(2)


def sentences_of(file: Path) -> list[list[str]]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        print(f"{file}: cannot be read: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    sentences = []
    for number, line in enumerate(lines, start=1):
        parts = re.split(r"\[([^\[\]]*)\]", line.split("#")[0])
        if any(mark in part for part in parts[::2] for mark in "[]|"):
            refuse(file, number, f'found "{line.strip()}", expected each "[a|b]" to be closed and not within another')
        choices = [part.split("|") if at % 2 else [part] for at, part in enumerate(parts)]
        if math.prod(map(len, choices)) > MOST_SENTENCES_OF_A_LINE:
            refuse(file, number, f"found more than {MOST_SENTENCES_OF_A_LINE} sentences in a line, expected fewer")
        made = (" ".join(chosen).lower().split() for chosen in itertools.product(*choices))
        sentences += [sentence for sentence in made if sentence]
    if not sentences:
        print(f"{file}: found no sentence, expected one a line", file=sys.stderr)
        raise SystemExit(2)
    return sentences


def counts_of(sentences: list[list[str]], order: int) -> dict[History, Counter[str]]:
    """How often each word follows each history of up to order - 1 words."""
    counts: dict[History, Counter[str]] = defaultdict(Counter)
    for sentence in sentences:
        padded = ["<s>", *sentence, "</s>"]
        for at in range(1, len(padded)):
            for length in range(min(order, at + 1)):
                counts[tuple(padded[at - length : at])][padded[at]] += 1
    return counts


def smoothed(counts: dict[History, Counter[str]]) -> dict[History, dict[str, float]]:
    """Probability of each word that was seen after each history."""
    made: dict[History, dict[str, float]] = {}
    for history in sorted(counts, key=len):
        seen = counts[history]
        total, kinds = seen.total(), len(seen)
        if history:
            shorter = made[history[1:]]
            made[history] = {word: (count + kinds * shorter[word]) / (total + kinds) for word, count in seen.items()}
        else:
            made[history] = {word: count / total for word, count in seen.items()}
    return made


def back_off(counts: dict[History, Counter[str]], history: History) -> str:
    """What is left for words that never followed `history`; nothing where nothing ever did."""
    seen = counts.get(history)
    return f"\t{math.log10(len(seen) / (seen.total() + len(seen))):.4f}" if seen else ""


def arpa_lines(counts: dict[History, Counter[str]], order: int) -> list[str]:
    levels: list[list[str]] = [[] for _ in range(order)]
    levels[0].append(f"-99\t<s>{back_off(counts, ('<s>',))}")
    for history, following in sorted(smoothed(counts).items()):
        for word, probability in sorted(following.items()):
            words = (*history, word)
            levels[len(history)].append(f"{math.log10(probability):.4f}\t{' '.join(words)}{back_off(counts, words)}")
    lines = ["\\data\\", *(f"ngram {n}={len(level)}" for n, level in enumerate(levels, start=1))]
    for n, level in enumerate(levels, start=1):
        lines += ["", f"\\{n}-grams:", *level]
    return [*lines, "", "\\end\\"]


def main() -> None:
    options = arguments()
    sentences = sentences_of(options.sentences)
    counts = counts_of(sentences, options.order)
    beside = options.output.with_suffix(".part")
    beside.write_text("\n".join(arpa_lines(counts, options.order)) + "\n", encoding="utf-8")
    beside.rename(options.output)
    print(f"{options.output}: {len(sentences)} sentences, {len(counts[()]) - 1} words, n-grams of up to {options.order}")


if __name__ == "__main__":
    main()
