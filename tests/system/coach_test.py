# SPDX-License-Identifier: Apache-2.0
"""`sidetone coach`: a recording is spoken into the simulated card; nothing is allocated on the audio thread."""

import signal
import time

import program
import sound

TINY = program.SOURCE / "tests" / "data" / "phoneme-tiny"
PARTS = ["capture", "preprocess", "features", "inference", "decode", "dispatch", "render-ready"]
LEXICON = "why W AY\nshould SH UH D\none W AH N\nhalt HH AO L T\non AA N\nthe DH AH\nway W EY\n"
TEXT = "Why should one halt on the way?"


class Coach(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("lexicon.txt", LEXICON)

    def coach(self, *arguments, text=TEXT, model=TINY):
        """No model: those of both passes."""
        by = ("--model", model) if model else ()
        return self.run_program("coach", *by, "--lexicon", "lexicon.txt", "--text", text, *arguments)

    def test_every_part_of_the_way_is_in_the_ledger_and_nothing_is_allocated(self):
        result = self.coach("--device", "sim", "--input", program.SPEECH, "--json", "out.json")
        self.assertIn(result.code, (0, 1), result)
        found = self.json("out.json")
        self.assertIn(found["heap_calls"], (0, None))
        self.assertIn(found["locks"], (0, None))
        parts = {stage["name"]: stage["us"]["count"] for stage in found["stages"]}
        for name in PARTS:
            self.assertGreater(parts[name], 40, f"2.7 s in runs of 40 ms: {name}")
        self.assertEqual(parts["capture"], parts["decode"])
        self.assertIn("render-ready", result.out)

    # Random weights: the text is surely not what they hear, but they hear the same live and from the file.
    def test_hears_live_what_is_in_the_file(self):
        result = self.coach("--input", program.SPEECH, "--beam", "16", "--chunk-ms", "80", "--json", "live.json")
        self.assertIn(result.code, (0, 1), result)
        live = [phone["phone"] for phone in self.json("live.json")["phones"]]
        self.assertGreater(len(live), 0)
        if self.json("live.json")["misses"] == 0:
            self.assert_fine(self.run_program("transcribe", "--model", TINY, "--phone-lm", "none", program.SPEECH,
                                              "--json", "file.json"))
            file = [p["phone"] for u in self.json("file.json")["files"][0]["utterances"] for p in u["phones"]]
            self.assertGreater(len(set(live) & set(file)), 0)

    def test_silence_is_said_and_not_scored(self):
        self.write("silence.wav", sound.float_wav([0.0] * 48000))
        result = self.coach("--input", "silence.wav", "--json", "out.json")
        self.assertEqual(result.code, 1, result)
        self.assertIn("no voice in it", result.out)
        self.assertEqual(self.json("out.json")["reading"]["words"], [])
        self.assertNotIn("scores", self.json("out.json"))

    def test_bad_input_is_one_line(self):
        self.assert_refused(self.coach("--input", "nowhere.wav"), "nowhere.wav")
        self.assert_refused(self.coach("--input", program.SPEECH, "--device", "jack"), "--device jack", "sim")
        self.assert_refused(self.coach("--input", program.SPEECH, text="42"), '"42"')
        self.write("deaf.toml", program.GAIN_CHAIN)
        self.assert_refused(self.coach("--input", program.SPEECH, "--chain", "deaf.toml"), "deaf.toml", "tap")

    def test_with_trained_weights_words_come_with_times_and_scores(self):
        result = self.coach("--input", program.SPEECH, "--json", "out.json", model="phoneme-ctc")
        self.assertIn(result.code, (0, 1), result)
        found = self.json("out.json")
        self.assertTrue(found["reading"]["spoken"], result)
        words = found["reading"]["words"]
        self.assertEqual([word["word"] for word in words], "Why should one halt on the way".split())
        self.assertGreater(found["phone_shown_after_ms"]["p50"], 42)
        scores = found["scores"]
        self.assertEqual(len(scores["words"]), len(words))
        self.assertGreater(scores["utterance"]["total"], 5, "a native reader")
        self.assertIn("of 10: total", result.out)

    # A stopped process is what a stall of the machine looks like: the card loses sound, and time goes on.
    def test_lost_sound_does_not_move_when_phones_before_it_were_shown(self):
        running = self.start_program("coach", "--model", "phoneme-ctc", "--lexicon", "lexicon.txt", "--text", TEXT,
                                     "--input", program.SPEECH, "--json", "out.json")
        self.assertTrue(running.wait_for("simulated card"))
        time.sleep(2)
        running.process.send_signal(signal.SIGSTOP)
        time.sleep(0.3)
        running.process.send_signal(signal.SIGCONT)
        result = running.finish()
        self.assertIn(result.code, (0, 1), result)
        self.assertGreater(self.json("out.json")["xruns"], 0)
        self.assertGreater(self.json("out.json")["phone_shown_after_ms"]["p50"], 42)

    def test_each_utterance_is_heard_once_more_and_judged_while_the_next_is_spoken(self):
        self.assert_fine(self.run_program("mix", "--speech", program.SPEECH, "--speech", program.SPEECH, "--noise", "fan", "--snr", "40",
                                          "--seconds", "7", "--rate", "48000", "twice.wav"))
        result = self.coach("--input", "twice.wav", "--json", "out.json", text=f"{TEXT} {TEXT}", model=None)
        self.assertIn(result.code, (0, 1), result)
        found = self.json("out.json")
        self.assertEqual(found["by"], {"phones": "streaming", "reading": "streaming", "scores": "both"})
        self.assertIn(found["heap_calls"], (0, None))
        self.assertIn(found["locks"], (0, None))
        self.assertEqual(len(found["utterances"]), 2, result)
        end = 0
        for utterance in found["utterances"]:
            self.assertEqual([word["word"] for word in utterance["words"]], "Why should one halt on the way".split())
            self.assertEqual(utterance["by"], {"phones": "full", "times": "streaming", "scores": "both"})
            self.assertGreater(utterance["utterance"]["total"], 5, "a native reader")
            self.assertGreater(len(utterance["phones"]), 15)
            self.assertGreater(utterance["after_ms"], 0)
            self.assertGreater(utterance["words"][0]["start_s"], end)
            end = utterance["words"][-1]["end_s"]
        self.assertEqual(found["judged_after_us"]["count"], 2)

    def test_one_pass_alone_judges_at_the_end(self):
        result = self.coach("--input", program.SPEECH, "--pass", "streaming", "--json", "out.json", model=None)
        self.assertIn(result.code, (0, 1), result)
        found = self.json("out.json")
        self.assertNotIn("utterances", found)
        self.assertEqual(found["by"]["scores"], "streaming")
        self.assertGreater(found["scores"]["utterance"]["total"], 5, result)
        self.assert_refused(self.coach("--pass", "full", "--input", program.SPEECH, model=None), "--pass", "full")


if __name__ == "__main__":
    program.main()
