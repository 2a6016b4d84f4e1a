#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what `sidetone bench words` reads: recordings with what was said in them, and a group for each.

    tools/words/lists.py --data $SIDETONE_DATA --output words.tsv && sidetone bench words words.tsv --json words.json

The groups: three utterances of LibriSpeech that set-up brings, 200 of LJSpeech, and 300 of speechocean762's test half
(report only), children under 13 apart. Which ones follows from the seed.
"""

import argparse
import pathlib
import random
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
LIBRISPEECH = {
    "2830-3980-0043": "experience proves this",
    "4507-16021-0012": "why should one halt on the way",
    "8455-210777-0068": "your power is sufficient i said",
}


def refuse(what):
    print(what, file=sys.stderr)
    raise SystemExit(2)


def lines_of(file):
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        refuse(f"{file}: cannot be read: {error}")


def librispeech():
    folder = SOURCE / "deps" / "audio" / "speech"
    return [(folder / f"{name}.wav", text, "librispeech") for name, text in LIBRISPEECH.items()]


def ljspeech(data, count, chance):
    rows = [line.split("\t") for line in lines_of(data / "lj" / "transcripts.tsv")]
    chosen = sorted(chance.sample(rows, min(count, len(rows))))
    return [(data / "lj" / f"{row[0]}.opus", row[-1], "ljspeech") for row in chosen]


def speechocean(data, count, chance):
    folder = data / "speechocean762"
    table = {name: dict(line.split(None, 1) for line in lines_of(folder / f"test.{name}"))
             for name in ("text", "utt2spk", "spk2age")}
    if count > len(table["text"]):
        refuse(f"{folder / 'test.text'}: found {len(table['text'])} recordings, expected the {count} of --learners")
    chosen = sorted(chance.sample(sorted(table["text"]), count))
    rows = []
    for name in chosen:
        age = int(table["spk2age"][table["utt2spk"][name].strip()])
        rows.append((folder / "test" / f"{name}.opus", table["text"][name], "learners under 13" if age < 13 else "learners"))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder with lj and speechocean762")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--lj", type=int, default=200)
    parser.add_argument("--learners", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for option in ("lj", "learners"):
        if (count := getattr(arguments, option)) < 0:
            refuse(f"--{option}: found {count}, expected 0 or more")
    chance = random.Random(arguments.seed)
    rows = librispeech() + ljspeech(arguments.data, arguments.lj, chance) + \
        speechocean(arguments.data, arguments.learners, chance)
    try:
        arguments.output.write_text("".join(f"{file}\t{text}\t{group}\n" for file, text, group in rows))
    except OSError as error:
        refuse(f"{arguments.output}: cannot be written: {error}")


if __name__ == "__main__":
    main()
