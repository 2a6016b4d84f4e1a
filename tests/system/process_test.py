# SPDX-License-Identifier: Apache-2.0
"""`sidetone process`: the same sound whatever the block, the delay that is found, nothing that is not finite."""

import math
import os
import time

import program
import sound

DENOISE = program.CHAINS / "denoise.toml"
DATA = program.SOURCE / "tests" / "data"


class Process(program.ProgramTest):
    # Every published algorithm has a sound that it is held against; tests/data/README.md tells how this one was made.
    def test_output_is_the_stored_one(self):
        self.assert_fine(self.run_program("process", DENOISE, DATA / "denoise-in.wav", "out.wav"))
        found = sound.read_float_wav(self.folder / "out.wav")
        stored = sound.read_float_wav(DATA / "denoise-out.wav")
        self.assertEqual(found[:2], stored[:2])
        self.assertEqual(len(found[2]), len(stored[2]))
        self.assertLess(sound.largest_difference(found[2], stored[2]), 1e-4)
        self.assertGreater(max(map(abs, found[2])), 0.05, "the speech-like part is heard")

    # In different seconds: some file headers hold the time of day.
    def test_gives_the_same_bytes_twice(self):
        self.make_noisy_speech(1)
        self.assert_fine(self.run_program("process", DENOISE, "noisy.wav", "first.wav"))
        second = int(time.time())
        while int(time.time()) == second:
            time.sleep(0.01)
        self.assert_fine(self.run_program("process", DENOISE, "noisy.wav", "second.wav"))
        self.assertEqual((self.folder / "first.wav").read_bytes(), (self.folder / "second.wav").read_bytes())

    def test_block_and_rate_do_not_change_the_sound(self):
        for rate_hz in (44100, 96000):
            self.make_noisy_speech(1, rate_hz)
            expected = None
            for block in (32, 100, 1024):
                result = self.run_program("process", DENOISE, "noisy.wav", "out.wav", "--block", block, "--json", "out.json")
                self.assert_fine(result)
                found = sound.read_float_wav(self.folder / "out.wav")[2]
                expected = expected or found
                self.assertEqual(len(found), len(expected))
                self.assertLessEqual(sound.largest_difference(found, expected), 1e-6, f"{rate_hz} Hz, {block} frames")
            self.assert_fine(self.run_program("measure", "quality", "clean.wav", "noisy.wav", "out.wav", "--json", "q.json"))
            self.assertEqual(self.json("q.json")["delay_frames"]["out"], self.json("out.json")["delay_frames"])

    def test_makes_noisy_speech_clearer(self):
        self.make_noisy_speech(3)
        self.assert_fine(self.run_program("process", DENOISE, "noisy.wav", "out.wav", "--align"))
        self.assert_fine(self.run_program("measure", "quality", "clean.wav", "noisy.wav", "out.wav", "--json", "q.json"))
        found = self.json("q.json")
        self.assertGreater(found["si_sdr_db"]["out"], found["si_sdr_db"]["noisy"] + 5)
        self.assertEqual(found["delay_frames"]["out"], 0)

    def test_replaces_what_is_not_finite_and_counts_it(self):
        samples = sound.sine(0.5)
        for at in range(100, 20000, 100):
            samples[at] = math.nan if at % 200 else math.inf
        self.write("in.wav", sound.float_wav(samples))
        self.write("nan.wav", sound.float_wav([math.nan] * 24000))
        for name, count in (("in.wav", 199), ("nan.wav", 24000)):
            result = self.run_program("process", DENOISE, name, "out.wav", "--json", "out.json")
            self.assert_fine(result)
            self.assertIn(f"replaced {count} samples", result.out)
            self.assertEqual(self.json("out.json")["not_finite"], count)
            self.assertTrue(all(map(math.isfinite, sound.read_float_wav(self.folder / "out.wav")[2])))

    # 1: it ran and fell short. Samples of 3e38 are finite; what a network makes of them is not.
    def test_model_that_fails_is_covered_counted_and_told(self):
        samples = [3e38 if n % 2 else -3e38 for n in range(4800)] + sound.sine(0.5)
        self.write("in.wav", sound.float_wav(samples))
        result = self.run_program("process", DENOISE, "in.wav", "out.wav", "--json", "out.json")
        self.assertEqual(result.code, 1, result)
        self.assertIn("the model failed on", result.out)
        self.assertGreater(self.json("out.json")["misses"], 0)
        self.assertTrue(all(map(math.isfinite, sound.read_float_wav(self.folder / "out.wav")[2])))

    def test_ledger_has_the_keys_that_scripts_rely_on(self):
        self.make_noisy_speech(1)
        result = self.run_program("process", DENOISE, "noisy.wav", "out.wav", "--json", "out.json")
        self.assert_fine(result)
        self.assertEqual(result.err, "", "no progress bar when nobody looks")
        found = self.json("out.json")
        for key in ("blocks", "misses", "misses_external", "heap_calls", "locks", "latency_ms", "stages"):
            self.assertIn(key, found)
        self.assertEqual(set(found["misses_external"]), {"card", "stolen"})
        self.assertEqual(set(found["latency_ms"]), {"capture", "chain", "compute", "playback", "total"})
        for stage in found["stages"]:
            self.assertEqual(set(stage["us"]), {"p50", "p95", "p99", "p999", "max", "count"})
            self.assertLessEqual({"name", "us", "budget_us"}, set(stage))
        self.assertEqual(found["locks"], 0)

    # Nobody ever sees half a file, and what was there stays until the new one is whole.
    def test_old_output_is_replaced_and_nothing_else_is_left(self):
        self.write("in.wav", sound.float_wav(sound.sine(0.2)))
        self.write("gain.toml", program.GAIN_CHAIN)
        self.write("out.wav", "the old one")
        self.write("out.json", "the old one")
        self.assert_fine(self.run_program("process", "gain.toml", "in.wav", "out.wav", "--json", "out.json"))
        self.assertEqual(self.files(), ["gain.toml", "in.wav", "out.json", "out.wav"])
        self.assertEqual(len(sound.read_float_wav(self.folder / "out.wav")[2]), 9600)

    def test_names_with_blanks_and_accents_are_names(self):
        folder = self.folder / "Stimmübung 1"
        os.mkdir(folder)
        self.write("Stimmübung 1/ein gabe.wav", sound.float_wav(sound.sine(0.1)))
        self.write("Stimmübung 1/ket te.toml", program.GAIN_CHAIN)
        self.assert_fine(self.run_program("process", folder / "ket te.toml", folder / "ein gabe.wav", folder / "aus gabe.wav"))
        self.assertTrue((folder / "aus gabe.wav").is_file())


if __name__ == "__main__":
    program.main()
