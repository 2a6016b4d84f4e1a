# SPDX-License-Identifier: Apache-2.0
"""The tests of tools/train/phoneme_ctc, with a Python that has what they need; skipped where there is none."""

import os
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(os.environ.get("SIDETONE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
FOLDER = SOURCE / "tools" / "train" / "phoneme_ctc"


def has_what_it_needs(python):
    check = [python, "-c", "import torch, onnx, scipy, soundfile"]
    return pathlib.Path(python).exists() and subprocess.run(check, capture_output=True).returncode == 0


# Debian's packages are Debian's Python's, which need not be the first on the path.
for python in (sys.executable, "/usr/bin/python3"):
    if has_what_it_needs(python):
        sys.exit(subprocess.run([python, "training_test.py"], cwd=FOLDER).returncode)
print("skipped: no Python here has torch, onnx, scipy and soundfile")
sys.exit(77)
