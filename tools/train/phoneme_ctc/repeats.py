#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How often `sidetone align` tells words that are said twice: where they are, and where they are not.

Recordings of the speakers held out are aligned as they are, in which hardly a word should be said twice. Then one or two words
of each are doubled, at the borders that the alignment gives, and the recording is aligned again.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from batches import held_out_speakers
from corpus import speechocean_utterances

EXAMPLE = """example:
  ./repeats.py --data DATA --count 100
"""
PROGRAM = Path(__file__).parents[3] / "build/release/bin/sidetone"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with speechocean762/")
    parser.add_argument("--count", type=int, default=100, help="recordings (100), evenly among those of the speakers held out")
    parser.add_argument("--program", type=Path, default=PROGRAM, help="default: build/release/bin/sidetone")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def recordings(folder: Path, count: int) -> dict[Path, str]:
    """Files of the speakers held out, and what is read in them."""
    texts = dict(line.split(maxsplit=1) for line in (folder / "train.text").read_text().splitlines())
    utterances = speechocean_utterances(folder, "train")
    held_out = held_out_speakers(utterances)
    names = [utterance.name for utterance in utterances if utterance.speaker in held_out]
    step = max(1, len(names) // count)
    return {folder / "train" / f"{name}.opus": texts[name] for name in names[::step][:count]}


def align(program: Path, sound: Path, text: str, folder: Path) -> dict:
    out = folder / "aligned.json"
    result = subprocess.run([program, "align", sound, "--text", text, "--json", out], capture_output=True, text=True)
    if result.returncode not in (0, 1):
        print(result.stderr, file=sys.stderr)
        raise SystemExit(2)
    return json.loads(out.read_text())


def doubled(sound: Path, words: list[dict], folder: Path) -> Path:
    samples, rate = soundfile.read(sound)
    begin, end = round(words[0]["start_s"] * rate), round(words[-1]["end_s"] * rate)
    out = folder / "doubled.wav"
    soundfile.write(out, np.concatenate([samples[:end], samples[begin:]]), rate)
    return out


def main() -> None:
    options = arguments()
    chance = random.Random(options.seed)
    plain = alarms = others = twice = told = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for sound, text in recordings(options.data / "speechocean762", options.count).items():
            found = align(options.program, sound, text, folder)
            if not found["spoken"]:
                continue
            plain += 1
            alarms += any(beside["words"] for beside in found["beside"])
            others += any(not beside["words"] for beside in found["beside"])
            said = [word for word in found["words"] if not word["left_out"]]
            first = chance.randrange(len(said))
            chosen = said[first : first + chance.choice((1, 1, 2))]
            again = align(options.program, doubled(sound, chosen, folder), text, folder)
            wanted = [word["word"] for word in chosen]
            twice += 1
            told += any(beside["words"] == wanted for beside in again["beside"])
    print(f"{plain} recordings as they are: words said twice in {alarms}, something else in {others}")
    print(f"{twice} with words doubled: told, exactly these, in {told}")


if __name__ == "__main__":
    main()
