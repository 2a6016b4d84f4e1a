# SPDX-License-Identifier: Apache-2.0
"""`sidetone transcribe`, `align`: phones and words with times, and plain words where there are none."""

import json
import os
import pathlib
import wave

import program
import sound

TINY = program.SOURCE / "tests" / "data" / "phoneme-tiny"
DATA = pathlib.Path(os.environ.get("SIDETONE_DATA", program.SOURCE.parent / "shared" / "data"))
LEXICON = "why W AY\nshould SH UH D\none W AH N\none HH W AH N\nhalt HH AO L T\non AA N\nthe DH AH\nway W EY\nbear B EH R\n"
TEXT = "Why should one halt on the way?"  # of program.SPEECH


class Speak(program.ProgramTest):
    """With random weights: everything but what is heard."""

    def setUp(self):
        super().setUp()
        self.write("lexicon.txt", LEXICON)
        self.environment.pop("SIDETONE_LEXICON", None)

    def transcribe(self, *arguments):
        return self.run_program("transcribe", "--model", TINY, "--words", "off", *arguments)

    def align(self, *arguments):
        return self.run_program("align", "--model", TINY, "--lexicon", "lexicon.txt", *arguments)

    def test_an_utterance_is_found_and_its_phones_lie_in_it(self):
        self.assert_fine(self.transcribe(program.SPEECH, "--json", "out.json"))
        found = self.json("out.json")["files"][0]
        self.assertAlmostEqual(found["seconds"], 2.735, places=2)
        self.assertEqual(len(found["utterances"]), 1)
        utterance = found["utterances"][0]
        times = [time for phone in utterance["phones"] for time in (phone["start_s"], phone["end_s"])]
        self.assertGreater(len(times), 0)
        self.assertEqual(times, sorted(times))
        for phone in utterance["phones"]:
            self.assertTrue(0 <= phone["confidence"] <= 1)

    def test_rate_format_and_channels_do_not_matter(self):
        self.assert_fine(self.run_program("mix", "--speech", program.SPEECH, "--noise", "fan", "--snr", "60", "--seconds",
                                          "2.7", "--rate", "44100", "--clean", "clean.wav", "noisy.wav"))
        result = self.transcribe(program.SPEECH, "clean.wav", "--json", "out.json", "--vad", "energy")
        self.assert_fine(result)
        first, second = self.json("out.json")["files"]
        self.assertEqual(len(first["utterances"]), len(second["utterances"]))

    def test_live_the_same_utterance_comes_line_by_line(self):
        result = self.transcribe("--input", program.SPEECH, "--json-lines", "-", "--json", "live.json", "--vad", "energy")
        self.assertIn(result.code, (0, 1), result)
        lines = [json.loads(line) for line in result.out.splitlines()]
        parts = [line for line in lines if line["event"] == "phones"]
        self.assertGreater(len(parts), 1)
        for part in parts:
            self.assertLessEqual(part["settled"], len(part["phones"]))
        live = self.json("live.json")
        self.assertIn(live["heap_calls"], (0, None))
        self.assertGreater({stage["name"]: stage["us"]["count"] for stage in live["stages"]}["render-ready"], 40)
        whole = {key: value for key, value in lines[-1].items() if key not in ("event", "utterance")}
        self.assertEqual((lines[-1]["event"], lines[-1]["utterance"]), ("utterance", 0))
        self.assertEqual(live["utterances"], [whole])
        # A card that came late skipped sound, and then it is another sound.
        if (live["misses"], live["misses_external"]) == (0, {"card": 0, "stolen": 0}):
            self.assert_fine(self.transcribe(program.SPEECH, "--json", "file.json", "--vad", "energy", "--beam", "4",
                                             "--chunk-ms", "40"))
            file = self.json("file.json")["files"][0]["utterances"]
            self.assertEqual(len(file), 1)
            self.assertEqual([p["phone"] for p in whole["phones"]], [p["phone"] for p in file[0]["phones"]])

    def test_files_and_cards_are_not_mixed(self):
        self.assert_refused(self.transcribe(), "neither sound files nor --device")
        self.assert_refused(self.transcribe(program.SPEECH, "--device", "sim"), "sound files and --device")
        self.assert_refused(self.transcribe(program.SPEECH, "--json-lines", "-"), "--json-lines", "--json")
        self.assert_refused(self.transcribe("--input", program.SPEECH, "--json-lines", "no/such/lines"), "no/such/lines")
        self.write("deaf.toml", program.GAIN_CHAIN)
        self.assert_refused(self.transcribe("--input", program.SPEECH, "--chain", "deaf.toml"), "deaf.toml", "tap")

    def test_silence_is_no_voice(self):
        for name, samples in (("silence.wav", [0.0] * 48000), ("short.wav", [0.0] * 5)):
            self.write(name, sound.float_wav(samples))
            result = self.transcribe(name)
            self.assert_fine(result)
            self.assertIn("no voice in", result.out)
            result = self.align(name, "--text", "the way", "--json", "out.json", "--textgrid", "out.TextGrid")
            self.assertEqual(result.code, 1, result)
            self.assertIn("no voice in it", result.out)
            self.assertEqual(self.json("out.json")["words"], [])
            self.assertNotIn("out.TextGrid", self.files())

    def test_what_is_not_finite_is_silence_and_is_said(self):
        self.write("bad.wav", sound.float_wav([float("nan"), float("inf")] * 24000))
        result = self.transcribe("bad.wav")
        self.assert_fine(result)
        self.assertIn("48000 samples that were NaN or infinite", result.out)

    def test_bad_input_is_one_line(self):
        self.assert_refused(self.transcribe("nowhere.wav"), "nowhere.wav")
        self.write("empty.wav", b"")
        self.assert_refused(self.transcribe("empty.wav"), "empty.wav")
        self.assert_refused(self.transcribe(program.SPEECH, "--json", "no/such/folder.json"), "no/such/folder.json")
        self.assert_refused(self.run_program("transcribe", "--model", "silero-vad", program.SPEECH), "silero-vad", "task")
        self.assert_refused(self.run_program("transcribe", "--model", "nosuch", program.SPEECH), "nosuch")
        self.assert_refused(self.transcribe(program.SPEECH, "--pass", "full"), "--pass", "--model")
        self.assert_refused(self.run_program("transcribe", "--pass", "both", program.SPEECH), "--pass", "both")
        self.assert_refused(self.align(program.SPEECH, "--text", "the way 42 caf\u00e9"), '"42", "caf\u00e9"', "--lexicon")
        self.assert_refused(self.align(program.SPEECH, "--strict", "--text", "the zimble way, zork"), '"zimble", "zork"')
        self.assert_refused(self.align(program.SPEECH, "--text", " ... "), "no word")
        self.write("bad.txt", "word QX\n")
        self.assert_refused(self.run_program("align", "--model", TINY, program.SPEECH, "--text", "word", "--lexicon",
                                             "bad.txt"), "bad.txt:1", "QX")

    def test_words_that_no_lexicon_has_are_said_by_rule_and_named(self):
        result = self.align(program.SPEECH, "--text", "the zimble way")
        self.assertIn(result.code, (0, 1), result)
        self.assertIn('does not have "zimble": said by rule', result.err)

    def test_words_of_a_language_model_are_heard_and_dated(self):
        self.write("words.arpa", "\\data\\\n\\1-grams:\n-99 <s>\n-1 </s>\n-1 halt\n-1 way\n-1 the\n\\end\\\n")
        self.assert_fine(self.transcribe(program.SPEECH, "--word-lm", "words.arpa", "--lexicon", "lexicon.txt", "--json",
                                         "out.json"))
        words = self.json("out.json")["files"][0]["utterances"][0]["words"]
        self.assertTrue(all(word["word"] in ("halt", "way", "the") for word in words), words)
        times = [time for word in words for time in (word["start_s"], word["end_s"])]
        self.assertEqual(times, sorted(times))
        self.assertTrue(all(0 <= word["confidence"] <= 1 for word in words))

    def test_a_language_model_that_is_none_is_refused_in_one_line(self):
        for name, text, *found in (("empty.arpa", "", "empty.arpa:0", "1-grams"),
                                   ("bad.arpa", "\\data\\\n\\1-grams:\nmuch way\n", "bad.arpa:3", "much")):
            self.write(name, text)
            self.assert_refused(self.transcribe(program.SPEECH, "--word-lm", name, "--lexicon", "lexicon.txt"), *found)
        self.write("numbers.arpa", "\\data\\\n\\1-grams:\n-1 42\n\\end\\\n")
        self.assert_refused(self.transcribe(program.SPEECH, "--word-lm", "numbers.arpa", "--lexicon", "lexicon.txt"), "no words")
        self.assert_refused(self.transcribe(program.SPEECH, "--lexicon", "nowhere.txt"), "nowhere.txt")
        self.write("hot.txt", "the way :6\nthe zork\n")
        self.assert_refused(self.transcribe(program.SPEECH, "--lexicon", "lexicon.txt", "--hot-words", "hot.txt"), "hot.txt:2", "zork")

    def test_a_text_longer_than_the_recording_is_not_pretended(self):
        result = self.align(program.SPEECH, "--text", "why should one halt " * 20, "--json", "out.json")
        self.assertEqual(result.code, 1, result)
        self.assertFalse(self.json("out.json")["spoken"])
        self.assertEqual(self.json("out.json")["words"], [])


