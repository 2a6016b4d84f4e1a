# SPDX-License-Identifier: Apache-2.0
"""`sidetone run --device jack` against a real JACK server with a simulated card: in peace, through a change of its
buffer size, and through its end and return."""

import os
import shutil
import signal
import subprocess
import time
import unittest

import program

DENOISE = program.CHAINS / "denoise.toml"
TINY = program.SOURCE / "tests" / "data" / "phoneme-tiny"


class JackServer:
    """A server of this test's own."""

    def __init__(self, environment):
        self.name = f"sidetone-system-{os.getpid()}"
        self.environment = environment
        environment["JACK_DEFAULT_SERVER"] = self.name
        environment["JACK_NO_AUDIO_RESERVATION"] = "1"
        environment["JACK_NO_START_SERVER"] = "1"
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            ["jackd", "-n", self.name, "-R", "-d", "dummy", "-r", "48000", "-p", "128"], env=self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            listed = subprocess.run([program.PROGRAM, "devices"], env=self.environment, capture_output=True, text=True)
            if f'"{self.name}"' in listed.stdout:
                return True
            time.sleep(0.05)
        return False

    def stop(self):
        """In good order: it takes its shared memory with it."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


@unittest.skipUnless(shutil.which("jackd"), "jackd is not installed")
class Jack(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.server = JackServer(self.environment)
        self.addCleanup(self.server.stop)
        if not self.server.start():
            self.fail("jackd did not come up within 10 s")

    def assert_clean(self, result, ledger):
        self.assert_fine(result)
        self.assertEqual(ledger["misses"], 0, result)
        self.assertEqual(ledger["heap_calls"], 0, result)
        self.assertEqual(ledger["locks"], 0, result)

    def interrupt(self, running):
        running.process.send_signal(signal.SIGINT)
        return running.finish(10)

    def test_five_seconds_without_a_miss_a_heap_call_or_a_lock(self):
        for _ in range(3):
            result = self.run_program("run", DENOISE, "--device", "jack", "--seconds", 5, "--watch-stalls",
                                      "--json", "out.json")
            ledger = self.json("out.json")
            if ledger["misses"] == 0 and ledger["misses_external"]["stolen"] == 0:
                break  # else the machine took the processor away, and said so or not: again
        self.assert_clean(result, ledger)
        self.assertIn(self.server.name, ledger["card"])
        self.assertEqual((ledger["rate_hz"], ledger["block_frames"]), (48000, 128))
        self.assertGreater(ledger["blocks"], 1800)
        self.assertGreaterEqual(ledger["latency_ms"]["capture"], 1000 * 128 / 48000 - 1e-9)

    def test_rate_that_the_server_has_not_is_refused(self):
        self.assert_refused(self.run_program("run", DENOISE, "--device", "jack", "--rate", 44100, "--seconds", 1),
                            "48000", "44100")

    @unittest.skipUnless(shutil.which("jack_bufsize"), "jack_bufsize is not installed")
    def test_change_of_the_buffer_size_is_followed(self):
        running = self.start_program("run", DENOISE, "--device", "jack", "--json", "out.json")
        self.assertTrue(running.wait_for("128 frames"))
        time.sleep(0.5)
        for frames in (256, 64):
            subprocess.run(["jack_bufsize", str(frames)], env=self.environment, check=True, capture_output=True, timeout=20)
            self.assertTrue(running.wait_for(f"the card changed to 48000 Hz, {frames} frames a block"))
            time.sleep(0.5)
        result = self.interrupt(running)
        self.assertIn(result.code, (0, 1), result)
        ledger = self.json("out.json")
        self.assertEqual(ledger["block_frames"], 64)
        self.assertEqual(ledger["outages"], 0, result)
        self.assertEqual(ledger["heap_calls"], 0, result)
        self.assertGreater(ledger["blocks"], 600, result)

    def test_sound_resumes_when_the_server_is_started_again(self):
        running = self.start_program("run", DENOISE, "--device", "jack", "--json", "out.json")
        self.assertTrue(running.wait_for("128 frames"))
        time.sleep(0.5)
        self.server.stop()
        self.assertTrue(running.wait_for("the card is gone"))
        self.assertTrue(self.server.start())
        self.assertTrue(running.wait_for("sound resumed after"))
        time.sleep(0.5)
        result = self.interrupt(running)
        ledger = self.json("out.json")
        self.assertEqual(ledger["outages"], 1, result)
        self.assertEqual(ledger["heap_calls"], 0, result)
        self.assertGreater(ledger["blocks"], 350, "the second half as well as the first")
        self.assert_fine(result)

    def test_captions_listen_until_they_are_stopped(self):
        running = self.start_program("transcribe", "--device", "jack", "--model", TINY, "--json", "out.json",
                                     "--json-lines", "lines.jsonl")
        self.assertTrue(running.wait_for("128 frames"))
        time.sleep(1)
        self.assert_listened(self.interrupt(running))
        self.assertEqual(self.json("out.json")["utterances"], [], "the server's card hears nothing")
        self.assertEqual((self.folder / "lines.jsonl").read_text(), "")

    def test_coach_listens_to_the_card(self):
        result = self.run_program("coach", "--device", "jack", "--model", TINY, "--text", "We call it bear", "--seconds", 1,
                                  "--json", "out.json")
        self.assert_listened(result)
        self.assertIn("no voice in it", result.out)

    def assert_listened(self, result):
        self.assertIn(result.code, (0, 1), result)
        ledger = self.json("out.json")
        self.assertIn(self.server.name, ledger["card"])
        self.assertEqual((ledger["heap_calls"], ledger["locks"]), (0, 0), result)
        parts = {stage["name"]: stage["us"]["count"] for stage in ledger["stages"]}
        for name in ("capture", "preprocess", "features", "inference", "decode", "dispatch", "render-ready"):
            self.assertGreater(parts[name], 10, f"a second in runs of 40 ms: {name}")

    def test_server_that_is_not_there_is_refused(self):
        self.server.stop()
        self.assert_refused(self.run_program("run", DENOISE, "--device", "jack", "--seconds", 1), "jack")


if __name__ == "__main__":
    program.main()
