# SPDX-License-Identifier: Apache-2.0
"""Runs the built program as a user would, in a folder that is gone afterwards."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

SOURCE = pathlib.Path(os.environ.get("SIDETONE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
PROGRAM = pathlib.Path(os.environ.get("SIDETONE", SOURCE / "build" / "release" / "bin" / "sidetone"))
CHAINS = SOURCE / "chains"
SPEECH = SOURCE / "deps" / "audio" / "speech" / "4507-16021-0012.wav"

GAIN_CHAIN = '[[stage]]\nkind = "gain"\n'


class Result:
    """What a finished program came to."""

    def __init__(self, arguments, code, out, err):
        self.arguments, self.code, self.out, self.err = arguments, code, out, err

    def __str__(self):
        command = " ".join(str(argument) for argument in self.arguments)
        return f"{command}\nexit code {self.code}\n-- stdout --\n{self.out}\n-- stderr --\n{self.err}"


class Running:
    """A program that runs beside the test; its messages (stderr) can be waited for."""

    def __init__(self, arguments, cwd, environment):
        self.arguments = arguments
        self.process = subprocess.Popen(
            arguments, cwd=cwd, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._err, self._out = [], []
        self._readers = [threading.Thread(target=self._read, args=(self.process.stderr, self._err)),
                         threading.Thread(target=self._read, args=(self.process.stdout, self._out))]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.append(line)
        stream.close()

    def wait_for(self, text, seconds=20):
        """True once a message with `text` has come."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if any(text in line for line in list(self._err)):
                return True
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        time.sleep(0.1)
        return any(text in line for line in list(self._err))

    def finish(self, seconds=60):
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
            self._err.append(f"(killed: it did not end within {seconds} s)\n")
        for reader in self._readers:
            reader.join()
        return Result(self.arguments, code, "".join(self._out), "".join(self._err))


class ProgramTest(unittest.TestCase):
    """A test in a folder of its own, the current one of the programs it runs."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sidetone-system-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.environment = dict(os.environ)
        # What the user of this machine has pulled or set is not what is tested.
        for name in ("SIDETONE_MODELS", "SIDETONE_TRAP"):
            self.environment.pop(name, None)
        self.environment["XDG_DATA_HOME"] = str(self.folder / ".data")
        self.environment["XDG_CONFIG_HOME"] = str(self.folder / ".config")

    def run_program(self, *arguments, seconds=120, **options):
        command = [str(PROGRAM), *map(str, arguments)]
        done = subprocess.run(command, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, errors="replace", timeout=seconds, **options)
        return Result(command, done.returncode, done.stdout, done.stderr)

    def start_program(self, *arguments):
        running = Running([str(PROGRAM), *map(str, arguments)], self.folder, self.environment)
        self.addCleanup(running.finish, 0.1)
        return running

    def write(self, name, contents):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
        return path

    def json(self, name):
        return json.loads((self.folder / name).read_text())

    def files(self):
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())

    def assert_fine(self, result):
        self.assertEqual(result.code, 0, result)

    def assert_refused(self, result, *parts):
        """Exit code 2 and one line for people that has every one of `parts`."""
        self.assertEqual(result.code, 2, result)
        lines = result.err.splitlines()
        self.assertEqual(len(lines), 1, f"expected one line on stderr\n{result}")
        self.assertTrue(lines[0].startswith("sidetone: "), result)
        for part in parts:
            self.assertIn(str(part), lines[0], result)

    def make_noisy_speech(self, seconds, rate_hz=48000):
        """noisy.wav and clean.wav."""
        self.assert_fine(self.run_program(
            "mix", "--speech", SPEECH, "--noise", "fan", "--snr", "3", "--seconds", seconds, "--rate", rate_hz,
            "--clean", "clean.wav", "noisy.wav"))


def main():
    """Exit code 0: all holds; 77: all was skipped, and the last line says why; else 1."""
    program = unittest.main(module="__main__", exit=False, verbosity=2, argv=sys.argv)
    result = program.result
    if not result.wasSuccessful():
        sys.exit(1)
    if result.testsRun > 0 and len(result.skipped) == result.testsRun:
        print(f"skipped: {result.skipped[0][1]}")
        sys.exit(77)
    sys.exit(0)
