# SPDX-License-Identifier: Apache-2.0
"""Writes denoise-in.wav beside this file: a voice-like tone in noise. Made once; the file, not this, is the reference."""

import array
import math
import pathlib
import random
import wave

RATE_HZ = 48000
SECONDS = 0.22
HARMONICS = 20
NOISE = 0.03
LEVEL = 0.12

noise = random.Random(1)
samples, phase = array.array("h"), 0.0
for n in range(int(RATE_HZ * SECONDS)):
    t = n / RATE_HZ
    phase += 2 * math.pi * (110 + 70 * t / SECONDS) / RATE_HZ
    voice = sum(math.sin(k * phase + k * k) / k for k in range(1, HARMONICS + 1))
    syllables = math.sin(2 * math.pi * t / SECONDS) ** 2
    value = LEVEL * syllables * voice + noise.gauss(0, NOISE)
    samples.append(round(32767 * max(-1.0, min(1.0, value))))

with wave.open(str(pathlib.Path(__file__).parent / "denoise-in.wav"), "wb") as out:
    out.setnchannels(1)
    out.setsampwidth(2)
    out.setframerate(RATE_HZ)
    out.writeframes(samples.tobytes())
