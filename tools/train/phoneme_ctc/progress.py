# SPDX-License-Identifier: Apache-2.0
"""Progress lines with the time that is left."""

from __future__ import annotations

import sys
import time


class Progress:
    """Prints a line every few seconds: how far, and how long still."""

    def __init__(self, label: str, total: int, every_s: float = 10.0) -> None:
        self._label, self._total, self._every_s = label, total, every_s
        self._begun = self._printed = time.monotonic()
        self._done = 0

    def step(self, note: str = "") -> None:
        self._done += 1
        now = time.monotonic()
        if now - self._printed < self._every_s and self._done < self._total:
            return
        self._printed = now
        left_s = (now - self._begun) / self._done * (self._total - self._done)
        print(f"{self._label}: {self._done}/{self._total}, {left_s:.0f} s left {note}".rstrip(), file=sys.stderr, flush=True)
