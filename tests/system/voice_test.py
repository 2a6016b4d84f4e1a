# SPDX-License-Identifier: Apache-2.0
"""`sidetone measure voice`: pitch and formants of a voice as text, CSV, JSON and a drawing."""

import base64
import math
import struct
import xml.etree.ElementTree
import zlib

import program
import sound

SVG = "{http://www.w3.org/2000/svg}"


def vowel(f0_hz, formants_hz, seconds=1.2, rate_hz=16000):
    """Pulses through a pole at 50 Hz and resonators of 80 Hz bandwidth, between silences of 0.3 s."""
    samples = [0.0] * int(seconds * rate_hz)
    turns = 0.0
    for n in range(len(samples)):
        turns += f0_hz / rate_hz
        if turns >= 1:
            turns -= 1
            samples[n] = 1.0

    def filtered(x, b0, a1, a2):
        y, y1, y2 = [], 0.0, 0.0
        for value in x:
            y1, y2 = b0 * value - a1 * y1 - a2 * y2, y1
            y.append(y1)
        return y

    pole = math.exp(-2 * math.pi * 50 / rate_hz)
    samples = filtered(samples, 1 - pole, -pole, 0)
    radius = math.exp(-math.pi * 80 / rate_hz)
    for formant in formants_hz:
        a1 = -2 * radius * math.cos(2 * math.pi * formant / rate_hz)
        samples = filtered(samples, 1 + a1 + radius ** 2, a1, radius ** 2)
    silence = [0.0] * int(0.3 * rate_hz)
    return silence + samples + silence


