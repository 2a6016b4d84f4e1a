# SPDX-License-Identifier: Apache-2.0
"""`sidetone profile`: what is kept for a device, and that a run restores it when the device is there, and there again."""

import unittest

import program
import sound
from surround_test import KEMAR, chain

CONFIG = ".config/sidetone/profiles.toml"


class Profiles(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("gain.toml", program.GAIN_CHAIN)

    def save(self, *settings, device="sim", chain="gain.toml"):
        return self.run_program("profile", "save", device, chain, *(x for s in settings for x in ("--set", s)))

    def test_saved_shown_listed_and_removed(self):
        self.assertIn("no device has a profile", self.run_program("profile", "list").out)
        self.assert_fine(self.save("gain.gain_db=-12"))
        self.assert_fine(self.save(device="jack", chain="surround"))
        for command in (("list",), ("show", "sim")):
            self.assertIn("gain.gain_db = -12", self.run_program("profile", *command).out)
        self.assertIn("jack: surround", self.run_program("profile", "list").out)
        self.assert_fine(self.run_program("profile", "remove", "sim"))
        self.assert_refused(self.run_program("profile", "show", "sim"), "profiles.toml", '"sim"', "expected")
        self.assert_refused(self.run_program("profile", "remove", "sim"), "profiles.toml", '"sim"', "expected")
        self.assertIn("jack: surround", self.run_program("profile", "list").out)

    def test_what_cannot_be_is_not_saved(self):
        self.assert_fine(self.save("gain.gain_db=-12"))
        before = (self.folder / CONFIG).read_bytes()
        self.assert_refused(self.save("gain.gain_db=900"), "gain.toml", "gain_db", "900", "expected")
        self.assert_refused(self.save("reverb.wet=1"), "reverb.wet", "expected")
        self.assert_refused(self.save("gain"), "--set", '"gain"', "expected")
        self.assert_refused(self.save(chain="no-such-chain"), "no-such-chain", "expected")
        self.assertEqual((self.folder / CONFIG).read_bytes(), before)
        (self.folder / CONFIG).write_text("[[profile]]\ndevice = 5\n")
        for command in (("profile", "list"), ("run", "gain.toml", "--device", "sim", "--seconds", 0.1)):
            self.assert_refused(self.run_program(*command), "profiles.toml", "device", "found 5", "expected")

    def test_a_run_needs_no_chain_and_settings_are_there_when_the_device_returns(self):
        self.assert_refused(self.run_program("run", "--device", "sim"), "profile", '"sim"', "expected")
        self.assert_fine(self.save("gain.gain_db=-20"))
        self.write("in.wav", sound.float_wav(sound.sine(2.5, level=0.5)))
        result = self.run_program("run", "--in", "in.wav", "--out", "out.wav", "--sim-vanish", 0.8, "--sim-return", 0.4)
        self.assertIn(result.code, (0, 1), result)
        self.assertIn('1 settings of the profile of "sim"', result.err)
        self.assertIn("sound resumed", result.err)
        heard = sound.read_float_wav(self.folder / "out.wav")[2]
        level = lambda start, end: max(map(abs, heard[int(48000 * start):int(48000 * end)]))
        self.assertAlmostEqual(level(0.2, 0.7), 0.05, delta=0.001)
        self.assertAlmostEqual(level(2.1, 2.4), 0.05, delta=0.001)

    def test_it_is_for_its_device_and_its_chain_only(self):
        self.assert_fine(self.save("gain.gain_db=-20"))
        self.write("in.wav", sound.float_wav(sound.sine(0.5, level=0.5)))
        self.write("other.toml", program.GAIN_CHAIN)
        for options, expected in (((), 0.05), (("--no-profile",), 0.5)):
            result = self.run_program("run", "gain.toml", "--in", "in.wav", "--out", "out.wav", *options)
            self.assertIn(result.code, (0, 1), result)
            heard = sound.read_float_wav(self.folder / "out.wav")[2]
            self.assertAlmostEqual(max(map(abs, heard[4800:])), expected, delta=0.001)
        result = self.run_program("run", "other.toml", "--in", "in.wav", "--out", "out.wav")
        self.assertIn(result.code, (0, 1), result)
        self.assertIn('profile of "sim": found one for the chain', result.err)
        self.assertAlmostEqual(max(sound.read_float_wav(self.folder / "out.wav")[2]), 0.5, delta=0.001)
        (self.folder / "gain.toml").unlink()
        result = self.run_program("run", "other.toml", "--in", "in.wav", "--out", "out.wav")
        self.assertIn(result.code, (0, 1), result)
        self.assertIn('profile of "sim": found one for the chain', result.err)

    @unittest.skipUnless(KEMAR.exists(), f"there is no {KEMAR}")
    def test_names_that_look_like_numbers_are_names(self):
        self.write("surround.toml", chain(KEMAR))
        for layout, channels in (("5.1", 6), ("7.1", 8)):
            self.assert_fine(self.run_program("profile", "save", "sim", "surround.toml", "--channels", channels,
                                              "--set", f"spatialise.layout={layout}", "--set", "spatialise.balance_db=2"))
            self.assertIn(f"'spatialise.layout' = '{layout}'", (self.folder / CONFIG).read_text())
        refused = self.run_program("profile", "save", "sim", "surround.toml", "--set", "spatialise.layout=5.3")
        self.assert_refused(refused, "layout", "found 5.3", "expected")

    def test_a_device_that_is_not_there_is_saved_and_told_of(self):
        for device in ("jakc", "rtaudio:no such headphones"):
            result = self.save(device=device)
            self.assert_fine(result)
            self.assertIn(f'no device "{device}" is there now', result.out)
            self.assertIn(f"{device}: ", self.run_program("profile", "show", device).out)
        for device in ("sim", "sim:ears"):
            self.assertNotIn("is there now", self.save(device=device).out)


if __name__ == "__main__":
    program.main()
