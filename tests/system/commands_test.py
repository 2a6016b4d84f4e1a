# SPDX-License-Identifier: Apache-2.0
"""Every command helps its user, and ends with the exit code that scripts rely on."""

import pathlib
import re
import shutil

import program
import sound


class Commands(program.ProgramTest):
    def sub_commands(self, *path):
        """Every sub-command there is, as a path of words."""
        found = []
        listing = self.run_program(*path, "--help").out.partition("Subcommands:")[2]
        for name in re.findall(r"^  ([a-z][a-z-]*) ", listing, re.MULTILINE):
            found += [(*path, name), *self.sub_commands(*path, name)]
        return found

    def test_every_command_has_help_with_an_example(self):
        commands = [(), *self.sub_commands()]
        names = {command[0] for command in commands if command}
        self.assertLessEqual({"run", "process", "devices", "models", "measure", "mix", "prescribe", "bench", "doctor"}, names)
        for command in commands:
            with self.subTest(command=" ".join(command)):
                result = self.run_program(*command, "--help")
                self.assert_fine(result)
                self.assertIn("Example", result.out)
                self.assertEqual(result.err, "")

    def test_version_is_told(self):
        result = self.run_program("--version")
        self.assert_fine(result)
        self.assertRegex(result.out, r"^sidetone \d+\.\d+\.\d+\n$")

    def test_what_is_no_command_is_refused(self):
        self.assert_refused(self.run_program(), "--help")
        self.assert_refused(self.run_program("fly"), "--help")
        self.assert_refused(self.run_program("models"))
        self.assert_refused(self.run_program("process"))
        self.assert_refused(self.run_program("process", program.CHAINS / "denoise.toml", "in.wav"))
        self.assert_refused(self.run_program("run", "--no-such-option"))
        self.assert_refused(self.run_program("run", "a", "b"))

    def test_devices_lists_the_simulated_card(self):
        result = self.run_program("devices")
        self.assert_fine(result)
        self.assertRegex(result.out, r"(?m)^sim ")

    def test_models_are_listed_inspected_and_verified(self):
        listed = self.run_program("models", "list")
        self.assert_fine(listed)
        self.assertRegex(listed.out, r"(?m)^dtln .*ready$")
        inspected = self.run_program("models", "inspect", "dtln")
        self.assert_fine(inspected)
        for part in ("model_1.tflite", "16000 Hz", "state ", "MIT", "backend  native"):
            self.assertIn(part, inspected.out)
        self.assert_fine(self.run_program("models", "verify", "dtln"))

    def test_a_plan_is_printed_and_profiled(self):
        planned = self.run_program("models", "inspect", "silero-vad", "--plan", "--json", "plan.json")
        self.assert_fine(planned)
        self.assertIn("arena", planned.out)
        graph = self.json("plan.json")["graphs"][0]
        self.assertEqual(graph["file"], "silero_vad.onnx")
        self.assertGreater(graph["multiply_adds"], 100_000)
        self.assertNotIn("run_us", graph)
        for step in graph["steps"]:
            for key in ("operator", "node", "reads", "writes", "multiply_adds", "bytes", "weight_type"):
                self.assertIn(key, step)
        profiled = self.run_program("models", "inspect", "silero-vad", "--profile", "--runs", 20, "--json", "profile.json")
        self.assert_fine(profiled)
        graph = self.json("profile.json")["graphs"][0]
        self.assertEqual(graph["runs"], 20)
        self.assertGreater(graph["run_us"], 0)
        self.assertGreater(graph["peak_share"], 0)
        self.assertAlmostEqual(sum(step["us"] for step in graph["steps"]), graph["steps_us"], delta=1e-6)
        planned = self.run_program("models", "inspect", "dtln", "--plan")
        self.assert_fine(planned)
        self.assertIn("plan of model_2.tflite", planned.out)
        self.assert_refused(self.run_program("models", "inspect", "silero-vad", "--json", "x.json"), "--plan")

    def test_doctor_says_what_it_finds(self):
        result = self.run_program("doctor")
        self.assertIn(result.code, (0, 1), result)
        self.assertEqual(result.code == 1, "MEND" in result.out, result)
        self.assertIn("real-time priority", result.out)

    def test_noisy_speech_is_mixed_and_measured(self):
        self.make_noisy_speech(2)
        result = self.run_program("measure", "quality", "clean.wav", "noisy.wav", "noisy.wav", "--json", "q.json")
        self.assert_fine(result)
        found = self.json("q.json")
        self.assertAlmostEqual(found["si_sdr_db"]["noisy"], 3, delta=0.5)
        self.assertEqual(found["si_sdr_db"]["out"], found["si_sdr_db"]["noisy"])
        self.assertEqual(found["delay_frames"], {"noisy": 0, "out": 0})
        self.assertEqual(found["dnsmos"], {"noisy": None, "out": None})
        for key, low, high in (("segmental_snr_db", -10, 3), ("stoi", 0.5, 0.99), ("estoi", 0.2, 0.9)):
            self.assertEqual(found[key]["out"], found[key]["noisy"])
            self.assertGreater(found[key]["noisy"], low, key)
            self.assertLess(found[key]["noisy"], high, key)

    def test_quality_of_the_clean_recording_itself_is_perfect(self):
        self.make_noisy_speech(2)
        result = self.run_program("measure", "quality", "clean.wav", "noisy.wav", "clean.wav", "--json", "q.json")
        self.assert_fine(result)
        self.assertIn("inf dB", result.out)
        found = self.json("q.json")
        self.assertIsNone(found["si_sdr_db"]["out"])
        self.assertEqual(found["segmental_snr_db"]["out"], 35)
        self.assertAlmostEqual(found["stoi"]["out"], 1, places=6)
        self.assertAlmostEqual(found["estoi"]["out"], 1, places=6)

    def test_quality_of_a_moment_of_sound_says_what_it_needs(self):
        self.write("short.wav", sound.float_wav(sound.sine(0.2)))
        result = self.run_program("measure", "quality", "short.wav", "short.wav", "short.wav", "--json", "q.json")
        self.assert_fine(result)
        self.assertIn("0.4 s", result.out)
        self.assertEqual(self.json("q.json")["estoi"], {"noisy": None, "out": None})

    # As installed: PREFIX/bin beside PREFIX/share.
    def test_ready_made_chains_go_by_name_and_an_unknown_one_lists_them(self):
        prefix = self.folder / "prefix"
        (prefix / "bin").mkdir(parents=True)
        shutil.copy(program.PROGRAM, prefix / "bin" / "sidetone")
        shutil.copytree(program.CHAINS, prefix / "share" / "sidetone" / "chains")
        self.write("in.wav", sound.float_wav(sound.sine(0.1)))
        built = program.PROGRAM
        self.addCleanup(setattr, program, "PROGRAM", built)
        program.PROGRAM = pathlib.Path(prefix / "bin" / "sidetone")
        self.assert_fine(self.run_program("process", "denoise", "in.wav", "out.wav"))
        for command in (("process", "denoize", "in.wav", "no.wav"), ("run", "denoize", "--in", "in.wav")):
            self.assert_refused(self.run_program(*command), '"denoize"', "one of: ", "denoise")


if __name__ == "__main__":
    program.main()