class Voice(program.ProgramTest):
    def measure(self, *options):
        result = self.run_program("measure", "voice", "vowel.wav", "--json", "voice.json", *options)
        self.assert_fine(result)
        return result.out, self.json("voice.json")

    def test_a_childs_vowel_has_the_pitch_and_formants_it_was_made_with(self):
        self.write("vowel.wav", sound.float_wav(vowel(310, (750, 2250, 3750, 5250, 6750)), rate_hz=16000))
        out, voice = self.measure("--voice", "child", "--csv", "voice.csv")
        self.assertAlmostEqual(voice["f0_hz"]["median"], 310, delta=1)
        self.assertAlmostEqual(voice["f1_hz"]["median"], 750, delta=45)
        for key, truth in (("f2_hz", 2250), ("f3_hz", 3750), ("f4_hz", 5250)):
            self.assertAlmostEqual(voice[key]["median"], truth, delta=0.04 * truth)
        self.assertAlmostEqual(voice["voiced_share"], 1.2 / 1.8, delta=0.05)
        self.assertLess(voice["f0_semitones"], 1)
        for part in ("child", "8000 Hz", "pitch", "F4"):
            self.assertIn(part, out)
        rows = (self.folder / "voice.csv").read_text().splitlines()
        self.assertEqual(len(rows), 1 + 181)
        self.assertEqual(len(voice["frames"]), 181)
        middle, silence = rows[91].split(","), rows[10].split(",")
        self.assertEqual(len(rows[0].split(",")), len(middle))
        self.assertEqual(float(middle[0]), 0.9)
        self.assertAlmostEqual(float(middle[3]), 310, delta=1)
        self.assertEqual(silence[3:], [""] * 9)
        self.assertIsNone(voice["frames"][10]["f0_hz"])

    def test_a_part_is_measured_in_the_recordings_time(self):
        self.write("vowel.wav", sound.float_wav(vowel(120, (500, 1500, 2500, 3500, 4500)), rate_hz=16000))
        _, voice = self.measure("--voice", "man", "--from", "0.5", "--to", "1")
        self.assertEqual((voice["from_s"], voice["to_s"]), (0.5, 1))
        self.assertEqual(len(voice["frames"]), 51)
        self.assertEqual(voice["frames"][0]["time_s"], 0.5)
        self.assertAlmostEqual(voice["f0_hz"]["median"], 120, delta=0.5)
        self.assertAlmostEqual(voice["f1_hz"]["median"], 500, delta=20)

    def test_the_drawing_shows_spectrogram_formants_pitch_and_level(self):
        self.write("vowel.wav", sound.float_wav(vowel(220, (600, 1700, 2800, 3900, 5000)), rate_hz=16000))
        self.measure("--svg", "voice.svg")
        root = xml.etree.ElementTree.parse(self.folder / "voice.svg").getroot()
        text = " ".join(node.text or "" for node in root.iter(SVG + "text"))
        for part in ("vowel.wav", "Spectrogram", "Pitch", "Level", "F3", "seconds"):
            self.assertIn(part, text)
        classes = [node.get("class") for node in root.iter() if node.get("class") in ("pitch", "level", "f1", "f2")]
        self.assertEqual(sorted(classes), ["f1", "f2", "level", "pitch"])
        self.check_image(next(root.iter(SVG + "image")).get("href"))

    def check_image(self, uri):
        """A PNG whose chunks are whole, and that is dark where the vowel is and white where it is not."""
        data = base64.b64decode(uri.removeprefix("data:image/png;base64,"), validate=True)
        self.assertEqual(data[:8], b"\x89PNG\r\n\x1a\n")
        at, chunks = 8, {}
        while at < len(data):
            size, name = struct.unpack_from(">I4s", data, at)
            chunks[name] = data[at + 8:at + 8 + size]
            self.assertEqual(struct.unpack_from(">I", data, at + 8 + size)[0], zlib.crc32(data[at + 4:at + 8 + size]))
            at += 12 + size
        width, height, bits, colour = struct.unpack_from(">IIBB", chunks[b"IHDR"])
        self.assertEqual((bits, colour), (4, 0))
        rows = zlib.decompress(chunks[b"IDAT"])
        row = 1 + (width + 1) // 2
        self.assertEqual(len(rows), row * height)
        first_formant = height - 1 - round(600 / 16000 * 512)
        shade = lambda share: rows[first_formant * row + 1 + int(share * width) // 2] >> 4
        self.assertEqual(shade(0.05), 15)
        self.assertLess(shade(0.5), 6)

    def test_where_there_is_no_voice_it_says_so(self):
        self.write("vowel.wav", sound.float_wav([0.0] * 16000, rate_hz=16000))
        result = self.run_program("measure", "voice", "vowel.wav", "--json", "voice.json", "--svg", "voice.svg")
        self.assertEqual(result.code, 1, result)
        self.assertIn("no voice", result.out)
        self.assertIsNone(self.json("voice.json")["f0_hz"]["median"])
        xml.etree.ElementTree.parse(self.folder / "voice.svg")

    def test_what_cannot_be_is_refused_and_leaves_nothing(self):
        self.write("vowel.wav", sound.float_wav([0.0] * 16000, rate_hz=16000))
        for options, parts in ((("--voice", "dog"), ("--voice",)),
                               (("--ceiling", "9000"), ("--ceiling",)),
                               (("--ceiling", "5512"), ("--ceiling", "5512", "multiple of 50")),
                               (("--from", "1", "--to", "0.5"), ("--to", "0.5")),
                               (("--from", "7"), ("vowel.wav", "--from", "7")),
                               (("--csv", "no/such.csv"), ("no/such.csv",))):
            with self.subTest(options=options):
                self.assert_refused(self.run_program(
                    "measure", "voice", "vowel.wav", "--json", "voice.json", *options), *parts)
                self.assertEqual(self.files(), ["vowel.wav"])
        self.assert_refused(self.run_program("measure", "voice", "none.wav"), "none.wav")
        self.write("text.wav", "this is no sound")
        self.assert_refused(self.run_program("measure", "voice", "text.wav"), "text.wav")


if __name__ == "__main__":
    program.main()
