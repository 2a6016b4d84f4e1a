#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Phone error rate of `sidetone transcribe`: streaming or by the second pass, with the language model of phones in its search.

Each recording is taken for one utterance; what was heard is compared with the canonical phones. On the speakers held out
of training, for choosing; or on the test half, for reporting, and for nothing else.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from batches import CHILD_BELOW_AGE, held_out_speakers
from corpus import CLASS_OF, Utterance, speechocean_utterances
from measure import edit_distance

EXAMPLE = """example:
  ./error_rate.py --data DATA --on test --pass full
  ./error_rate.py --data DATA --on dev --phone-lm none --beam 4
"""
PROGRAM = Path(__file__).parents[3] / "build/release/bin/sidetone"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with speechocean762/")
    parser.add_argument("--on", choices=("dev", "test"), default="dev", help="default: dev, the speakers held out")
    parser.add_argument("--program", type=Path, default=PROGRAM, help="default: build/release/bin/sidetone")
    parser.add_argument("--pass", dest="by", choices=("streaming", "full"), default="streaming", help="default: streaming")
    parser.add_argument("--model", help="as of `sidetone transcribe`, instead of --pass")
    parser.add_argument("--phone-lm", default="auto", help="as of `sidetone transcribe`")
    parser.add_argument("--beam", type=int, default=16, help="as of `sidetone transcribe`")
    parser.add_argument("--chunk-ms", type=int, default=80, help="as of `sidetone transcribe`")
    parser.add_argument("--gain-db", type=float, default=0, help="hear copies that are so much louder, clipped, in 16 bits")
    return parser.parse_args()


def with_gain(file: Path, gain_db: float, folder: Path) -> Path:
    """A copy of the recording; the recording itself where nothing is to be changed."""
    if gain_db == 0:
        return file
    samples, rate = soundfile.read(file)
    copy = folder / f"{file.stem}.wav"
    soundfile.write(copy, np.clip(samples * 10 ** (gain_db / 20), -1, 1), rate, subtype="PCM_16")
    return copy


def recordings(folder: Path, on: str) -> dict[Path, Utterance]:
    half = "test" if on == "test" else "train"
    utterances = speechocean_utterances(folder, half)
    if on == "dev":
        held_out = held_out_speakers(utterances)
        utterances = [utterance for utterance in utterances if utterance.speaker in held_out]
    return {folder / half / f"{utterance.name}.opus": utterance for utterance in utterances}


def heard_phones(options: argparse.Namespace, files: list[Path]) -> dict[Path, list[int]]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "heard.json"
        file_of = {with_gain(file, options.gain_db, Path(folder)): file for file in files}
        command = [options.program, "transcribe", "--brief", "--vad", "none", "--phone-lm", options.phone_lm]
        command += ["--model", options.model] if options.model else ["--pass", options.by]
        command += ["--beam", str(options.beam), "--chunk-ms", str(options.chunk_ms), "--json", out, *file_of]
        if subprocess.run(command, stdout=subprocess.DEVNULL).returncode != 0:
            raise SystemExit(2)
        found = json.loads(out.read_text())["files"]
    return {
        file_of[Path(file["file"])]: [CLASS_OF[phone["phone"]] for part in file["utterances"] for phone in part["phones"]]
        for file in found
    }


def main() -> None:
    options = arguments()
    said = recordings(options.data / "speechocean762", options.on)
    if not options.program.exists():
        print(f"{options.program}: found no such program, expected `sidetone`", file=sys.stderr)
        raise SystemExit(2)
    heard = heard_phones(options, list(said))
    errors, counts = {True: 0, False: 0}, {True: 0, False: 0}
    for file, utterance in said.items():
        is_child = utterance.age < CHILD_BELOW_AGE
        errors[is_child] += edit_distance(heard[file], [int(phone) for phone in utterance.phones])
        counts[is_child] += len(utterance.phones)
    everyone = sum(errors.values()) / sum(counts.values())
    print(
        f"{len(said)} utterances of {options.on}: PER {100 * everyone:.2f} % (under {CHILD_BELOW_AGE}: "
        f"{100 * errors[True] / counts[True]:.2f} %, others: {100 * errors[False] / counts[False]:.2f} %)"
    )


if __name__ == "__main__":
    main()
