# SPDX-License-Identifier: Apache-2.0
"""`sidetone bench`: that it compares equal work and counts what is there. How fast anything is, a shared machine cannot test."""

import array
import os
import signal
import time

import program

PIPELINES = ["naive", "polling", "pipelined", "direct"]
DISTRIBUTIONS = ["handoff_us", "wrap_us", "callback_us", "inference_us", "total_us", "input_copy_us", "output_copy_us"]
COUNTS = ["copies_per_block", "bytes_per_block", "cpu_share", "heap_calls", "locks", "misses", "blocks"]


class BenchTransport(program.ProgramTest):
    def test_all_pipelines_do_equal_work_on_real_speech(self):
        for rate in (44100, 48000):
            with self.subTest(rate=rate):
                self.assert_fine(self.run_program("bench", "transport", "--check", "--in", program.SPEECH, "--rate", rate,
                                                  "--blocks", "32,100,512", "--json", "check.json"))
                checks = self.json("check.json")["check"]
                self.assertEqual([check["block"] for check in checks], [32, 100, 512])
                for check in checks:
                    self.assertTrue(check["equal"], check)
                    self.assertLessEqual(check["max_difference_16bit_steps"], 1)
                    self.assertGreater(check["peak_16bit_steps"], 1000, "silence proves nothing")

    def test_json_holds_the_contract_and_the_counts(self):
        result = self.run_program("bench", "transport", "--quick", "--blocks", "64,128", "--json", "out.json")
        self.assertIn(result.code, (0, 1), result)
        results = {(entry["block"], entry["pipeline"]): entry for entry in self.json("out.json")["results"]}
        self.assertEqual(sorted(results), sorted((block, name) for block in (64, 128) for name in PIPELINES))
        for entry in results.values():
            self.assertEqual(entry["rate"], 48000)
            self.assertGreater(entry["blocks"], 0)
            self.assertAlmostEqual(entry["conversions_per_block"], 2, delta=0.05)
            for key in DISTRIBUTIONS:
                self.assertEqual(sorted(entry[key]), ["count", "max", "p50", "p95", "p99", "p999"], key)
                self.assertGreater(entry[key]["count"], 0, key)
            for key in COUNTS:
                self.assertIn(key, entry)
        ours = sum(results[block, name]["misses"] for block in (64, 128) for name in ("pipelined", "direct"))
        self.assertEqual(result.code, 0 if ours == 0 else 1, result)

        for block in (64, 128):
            naive = results[block, "naive"]
            if naive["heap_calls"] is None or naive["copies_per_block"] is None:
                self.skipTest("this build counts no heap calls or copies")
            # The counters see what there is to see …
            self.assertGreater(naive["heap_calls"], naive["blocks"])
            self.assertGreater(naive["locks"], naive["blocks"])
            self.assertGreater(naive["copies_per_block"], 2)
            self.assertGreater(naive["bytes_per_block"], 2 * 4 * block)
            self.assertGreater(results[block, "polling"]["bytes_per_block"], 4 * 4 * block)
            # … and in Sidetone nothing.
            for name in ("pipelined", "direct"):
                for key in ("copies_per_block", "bytes_per_block", "heap_calls", "locks"):
                    self.assertEqual(results[block, name][key], 0, (name, key))

    # A stopped process is what a stall of the machine looks like.
    def test_a_machine_that_stands_still_is_told_from_misses_of_ours(self):
        running = self.start_program("bench", "transport", "--blocks", 128, "--seconds", 1, "--watch-stalls", "--json", "out.json")
        while running.process.poll() is None:
            time.sleep(0.7)
            running.process.send_signal(signal.SIGSTOP)
            time.sleep(0.05)
            running.process.send_signal(signal.SIGCONT)
        result = running.finish()
        if "nobody watches" in result.err:
            self.skipTest("no right to real-time priority")
        results = {entry["pipeline"]: entry for entry in self.json("out.json")["results"]}
        for name in ("pipelined", "direct"):
            self.assertGreater(sum(results[name]["misses_external"].values()), 0, result)
            self.assertEqual(results[name]["misses"], 0, result)
        self.assertEqual(result.code, 0, result)

    def test_bad_input_is_refused(self):
        self.assert_refused(self.run_program("bench", "transport", "--blocks", "0"), "--blocks")
        self.assert_refused(self.run_program("bench", "transport", "--model", "no-such-model"), "no-such-model")
        self.assert_refused(self.run_program("bench", "transport", "--in", "missing.wav"), "missing.wav")
        self.assert_refused(self.run_program("bench", "transport", "--json", "no/such/folder.json"), "no/such/folder.json")


