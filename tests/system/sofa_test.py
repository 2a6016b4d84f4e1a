# SPDX-License-Identifier: Apache-2.0
"""SOFA files: what is read out of good ones, and that bad ones are one clear line."""

import random
import re
import unittest

import program
import sofa
import sound
from surround_test import KEMAR, chain

NAN = float("nan")
CUTS = 60
CHANGED = 60

BAD = {
    "convention": (dict(convention="MultiSpeakerBRIR"), 'found the convention "MultiSpeakerBRIR"', '"SimpleFreeFieldHRIR"'),
    "two-lines": (dict(convention="Simple\nFreeField"), "found the convention"),
    "not-sofa": (dict(format="CF-1.6"), "found", "AES69"),
    "nan-response": (dict(responses=[NAN] + [0] * 383), "found samples that are no numbers"),
    "infinite-response": (dict(responses=[1e300] + [0] * 383), "found samples that are no numbers"),
    "nan-position": (dict(positions=[NAN] + [0] * 8), "found positions that are no numbers"),
    "nan-delay": (dict(delays=(NAN, 0)), "found a delay of nan"),
    "negative-delay": (dict(delays=(-3, 0)), "found a delay of -"),
    "late": (dict(delays=(1e6, 0)), "found a delay of 20.8"),
    "no-directions": (dict(directions=0, positions=[], responses=[]), "found no direction"),
    "no-frames": (dict(frames=0, responses=[]), "found empty responses"),
    "mixed-rates": (dict(rates_hz=(48000, 44100, 48000)), "found several sampling rates", "expected one"),
    "no-rate": (dict(rates_hz=(0,)), "found a sampling rate of 0 Hz", "8000 to 192000"),
    "nan-rate": (dict(rates_hz=(NAN,)), "found a sampling rate of nan"),
    "too-fast": (dict(rates_hz=(1e9,)), "found a sampling rate of 1e+09"),
    "too-long": (dict(directions=1, frames=16800, rates_hz=(8000,)), "found responses of 2.1 s"),
    "one-ear": (dict(receivers=1, delays=(0,)), "found 1 receivers", "2 ears"),
    "three-ears": (dict(receivers=3, delays=(0, 0, 0)), "found 3 receivers", "2 ears"),
    "coordinates": (dict(coordinates="polar"), 'found "polar" coordinates', "cartesian or spherical"),
}


class SofaFiles(program.ProgramTest):
    def assert_no_crash(self, name, contents):
        self.write(name, contents)
        self.assert_refused(self.run_program("hrir", "inspect", name, "--json", "not.json"), name, "expected")

    @unittest.skipUnless(sofa.NCGEN, "there is no ncgen")
    def test_delays_and_positions_are_applied(self):
        sofa.write_sofa(self.folder / "set.sofa", delays=(0, 4.5), directions=4)
        self.assert_fine(self.run_program("hrir", "inspect", "set.sofa", "--json", "out.json"))
        found = self.json("out.json")
        self.assertEqual((found["rate_hz"], [d["azimuth_deg"] for d in found["directions"]]), (48000, [0, 90, 180, -90]))
        for direction in found["directions"]:
            self.assertAlmostEqual(direction["itd_us"], 4.5 / 48000 * 1e6, delta=2)
            self.assertAlmostEqual(direction["ild_db"], 0, delta=0.2)
        sofa.write_sofa(self.folder / "cartesian.sofa", coordinates="cartesian", units="metre",
                        positions=[1, 0, 0, 0, 2, 0, -1, 0, 1])
        self.assert_fine(self.run_program("hrir", "inspect", "cartesian.sofa", "--json", "out.json"))
        at = [(d["azimuth_deg"], d["elevation_deg"]) for d in self.json("out.json")["directions"]]
        for (azimuth, elevation), expected in zip(at, ((0, 0), (90, 0), (180, 45)), strict=True):
            self.assertAlmostEqual(abs(azimuth), expected[0], delta=0.01)
            self.assertAlmostEqual(elevation, expected[1], delta=0.01)

    @unittest.skipUnless(sofa.NCGEN, "there is no ncgen")
    def test_bad_files_are_one_clear_line(self):
        self.write("in.wav", sound.float_wav([0.0] * 800, channels=8))
        for name, (contents, *parts) in BAD.items():
            with self.subTest(name):
                sofa.write_sofa(self.folder / f"{name}.sofa", **contents)
                self.assert_refused(self.run_program("hrir", "inspect", f"{name}.sofa", "--json", "not.json"),
                                    f"{name}.sofa", "expected", *parts)
                self.write("chain.toml", chain(f"{name}.sofa"))
                self.assert_refused(self.run_program("process", "chain.toml", "in.wav", "not.wav"), f"{name}.sofa", *parts)
        self.assertFalse([name for name in self.files() if name.startswith("not.")])

    @unittest.skipUnless(sofa.NCGEN, "there is no ncgen")
    def test_a_made_file_cut_anywhere_is_refused(self):
        whole = sofa.write_sofa(self.folder / "set.sofa")
        for cut in range(CUTS):
            with self.subTest(cut):
                part = whole[:cut * len(whole) // CUTS]
                self.assert_no_crash("cut.sofa", part)
                self.assert_no_crash("cut.sofa", sofa.with_length(part))

    @unittest.skipUnless(KEMAR.exists(), f"there is no {KEMAR}")
    def test_a_measured_file_cut_anywhere_is_refused(self):
        whole = KEMAR.read_bytes()
        for cut in (0, 1, 8, 9, 20, 40, 47, 48, 100, *(n * len(whole) // CUTS for n in range(1, CUTS)), len(whole) - 1):
            with self.subTest(cut):
                self.assert_no_crash("cut.sofa", whole[:cut])
                self.assert_no_crash("cut.sofa", sofa.with_length(whole[:cut]))

    @unittest.skipUnless(KEMAR.exists(), f"there is no {KEMAR}")
    def test_bytes_changed_anywhere_are_refused_or_do_no_harm(self):
        chance = random.Random(5)
        whole = KEMAR.read_bytes()
        for _ in range(CHANGED):
            data = bytearray(whole)
            for _ in range(chance.choice((1, 4, 16, 64))):
                data[chance.randrange(20_000)] = chance.randrange(256)
            self.write("changed.sofa", bytes(data))
            result = self.run_program("hrir", "inspect", "changed.sofa")
            if result.code != 0:
                self.assert_refused(result, "changed.sofa", "expected")

    @unittest.skipUnless(sofa.NCGEN, "there is no ncgen")
    def test_a_file_that_never_ends_is_given_up(self):
        """One byte says that a list of dimensions has 2^63 entries; libmysofa looks for them all."""
        whole = bytearray(sofa.write_sofa(self.folder / "set.sofa"))
        for found in re.finditer(b"DIMENSION_LIST", bytes(whole)):
            whole[found.start() + 41] = 0xde
        self.write("endless.sofa", bytes(whole))
        self.assert_refused(self.run_program("hrir", "inspect", "endless.sofa"), "endless.sofa", "take longer than 5 s")

    def test_other_files(self):
        self.assert_no_crash("text.sofa", b"not a SOFA file")
        self.assert_no_crash("empty.sofa", b"")
        self.assert_no_crash("zeros.sofa", bytes(100_000))
        self.assert_no_crash("header.sofa", b"\x89HDF\r\n\x1a\n" + bytes(100_000))


if __name__ == "__main__":
    program.main()
