# SPDX-License-Identifier: Apache-2.0
"""Where each phone begins and ends: a monophone model of Gaussian mixtures, trained from a flat start.

The network learns much faster, and speaks up sooner, when it is told where the phones are. The classic recipe is enough for
that: three states a phone, 13 cepstra with differences, Viterbi training, mixtures split as they settle. Silence may
come between words. A whole corpus takes minutes on one core because many utterances are traced side by side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.fft import dct
from scipy.ndimage import correlate1d

from corpus import PHONES, Corpus, Utterance
from progress import Progress

STATES_A_PHONE = 3
STATES = len(PHONES) * STATES_A_PHONE  # silence (class 0) uses its first state only
CEPSTRA = 13
VARIANCE_FLOOR = 0.05
NEVER = np.float32(-1e30)
# Passes over the corpus, each with so many Gaussians a state.
SCHEDULE = (1, 1, 1, 1, 1, 2, 2, 4, 4, 8, 8)


def cepstra(frames: np.ndarray) -> np.ndarray:
    """[frames, 39]: cepstra, their differences and second differences, each with mean 0 and deviation 1 in the utterance."""
    static = dct(frames, type=2, norm="ortho", axis=1)[:, :CEPSTRA]
    slope = np.array([-2, -1, 0, 1, 2], dtype=np.float64) / 10.0
    first = correlate1d(static, slope, axis=0, mode="nearest")
    second = correlate1d(first, slope, axis=0, mode="nearest")
    stacked = np.concatenate([static, first, second], axis=1)
    return ((stacked - stacked.mean(axis=0)) / (stacked.std(axis=0) + 1e-3)).astype(np.float32)


@dataclass
class Path:
    """The chain of states of one utterance. `skips[s]` marks states that may follow s - 2: silence between was optional."""

    states: np.ndarray  # acoustic state of each place
    phone: np.ndarray  # index of the phone in the utterance, -1 in silence
    skips: np.ndarray


def path_of(utterance: Utterance) -> Path:
    states, phone, skips = [0], [-1], [False]
    for index, (label, begins_word) in enumerate(zip(utterance.phones, utterance.word_starts)):
        if begins_word and index > 0:
            states.append(0), phone.append(-1), skips.append(False)
        for part in range(STATES_A_PHONE):
            states.append(int(label) * STATES_A_PHONE + part)
            phone.append(index)
            skips.append(bool(begins_word and part == 0))
    states.append(0), phone.append(-1), skips.append(False)
    return Path(np.array(states), np.array(phone), np.array(skips))


class Mixtures:
    """Diagonal Gaussian mixtures of all states."""

    def __init__(self, vectors: np.ndarray, assigned: np.ndarray) -> None:
        self.mean = np.zeros((STATES, 1, vectors.shape[1]), np.float32)
        self.variance = np.ones_like(self.mean)
        self.weight = np.ones((STATES, 1), np.float32)
        self.update(vectors, assigned)

    def _log_parts(self, vectors: np.ndarray) -> np.ndarray:
        """Log likelihood with weight of each Gaussian: [frames, STATES, Gaussians]."""
        inverse = 1.0 / self.variance
        constant = np.log(self.weight + 1e-10) - 0.5 * (np.log(2 * np.pi * self.variance) + self.mean**2 * inverse).sum(-1)
        count = self.mean.shape[0] * self.mean.shape[1]
        linear = (self.mean * inverse).reshape(count, -1)
        square = (-0.5 * inverse).reshape(count, -1)
        scores = vectors @ linear.T + (vectors**2) @ square.T + constant.reshape(count)
        return scores.reshape(len(vectors), *self.weight.shape)

    def score(self, vectors: np.ndarray) -> np.ndarray:
        """[frames, STATES]; the best Gaussian stands for the sum."""
        return self._log_parts(vectors).max(axis=2)

    def update(self, vectors: np.ndarray, assigned: np.ndarray) -> None:
        """One step of expectation and maximisation within each state's frames."""
        for state in np.unique(assigned):
            mine = vectors[assigned == state]
            inverse = 1.0 / self.variance[state]
            parts = mine @ (self.mean[state] * inverse).T - 0.5 * (mine**2) @ inverse.T
            parts += np.log(self.weight[state] + 1e-10)
            parts -= 0.5 * (np.log(self.variance[state]) + self.mean[state] ** 2 * inverse).sum(-1)
            share = np.exp(parts - parts.max(axis=1, keepdims=True))
            share /= share.sum(axis=1, keepdims=True)
            mass = share.sum(axis=0)[:, None] + 1e-3
            mean = (share.T @ mine + 1e-3 * self.mean[state]) / mass
            variance = (share.T @ mine**2) / mass - mean**2
            self.mean[state], self.variance[state] = mean, np.maximum(variance, VARIANCE_FLOOR)
            self.weight[state] = mass[:, 0] / mass.sum()

    def split(self) -> None:
        """Each Gaussian becomes two, a fifth of a deviation to either side."""
        step = 0.2 * np.sqrt(self.variance)
        self.mean = np.concatenate([self.mean - step, self.mean + step], axis=1)
        self.variance = np.concatenate([self.variance] * 2, axis=1)
        self.weight = np.concatenate([self.weight] * 2, axis=1) / 2


