# SPDX-License-Identifier: Apache-2.0
"""`sidetone measure electroacoustic`: the data sheet of a chain, as a table, JSON and a drawing."""

import math
import xml.etree.ElementTree

import program

SVG = "{http://www.w3.org/2000/svg}"


def gain_chain(gain_db):
    return f'[[stage]]\nkind = "gain"\ngain_db = {gain_db}\n'


class Electroacoustic(program.ProgramTest):
    def measure(self, chain, *options):
        self.write("chain.toml", chain)
        result = self.run_program(
            "measure", "electroacoustic", "chain.toml", "--json", "sheet.json", "--svg", "sheet.svg", *options)
        self.assert_fine(result)
        return result.out, self.json("sheet.json")

    def test_a_gain_is_measured_exactly(self):
        out, sheet = self.measure(gain_chain(20))
        for key in ("hfa_full_on_gain_db", "hfa_gain_db"):
            self.assertAlmostEqual(sheet[key], 20, places=3)
        for curve, level in (("ospl90_db_spl", 110), ("response_db_spl", 80), ("full_on_gain_db", 20)):
            self.assertEqual(len(sheet[curve]), len(sheet["frequency_hz"]))
            for value in sheet[curve]:
                self.assertAlmostEqual(value, level, places=3)
        self.assertIsNone(sheet["equivalent_input_noise_db_spl"])
        self.assertIsNone(sheet["coupler"])
        self.assertEqual(sheet["step"]["attack_ms"], 0)
        self.assertIn("no coupler, no transducer", out)
        self.assertIn("HFA-OSPL90", out)

    def test_full_scale_limits_the_output_as_a_card_does(self):
        _, sheet = self.measure(gain_chain(40), "--full-scale-db-spl", 100)
        # Far beyond it a tone becomes a square, of which the level is that of full scale.
        self.assertAlmostEqual(sheet["hfa_ospl90_db_spl"], 100, delta=0.5)
        self.assertAlmostEqual(sheet["hfa_full_on_gain_db"], 40, places=3)
        ideal_square = math.sqrt(math.pi ** 2 / 8 - 1)
        self.assertLess(sheet["harmonic_distortion"][0]["share"], ideal_square)
        self.assertGreater(sheet["harmonic_distortion"][0]["share"], 0.3)

    def test_the_drawing_says_what_it_is_and_shows_each_curve(self):
        self.measure(gain_chain(0), "--io", "500,2000,4000")
        root = xml.etree.ElementTree.parse(self.folder / "sheet.svg").getroot()
        text = " ".join(node.text or "" for node in root.iter(SVG + "text"))
        for part in ("chain.toml", "no coupler", "HFA-OSPL90", "4000 Hz", "release"):
            self.assertIn(part, text)
        # output 2, gain 3, input and output 3 and the diagonal, step 1
        self.assertEqual(len(list(root.iter(SVG + "polyline"))), 10)

    def test_a_chain_with_a_network_can_be_measured(self):
        result = self.run_program("measure", "electroacoustic", program.CHAINS / "denoise.toml", "--json", "sheet.json")
        self.assert_fine(result)
        self.assertGreater(self.json("sheet.json")["delay_frames"], 0)

    def test_a_chain_for_two_channels_is_measured_at_either(self):
        _, sheet = self.measure("channels = 2\n" + gain_chain(6), "--channels", 2, "--channel", 2)
        self.assertAlmostEqual(sheet["hfa_gain_db"], 6, places=3)

    def test_what_cannot_be_is_refused_and_leaves_nothing(self):
        self.write("chain.toml", gain_chain(0))
        for options, parts in ((("--io", "30"), ("--io", "30 Hz", "100 Hz")),
                               (("--io", "7900", "--rate", "16000"), ("7900", "7200")),
                               (("--channel", "3", "--channels", "2"), ("--channel", "3", "1 to 2")),
                               (("--rate", "4000"), ("--rate",)),
                               (("--full-scale-db-spl", "nan"), ("--full-scale-db-spl",)),
                               (("--svg", "no/such/sheet.svg"), ("no/such",))):
            with self.subTest(options=options):
                self.assert_refused(self.run_program(
                    "measure", "electroacoustic", "chain.toml", "--json", "sheet.json", *options), *parts)
                self.assertEqual(self.files(), ["chain.toml"])
        self.assert_refused(self.run_program("measure", "electroacoustic", "none.toml"), "none.toml")


if __name__ == "__main__":
    program.main()
