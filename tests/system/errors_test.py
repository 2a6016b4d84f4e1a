# SPDX-License-Identifier: Apache-2.0
"""Bad input: one clear line that names it, exit code 2, nothing left behind."""

import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess

import program
import sound

DENOISE = program.CHAINS / "denoise.toml"
DTLN = program.SOURCE / "models" / "dtln" / "model.toml"
WEIGHTS = program.SOURCE / "deps" / "models" / "dtln"


class Refusal(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("gain.toml", program.GAIN_CHAIN)
        self.write("in.wav", sound.float_wav(sound.sine(0.2)))

    def refuse(self, *arguments, says=(), **options):
        """The command is refused and leaves the folder as it was."""
        before = self.files()
        result = self.run_program(*arguments, **options)
        self.assert_refused(result, *says)
        self.assertEqual(self.files(), before, f"something was left behind\n{result}")

    def refuse_input(self, name, contents, *says):
        """Both ways that sound comes in refuse the file `name`."""
        with self.subTest(name):
            if contents is not None:
                self.write(name, contents)
            self.refuse("process", "gain.toml", name, "out.wav", "--json", "out.json", says=(name, *says))
            self.refuse("run", "gain.toml", "--in", name, "--out", "out.wav", "--json", "out.json", says=(name, *says))


class BadFiles(Refusal):
    def test_chains(self):
        for command in (("process", "{}", "in.wav", "out.wav"), ("run", "{}", "--in", "in.wav", "--out", "out.wav")):
            def refuse(chain, *says):
                self.refuse(*(part.format(chain) for part in command), says=says)
            refuse("no-such-chain", '"no-such-chain"', "no such file", "one of")
            refuse("missing/chain.toml", "missing/chain.toml")
            self.write("bad.toml", '[[stage]]\nkind = "reverb"\n')
            refuse("bad.toml", "bad.toml:2:", '"kind"', 'found "reverb"', '"denoise"')
            self.write("key.toml", program.GAIN_CHAIN + "gain_db = 3\nvolume = 3\n")
            refuse("key.toml", "key.toml:4:", '"volume"', "unknown key", "gain_db")
            self.write("range.toml", program.GAIN_CHAIN + "gain_db = 400\n")
            refuse("range.toml", "range.toml:3:", '"gain_db"', "found 400", "-120 to 40")
            self.write("stereo.toml", "channels = 2\n" + program.GAIN_CHAIN)
            refuse("stereo.toml", "stereo.toml:1:", '"channels"', "found 2", "expected 1")
            refuse("in.wav", "in.wav:1:", "not valid TOML")

    def test_inputs_that_are_no_sound(self):
        self.refuse_input("missing.wav", None, "no such file")
        self.refuse_input("text.wav", "this is no sound, and never was", "no sound file")
        self.refuse_input("empty.wav", b"", "empty")
        self.refuse_input("noise.wav", random.Random(1).randbytes(5000), "no sound file")
        (self.folder / "folder.wav").mkdir()
        self.refuse_input("folder.wav", None, "is a folder")

    def test_inputs_whose_header_lies(self):
        good = sound.float_wav(sound.sine(0.2))
        self.refuse_input("long.wav", sound.float_wav(sound.sine(0.2), claimed_bytes=1 << 20), "promises 1048576")
        self.refuse_input("endless.wav", sound.float_wav(sound.sine(0.2), claimed_bytes=0xffffffff), "promises 4294967295")
        self.refuse_input("cut.wav", good[:len(good) // 2], "promises 38400")
        self.refuse_input("short.wav", sound.float_wav(sound.sine(0.2), claimed_bytes=4000))
        self.refuse_input("header.wav", good[:44], "promises 38400")
        self.refuse_input("half-header.wav", good[:20])
        self.refuse_input("silent.wav", sound.float_wav([]))
        self.refuse_input("no-data.wav", good[:36])
        self.refuse_input("no-channels.wav", sound.float_wav(sound.sine(0.1), channels=0), "0 channels")
        self.refuse_input("many-channels.wav", sound.float_wav(sound.sine(0.1)[:650], channels=65), "65")
        self.refuse_input("slow.wav", sound.float_wav(sound.sine(0.1), rate_hz=100), "100 Hz", "8000")
        self.refuse_input("fast.wav", sound.float_wav(sound.sine(0.1), rate_hz=400_000), "400000 Hz", "192000")
        self.refuse_input("strange.wav", sound.wav(b"\0" * 4000, code=0x1234))

    # Whatever a header holds: fine, or refused in one line. Never a crash.
    def test_inputs_with_damaged_headers(self):
        good = sound.float_wav(sound.sine(0.02))
        for seed in range(40):
            damage = random.Random(seed)
            contents = bytearray(good)
            for _ in range(1 + seed % 3):
                contents[damage.randrange(44)] = damage.randrange(256)
            self.write("damaged.wav", bytes(contents))
            result = self.run_program("process", "gain.toml", "damaged.wav", "out.wav")
            with self.subTest(seed=seed):
                if result.code != 0:
                    self.assert_refused(result, "damaged.wav")
                    self.assertNotIn("out.wav", self.files())
            (self.folder / "out.wav").unlink(missing_ok=True)
            self.assertNotIn("out.wav.part", self.files())

    def test_outputs(self):
        before = (self.folder / "in.wav").read_bytes()
        os.link(self.folder / "in.wav", self.folder / "same.wav")
        (self.folder / "folder.wav").mkdir()
        for command in (("process", "gain.toml", "in.wav"), ("run", "gain.toml", "--in", "in.wav", "--out")):
            with self.subTest(command[0]):
                self.refuse(*command, "missing/out.wav", says=("missing/out.wav", "no folder missing"))
                self.refuse(*command, "out.flac", says=("out.flac", ".wav"))
                self.refuse(*command, "folder.wav", says=("folder.wav", "folder"))
                self.refuse(*command, "in.wav", says=("in.wav", "the input"))
                self.refuse(*command, "./same.wav", says=("same.wav", "the input"))
                self.assertEqual((self.folder / "in.wav").read_bytes(), before)

    def test_ledgers_that_cannot_be_written(self):
        for command in (("process", "gain.toml", "in.wav", "out.wav"), ("run", "gain.toml", "--in", "in.wav", "--out", "out.wav")):
            with self.subTest(command[0]):
                self.refuse(*command, "--json", "missing/a.json", says=("missing/a.json",))
                self.refuse(*command, "--json", ".", says=("folder",))

    def test_measuring_and_mixing(self):
        self.write("other.wav", sound.float_wav(sound.sine(0.2), rate_hz=44100))
        self.refuse("measure", "quality", "in.wav", "in.wav", "missing.wav", says=("missing.wav",))
        self.refuse("measure", "quality", "in.wav", "other.wav", "in.wav", says=("other.wav", "44100 Hz", "48000 Hz"))
        self.write("nan.wav", sound.float_wav([0.5, float("nan"), 0.5]))
        self.refuse("measure", "quality", "in.wav", "in.wav", "nan.wav", says=("nan.wav", "1 samples", "NaN"))
        self.refuse("mix", "--speech", "missing.wav", "out.wav", says=("missing.wav",))
        self.refuse("mix", "--speech", "in.wav", "--noise", "missing.wav", "out.wav", says=("missing.wav",))
        self.refuse("mix", "--speech", "in.wav", "missing/out.wav", says=("missing/out.wav",))


class BadValues(Refusal):
    def test_ranges(self):
        for option, value in (("--block", 7), ("--block", 4097), ("--block", "many"), ("--rate", 7999),
                              ("--rate", 200_000), ("--channels", 0), ("--channels", 17), ("--seconds", -1),
                              ("--sim-drop", 1.5), ("--sim-blocks", "64,0"), ("--sim-blocks", "64,9000"),
                              ("--sim-jitter-us", -5)):
            with self.subTest(option=option, value=value):
                self.refuse("run", "gain.toml", "--in", "in.wav", option, value, says=(option,))
        self.refuse("process", "gain.toml", "in.wav", "out.wav", "--block", "0", says=("--block",))
        self.refuse("mix", "--speech", "in.wav", "--snr", "1000", "out.wav", says=("--snr",))

    def test_rate_that_is_not_the_files(self):
        self.refuse("run", "gain.toml", "--in", "in.wav", "--out", "out.wav", "--rate", "44100",
                    says=("in.wav", "48000 Hz", "44100 Hz"))

    def test_cards_that_are_not_there(self):
        self.refuse("run", "gain.toml", "--device", "no-such-card", says=('"no-such-card"', "sim"))
        self.refuse("run", "gain.toml", "--in", "in.wav", "--device", "jack", says=("in.wav", "--device"))


class BadModels(Refusal):
    """The folder models/ comes before all others; its manifest of dtln is broken in one way after the other."""

    def setUp(self):
        super().setUp()
        if not (WEIGHTS / "model_1.tflite").is_file():
            self.skipTest(f"no weights in {WEIGHTS}: run scripts/setup")
        self.manifest = DTLN.read_text()
        self.environment["SIDETONE_MODELS"] = str(self.folder / "models")

    def refuse_model(self, manifest, *says):
        self.write("models/dtln/model.toml", manifest)
        self.refuse("process", DENOISE, "in.wav", "out.wav", "--json", "out.json", says=says)
        self.refuse("run", DENOISE, "--in", "in.wav", "--out", "out.wav", says=says)

    def copy_weights(self, name):
        target = self.folder / "models" / "dtln" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(WEIGHTS / "model_1.tflite", target)
        return target

    def test_weights_that_are_missing(self):
        self.refuse_model(self.manifest.replace('"model_1.tflite"', '"absent.tflite"'), "absent.tflite", "missing")

    def test_weights_that_are_corrupt(self):
        target = self.copy_weights("model_1.tflite")
        contents = bytearray(target.read_bytes())
        contents[len(contents) // 2] ^= 1
        target.write_bytes(contents)
        self.refuse_model(self.manifest, "model_1.tflite", "SHA-256")
        self.assert_refused(self.run_program("models", "verify", "dtln"), "model_1.tflite", "SHA-256")

    def test_weights_that_were_cut_short(self):
        target = self.copy_weights("cut.tflite")
        target.write_bytes(target.read_bytes()[:100_000])
        self.refuse_model(self.manifest.replace('"model_1.tflite"', '"cut.tflite"'), "cut.tflite", "100000", "1458836")

    def test_weights_that_are_something_else(self):
        import hashlib
        target = self.copy_weights("else.tflite")
        target.write_bytes(b"not a model at all" * 100)
        digest = hashlib.sha256(target.read_bytes()).hexdigest()
        manifest = self.manifest.replace('"model_1.tflite"', '"else.tflite"').replace("bytes = 1458836", "bytes = 1800")
        manifest = re.sub('sha256 = "5716[^"]*"', f'sha256 = "{digest}"', manifest)
        self.refuse_model(manifest, "else.tflite")

    def test_hash_that_is_wrong(self):
        self.copy_weights("model_1.tflite")
        self.refuse_model(self.manifest.replace('sha256 = "5716', 'sha256 = "0000'), "model_1.tflite", "SHA-256", "0000")

    def test_manifest_that_disagrees_with_its_file(self):
        self.refuse_model(self.manifest.replace("shape = [1, 1, 257]", "shape = [1, 1, 256]"), "model.toml", "256", "257")
        self.refuse_model(self.manifest.replace("serving_default_input_3:0", "input_3"), "model.toml", "input_3")

    def test_manifest_that_is_none(self):
        self.refuse_model("", "model.toml")
        self.refuse_model("name = \n", "model.toml")
        self.refuse_model(self.manifest + "\ncolour = 3\n", "model.toml", "colour")
        self.refuse_model(self.manifest.replace("hop = 128", "hop = 0"), "model.toml", "hop", "found 0")

    def test_model_that_is_unknown(self):
        self.write("chain.toml", '[[stage]]\nkind = "denoise"\nmodel = "no-such-model"\n')
        self.refuse("process", "chain.toml", "in.wav", "out.wav", says=("no-such-model", "dtln"))
        self.refuse("models", "inspect", "no-such-model", says=("no-such-model", "dtln"))


class FullDisk(Refusal):
    SECONDS = 3  # of sound: 576 kB

    def setUp(self):
        super().setUp()
        self.write("in.wav", sound.float_wav(sound.sine(self.SECONDS)))

    # No rights are needed to be refused more than so many bytes in a file; the program sees the same as on a full disk.
    def test_file_that_may_not_grow(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        self.refuse("process", "gain.toml", "in.wav", "out.wav", says=("out.wav", "the disk took"),
                    preexec_fn=limit, restore_signals=False)

    def test_disk_that_is_full(self):
        small = self.folder / "small"
        small.mkdir()
        if os.geteuid() != 0:
            self.skipTest("only root may mount a small disk")
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "sidetone", str(small)], capture_output=True).returncode:
            self.skipTest("this machine lets nobody mount a small disk")
        self.addCleanup(subprocess.run, ["umount", str(small)], check=True)
        self.refuse("process", "gain.toml", "in.wav", "small/out.wav", says=("small/out.wav", "the disk took"))

    def test_device_that_is_always_full(self):
        if not pathlib.Path("/dev/full").exists():
            self.skipTest("no /dev/full here")
        self.refuse("process", "gain.toml", "in.wav", "/dev/full", says=("/dev/full",))


if __name__ == "__main__":
    program.main()
