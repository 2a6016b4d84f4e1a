# SPDX-License-Identifier: Apache-2.0
"""`sidetone score`: scores where the text was read aloud, a reason where it was not, and one line for what cannot be."""

import os
import sys

import program
import sound

WEIGHTS = program.SOURCE / "models" / "phoneme-ctc" / "phoneme-ctc.onnx"
SPEECH = program.SOURCE / "deps" / "audio" / "speech" / "2830-3980-0043.wav"
TEXT = "experience proves this"


class Score(program.ProgramTest):
    def scored(self, *arguments):
        self.assert_fine(self.run_program("score", SPEECH, *arguments, "--json", "out.json"))
        return self.json("out.json")["results"][0]

    def test_every_word_and_phone_has_times_and_a_score(self):
        result = self.scored("--text", TEXT)
        self.assertTrue(result["spoken"])
        self.assertEqual([word["word"] for word in result["words"]], TEXT.split())
        end = 0
        for word in result["words"]:
            self.assertTrue(0 <= word["score"] <= 10, word)
            for phone in word["phones"]:
                self.assertTrue(0 <= phone["score"] <= 2, phone)
                self.assertGreaterEqual(phone["start_s"], end)
                self.assertGreater(phone["end_s"], phone["start_s"])
                end = phone["end_s"]
        self.assertEqual(sorted(result["utterance"]), ["accuracy", "completeness", "fluency", "prosodic", "total"])
        for score in result["utterance"].values():
            self.assertTrue(0 <= score <= 10, result["utterance"])
        self.assertEqual(result["guessed_words"], [])

    def test_each_pass_has_scores_of_its_own_and_both_have_their_mean(self):
        by = {name: self.scored("--text", TEXT, "--also-unspoken", "--pass", name) for name in ("full", "streaming", "both")}
        totals = {name: result["utterance"]["total"] for name, result in by.items()}
        self.assertNotEqual(totals["full"], totals["streaming"])
        self.assertGreater(min(totals.values()), 5, "a native reader")
        self.assertAlmostEqual(totals["both"], (totals["full"] + totals["streaming"]) / 2, places=4)
        self.assertEqual(self.scored("--text", TEXT), self.scored("--text", TEXT, "--pass", "both"))
        self.assertEqual(self.json("out.json")["heard_by"], ["phoneme-ctc", "phoneme-second-pass"])

    def test_says_where_it_is_not_sure_and_gives_no_score_there(self):
        answer = self.scored("--phones", "IH K S P IH R IY AH N S | P R UW V Z | K IH M")
        phones = [phone for word in answer["words"] for phone in word["phones"]]
        for phone in phones:
            self.assertEqual(phone["verdict"], "fine" if phone["fine"] >= 0.8 else "otherwise" if phone["fine"] <= 0.2 else "not sure")
            if phone["verdict"] != "otherwise":
                self.assertIsNone(phone["heard"])
        self.assertIn("not sure", [phone["verdict"] for phone in phones])
        shown = self.run_program("score", SPEECH, "--phones", "IH K S P IH R IY AH N S | P R UW V Z | K IH M")
        self.assertIn(" ?", shown.out)
        self.assertIn("not sure", shown.out)

    def test_of_scorers_of_ones_own_nobody_knows_how_sure_one_may_be(self):
        weights = program.SOURCE / "models" / "phone-scorer" / "phone-scorer.bin"
        answer = self.scored("--text", TEXT, "--pass", "streaming", "--scorer", weights)
        self.assertIsNone(answer["words"][0]["phones"][0]["verdict"])
        self.assert_refused(self.run_program("score", SPEECH, "--text", TEXT, "--scorer", weights), "--scorer", "--pass both")
        self.assert_refused(self.run_program("score", SPEECH, "--text", TEXT, "--features", "x.f32"), "--features", "--pass both")

    def test_a_phone_said_otherwise_has_a_lower_score(self):
        right = self.scored("--phones", "IH K S P IH R IY AH N S | P R UW V Z | DH IH S")
        wrong = self.scored("--phones", "IH K S P IH R IY AH N S | P R UW V Z | K IH M")
        self.assertLess(wrong["words"][2]["score"], right["words"][2]["score"] - 1)
        self.assertLess(wrong["words"][2]["phones"][2]["score"], right["words"][2]["phones"][2]["score"] - 0.3)

    def test_words_outside_the_lexicon_are_guessed_and_named(self):
        result = self.scored("--text", "experience proovze this")
        self.assertEqual(result["guessed_words"], ["proovze"])
        self.assert_refused(self.run_program("score", SPEECH, "--strict", "--text", "experience proovze this"), "proovze", "--strict")

    def test_what_was_not_spoken_has_no_score(self):
        self.write("silence.wav", sound.float_wav([0.0] * 48000, rate_hz=16000))
        self.write("short.wav", sound.float_wav([0.0] * 100, rate_hz=16000))
        for file, text in ((SPEECH, "zebras jump over many long wooden fences"), ("silence.wav", TEXT), ("short.wav", TEXT)):
            with self.subTest(file=file):
                result = self.run_program("score", file, "--text", text, "--json", "out.json")
                self.assertEqual(result.code, 1, result)
                answer = self.json("out.json")["results"][0]
                self.assertFalse(answer["spoken"])
                self.assertTrue(answer["reason"])
                self.assertNotIn("words", answer)
                self.assertNotIn("utterance", answer)

    def test_what_was_not_spoken_is_judged_where_that_is_asked_for(self):
        arguments = ("--text", "zebras jump over many long wooden fences")
        answer = self.scored(*arguments, "--also-unspoken")
        self.assertLess(answer["utterance"]["accuracy"], self.scored("--text", TEXT)["utterance"]["accuracy"])

    def test_a_list_is_scored_in_its_order(self):
        (self.folder / "many.tsv").write_text(f"{SPEECH}\t{TEXT}\n{SPEECH}\t\tIH K S P IH R IY AH N S | P R UW V Z | DH IH S\n")
        self.assert_fine(self.run_program("score", "--list", "many.tsv", "--json", "out.json"))
        results = self.json("out.json")["results"]
        self.assertEqual([len(result["words"]) for result in results], [3, 3])

    def test_bad_input_is_refused(self):
        self.assert_refused(self.run_program("score", SPEECH), "--text")
        self.assert_refused(self.run_program("score", "missing.wav", "--text", TEXT), "missing.wav")
        self.assert_refused(self.run_program("score", "--text", TEXT), "FILE")
        self.assert_refused(self.run_program("score", SPEECH, "--text", "12"), "12")
        self.assert_refused(self.run_program("score", SPEECH, "--phones", "XX"), "XX")
        self.assert_refused(self.run_program("score", SPEECH, "--text", "one two", "--phones", "W AH N"), "--phones")
        self.assert_refused(self.run_program("score", SPEECH, "--text", "word " * 200), "400")
        (self.folder / "bad.tsv").write_text("no tab\n")
        self.assert_refused(self.run_program("score", "--list", "bad.tsv"), "bad.tsv", "tab")


if not WEIGHTS.exists():
    print("skipped: models/phoneme-ctc has no weights")
    sys.exit(77)
if not SPEECH.exists() or not os.path.exists("/usr/share/pocketsphinx/model/en-us/cmudict-en-us.dict"):
    print("skipped: no speech in deps/, or no lexicon installed")
    sys.exit(77)
program.main()