class Heard(program.ProgramTest):
    """With the trained weights."""

    def setUp(self):
        super().setUp()
        self.environment["SIDETONE_MODELS"] = str(DATA / "models")
        models = self.run_program("models", "list").out
        if not any(line.startswith("phoneme-ctc") and line.endswith("ready") for line in models.splitlines()):
            self.skipTest("the weights of phoneme-ctc are not there")
        self.write("lexicon.txt", LEXICON)

    def test_words_are_where_they_were_spoken(self):
        for by in ("full", "streaming"):
            with self.subTest(by=by):
                self.expect_words_where_they_were_spoken("--pass", by)

    def expect_words_where_they_were_spoken(self, *arguments):
        result = self.run_program("align", program.SPEECH, "--text", TEXT, "--lexicon", "lexicon.txt", "--json", "out.json",
                                  "--textgrid", "out.TextGrid", *arguments)
        self.assert_fine(result)
        found = self.json("out.json")
        self.assertTrue(found["spoken"])
        words = found["words"]
        self.assertEqual([word["word"] for word in words], "Why should one halt on the way".split())
        # By ear: the sentence lies between 0.5 and 2.4 s, "halt" around 1.3 s.
        self.assertTrue(0.2 < words[0]["start_s"] < 0.8, words[0])
        self.assertTrue(1.8 < words[-1]["end_s"] < 2.7, words[-1])
        ends = [time for word in words for time in (word["start_s"], word["end_s"])]
        self.assertEqual(ends, sorted(ends))
        grid = (self.folder / "out.TextGrid").read_text()
        self.assertIn('name = "phones"', grid)
        self.assertIn('text = "halt"', grid)
        self.assertEqual(found["beside"], [])

    def test_a_word_that_is_said_twice_is_told(self):
        self.assert_fine(self.run_program("align", program.SPEECH, "--text", TEXT, "--lexicon", "lexicon.txt", "--json", "out.json"))
        halt = self.json("out.json")["words"][3]
        with wave.open(str(program.SPEECH)) as file:
            rate, frame, sound_bytes = file.getframerate(), file.getsampwidth(), file.readframes(file.getnframes())
        begin, end = (round(time * rate) * frame for time in (halt["start_s"], halt["end_s"]))
        with wave.open(str(self.folder / "twice.wav"), "wb") as file:
            file.setparams((1, frame, rate, 0, "NONE", ""))
            file.writeframes(sound_bytes[:end] + sound_bytes[begin:])
        self.assert_fine(self.run_program("align", "twice.wav", "--text", TEXT, "--lexicon", "lexicon.txt", "--json", "out.json"))
        found = self.json("out.json")
        self.assertEqual([beside["words"] for beside in found["beside"]], [["halt"]])
        self.assertAlmostEqual(found["beside"][0]["start_s"], halt["start_s"], delta=0.08)
        self.assertAlmostEqual(found["words"][3]["start_s"], halt["end_s"], delta=0.08)

    def test_another_text_is_not_pretended(self):
        result = self.run_program("align", program.SPEECH, "--text", "bear bear bear bear bear bear", "--lexicon",
                                  "lexicon.txt", "--json", "out.json")
        self.assertEqual(result.code, 1, result)
        self.assertIn("does not seem to be spoken", result.out)
        self.assertFalse(self.json("out.json")["spoken"])

    def test_phones_are_those_of_the_sentence(self):
        for by, model in (("full", "phoneme-second-pass"), ("streaming", "phoneme-ctc")):
            with self.subTest(by=by):
                self.assert_fine(self.run_program("transcribe", program.SPEECH, "--pass", by, "--json", "out.json"))
                self.assertEqual(self.json("out.json")["model"], model)
                phones = [p["phone"] for u in self.json("out.json")["files"][0]["utterances"] for p in u["phones"]]
                expected = "W AY SH UH D W AH N HH AO L T AA N DH AH W EY".split()
                self.assertTrue(len(expected) / 2 < len(phones) < 2 * len(expected), phones)
                self.assertGreaterEqual(len(set(phones) & set(expected)), 6, phones)


if __name__ == "__main__":
    program.main()
