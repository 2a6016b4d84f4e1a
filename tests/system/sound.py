# SPDX-License-Identifier: Apache-2.0
"""WAV files, good and bad, byte by byte."""

import array
import math
import struct

PCM, FLOAT = 1, 3


def chunk(name, body, claimed_bytes=None):
    """A RIFF chunk; `claimed_bytes`: what its header says, when that is not the truth."""
    size = len(body) if claimed_bytes is None else claimed_bytes
    return name + struct.pack("<I", size) + body + b"\0" * (len(body) % 2)


def wav(data, rate_hz=48000, channels=1, code=FLOAT, bits=32, claimed_bytes=None):
    """A WAV file around the bytes `data`."""
    frame = channels * bits // 8
    head = struct.pack("<HHIIHH", code, channels, rate_hz, (rate_hz * frame) & 0xffffffff, frame, bits)
    body = b"WAVE" + chunk(b"fmt ", head) + chunk(b"data", data, claimed_bytes)
    return b"RIFF" + struct.pack("<I", len(body) & 0xffffffff) + body


def float_wav(samples, **keywords):
    return wav(array.array("f", samples).tobytes(), **keywords)


def sine(seconds, rate_hz=48000, level=0.1, frequency_hz=440):
    step = 2 * math.pi * frequency_hz / rate_hz
    return [level * math.sin(step * n) for n in range(int(seconds * rate_hz))]


def read_float_wav(path):
    """(rate, channels, samples) of a 32-bit float WAV file."""
    data = path.read_bytes()
    assert data[:4] == b"RIFF" and data[8:12] == b"WAVE", f"{path} is no WAV file"
    at, rate_hz, channels, samples = 12, 0, 0, None
    while at + 8 <= len(data):
        name, size = data[at:at + 4], struct.unpack_from("<I", data, at + 4)[0]
        if name == b"fmt ":
            code, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", data, at + 8)
            if code == 0xfffe:  # extensible: the true code begins the sub-format
                code = struct.unpack_from("<H", data, at + 8 + 24)[0]
            assert (code, bits) == (FLOAT, 32), f"{path} is not 32-bit float"
        if name == b"data":
            samples = array.array("f")
            samples.frombytes(data[at + 8:at + 8 + size])
        at += 8 + size + size % 2
    return rate_hz, channels, samples


def largest_difference(a, b):
    return max((abs(x - y) for x, y in zip(a, b)), default=0.0)