class BenchChain(program.ProgramTest):
    def test_prints_and_writes_the_ledger(self):
        result = self.run_program("bench", "chain", program.CHAINS / "denoise.toml", "--seconds", 1, "--block", 256,
                                  "--json", "out.json")
        self.assertIn(result.code, (0, 1), result)
        ledger = self.json("out.json")
        self.assertEqual(result.code, 0 if ledger["misses"] == 0 else 1, result)
        self.assertEqual((ledger["rate_hz"], ledger["block_frames"]), (48000, 256))
        self.assertEqual((ledger["heap_calls"] or 0, ledger["locks"] or 0), (0, 0))
        self.assertGreater(ledger["blocks"], 150)
        self.assertAlmostEqual(ledger["period_us"], 1e6 * 256 / 48000, places=6)
        callback = next(stage["us"] for stage in ledger["stages"] if stage["name"] == "callback")
        self.assertAlmostEqual(ledger["callback_share_of_period"]["p50"], callback["p50"] / ledger["period_us"], places=9)
        shares = ledger["callback_share_of_period"]
        self.assertLess(0, shares["mean"])
        self.assertLessEqual(shares["mean"], shares["max"])
        self.assertGreater(ledger["cpu_share"], 0)
        for part in ("callback", "denoise: inference", "processor", "period", "% (mean)"):
            self.assertIn(part, result.out)

    def test_a_chain_that_is_not_there_is_refused(self):
        self.assert_refused(self.run_program("bench", "chain", "no-such-chain"), "no-such-chain")


class BenchFeatures(program.ProgramTest):
    def test_engines_agree_and_ours_makes_no_heap_calls(self):
        result = self.run_program("bench", "features", "--frames", 70, "--bands", 40, "--json", "out.json")
        self.assert_fine(result)
        written = self.json("out.json")
        self.assertEqual((written["rate_hz"], written["bands"]), (16000, 40))
        self.assertLess(written["max_difference"], 1e-3)
        self.assertGreater(written["max_difference"], 0, "two ways to round never agree in every bit")
        results = {(entry["engine"], entry["paced"]): entry for entry in written["results"]}
        self.assertEqual(sorted(results), sorted(
            (engine, paced) for engine in ("sidetone", "naive", "mfcc", "pitch", "formants", "formants of a child")
            for paced in (False, True)))
        for (engine, _), entry in results.items():
            self.assertEqual(sorted(entry["us_per_frame"]), ["count", "max", "p50", "p95", "p99", "p999"])
            self.assertEqual(entry["us_per_frame"]["count"], 70)
            if entry["heap_calls"] is not None:
                self.assertEqual(entry["heap_calls"] > 0, engine == "naive", entry)
        self.assertIn("baseline", result.out)

    def test_bad_input_is_refused(self):
        self.assert_refused(self.run_program("bench", "features", "--rate", "4000"), "--rate")
        self.assert_refused(self.run_program("bench", "features", "--bands", "0"), "--bands")
        self.assert_refused(self.run_program("bench", "features", "--json", "no/such/folder.json"), "no/such/folder.json")


class BenchDecode(program.ProgramTest):
    def test_the_search_agrees_with_a_plain_one_and_makes_no_heap_call(self):
        for paced in (False, True):
            with self.subTest(paced=paced):
                frames = 30 if paced else 1300
                result = self.run_program("bench", "decode", "--beams", "4,16", "--frames", frames, "--json", "out.json",
                                          *(["--paced"] if paced else []))
                self.assert_fine(result)
                self.assertNotIn("differ", result.err)
                written = self.json("out.json")
                self.assertEqual(written["paced"], paced)
                results = {(entry["engine"], entry["beam"]): entry for entry in written["results"]}
                self.assertEqual(sorted(results), sorted((engine, beam) for engine in ("sidetone", "words", "map") for beam in (4, 16)))
                for (engine, _), entry in results.items():
                    self.assertEqual(sorted(entry["us_per_frame"]), ["count", "max", "p50", "p95", "p99", "p999"])
                    self.assertEqual(entry["us_per_frame"]["count"], frames)
                    if entry["heap_calls"] is not None:
                        self.assertEqual(entry["heap_calls"] > 0, engine == "map", entry)

    def test_posteriors_of_a_model_can_be_decoded(self):
        row = array.array("f", [-0.1] + [-5.0] * 39)
        (self.folder / "rows.f32").write_bytes(row.tobytes() * 300)
        self.assert_fine(self.run_program("bench", "decode", "--beams", 4, "--posteriors", "rows.f32", "--json", "out.json"))
        self.assertEqual({entry["us_per_frame"]["count"] for entry in self.json("out.json")["results"]}, {100})

    def test_bad_input_is_refused(self):
        self.assert_refused(self.run_program("bench", "decode", "--beams", "129"), "--beams")
        self.assert_refused(self.run_program("bench", "decode", "--posteriors", "missing.f32"), "missing.f32")
        (self.folder / "short.f32").write_bytes(bytes(161))
        self.assert_refused(self.run_program("bench", "decode", "--posteriors", "short.f32"), "short.f32", "160")
        (self.folder / "few.f32").write_bytes(bytes(160))
        self.assert_refused(self.run_program("bench", "decode", "--posteriors", "few.f32"), "few.f32", "200")
        self.assert_refused(self.run_program("bench", "decode", "--json", "no/such/folder.json"), "no/such/folder.json")


