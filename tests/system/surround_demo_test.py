# SPDX-License-Identifier: Apache-2.0
"""A walk around the head: made, heard through a set of responses, and measured again, by the demonstration and by hand."""

import math
import shutil
import subprocess
import unittest

import program
import sound
from surround_test import HESUVI, KEMAR, chain

SPEAKERS = ["FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"]
DEMO = program.SOURCE / "scripts" / "demo"


def made_up_set(frames=256):
    """HeSuVi's 14 channels: a click with an echo, two frames later and softer from channel to channel."""
    responses = []
    for channel in range(14):
        response = [0.0] * frames
        response[60 + 2 * channel] = 1 - 0.03 * channel
        response[67 + 2 * channel] = -0.3 * (1 - 0.03 * channel)
        responses.append(response)
    return sound.float_wav([r[n] for n in range(frames) for r in responses], channels=14)


class SurroundDemo(program.ProgramTest):
    def demo(self, *arguments):
        environment = {**self.environment, "SIDETONE": str(program.PROGRAM)}
        command = [str(DEMO), *map(str, arguments)]
        done = subprocess.run(command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=300)
        return program.Result(command, done.returncode, done.stdout, done.stderr)

    def walk_through(self, chain_text, *walk_arguments):
        """walk.wav, and ears.wav from it."""
        self.write("chain.toml", chain_text)
        self.assert_fine(self.run_program("hrir", "walk", *walk_arguments, "walk.wav"))
        self.assert_fine(self.run_program("process", "chain.toml", "walk.wav", "ears.wav", "--channels", 2))

    @unittest.skipUnless(KEMAR.exists(), f"there is no {KEMAR}")
    @unittest.skipUnless(shutil.which("flite"), "there is no flite")
    def test_a_voice_walks_around_the_head(self):
        result = self.demo("surround", "--out", "out")
        self.assert_fine(result)
        rate_hz, channels, samples = sound.read_float_wav(self.folder / "out" / "ears.wav")
        self.assertEqual((rate_hz, channels), (48000, 2))
        self.assertTrue(0.1 < max(map(abs, samples)) < 1)
        self.assert_fine(self.run_program("hrir", "inspect", "mit-kemar", "--json", "kemar.json"))
        own = {(d["azimuth_deg"], d["elevation_deg"]): d for d in self.json("kemar.json")["directions"]}
        speakers = self.json("out/surround.json")["speakers"]
        self.assertEqual([s["name"] for s in speakers], ["FC", "FL", "SL", "BL", "BR", "SR", "FR", "FC", "LFE"])
        for speaker in speakers:
            with self.subTest(speaker["name"]):
                self.assertIn(speaker["name"], result.out)
                self.assertTrue(speaker["passes"])
                if speaker["name"] == "LFE":
                    self.assertLess(speaker["high_hz"], 1000)
                    self.assertAlmostEqual(speaker["itd_us"]["output"], 0, delta=1)
                    self.assertAlmostEqual(speaker["ild_db"]["output"], 0, delta=0.01)
                elif speaker["high_hz"] > 15000:  # as broad as the set itself
                    expected = own[speaker["azimuth_deg"], speaker["elevation_deg"]]
                    self.assertAlmostEqual(speaker["itd_us"]["output"], expected["itd_us"], delta=20)
                    self.assertAlmostEqual(speaker["ild_db"]["output"], expected["ild_db"], delta=0.5)
        self.assertGreaterEqual(sum(s["high_hz"] > 15000 for s in speakers), 7)
        self.assertIn("</svg>", (self.folder / "out" / "surround.svg").read_text())

    def test_demo_lists_what_there_is(self):
        shown = self.demo("--help")
        self.assert_fine(shown)
        for name in ("denoise", "surround", "--out"):
            self.assertIn(name, shown.out)
        self.assertEqual(self.demo("no-such-demo").code, 2)

    def test_what_is_measured_is_the_recording(self):
        self.write("set.wav", made_up_set())
        self.walk_through(chain("set.wav"))
        measure = ("measure", "surround", "walk.wav", "ears.wav", "--hrir", "set.wav", "--json", "out.json")
        self.assert_fine(self.run_program(*measure))
        found = {s["name"]: s for s in self.json("out.json")["speakers"]}
        self.assertEqual(sorted(found), sorted(SPEAKERS))
        for name, (left, right) in HESUVI.items():
            expected_us, expected_db = 2 * (right - left) * 1e6 / 48000, 20 * math.log10((1 - 0.03 * left) / (1 - 0.03 * right))
            self.assertAlmostEqual(found[name]["itd_us"]["output"], expected_us, delta=3, msg=name)
            self.assertAlmostEqual(found[name]["ild_db"]["output"], expected_db, delta=0.05, msg=name)
        # Ears that are exchanged, later or softer by a little are found out, all else being the same.
        _, _, samples = sound.read_float_wav(self.folder / "ears.wav")
        left, right = samples[0::2], samples[1::2]
        changed = {"exchanged": (right, left), "later": ([0.0] * 2 + list(left[:-2]), right),
                   "softer": ([0.9 * x for x in left], right)}
        for name, ears in changed.items():
            with self.subTest(name):
                self.write("ears.wav", sound.float_wav([x for pair in zip(*ears) for x in pair], channels=2))
                result = self.run_program(*measure)
                self.assertEqual(result.code, 1, result)
                passing = [s["name"] for s in self.json("out.json")["speakers"] if s["passes"]]
                # Front centre, if not exchanged for itself, and low frequencies that are exchanged are still the same.
                self.assertLessEqual(set(passing), {"LFE"} if name == "exchanged" else set())

    def test_every_layout_order_and_rate(self):
        self.write("set.wav", made_up_set())
        for layout, order, rate_hz in (("5.1", "film", 44100), ("7.1.4", "smpte", 48000), ("stereo", "wav", 96000)):
            with self.subTest(layout):
                self.walk_through(chain("set.wav", layout=f'"{layout}"', order=f'"{order}"'),
                                  "--layout", layout, "--order", order, "--rate", rate_hz)
                self.assert_fine(self.run_program("measure", "surround", "walk.wav", "ears.wav", "--hrir", "set.wav",
                                                  "--layout", layout, "--order", order))

    def test_recordings_that_cannot_be_measured(self):
        self.write("set.wav", made_up_set())
        self.walk_through(chain("set.wav"), "--layout", "stereo")
        rate_hz, _, walk = sound.read_float_wav(self.folder / "walk.wav")
        both = [x for left in walk[0::2] for x in (left, left)]
        self.write("both.wav", sound.float_wav(both, channels=2))
        self.write("silent.wav", sound.float_wav([0.0] * len(walk), channels=2))
        self.write("mono.wav", sound.float_wav(walk[0::2]))
        self.write("slow.wav", sound.float_wav(walk, channels=2, rate_hz=44100))
        self.write("short.wav", sound.float_wav(walk[:4800], channels=2))
        self.write("nine.wav", sound.float_wav([0.1] * 900, channels=9))
        for dry, wet, *parts in (("both.wav", "ears.wav", "both.wav", "FL and FR together"),
                                 ("silent.wav", "ears.wav", "silent.wav", "found silence"),
                                 ("walk.wav", "mono.wav", "mono.wav", "expected 2 ears"),
                                 ("walk.wav", "slow.wav", "slow.wav", "expected 48000 Hz"),
                                 ("walk.wav", "short.wav", "short.wav", "expected at least"),
                                 ("nine.wav", "ears.wav", "nine.wav", "9 channels"),
                                 ("none.wav", "ears.wav", "none.wav")):
            with self.subTest(dry=dry, wet=wet):
                self.assert_refused(self.run_program("measure", "surround", dry, wet, "--hrir", "set.wav", "--json",
                                                     "not.json"), *parts)
        self.assert_refused(self.run_program("hrir", "walk", "--voices", self.folder, "not.wav"), "FC.wav")
        self.assert_refused(self.run_program("process", "chain.toml", "walk.wav", "not.wav", "--channels", 3),
                            "walk.wav", "found 2 channels")
        self.assertFalse([name for name in self.files() if name.startswith("not.")])


if __name__ == "__main__":
    program.main()
