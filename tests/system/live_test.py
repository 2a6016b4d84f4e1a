# SPDX-License-Identifier: Apache-2.0
"""`sidetone run` on the simulated card, in real time, as it should be and with the faults of real cards."""

import re
import signal
import time

import program
import sound

DENOISE = program.CHAINS / "denoise.toml"


class Live(program.ProgramTest):
    def run_live(self, *options, is_undisturbed=lambda external: external["stolen"] == 0):
        """A run and its ledger; again when the machine disturbed it, and when it missed something: a machine can take a
        processor away without anybody seeing it, so only what is missed three times over is ours."""
        for _ in range(3):
            result = self.run_program("run", DENOISE, "--in", "noisy.wav", "--out", "out.wav", "--rate", 48000,
                                      "--watch-stalls", "--json", "out.json", *options)
            self.assertIn(result.code, (0, 1), result)
            ledger = self.json("out.json")
            if ledger["misses"] == 0 and is_undisturbed(ledger["misses_external"]):
                break
        return result, ledger

    def assert_none_of_ours(self, result, ledger):
        self.assertEqual(ledger["misses"], 0, result)
        self.assertEqual(ledger["heap_calls"], 0, result)
        self.assertEqual(ledger["locks"], 0, result)
        self.assert_fine(result)

    def test_denoises_in_real_time(self):
        self.make_noisy_speech(2.5)
        started = time.monotonic()
        result, ledger = self.run_live(
            "--block", 128, is_undisturbed=lambda external: external == {"card": 0, "stolen": 0})
        self.assertGreater(time.monotonic() - started, 2.9, "in real time")
        self.assert_none_of_ours(result, ledger)
        for mark in ("\r", "\x1b", "load "):
            self.assertNotIn(mark, result.out + result.err, "the status line is for terminals only")
        self.assertGreaterEqual(ledger["blocks"] + ledger["misses_external"]["card"], 3 * 48000 // 128 - 1)
        self.assertEqual(ledger["latency_ms"]["total"],
                         sum(ledger["latency_ms"][part] for part in ("capture", "chain", "playback")))
        if ledger["misses_external"] != {"card": 0, "stolen": 0}:
            self.skipTest(f"the machine was disturbed three times ({ledger['misses_external']}): the sound is not that of an undisturbed run")

        # What was heard is what the chain makes of the file, so many frames later.
        self.assert_fine(self.run_program("process", DENOISE, "noisy.wav", "offline.wav", "--json", "offline.json"))
        heard = sound.read_float_wav(self.folder / "out.wav")[2][ledger["delay_frames"]:]
        expected = sound.read_float_wav(self.folder / "offline.wav")[2][self.json("offline.json")["delay_frames"]:]
        self.assertGreater(len(expected), 2 * 48000)
        self.assertLess(sound.largest_difference(heard, expected), 1e-5)
        self.assert_fine(self.run_program("measure", "quality", "clean.wav", "noisy.wav", "out.wav", "--json", "q.json"))
        self.assertEqual(self.json("q.json")["delay_frames"]["out"], ledger["delay_frames"])

    def test_sound_resumes_when_the_card_returns(self):
        self.make_noisy_speech(2.5)
        result, ledger = self.run_live("--block", 128, "--sim-vanish", 1.2, "--sim-return", 0.5)
        self.assertIn("the card is gone", result.err)
        found = re.search(r"sound resumed after (\d+) ms", result.err)
        self.assertIsNotNone(found, result)
        self.assertGreaterEqual(int(found[1]), 450)
        self.assertLess(int(found[1]), 2000)
        self.assertEqual(ledger["outages"], 1)
        self.assertGreaterEqual(ledger["longest_outage_ms"], 450)
        heard = sound.read_float_wav(self.folder / "out.wav")[2]
        level = lambda start, end: max(map(abs, heard[int(48000 * start):int(48000 * end)]))
        self.assertGreater(level(0.9, 1.15), 0.1)
        self.assertEqual(level(1.25, 1.65), 0, "silence while it was away")
        self.assertGreater(level(2.1, 2.5), 0.05)

    def test_card_that_stays_away_can_be_left(self):
        self.make_noisy_speech(1)
        running = self.start_program("run", DENOISE, "--in", "noisy.wav", "--sim-vanish", 0.3, "--json", "out.json")
        self.assertTrue(running.wait_for("the card is gone"))
        self.assertTrue(running.wait_for("still waiting: "))
        running.process.send_signal(signal.SIGINT)
        result = running.finish(5)
        self.assert_fine(result)
        self.assertEqual(self.json("out.json")["outages"], 1)

    def test_two_cards_with_clocks_of_their_own(self):
        self.write("in.wav", sound.float_wav([x for x in sound.sine(2.0, level=0.01) for _ in range(8)], channels=8))
        result = self.run_program("run", "surround", "--in", "in.wav", "--out", "out.wav", "--out-channels", 2,
                                  "--block", 128, "--sim-join", "--sim-skew-ppm", 100, "--json", "out.json")
        self.assertIn(result.code, (0, 1), result)
        ledger = self.json("out.json")
        self.assertEqual((ledger["heap_calls"], ledger["locks"]), (0, 0))
        self.assertAlmostEqual(ledger["clocks"]["delay_ms"]["target"], 1000 * 341 / 48000, delta=0.1)
        self.assertGreater(ledger["clocks"]["delay_ms"]["most"], 0)
        self.assertIn("ppm apart", result.out)
        self.assertEqual(sound.read_float_wav(self.folder / "out.wav")[1], 2)
        self.assert_refused(self.run_program("run", "surround", "--device", "jack", "--sim-join"), "--sim-join", "expected")

    def test_interrupt_ends_a_run_in_good_order(self):
        self.make_noisy_speech(1)
        for stop in (signal.SIGINT, signal.SIGTERM):
            running = self.start_program("run", DENOISE, "--device", "sim", "--out", "out.wav", "--json", "out.json")
            self.assertTrue(running.wait_for("simulated card"))
            time.sleep(0.3)
            running.process.send_signal(stop)
            result = running.finish(5)
            self.assertIn(result.code, (0, 1), result)
            self.assertGreater(self.json("out.json")["blocks"], 50)
            self.assertGreater(len(sound.read_float_wav(self.folder / "out.wav")[2]), 48000 // 10)

    def test_changing_blocks(self):
        self.make_noisy_speech(0.6)
        result, ledger = self.run_live("--sim-blocks", "64,100,333")
        self.assert_none_of_ours(result, ledger)
        self.assertGreater(ledger["blocks"], 250)

    def test_dropped_callbacks_are_the_cards(self):
        self.make_noisy_speech(1)
        result, ledger = self.run_live("--block", 128, "--sim-drop", 0.05)
        self.assert_none_of_ours(result, ledger)
        self.assertGreater(ledger["misses_external"]["card"], 5)
        self.assertGreater(ledger["xruns"], 5)
        self.assertIn("the card skipped input (cause: the card came late)", result.err)

    def test_doubled_callbacks_are_the_cards(self):
        self.make_noisy_speech(1)
        result, ledger = self.run_live("--block", 128, "--sim-double", 0.05)
        self.assert_none_of_ours(result, ledger)
        self.assertGreater(ledger["misses_external"]["card"], 0)

    def test_jitter_is_ridden_out(self):
        self.make_noisy_speech(0.5)
        result, ledger = self.run_live("--block", 128, "--sim-jitter-us", 500)
        self.assert_none_of_ours(result, ledger)

    def test_odd_rates_and_blocks(self):
        for rate_hz, block in ((44100, 441), (16000, 16), (96000, 1024), (8000, 100)):
            with self.subTest(rate_hz=rate_hz, block=block):
                self.write("noisy.wav", sound.float_wav(sound.sine(0.1, rate_hz), rate_hz=rate_hz))
                result = self.run_program("run", DENOISE, "--in", "noisy.wav", "--block", block, "--json", "out.json")
                self.assertIn(result.code, (0, 1), result)
                ledger = self.json("out.json")
                self.assertEqual((ledger["rate_hz"], ledger["block_frames"]), (rate_hz, block))
                self.assertEqual(ledger["heap_calls"], 0)

    def test_not_finite_input_is_counted_and_told(self):
        samples = sound.sine(0.5)
        samples[::100] = [float("nan")] * len(samples[::100])
        self.write("noisy.wav", sound.float_wav(samples))
        result, ledger = self.run_live("--block", 128)
        self.assertEqual(ledger["not_finite"], 240)
        self.assertIn("NaN or infinity replaced by silence (input)", result.err)
        self.assertEqual(ledger["model_failures"], 0)


if __name__ == "__main__":
    program.main()