class BenchSpeech(program.ProgramTest):
    def test_engines_hear_the_same_and_ours_makes_no_heap_calls(self):
        if not program.SPEECH.exists():
            self.skipTest("no speech in deps/")
        result = self.run_program("bench", "speech", program.SPEECH, "--chunks", 6, "--json", "out.json")
        self.assert_fine(result)
        results = {(entry["engine"], entry["paced"]): entry for entry in self.json("out.json")["results"]}
        self.assertEqual(sorted(results), sorted((engine, paced) for engine in ("sidetone", "onnxruntime") for paced in (False, True)))
        for (engine, _), entry in results.items():
            for key in ("us_per_chunk", "cpu_us_per_chunk"):
                self.assertEqual(sorted(entry[key]), ["count", "max", "p50", "p95", "p99", "p999"])
                self.assertEqual(entry[key]["count"], 6)
            self.assertEqual("parts_us" in entry, engine == "sidetone")
            if entry["heap_calls"] is not None:
                self.assertEqual(entry["heap_calls"] > 0, engine == "onnxruntime", entry)
            self.assertGreater(entry["phones"], 5)
            self.assertLessEqual(entry["edits"], entry["phones"] // 10, "the same network, on features that differ by roundings")

    def test_bad_input_is_refused(self):
        self.assert_refused(self.run_program("bench", "speech", "missing.wav"), "missing.wav")
        if not program.SPEECH.exists():
            self.skipTest("no speech in deps/")
        self.assert_refused(self.run_program("bench", "speech", program.SPEECH, "--model", "silero-vad"), "phonemes")
        self.assert_refused(self.run_program("bench", "speech", program.SPEECH, "--sherpa", "nowhere"), "nowhere", "for_sherpa.py")


class BenchInfer(program.ProgramTest):
    def test_backends_agree_and_the_native_one_keeps_its_promises(self):
        result = self.run_program("bench", "infer", "silero-vad", "dtln", "--runs", 40, "--json", "out.json")
        self.assert_fine(result)
        entries = self.json("out.json")["results"]
        results = {(entry["model"], entry["backend"], entry["paced"]): entry
                   for entry in entries if entry["caller"] == "worker"}
        self.assertEqual(sorted(results), sorted(
            (model, backend, paced) for paced in (False, True)
            for model, backend in (("silero-vad", "native"), ("silero-vad", "onnxruntime"),
                                   ("dtln", "native"), ("dtln", "tflite"))))
        cold = [entry for entry in entries if entry["caller"] == "callback"]
        self.assertEqual([(entry["model"], entry["backend"], entry["paced"]) for entry in cold],
                         [("silero-vad", "native", True), ("dtln", "native", True)])
        self.assertEqual(cold[0]["rehearsal_us"]["count"], 0)
        self.assertGreater(results["silero-vad", "native", True]["rehearsal_us"]["count"], 20)
        self.assertLess(cold[0]["max_diff"], 1e-4)
        for entry in entries:
            self.assertEqual(sorted(entry["us"]), ["count", "max", "p50", "p95", "p99", "p999"])
            self.assertEqual(entry["us"]["count"], 40)
            self.assertGreater(entry["load_ms"], 0)
            for key in ("instructions", "multiply_adds", "hop_ms", "resident_bytes"):
                self.assertIn(key, entry)
        for model, runtime in (("silero-vad", "onnxruntime"), ("dtln", "tflite")):
            other = {"onnxruntime": "tflite", "tflite": "onnxruntime"}[runtime]
            for paced in (False, True):
                native, reference = results[model, "native", paced], results[model, runtime, paced]
                self.assertAlmostEqual(native[f"ratio_to_{runtime}"], reference["us"]["p50"] / native["us"]["p50"], places=6)
                self.assertEqual(reference[f"ratio_to_{runtime}"], 1)
                self.assertIsNone(native[f"ratio_to_{other}"])
                self.assertLess(native["max_diff"], 1e-4)
                self.assertGreater(native["max_diff"], 0, "equal to the last bit: were they compared?")
                self.assertEqual((native["heap_calls"] or 0, native["locks"] or 0), (0, 0))
                self.assertIsNone(reference["unstalled_us"], "nobody watched")
        for paced in (False, True):
            native = results["silero-vad", "native", paced]
            reference = results["silero-vad", "onnxruntime", paced]
            self.assertGreater(native["peak_share"], 0)
            self.assertLess(native["peak_share"], 1)
            if native["heap_calls"] is not None:
                self.assertGreater(reference["heap_calls"], 40, "the counter sees what there is to see")

    def test_runs_in_which_the_machine_stood_still_are_left_out_of_a_second_set(self):
        result = self.run_program("bench", "infer", "silero-vad", "--runs", 80, "--watch-stalls", "--json", "out.json")
        self.assert_fine(result)
        if "nobody watches" in result.err:
            self.skipTest("no right to real-time priority")
        for entry in self.json("out.json")["results"]:
            everything, unstalled = entry["us"], entry["unstalled_us"]
            self.assertEqual(everything["count"], 80, "the first set is of all runs")
            self.assertLessEqual(unstalled["count"], 80)
            self.assertGreater(unstalled["count"], 0, "the machine does not stand still all the time")
            self.assertLessEqual(unstalled["max"], everything["max"])
            self.assertIn(f"{80 - unstalled['count']} of 80 left out", result.out)

    def test_bad_input_is_refused(self):
        self.assert_refused(self.run_program("bench", "infer", "no-such-model"), "no-such-model")
        self.assert_refused(self.run_program("bench", "infer", "dtln", "--runs", 0), "--runs")
        self.assert_refused(self.run_program("bench", "infer", "dtln", "--json", "no/such/folder.json"), "no/such/folder.json")


class BenchInterruptions(program.ProgramTest):
    def test_jobs_take_their_time_and_what_interrupts_them(self):
        result = self.run_program("bench", "interruptions", "--seconds", 1, "--json", "out.json")
        self.assert_fine(result)
        found = self.json("out.json")
        self.assertEqual([core["core"] for core in found["cores"]], sorted(os.sched_getaffinity(0)))
        for core in found["cores"]:
            self.assertGreater(core["seconds"], 0.08 - 0.001)
            self.assertLess(core["lost_share"], 1)
            self.assertEqual([entry["from_us"] for entry in core["interruptions"]], [1, 3, 10, 30, 100, 300])
            # What was counted fills at least so much of the time that was lost.
            least = sum(entry["from_us"] * entry["per_second"] for entry in core["interruptions"]) / 1e6
            self.assertGreaterEqual(core["lost_share"] * 1.001, least)
            tick = core["clock_tick"]
            if tick is not None:
                self.assertAlmostEqual(tick["per_second"] * tick["period_ms"] / 1000, tick["kept_share"], delta=0.1)
                self.assertGreater(tick["kept_share"], 0.7)
                self.assertLessEqual(tick["p50_us"], tick["p90_us"])
        self.assertEqual([job["job_us"] for job in found["jobs"]], [1, 3, 10, 30, 100, 300, 1000, 3000])
        for job in found["jobs"]:
            self.assertGreater(job["us"]["count"], 0)
            self.assertGreaterEqual(job["us"]["p50"], 0.99 * job["job_us"])
            self.assertLessEqual(job["us"]["p50"], job["us"]["p999"])
            self.assertLessEqual(job["us"]["p999"], job["us"]["max"])

    def test_bad_input_is_refused(self):
        self.assert_refused(self.run_program("bench", "interruptions", "--seconds", 0), "--seconds")
        self.assert_refused(self.run_program("bench", "interruptions", "--priority", 100), "--priority")


if __name__ == "__main__":
    program.main()
