# SPDX-License-Identifier: Apache-2.0
"""How far scores agree with the experts': correlation (Pearson's) and mean squared error."""

from __future__ import annotations

import numpy as np

from corpus import CHILD_BELOW_AGE, UTTERANCE_SCORES, Utterance


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if np.std(a) > 0 and np.std(b) > 0 else 0.0


def agreement(utterances: list[Utterance], phones: np.ndarray, words: np.ndarray, whole: np.ndarray) -> dict:
    """Scores in a row, in the order of `utterances`; `whole` has a row for each."""
    wanted = np.concatenate([one.phone_scores for one in utterances])
    child = np.repeat([one.age < CHILD_BELOW_AGE for one in utterances], [len(one.phone_scores) for one in utterances])
    groups = {"all": np.ones(len(wanted), bool), "under13": child, "others": ~child}
    word = np.concatenate([one.word_scores for one in utterances])
    sentence = np.stack([one.scores for one in utterances])
    return {
        "utterances": len(utterances),
        "phones": len(wanted),
        "phone_pcc": {name: correlation(phones[group], wanted[group]) for name, group in groups.items()},
        "phone_mse": {name: float(np.mean((phones[group] - wanted[group]) ** 2)) for name, group in groups.items()},
        "word_pcc": correlation(words, word),
        "utterance_pcc": {name: correlation(whole[:, n], sentence[:, n]) for n, name in enumerate(UTTERANCE_SCORES)},
    }


def report(utterances: list[Utterance], phones: np.ndarray, words: np.ndarray, whole: np.ndarray) -> str:
    a = agreement(utterances, phones, words, whole)
    pcc, mse = a["phone_pcc"], a["phone_mse"]
    return (
        f"{a['utterances']} utterances, {a['phones']} phones\n"
        f"phones: PCC {pcc['all']:.3f} (under {CHILD_BELOW_AGE}: {pcc['under13']:.3f}, others: {pcc['others']:.3f}), "
        f"MSE {mse['all']:.4f} (under {CHILD_BELOW_AGE}: {mse['under13']:.4f}, others: {mse['others']:.4f})\n"
        f"words: PCC {a['word_pcc']:.3f}\n"
        "utterances: PCC " + ", ".join(f"{name} {value:.3f}" for name, value in a["utterance_pcc"].items())
    )
