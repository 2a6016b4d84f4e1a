#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares what `sidetone score --list … --json` wrote with what the experts say.

A recording without scores (its text was not heard, say, and --also-unspoken was not given) counts as if it had the scores that are most usual: 1.85 for phones, 9.4
for words, 7.6 for the utterance.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from corpus import FINE, UTTERANCE_SCORES, Utterance, read
from measure import agreement, expected_calibration_error, reliability, report, verdicts

USUAL_PHONE, USUAL_WORD, USUAL_UTTERANCE = 1.85, 9.4, 7.6
EXAMPLE = """example:
  ./evaluate.py --data data/speechocean762 --half test --scores test.json
"""


def certainties(utterances: list[Utterance], scored: dict) -> tuple[np.ndarray, np.ndarray]:
    """Of phones that have a score, how probable it is that they are fine, and whether they are."""
    said, is_fine = [], []
    for one in utterances:
        if scored[one.name]["spoken"]:
            said += [phone["fine"] for word in scored[one.name]["words"] for phone in word["phones"]]
            is_fine.append(one.phone_scores >= FINE)
    return np.array(said), np.concatenate(is_fine) if is_fine else np.array([])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of speechocean762")
    parser.add_argument("--half", choices=("train", "test"), required=True)
    parser.add_argument("--scores", type=Path, required=True, help="what `sidetone score` wrote")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    utterances = read(options.data, options.half)
    scored = {Path(result["file"]).stem: result for result in json.loads(options.scores.read_text())["results"]}
    phones, words, whole, refused = [], [], [], 0
    for one in utterances:
        result = scored[one.name]
        if not result["spoken"]:
            refused += 1
            phones += [USUAL_PHONE] * len(one.phone_scores)
            words += [USUAL_WORD] * len(one.words)
            whole.append([USUAL_UTTERANCE] * len(UTTERANCE_SCORES))
            continue
        phones += [phone["score"] for word in result["words"] for phone in word["phones"]]
        words += [word["score"] for word in result["words"]]
        whole.append([result["utterance"][name] for name in UTTERANCE_SCORES])
    arrays = np.array(phones), np.array(words), np.array(whole)
    print(report(utterances, *arrays))
    print(f"without scores: {refused}")
    figures = {**agreement(utterances, *arrays), "refused": refused}
    said, is_fine = certainties(utterances, scored)
    if len(said) > 0 and None not in said:
        print(reliability(said, is_fine))
        figures["calibration_error"] = expected_calibration_error(said, is_fine)
        figures["verdicts"] = verdicts(said, is_fine)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
