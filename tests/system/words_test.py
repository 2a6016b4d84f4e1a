# SPDX-License-Identifier: Apache-2.0
"""`sidetone transcribe --words`: the text of an utterance once it is over, from files and live."""

import json
import unittest

import program

TINY = program.SOURCE / "tests" / "data" / "phoneme-tiny"
HAS_WEIGHTS = (program.SOURCE / "deps" / "models" / "moonshine-tiny" / "decoder_model_merged.onnx").exists()
TEXT = "Why should one halt on the way?"  # of program.SPEECH


class Words(program.ProgramTest):
    def transcribe(self, *arguments):
        return self.run_program("transcribe", "--model", TINY, "--vad", "energy", *arguments)

    @unittest.skipIf(HAS_WEIGHTS, "the weights of moonshine-tiny are here")
    def test_without_weights_the_command_that_fetches_them_is_named(self):
        self.assert_refused(self.transcribe(program.SPEECH, "--words", "on"), "moonshine-tiny",
                            "sidetone models pull moonshine-tiny")
        result = self.transcribe(program.SPEECH, "--json", "out.json")
        self.assert_fine(result)
        self.assertNotIn("text", self.json("out.json")["files"][0]["utterances"][0])

    @unittest.skipUnless(HAS_WEIGHTS, "the weights of moonshine-tiny are not here: scripts/setup --tests brings them")
    def test_a_file_gets_its_text(self):
        result = self.transcribe(program.SPEECH, "--words", "on", "--brief", "--json", "out.json")
        self.assert_fine(result)
        self.assertIn(f'"{TEXT}"', result.out)
        self.assertEqual(self.json("out.json")["files"][0]["utterances"][0]["text"], TEXT)
        self.assertNotIn(TEXT, self.transcribe(program.SPEECH, "--words", "off").out)

    @unittest.skipUnless(HAS_WEIGHTS, "the weights of moonshine-tiny are not here: scripts/setup --tests brings them")
    def test_live_the_text_comes_after_the_phones(self):
        result = self.transcribe("--input", program.SPEECH, "--json-lines", "-", "--json", "live.json")
        self.assertIn(result.code, (0, 1), result)
        lines = [json.loads(line) for line in result.out.splitlines()]
        self.assertEqual([line["event"] for line in lines[-2:]], ["utterance", "text"])
        self.assertEqual((lines[-1]["utterance"], lines[-1]["text"]), (0, TEXT))
        live = self.json("live.json")
        self.assertEqual(live["utterances"][0]["text"], TEXT)
        self.assertIn(live["heap_calls"], (0, None))
        self.assertEqual(live["text_after_us"]["count"], 1)

    @unittest.skipUnless(HAS_WEIGHTS, "the weights of moonshine-tiny are not here: scripts/setup --tests brings them")
    def test_words_that_are_heard_wrong_are_counted(self):
        self.write("list.tsv", f"{program.SPEECH}\twhy should one halt on the WAY\tright\n"
                               f"{program.SPEECH}\twhy should two halt by the way\twrong\n")
        self.assert_fine(self.run_program("bench", "words", "list.tsv", "--json", "out.json"))
        results = {group["group"]: group for group in self.json("out.json")["results"]}
        self.assertEqual([results[group]["errors"] for group in ("all", "right", "wrong")], [2, 0, 2])
        self.assertEqual(results["all"]["words"], 14)

    def test_bad_input_is_one_line(self):
        self.write("list.tsv", "no tab\n")
        self.assert_refused(self.run_program("bench", "words", "list.tsv"), "list.tsv:1", "FILE<tab>TEXT")
        self.assert_refused(self.run_program("bench", "words", "nowhere.tsv"), "nowhere.tsv")


if __name__ == "__main__":
    program.main()
