# SPDX-License-Identifier: Apache-2.0
"""`sidetone measure latency`: that codes find the delay that a chain has."""

import program


class MeasureLatency(program.ProgramTest):
    def test_codes_find_the_delay_of_a_filter_bank(self):
        self.write("bank.toml", '[[stage]]\nkind = "filter_bank"\nsynthesis_ms = 3\n')
        result = self.run_program("measure", "latency", "bank.toml", "--codes", 3, "--json", "latency.json")
        found = self.json("latency.json")
        if found["misses"] != 0:
            self.skipTest("the machine was too busy for sound in real time")
        self.assert_fine(result)
        parts = found["latency_ms"]
        self.assertEqual((parts["capture"], parts["chain"], parts["playback"]), (1, 2, 1))
        self.assertAlmostEqual(parts["total"], 4 + parts["compute"])
        self.assertEqual(found["chain_reported_ms"], 2)
        self.assertEqual(found["confidence"], 1)

    def test_bad_input_is_refused(self):
        self.assert_refused(self.run_program("measure", "latency", "no-such-chain"), "no-such-chain")


if __name__ == "__main__":
    program.main()
