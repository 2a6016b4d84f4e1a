# SPDX-License-Identifier: Apache-2.0
"""Other voices, rooms and levels made from cached log-mel frames: what keeps a small corpus from being learnt by heart."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from features import BINS, HIGH_HZ, LOW_HZ, mel

NEPERS_A_DB = np.log(10.0) / 10.0  # log-mel values are natural logarithms of energies
WARP_STEPS = 15  # tract lengths to either side of the speaker's own
WARP_WIDEST = 0.15
QUIET_KEPT = (8, 40)  # frames of silence that stay before and after the speech


@lru_cache(maxsize=None)
def warp_matrix(step: int) -> np.ndarray:
    """[BINS, BINS]: log-mel of a voice whose spectrum is stretched by 1 + WARP_WIDEST * step / WARP_STEPS."""
    factor = 1.0 + WARP_WIDEST * step / WARP_STEPS
    centres = np.linspace(mel(LOW_HZ), mel(HIGH_HZ), BINS + 2)[1:-1]
    hz = 700.0 * (np.exp(centres / 1127.0) - 1.0)
    place = np.interp(mel(hz / factor), centres, np.arange(BINS))
    lower = np.minimum(place.astype(int), BINS - 2)
    matrix = np.zeros((BINS, BINS), np.float32)
    matrix[lower, np.arange(BINS)] = 1.0 - (place - lower)
    matrix[lower + 1, np.arange(BINS)] = place - lower
    return matrix


def trim(phone_at: np.ndarray, rng: np.random.Generator) -> slice:
    """The part of an utterance to learn from: most times with less silence around it."""
    spoken = np.flatnonzero(phone_at > 0)
    if len(spoken) == 0 or rng.random() < 0.15:
        return slice(0, len(phone_at))
    before, after = rng.integers(*QUIET_KEPT, size=2)
    return slice(max(0, spoken[0] - before), min(len(phone_at), spoken[-1] + 1 + after))


def change_tempo(frames: np.ndarray, phone_at: np.ndarray, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """Between frames the logarithms are interpolated; a phone keeps its pitch and formants."""
    place = np.arange(int((len(frames) - 1) / factor) + 1) * factor
    lower = np.minimum(place.astype(int), len(frames) - 2)
    share = (place - lower).astype(np.float32)[:, None]
    return frames[lower] * (1 - share) + frames[lower + 1] * share, phone_at[np.rint(place).astype(int)]


def add_noise(frames: np.ndarray, noise: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Energies add up, as those of independent sounds do on average. 3 to 30 dB under the speech's louder half."""
    begin = rng.integers(len(noise))
    part = np.take(noise, np.arange(begin, begin + len(frames)), axis=0, mode="wrap")
    speech_level = np.percentile(frames.max(axis=1), 75)
    noise_level = part.max(axis=1).mean()
    snr_db = rng.uniform(3, 30)
    return np.logaddexp(frames, part + np.float32(speech_level - noise_level - snr_db * NEPERS_A_DB))


def mask(frames: np.ndarray, fill: np.ndarray, rng: np.random.Generator) -> None:
    """SpecAugment (Park et al., 2019): two bands, and a stretch of up to 100 ms in each second."""
    for _ in range(2):
        width = rng.integers(0, 16)
        begin = rng.integers(0, BINS - width + 1)
        frames[:, begin : begin + width] = fill[begin : begin + width]
    for _ in range(len(frames) // 100):
        length = rng.integers(0, 11)
        begin = rng.integers(0, len(frames) - length)
        frames[begin : begin + length] = fill


def augmented(
    frames: np.ndarray, phone_at: np.ndarray, noise: np.ndarray, fill: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """`phone_at`: class at each frame, 0 in silence; `fill`: the mean frame. Returns frames and classes, changed alike."""
    part = trim(phone_at, rng)
    frames, phone_at = change_tempo(frames[part], phone_at[part], rng.uniform(0.88, 1.14))
    frames = frames @ warp_matrix(int(rng.integers(-WARP_STEPS, WARP_STEPS + 1)))
    if rng.random() < 0.5:
        frames = add_noise(frames, noise, rng)
    frames = frames + np.float32(rng.uniform(-12, 12) * NEPERS_A_DB)
    mask(frames, fill, rng)
    return frames, phone_at
