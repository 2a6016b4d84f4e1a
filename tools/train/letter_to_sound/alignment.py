# SPDX-License-Identifier: Apache-2.0
"""Which phones each letter of a word makes: none, one or two, by the likeliest way through the word (hard EM)."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

ROUNDS = 6
SMALL = 20_000  # words in all rounds but the last
MOST_PHONES = 2  # to a letter
UNSEEN = 1e-6
Emission = tuple[int, ...]


@dataclass
class Spelling:
    """A word, how it is said, and (once aligned) what each letter makes."""

    word: str
    phones: tuple[int, ...]
    emissions: list[Emission] = field(default_factory=list)


def first_guess(spellings: list[Spelling]) -> Counter[tuple[str, Emission]]:
    """A phone may belong to the letters at about its place in the word."""
    counts: Counter[tuple[str, Emission]] = Counter()
    for spelling in spellings:
        slope = len(spelling.phones) / len(spelling.word)
        for index, letter in enumerate(spelling.word):
            counts[letter, ()] += 0.3
            for place in range(max(0, int(slope * index) - 1), min(len(spelling.phones), int(slope * index) + 2)):
                counts[letter, spelling.phones[place : place + 1]] += 1
                counts[letter, spelling.phones[place : place + 2]] += 0.03
    return counts


def prices_of(counts: Counter[tuple[str, Emission]]) -> dict[tuple[str, Emission], float]:
    totals: Counter[str] = Counter()
    for (letter, _), count in counts.items():
        totals[letter] += count
    return {key: -math.log(count / totals[key[0]]) for key, count in counts.items()}


def emit(spelling: Spelling, prices: dict[tuple[str, Emission], float]) -> bool:
    """Sets `emissions` by dynamic programming; False where there are more phones than letters can make."""
    phones, count = spelling.phones, len(spelling.phones)
    if count > MOST_PHONES * len(spelling.word):
        return False
    unseen = -math.log(UNSEEN)
    row, back = [0.0] + [math.inf] * count, []
    for letter in spelling.word:
        best, taken = [math.inf] * (count + 1), [0] * (count + 1)
        for end in range(count + 1):
            for used in range(min(MOST_PHONES, end) + 1):
                price = row[end - used]
                if price < best[end]:
                    price += prices.get((letter, phones[end - used : end]), unseen + 4 * (used == MOST_PHONES))
                    if price < best[end]:
                        best[end], taken[end] = price, used
        row = best
        back.append(taken)
    end, emissions = count, []
    for taken in reversed(back):
        emissions.append(phones[end - taken[end] : end])
        end -= taken[end]
    spelling.emissions = emissions[::-1]
    return True


def align(spellings: list[Spelling]) -> list[Spelling]:
    """Those that can be aligned, with their emissions."""
    small = spellings[:: max(1, len(spellings) // SMALL)]
    prices = prices_of(first_guess(small))
    for _ in range(ROUNDS - 1):
        counts = Counter(
            (letter, emission)
            for spelling in small
            if emit(spelling, prices)
            for letter, emission in zip(spelling.word, spelling.emissions)
        )
        prices = prices_of(counts)
    aligned = [spelling for spelling in spellings if emit(spelling, prices)]
    counts = Counter((letter, emission) for s in aligned for letter, emission in zip(s.word, s.emissions))
    # What hardly ever happens is a name that is not said as it is written, or an abbreviation.
    common = {key for key, count in counts.items() if count >= 20}
    return [s for s in aligned if all(key in common for key in zip(s.word, s.emissions))]
