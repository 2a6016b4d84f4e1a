# SPDX-License-Identifier: Apache-2.0
"""Loudspeakers through headphones: what is heard of each, files that are no responses, and the figures of the engine."""

import pathlib
import unittest

import program
import sound

KEMAR = pathlib.Path("/usr/share/libmysofa/MIT_KEMAR_normal_pinna.sofa")
SPEAKERS = ["FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"]
# HeSuVi's channels: speaker, left and right ear.
HESUVI = {"FL": (0, 1), "SL": (2, 3), "BL": (4, 5), "FC": (6, 13), "FR": (8, 7), "SR": (10, 9), "BR": (12, 11)}
SPACING = 1000


def impulses(channels):
    """One channel after the other says one sample."""
    samples = [0.0] * (channels * channels * SPACING)
    for channel in range(channels):
        samples[channel * SPACING * channels + channel] = 1.0
    return samples


def chain(hrir, **settings):
    lines = ["[[stage]]", 'kind = "spatialise"', f'hrir = "{hrir}"', *(f"{key} = {value}" for key, value in settings.items())]
    return "\n".join(lines) + "\n"


class Surround(program.ProgramTest):
    def heard(self, chain_text, rate_hz=48000):
        """For each speaker, what the left and the right ear hear."""
        self.write("chain.toml", chain_text)
        self.write("in.wav", sound.float_wav(impulses(8), channels=8, rate_hz=rate_hz))
        self.assert_fine(self.run_program("process", "chain.toml", "in.wav", "out.wav"))
        _, channels, samples = sound.read_float_wav(self.folder / "out.wav")
        ears = [samples[ear::channels] for ear in range(2)]
        return {name: [ear[n * SPACING:(n + 1) * SPACING] for ear in ears] for n, name in enumerate(SPEAKERS)}

    def test_each_speaker_has_the_responses_of_its_file(self):
        frames = 300
        responses = [[0.0] * frames for _ in range(14)]
        for n, response in enumerate(responses):
            response[10 * n] = 1.0
            response[10 * n + 3] = -0.05 * n
        self.write("set.wav", sound.float_wav([r[n] for n in range(frames) for r in responses], channels=14))
        heard = self.heard(chain("set.wav", lfe_db=-6))
        for name, ears in HESUVI.items():
            for side, channel in enumerate(ears):
                self.assertLess(sound.largest_difference(heard[name][side][:frames], responses[channel]), 1e-5, name)
        self.assertAlmostEqual(heard["LFE"][0][0], 10 ** (-6 / 20), 4)
        self.assertLess(sound.largest_difference(*heard["LFE"]), 1e-6)

    @unittest.skipUnless(KEMAR.exists(), f"there is no {KEMAR}")
    def test_a_measured_head_hears_the_near_side_first_and_louder(self):
        heard = self.heard(chain("mit-kemar"))
        for left, right in (("FL", "FR"), ("SL", "SR"), ("BL", "BR")):
            near, far = heard[left]
            energy = [sum(x * x for x in ear) for ear in (near, far)]
            self.assertGreater(energy[0], 3 * energy[1], left)
            best = max(range(60), key=lambda lag: sum(a * b for a, b in zip(near, far[lag:])))
            self.assertIn(best, range(8, 40), left)  # frames of 21 us
            mirrored = sum(x * x for x in heard[right][1])
            self.assertAlmostEqual(mirrored / energy[0], 1, delta=0.1)

    def test_files_that_are_no_responses(self):
        self.write("in.wav", sound.float_wav([0.0] * 800, channels=8))
        bad = {"text.sofa": b"not a SOFA file", "empty.sofa": b"",
               "three.wav": sound.float_wav([0.0] * 300, channels=3),
               "nan.wav": sound.float_wav([float("nan")] * 300, channels=2)}
        if KEMAR.exists():
            bad["truncated.sofa"] = KEMAR.read_bytes()[:100_000]
        for name, contents in bad.items():
            with self.subTest(name):
                self.write(name, contents)
                self.write("chain.toml", chain(name))
                self.assert_refused(self.run_program("process", "chain.toml", "in.wav", "out.wav"), name, "found")
                self.assertFalse((self.folder / "out.wav").exists())
        for key, text in (("layout", '"5.1"'), ("order", '"alphabetic"'), ("yaw_deg", "1000")):
            with self.subTest(key):
                self.write("chain.toml", chain("mit-kemar", **{key: text}))
                self.assert_refused(self.run_program("process", "chain.toml", "in.wav", "out.wav"), "chain.toml:", key, "expected")

    @unittest.skipUnless(KEMAR.exists(), f"there is no {KEMAR}")
    def test_inspect_tells_what_is_in_a_set(self):
        self.assert_fine(self.run_program("hrir", "inspect", "mit-kemar", "--json", "out.json", "--svg", "out.svg"))
        found = self.json("out.json")
        self.assertEqual((found["rate_hz"], found["length_frames"], len(found["directions"])), (44100, 512, 710))
        for direction in found["directions"]:
            if (direction["azimuth_deg"], direction["elevation_deg"]) == (30, 0):
                self.assertTrue(200 < direction["itd_us"] < 350, direction)
                self.assertGreater(direction["ild_db"], 3)
        self.assertIn("</svg>", (self.folder / "out.svg").read_text())
        whole = KEMAR.read_bytes()
        self.write("other.sofa", whole.replace(b"SimpleFreeFieldHRIR", b"SimpleFreeFieldXRXR"))
        self.write("short.sofa", whole[:100_000])
        for name in ("other.sofa", "short.sofa"):
            self.assert_refused(self.run_program("hrir", "inspect", name, "--json", "not.json"), name, "found" if name == "other.sofa" else "")
        self.assertFalse((self.folder / "not.json").exists())

    def test_bench_holds_the_contract(self):
        result = self.run_program("bench", "convolve", "--taps", 256, "--blocks", 64, "--seconds", 0.3, "--json", "out.json")
        self.assertIn(result.code, (0, 1), result)  # how fast anything is, a shared machine cannot test
        results = {entry["engine"]: entry for entry in self.json("out.json")["results"]}
        self.assertIn("direct", results)
        own = results["sidetone"]
        self.assertEqual((own["inputs"], own["outputs"], own["taps"], own["block"]), (16, 2, 256, 64))
        self.assertEqual(own["added_frames"], 0)
        self.assertLess(own["error_db"], -120)
        self.assertGreater(own["cpu_share"], 0)
        self.assertEqual(set(own["caller_us"]), {"p50", "p95", "p99", "p999", "max", "count"})


if __name__ == "__main__":
    program.main()
