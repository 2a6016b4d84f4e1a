#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Lists the recordings of a half of speechocean762 for `sidetone score --list`: file, no text, and phones, tabs between them."""

from __future__ import annotations

import argparse
from pathlib import Path

from corpus import read

EXAMPLE = """example:
  ./list.py --data data/speechocean762 --half train > train.tsv
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of speechocean762")
    parser.add_argument("--half", choices=("train", "test"), required=True)
    options = parser.parse_args()
    for one in read(options.data, options.half):
        file = (options.data / options.half / f"{one.name}.opus").resolve()
        print(file, "", " | ".join(" ".join(word) for word in one.words), sep="\t")


if __name__ == "__main__":
    main()
