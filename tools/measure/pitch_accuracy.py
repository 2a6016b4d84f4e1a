#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How far the pitch of `sidetone measure voice` is from that of another method, and from one that is known.

Each recording is searched by autocorrelation over the whole file (Boersma 1993: candidates, costs of octaves, of jumps
and of beginning a voice), in double precision. That pitch then drives pulses, with a little noise, through the
recording's own linear prediction, which gives speech whose pitch is known. Needs numpy, scipy and soundfile.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import tempfile
from math import gcd
from pathlib import Path

import numpy as np
import soundfile
from scipy.linalg import solve_toeplitz
from scipy.signal import lfilter, resample_poly

EXAMPLE = """example:
  ./pitch_accuracy.py --program ../../build/release/bin/sidetone --seconds 6 DATA/lj/LJ001-000?.opus
"""
RATE, HOP = 16000, 160
LOWEST_HZ, HIGHEST_HZ = 60, 600
UNVOICED, OCTAVE, JUMP, CHANGE, SILENCE = 0.45, 0.01, 0.35, 0.14, 0.03
GROSS = 0.2


def read(path: Path, seconds: float) -> np.ndarray:
    sound, rate = soundfile.read(path, always_2d=True)
    common = gcd(rate, RATE)
    return resample_poly(sound[:, 0], RATE // common, rate // common)[:int(seconds * RATE)]


def candidates(frame: np.ndarray, window: np.ndarray, of_window: np.ndarray, peak: float) -> list[tuple[float, float]]:
    """(pitch, strength) of a frame; pitch 0 is having none."""
    frame = frame - frame.mean()
    unvoiced = UNVOICED + max(0.0, 2 - np.abs(frame).max() / peak / (SILENCE / (1 + UNVOICED)))
    found = np.fft.irfft(np.abs(np.fft.rfft(frame * window, 2048)) ** 2)
    if found[0] <= 0:
        return [(0.0, 1.0)]
    longest = RATE // LOWEST_HZ
    found = (found / found[0] / np.maximum(of_window, 1e-3))[:longest + 2]
    lags = np.arange(RATE // HIGHEST_HZ, longest + 1)
    lags = lags[(found[lags] > found[lags - 1]) & (found[lags] >= found[lags + 1]) & (found[lags] > 0.3 * UNVOICED)]
    before, at, after = found[lags - 1], found[lags], found[lags + 1]
    offset = 0.5 * (before - after) / (before - 2 * at + after)
    height = at - 0.25 * (before - after) * offset
    height = np.where(height > 1, 1 / height, height)
    best = np.argsort(-height)[:14]
    periods = lags[best] + offset[best]
    strengths = height[best] - OCTAVE * np.log2(LOWEST_HZ * periods / RATE)
    return [(0.0, unvoiced)] + [(RATE / period, strength) for period, strength in zip(periods, strengths)]


def pitch_by_autocorrelation(sound: np.ndarray) -> np.ndarray:
    length = 3 * RATE // LOWEST_HZ
    padded = np.concatenate([np.zeros(length // 2), sound, np.zeros(length)])
    window = np.hanning(length)
    of_window = np.fft.irfft(np.abs(np.fft.rfft(window, 2048)) ** 2)
    peak = np.abs(sound - sound.mean()).max() + 1e-12
    frames = [candidates(padded[t * HOP:t * HOP + length], window, of_window / of_window[0], peak)
              for t in range(1 + len(sound) // HOP)]
    scores, sources = np.array([strength for _, strength in frames[0]]), []
    for last, now in zip(frames, frames[1:]):
        old, new = np.array([f0 for f0, _ in last])[:, None], np.array([f0 for f0, _ in now])[None]
        octaves = np.abs(np.log2(np.maximum(old, 1) / np.maximum(new, 1)))
        costs = np.where((old > 0) & (new > 0), JUMP * octaves, np.where((old > 0) != (new > 0), CHANGE, 0))
        ways = scores[:, None] - costs
        sources.append(ways.argmax(0))
        scores = ways.max(0) + np.array([strength for _, strength in now])
    state = int(np.argmax(scores))
    way = [state]
    for source in reversed(sources):
        state = source[state]
        way.append(state)
    return np.array([frame[state][0] for frame, state in zip(frames, reversed(way))])


def excitation(pitch: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Pulses at the pitch, and noise where there is none."""
    count = len(pitch) * HOP
    between = np.interp(np.arange(count), np.arange(len(pitch)) * HOP, pitch)
    sound, turns = np.zeros(count), 0.0
    for n in range(count):
        frame = n // HOP
        here, then = pitch[frame], pitch[min(frame + 1, len(pitch) - 1)]
        f0 = between[n] if here > 0 and then > 0 else here if n % HOP < HOP // 2 else then
        if f0 <= 0:
            sound[n] += random.standard_normal()
            continue
        turns += f0 / RATE
        sound[n] += 0.1 * random.standard_normal()
        if turns >= 1:
            turns -= 1
            late = turns * RATE / f0
            sound[n] += (1 - late) * np.sqrt(RATE / f0)
            sound[n - 1] += late * np.sqrt(RATE / f0)
    return sound


def remade(sound: np.ndarray, pitch: np.ndarray, random: np.random.Generator, order: int = 18) -> np.ndarray:
    """The recording's spectra, frame by frame, with pulses at `pitch`."""
    source, result, memory = excitation(pitch, random), [], np.zeros(order)
    padded = np.concatenate([np.zeros(200), sound, np.zeros(1000)])
    for t in range(len(pitch)):
        frame = padded[t * HOP:t * HOP + 400] * np.hanning(400)
        r = np.array([np.dot(frame[:400 - k], frame[k:]) for k in range(order + 1)])
        r[0] = r[0] * 1.0001 + 1e-9
        a = np.concatenate([[1], -solve_toeplitz(r[:-1], r[1:])])
        gain = np.sqrt(max(np.dot(a, r), 0) / 150)
        begin = max(0, t * HOP - HOP // 2)  # a frame's middle is its instant
        made, memory = lfilter([gain], a * 0.998 ** np.arange(order + 1), source[begin:t * HOP + HOP // 2], zi=memory)
        result.append(made)
    result = np.concatenate(result)
    return result + 1e-4 * random.standard_normal(len(result))


def pitch_by_program(program: Path, sound: np.ndarray, folder: Path) -> np.ndarray:
    soundfile.write(folder / "sound.wav", sound, RATE, subtype="FLOAT")
    done = subprocess.run([str(program), "measure", "voice", str(folder / "sound.wav"), "--csv", str(folder / "voice.csv")],
                          capture_output=True, text=True)
    if done.returncode == 2:
        raise SystemExit(done.stderr.strip())
    with (folder / "voice.csv").open() as rows:
        return np.array([float(row["f0_hz"] or 0) for row in csv.DictReader(rows)])


def report(name: str, pairs: list[tuple[np.ndarray, np.ndarray]]) -> None:
    count = [min(len(truth), len(found)) for truth, found in pairs]
    truth = np.concatenate([truth[:n] for (truth, _), n in zip(pairs, count)])
    found = np.concatenate([found[:n] for (_, found), n in zip(pairs, count)])
    both = (truth > 0) & (found > 0)
    off = np.abs(found[both] / truth[both] - 1)
    print(f"{name}: {len(truth)} frames; gross errors {100 * np.mean(off > GROSS):.2f} %, the others off by "
          f"{100 * off[off <= GROSS].mean():.2f} % on average; of voiced frames {100 * np.mean(found[truth > 0] == 0):.1f} % "
          f"missed, of unvoiced ones {100 * np.mean(found[truth == 0] > 0):.1f} % taken for voiced")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, required=True, help="the built sidetone")
    parser.add_argument("--seconds", type=float, default=6, help="of each recording (default: 6)")
    parser.add_argument("recordings", type=Path, nargs="+")
    arguments = parser.parse_args()
    random = np.random.default_rng(1)
    compared, known = [], []
    with tempfile.TemporaryDirectory() as name:
        for path in arguments.recordings:
            sound = read(path, arguments.seconds)
            truth = pitch_by_autocorrelation(sound)
            compared.append((truth, pitch_by_program(arguments.program, sound, Path(name))))
            made = remade(sound, truth, random)
            known.append((truth, pitch_by_program(arguments.program, made, Path(name))))
    report("against autocorrelation", compared)
    report("against a known pitch", known)


if __name__ == "__main__":
    main()
