# SPDX-License-Identifier: Apache-2.0
"""A tree of yes-no questions for each letter, grown greedily by information gain, and the file that holds them all.

The file: "S2P1", then little-endian 16-bit counts of emissions and, for each letter (a to z, apostrophe), of the nodes of its tree; two
bytes for each emission (phones, 0 for none); then the nodes, four 16-bit numbers each: feature (65535: a leaf), value, number of the node for
"yes" in its tree (in a leaf: the emission), for "no".
"""

from __future__ import annotations

import struct
from collections import defaultdict
from pathlib import Path

import numpy as np

from alignment import Emission, Spelling

LETTERS = "abcdefghijklmnopqrstuvwxyz'"
NUMBER_OF = {letter: index + 1 for index, letter in enumerate(LETTERS)}  # 0: beyond the word
CONTEXT = 4  # letters on either side
PREVIOUS = 2  # emissions before
LEAF = 0xFFFF
LEAST_EXAMPLES = 2  # on either side of a question
LEAST_GAIN = 3.0  # nats over all examples of a node; less is chance
OFFSETS = [*range(-CONTEXT, 0), *range(1, CONTEXT + 1)]
Node = tuple[int, int, int, int]


class Forest:
    """`trees[letter]`: nodes; children come after their parents."""

    def __init__(self, emissions: list[Emission], trees: dict[str, list[Node]]) -> None:
        self.emissions, self.trees = emissions, trees

    def node_count(self) -> int:
        return sum(len(tree) for tree in self.trees.values())

    def pronounce(self, word: str) -> tuple[int, ...]:
        padded = [0] * CONTEXT + [NUMBER_OF[letter] for letter in word] + [0] * CONTEXT
        previous, phones = [0] * PREVIOUS, []
        for index, letter in enumerate(word):
            seen = [padded[index + CONTEXT + offset] for offset in OFFSETS] + previous
            tree, at = self.trees[letter], 0
            while tree[at][0] != LEAF:
                feature, value, yes, no = tree[at]
                at = yes if seen[feature] == value else no
            emission = tree[at][2]
            phones.extend(self.emissions[emission])
            previous = [emission + 1, *previous[:-1]]
        return tuple(phones)

    def write(self, path: Path) -> None:
        """Beside, then renamed."""
        parts = [b"S2P1", struct.pack("<H", len(self.emissions))]
        parts.append(struct.pack(f"<{len(LETTERS)}H", *(len(self.trees[letter]) for letter in LETTERS)))
        parts.extend(bytes([*emission, 0, 0][:2]) for emission in self.emissions)
        parts.extend(struct.pack("<4H", *node) for letter in LETTERS for node in self.trees[letter])
        partial = path.with_suffix(".part")
        partial.write_bytes(b"".join(parts))
        partial.replace(path)


def entropy(counts: np.ndarray) -> np.ndarray:
    """Of each row, in nats, times the row's sum."""
    total = counts.sum(axis=-1)
    inside = np.where(counts > 0, counts * np.log(np.maximum(counts, 1)), 0).sum(axis=-1)
    return np.where(total > 0, total * np.log(np.maximum(total, 1)), 0) - inside


def best_question(seen: np.ndarray, wanted: np.ndarray, values: int) -> tuple[float, int, int]:
    """Gain, feature and value of the question whose answers leave least entropy."""
    classes, labels = np.unique(wanted, return_inverse=True)
    here = np.bincount(labels, minlength=len(classes))
    best = (0.0, 0, 0)
    for feature in range(seen.shape[1]):
        joint = np.bincount(seen[:, feature] * len(classes) + labels, minlength=values * len(classes)).reshape(values, -1)
        yes = joint.sum(axis=1)
        allowed = np.flatnonzero((yes >= LEAST_EXAMPLES) & (len(wanted) - yes >= LEAST_EXAMPLES))
        if len(allowed) == 0:
            continue
        gains = entropy(here) - entropy(joint[allowed]) - entropy(here - joint[allowed])
        at = int(gains.argmax())
        if gains[at] > best[0] + 1e-9:
            best = (float(gains[at]), feature, int(allowed[at]))
    return best


def grow_tree(seen: np.ndarray, wanted: np.ndarray, values: int) -> list[Node]:
    tree: list[Node] = []

    def add(rows: np.ndarray) -> int:
        index = len(tree)
        counts = np.bincount(wanted[rows])
        tree.append((LEAF, 0, int(counts.argmax()), 0))
        if counts.max() == len(rows):
            return index
        gain, feature, value = best_question(seen[rows], wanted[rows], values)
        if gain <= LEAST_GAIN:
            return index
        answer = seen[rows, feature] == value
        yes, no = add(rows[answer]), add(rows[~answer])
        if tree[yes][0] == LEAF and tree[no][0] == LEAF and tree[yes][2] == tree[no][2]:
            del tree[index + 1 :]  # the answer does not matter
        else:
            tree[index] = (feature, value, yes, no)
        return index

    add(np.arange(len(wanted)))
    return tree


def grow(spellings: list[Spelling]) -> Forest:
    emissions = sorted({emission for spelling in spellings for emission in spelling.emissions})
    number = {emission: index for index, emission in enumerate(emissions)}
    seen: dict[str, list[list[int]]] = defaultdict(list)
    wanted: dict[str, list[int]] = defaultdict(list)
    for spelling in spellings:
        padded = [0] * CONTEXT + [NUMBER_OF[letter] for letter in spelling.word] + [0] * CONTEXT
        previous = [0] * PREVIOUS
        for index, letter in enumerate(spelling.word):
            seen[letter].append([padded[index + CONTEXT + offset] for offset in OFFSETS] + previous)
            emission = number[spelling.emissions[index]]
            wanted[letter].append(emission)
            previous = [emission + 1, *previous[:-1]]
    values = max(len(LETTERS), len(emissions)) + 1
    return Forest(
        emissions,
        {letter: grow_tree(np.array(seen[letter]), np.array(wanted[letter]), values) for letter in LETTERS},
    )
