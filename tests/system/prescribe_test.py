# SPDX-License-Identifier: Apache-2.0
"""`sidetone prescribe`: from an audiogram to gains, as a table, JSON and a drawing."""

import math
import re
import xml.etree.ElementTree

import program
import sound

AUDIOGRAM = program.SOURCE / "tests" / "data" / "audiogram.toml"


class Prescribe(program.ProgramTest):
    def prescribe(self, rule):
        result = self.run_program("prescribe", AUDIOGRAM, "--rule", rule, "--json", "gains.json", "--svg", "gains.svg")
        self.assert_fine(result)
        return result.out, self.json("gains.json")

    def test_linear_rules_have_one_gain(self):
        for rule in ("nal-r", "nal-rp"):
            out, json = self.prescribe(rule)
            self.assertEqual(json["frequency_hz"], [250, 500, 750, 1000, 1500, 2000, 3000, 4000, 6000, 8000])
            left, right = json["ears"]
            self.assertEqual((left["ear"], right["ear"]), ("left", "right"))
            # 0.05 (25 + 30 + 45) + 0.31 · 30 + 1
            self.assertAlmostEqual(left["gains"][0]["insertion_gain_db"][3], 15.3)
            self.assertIn(" 15.3 ", out)
            self.assertEqual(len(left["gains"]), 1)

    def test_compressive_gains_are_given_at_three_levels(self):
        out, json = self.prescribe("compressive")
        gains = json["ears"][1]["gains"]
        self.assertEqual([entry["speech_db_spl"] for entry in gains], [50, 65, 80])
        at_4000_hz = [entry["insertion_gain_db"][7] for entry in gains]
        self.assertEqual(at_4000_hz, sorted(at_4000_hz, reverse=True))
        self.assertIn("gain at 80 dB SPL", out)

    def test_the_drawing_has_a_curve_for_every_ear_and_level(self):
        for rule, curves in (("nal-r", 4), ("compressive", 8)):
            self.prescribe(rule)
            root = xml.etree.ElementTree.parse(self.folder / "gains.svg").getroot()
            self.assertEqual(len(list(root.iter("{http://www.w3.org/2000/svg}polyline"))), curves)

    def test_a_name_cannot_break_the_drawing(self):
        name = "a <b> & c"
        self.write("me.toml", AUDIOGRAM.read_text().replace("A sloping loss", name))
        self.assert_fine(self.run_program("prescribe", "me.toml", "--svg", "gains.svg"))
        root = xml.etree.ElementTree.parse(self.folder / "gains.svg").getroot()
        self.assertIn(name, [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")])

    def test_what_cannot_be_is_refused(self):
        self.assert_refused(self.run_program("prescribe", AUDIOGRAM, "--rule", "guess"), "guess", "nal-rp")
        self.assert_refused(self.run_program("prescribe", "none.toml"), "none.toml")
        self.write("me.csv", "frequency_hz,left\n250,20\n500,999\n")
        self.assert_refused(self.run_program("prescribe", "me.csv"), "me.csv:3", "left", "999", "-10 to 120")
        self.assert_refused(self.run_program("prescribe", AUDIOGRAM, "--svg", "no/such/folder.svg"), "no/such")

    def test_the_chain_runs_and_asks_for_a_calibration(self):
        self.environment["XDG_CONFIG_HOME"] = str(self.folder / ".config")
        for rule in ("nal-r", "compressive"):
            self.assert_fine(self.run_program("prescribe", AUDIOGRAM, "--rule", rule, "--chain", "aid.toml"))
            run = ("run", "aid.toml", "--device", "sim", "--channels", "2", "--block", "48", "--seconds", "0.3")
            first = self.run_program(*run)
            self.assertIn("no calibration of this card", first.err)
            self.assert_fine(self.run_program("calibrate", "sim", "--input", "118", "--output", "112"))
            self.assertNotIn("no calibration", self.run_program(*run).err)
            (self.folder / ".config" / "sidetone" / "calibration.toml").unlink()

    def test_a_file_and_a_bench_go_by_the_stored_calibration(self):
        self.environment["XDG_CONFIG_HOME"] = str(self.folder / ".config")
        self.assert_fine(self.run_program("prescribe", AUDIOGRAM, "--rule", "nal-r", "--chain", "aid.toml"))
        self.write("in.wav", sound.float_wav([s for s in sound.sine(1, level=0.001) for _ in range(2)], channels=2))

        def level_db(*options):
            result = self.run_program("process", "aid.toml", "in.wav", "out.wav", *options)
            self.assert_fine(result)
            samples = sound.read_float_wav(self.folder / "out.wav")[2][48000:]
            return 10 * math.log10(sum(s * s for s in samples) / len(samples)), "no calibration of this card" in result.err

        without, warned = level_db()
        self.assertTrue(warned)
        # 120 dB SPL at both sides is what is taken without, so only the difference of the two sides shows: NAL-R is linear.
        self.assert_fine(self.run_program("calibrate", "default", "--input", "120", "--output", "112"))
        self.assert_fine(self.run_program("calibrate", "jack", "--input", "120", "--output", "117"))
        for options, gain_db in (((), 8), (("--device", "jack"), 3)):
            found, warned = level_db(*options)
            self.assertFalse(warned)
            self.assertAlmostEqual(found, without + gain_db, delta=0.2)

        bench = ("bench", "chain", "aid.toml", "--channels", "2", "--block", "48", "--seconds", "0.3")
        self.assertIn("no calibration of this card", self.run_program(*bench).err)
        self.assertNotIn("no calibration", self.run_program(*bench, "--device", "jack").err)

    def test_the_chain_has_the_prescribed_gains(self):
        self.assert_fine(self.run_program("prescribe", AUDIOGRAM, "--rule", "compressive", "--chain", "aid.toml",
                                          "--json", "gains.json"))
        text = (self.folder / "aid.toml").read_text()
        for ear in self.json("gains.json")["ears"]:
            at_50, at_65, at_80 = (curve["insertion_gain_db"] for curve in ear["gains"])
            bands = re.findall(ear["ear"] + r"_gains_db = \[(.*)\]", text)
            self.assertEqual(len(bands), 10)
            for index, band in enumerate(bands):
                gains = [float(gain) for gain in band.split(",")]
                self.assertAlmostEqual(gains[1], at_50[index], delta=0.051)
                self.assertAlmostEqual(gains[4], at_65[index], delta=0.051)
                self.assertAlmostEqual(gains[7], at_80[index], delta=0.051)

    def test_a_calibration_that_cannot_be_is_refused(self):
        self.environment["XDG_CONFIG_HOME"] = str(self.folder / ".config")
        self.assert_refused(self.run_program("calibrate", "sim", "--input", "500"), "500")
        self.assert_refused(self.run_program("calibrate", "--input", "110"), "card")
        self.write(".config/sidetone/calibration.toml", '[[card]]\nname = "sim"\nloud = 3\n')
        self.assert_refused(self.run_program("calibrate"), "calibration.toml:3", "loud")


if __name__ == "__main__":
    program.main()