def flat_start(path: Path, loudness: np.ndarray) -> np.ndarray:
    """Places of the chain spread evenly over what is louder than silence."""
    count = len(loudness)
    level = np.percentile(loudness, 5) + 0.35 * (np.percentile(loudness, 95) - np.percentile(loudness, 5))
    loud = np.flatnonzero(loudness > level)
    begin, end = int(loud[0]), int(loud[-1]) + 1
    spoken = np.flatnonzero(path.phone >= 0)
    places = np.full(count, len(path.states) - 1)
    places[:begin] = 0
    places[begin:end] = spoken[np.arange(end - begin) * len(spoken) // (end - begin)]
    return places


def trace(paths: list[Path], scores: list[np.ndarray]) -> list[np.ndarray]:
    """Best way through each chain for its frames' scores, all utterances in step. Returns the place at each frame."""
    count, width = len(paths), max(len(path.states) for path in paths)
    longest = max(len(score) for score in scores)
    emit = np.full((longest, count, width), NEVER, np.float32)
    skip = np.full((count, width), NEVER, np.float32)
    for index, (path, score) in enumerate(zip(paths, scores)):
        emit[: len(score), index, : len(path.states)] = score[:, path.states]
        skip[index, : len(path.states)][path.skips] = 0
    back = np.zeros((longest, count, width), np.uint8)
    best = np.full((count, width), NEVER, np.float32)
    best[:, :2] = emit[0, :, :2]
    lasts = []
    for t in range(1, longest):
        lasts.append(best)
        one = np.full_like(best, NEVER)
        one[:, 1:] = best[:, :-1]
        two = np.full_like(best, NEVER)
        two[:, 2:] = best[:, :-2]
        two += skip
        choice = np.maximum(one, two)
        back[t] = np.where(best >= choice, 0, np.where(one >= two, 1, 2))
        best = np.maximum(best, choice) + emit[t]
    lasts.append(best)
    places = []
    for index, (path, score) in enumerate(zip(paths, scores)):
        t, final = len(score) - 1, len(path.states) - 1
        place = final if lasts[t][index, final] >= lasts[t][index, final - 1] else final - 1
        way = np.empty(len(score), np.int64)
        while t >= 0:
            way[t] = place
            place -= back[t, index, place]
            t -= 1
        places.append(way)
    return places


def align(corpus: Corpus) -> np.ndarray:
    """For each frame of the corpus the index of its phone within the utterance, or -1 in silence: [frames] int16."""
    order = sorted(range(len(corpus.utterances)), key=lambda i: corpus.utterances[i].end - corpus.utterances[i].begin)
    chains = [path_of(utterance) for utterance in corpus.utterances]
    vectors = np.zeros((len(corpus.frames), 3 * CEPSTRA), np.float32)
    assigned = np.zeros(len(corpus.frames), np.int64)
    for utterance, chain in zip(corpus.utterances, chains):
        mine = slice(utterance.begin, utterance.end)
        vectors[mine] = cepstra(corpus.frames[mine])
        assigned[mine] = chain.states[flat_start(chain, corpus.frames[mine].mean(axis=1))]
    mixtures = Mixtures(vectors, assigned)
    phone_at = np.full(len(corpus.frames), -1, np.int16)
    progress = Progress("align", len(SCHEDULE))
    for gaussians in SCHEDULE:
        while mixtures.weight.shape[1] < gaussians:
            mixtures.split()
            mixtures.update(vectors, assigned)
        total = 0.0
        for first in range(0, len(order), 48):
            group = order[first : first + 48]
            spans = [slice(corpus.utterances[i].begin, corpus.utterances[i].end) for i in group]
            scores = [mixtures.score(vectors[span]) for span in spans]
            for i, span, score, way in zip(group, spans, scores, trace([chains[i] for i in group], scores)):
                assigned[span] = chains[i].states[way]
                phone_at[span] = chains[i].phone[way]
                total += float(score[np.arange(len(way)), assigned[span]].sum())
        mixtures.update(vectors, assigned)
        progress.step(f"log likelihood a frame {total / len(vectors):.3f}")
    return phone_at
