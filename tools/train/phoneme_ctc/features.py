# SPDX-License-Identifier: Apache-2.0
"""Log-mel features as Kaldi's `compute-fbank-feats --dither=0 --snip-edges=true --high-freq=0` makes them.

This is the reference, in double precision, for what the engine computes (src/dsp). Samples are scaled to +-32768:
with +-1 instead, every value would be 20.8 lower, and a model trained on one fails silently on the other.
"""

from __future__ import annotations

import numpy as np

RATE_HZ = 16000
FRAME = 400
SHIFT = 160
FFT_SIZE = 512
BINS = 80
LOW_HZ = 20.0
HIGH_HZ = 8000.0
PRE_EMPHASIS = 0.97
FLOOR = 1.1920929e-07


def mel(hz: np.ndarray | float) -> np.ndarray | float:
    """Kaldi's mel scale."""
    return 1127.0 * np.log(1.0 + np.asarray(hz) / 700.0)


def povey_window() -> np.ndarray:
    """A Hann window over FRAME - 1 intervals, raised to the power 0.85: near Hamming, but zero at its ends."""
    phase = 2.0 * np.pi * np.arange(FRAME) / (FRAME - 1)
    return (0.5 - 0.5 * np.cos(phase)) ** 0.85


def mel_filters() -> np.ndarray:
    """Triangles, evenly spaced and straight on the mel scale: [FFT_SIZE / 2, BINS]; the Nyquist bin is not used."""
    edges = np.linspace(mel(LOW_HZ), mel(HIGH_HZ), BINS + 2)
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    at = mel(np.arange(FFT_SIZE // 2) * RATE_HZ / FFT_SIZE)[:, None]
    rising = (at - left) / (centre - left)
    falling = (right - at) / (right - centre)
    return np.maximum(0.0, np.minimum(rising, falling))


_WINDOW = povey_window()
_FILTERS = mel_filters()


def frame_count(samples: int) -> int:
    """Frames that lie within the sound as a whole: frame t covers samples [160 t, 160 t + 400)."""
    return 0 if samples < FRAME else 1 + (samples - FRAME) // SHIFT


def log_mel(samples: np.ndarray) -> np.ndarray:
    """`samples`: mono, 16 kHz, +-1. Returns [frames, BINS], natural logarithms of energies."""
    scaled = np.asarray(samples, dtype=np.float64) * 32768.0
    count = frame_count(len(scaled))
    if count == 0:
        return np.zeros((0, BINS))
    starts = np.arange(count)[:, None] * SHIFT
    frames = scaled[starts + np.arange(FRAME)[None, :]]
    frames = frames - frames.mean(axis=1, keepdims=True)
    before = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
    emphasised = frames - PRE_EMPHASIS * before
    spectrum = np.fft.rfft(emphasised * _WINDOW, FFT_SIZE)[:, : FFT_SIZE // 2]
    energies = (spectrum.real**2 + spectrum.imag**2) @ _FILTERS
    return np.log(np.maximum(energies, FLOOR))
