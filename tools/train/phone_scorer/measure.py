# SPDX-License-Identifier: Apache-2.0
"""How far scores agree with the experts': correlation (Pearson's), mean squared error, and whether probabilities are true."""

from __future__ import annotations

import numpy as np

from corpus import CHILD_BELOW_AGE, UTTERANCE_SCORES, Utterance

SURE = 0.8  # as src/speech/certainty.hpp has it


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


def expected_calibration_error(probabilities: np.ndarray, is_true: np.ndarray, bins: int = 10) -> float:
    """Mean distance of what is said from what is so, in bins of equal width."""
    inside = np.clip((probabilities * bins).astype(int), 0, bins - 1)
    parts = [(inside == n) for n in range(bins) if np.any(inside == n)]
    return float(sum(part.mean() * abs(probabilities[part].mean() - is_true[part].mean()) for part in parts))


def verdicts(probabilities: np.ndarray, is_fine: np.ndarray, sure: float = SURE) -> dict:
    """How often "fine" and "not fine" are said, how often that is so, and how often nothing is."""
    fine, otherwise = probabilities >= sure, probabilities <= 1 - sure
    return {
        "fine": {"share": float(fine.mean()), "right": float(is_fine[fine].mean()) if fine.any() else None},
        "otherwise": {"share": float(otherwise.mean()), "right": float(1 - is_fine[otherwise].mean()) if otherwise.any() else None},
        "not_sure": float(1 - fine.mean() - otherwise.mean()),
    }


def reliability(probabilities: np.ndarray, is_fine: np.ndarray, bins: int = 10) -> str:
    """A line for each bin of probabilities that a phone is fine: how many, what is said, what is so; then the verdicts."""
    is_fine = is_fine.astype(np.float64)
    lines = ["said to be fine with   phones   said   so"]
    for n in range(bins):
        part = np.clip((probabilities * bins).astype(int), 0, bins - 1) == n
        if part.any():
            lines.append(f"{n / bins:.1f} to {(n + 1) / bins:.1f} {part.sum():>18} {probabilities[part].mean():>6.3f} {is_fine[part].mean():.3f}")
    said = verdicts(probabilities, is_fine)
    right = {name: "-" if said[name]["right"] is None else f"{100 * said[name]['right']:.1f} %" for name in ("fine", "otherwise")}
    lines.append(f"expected calibration error: {expected_calibration_error(probabilities, is_fine, bins):.4f}")
    lines.append(
        f"fine: {100 * said['fine']['share']:.1f} % of phones, right in {right['fine']}; otherwise: {100 * said['otherwise']['share']:.1f} %, "
        f"right in {right['otherwise']}; not sure: {100 * said['not_sure']:.1f} %"
    )
    return "\n".join(lines)


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
