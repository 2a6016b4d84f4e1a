# SPDX-License-Identifier: Apache-2.0
"""`sidetone bench denoise`, on a corpus of one clip: that the table is whole and its figures hang together."""

import random
import shutil

import program
import sound


class BenchDenoise(program.ProgramTest):
    def make_corpus(self):
        noise = random.Random(1)
        for name in ("fan-1-A.wav", "rain-2-A.wav"):
            self.write(f"data/audio/noise/{name}", sound.float_wav([noise.gauss(0, 0.1) for _ in range(48000)]))
        (self.folder / "data/audio/speech").mkdir(parents=True)
        shutil.copy(program.SPEECH, self.folder / "data/audio/speech/clip.wav")

    def test_table_has_every_mode_and_low_delay_modes_keep_their_share(self):
        self.make_corpus()
        command = ("bench", "denoise", "--data", "data", "--clips", "1", "--snr", "0,5", "--model", "dtln", "--json")
        self.assert_fine(self.run_program(*command, "one.json"))
        self.assert_fine(self.run_program(*command, "two.json"))
        found = self.json("one.json")
        self.assertEqual(found, self.json("two.json"))
        rows = {row["mode"]: row for row in found["results"]}
        self.assertEqual(list(rows), MODES)
        for mode, row in rows.items():
            self.assertEqual(sorted(row["by_snr_db"]), ["0", "5"])
            self.assertIsNone(row["dnsmos"])
            self.assertAlmostEqual(row["si_sdr_db"],
                                   sum(one["si_sdr_db"] for one in row["by_snr_db"].values()) / 2, places=6)
            if mode != "noisy":
                self.assertGreater(row["si_sdr_db"], rows["noisy"]["si_sdr_db"] + 1, mode)
        self.assertAlmostEqual(rows["noisy"]["by_snr_db"]["5"]["si_sdr_db"], 5 + WHITE_BELOW_8_KHZ_DB, delta=0.5)
        self.assertEqual([rows[mode]["delay_ms"] for mode in LOW_DELAY_MS], list(LOW_DELAY_MS.values()))

    def test_missing_data_is_refused(self):
        self.assert_refused(self.run_program("bench", "denoise", "--data", "nowhere"), "nowhere")


LOW_DELAY_MS = {"bank 4 ms": 3, "bank 2 ms": 1, "3 ms": 3, "1 ms": 1, "0 ms": 0}
WHITE_BELOW_8_KHZ_DB = 4.77  # a third of white noise at 48 kHz lies in the band that is measured
MODES = ["noisy", "quality", *LOW_DELAY_MS]

if __name__ == "__main__":
    program.main()
