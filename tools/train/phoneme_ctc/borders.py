#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How far the borders of `sidetone align` are from those of flite, which knows where each phone of its speech begins.

Phones that both sides have in the same order are compared, beginnings with beginnings. Where flite pronounces a word
otherwise than the lexicon, its phones are left out.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
import statistics
import subprocess
import tempfile
from pathlib import Path

EXAMPLE = """example:
  ./borders.py --program ../../../build/release/bin/sidetone --texts DATA/speechocean762/test.text
"""
SENTENCES = 120
SILENCE = "PAU"
SAME_PHONE = {"AX": "AH"}  # flite's names of phones that ARPAbet's 39 do not tell apart


def borders_of_flite(text: str, sound: Path) -> list[tuple[str, float]]:
    """Speaks `text` into `sound`; phones and where they begin, in seconds."""
    said = subprocess.run(["flite", "-t", text.lower(), "-o", str(sound), "-psdur"], capture_output=True, text=True, check=True)
    ends = [(name.upper(), float(end)) for name, end in re.findall(r"([a-z]+):([\d.]+)", said.stdout + said.stderr)]
    begins = [0.0] + [end for _, end in ends]
    return [(SAME_PHONE.get(name, name), begin) for (name, _), begin in zip(ends, begins) if name != SILENCE]


def borders_of_program(options: argparse.Namespace, text: str, sound: Path, out: Path) -> list[tuple[str, float]]:
    """The same by alignment; nothing where the program does not find the text."""
    command = [str(options.program), "align", str(sound), "--text", text, "--json", str(out), "--pass", options.by]
    if options.also_unspoken:
        command.append("--also-unspoken")
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 2:
        raise SystemExit(done.stderr.strip())
    words = json.loads(out.read_text())["words"]
    return [(phone["phone"], phone["start_s"]) for word in words for phone in word.get("phones", [])]


def errors(truth: list[tuple[str, float]], found: list[tuple[str, float]]) -> list[float]:
    matcher = difflib.SequenceMatcher(a=[name for name, _ in truth], b=[name for name, _ in found], autojunk=False)
    return [
        found[block.b + i][1] - truth[block.a + i][1] for block in matcher.get_matching_blocks() for i in range(block.size)
    ]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, required=True, help="sidetone")
    parser.add_argument("--texts", type=Path, required=True, help="lines of a name and a sentence")
    parser.add_argument("--pass", dest="by", choices=("streaming", "full"), default="streaming", help="as of `sidetone align`")
    parser.add_argument("--also-unspoken", action="store_true", help="as of `sidetone align`: refuse no sentence")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    lines = options.texts.read_text().splitlines()
    texts = [line.split(None, 1)[1] for line in lines[:: max(1, len(lines) // SENTENCES)]][:SENTENCES]
    off: list[float] = []
    refused = 0
    with tempfile.TemporaryDirectory() as folder:
        sound, out = Path(folder, "spoken.wav"), Path(folder, "found.json")
        for text in texts:
            truth = borders_of_flite(text, sound)
            found = borders_of_program(options, text, sound, out)
            refused += not found
            off += errors(truth, found)
    if not off:
        raise SystemExit("no text was found where it was spoken")
    size = sorted(abs(error) for error in off)
    print(
        f"{len(texts)} sentences, {refused} not found, {len(off)} phones: median error {1000 * statistics.median(size):.0f} ms, "
        f"p95 {1000 * size[int(0.95 * len(size))]:.0f} ms, median lateness {1000 * statistics.median(off):.0f} ms"
    )


if __name__ == "__main__":
    main()
