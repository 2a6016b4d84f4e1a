# SPDX-License-Identifier: Apache-2.0
"""`sidetone run --device rtaudio:pulse` with a real PulseAudio server: sound goes over to another default device."""

import shutil
import signal
import subprocess
import time
import unittest

import program


@unittest.skipUnless(shutil.which("pulseaudio") and shutil.which("pactl"), "pulseaudio is not installed")
class Pulse(program.ProgramTest):
    """A server of this test's own, with two cards made of nothing."""

    def setUp(self):
        super().setUp()
        home = self.folder
        socket = home / "pulse.socket"
        self.environment.update(XDG_RUNTIME_DIR=str(home), PULSE_RUNTIME_PATH=str(home), HOME=str(home),
                                PULSE_STATE_PATH=str(home / "state"), PULSE_SERVER=f"unix:{socket}")
        self.server = subprocess.Popen(
            ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1",
             "-L", f"module-native-protocol-unix socket={socket}",
             "-L", "module-null-sink sink_name=speakers sink_properties=device.description=Speakers",
             "-L", "module-null-sink sink_name=headphones sink_properties=device.description=Headphones"],
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.end_server)
        deadline = time.monotonic() + 10
        while self.ask("info").returncode != 0:
            self.assertLess(time.monotonic(), deadline, "pulseaudio did not come up within 10 s")
            time.sleep(0.05)
        self.ask("set-default-sink", "speakers")

    def end_server(self):
        self.server.terminate()
        self.server.wait(10)

    def ask(self, *arguments):
        return subprocess.run(["pactl", *arguments], env=self.environment, capture_output=True, text=True, timeout=10)

    def playing_on(self):
        """The names of the cards that somebody plays on."""
        cards = {row.split("\t")[0]: row.split("\t")[1] for row in self.ask("list", "short", "sinks").stdout.splitlines()}
        return {cards[row.split("\t")[1]] for row in self.ask("list", "short", "sink-inputs").stdout.splitlines()}

    def test_sound_goes_over_to_another_default(self):
        (self.folder / "gain.toml").write_text(program.GAIN_CHAIN)
        running = self.start_program("run", "gain.toml", "--device", "rtaudio:pulse", "--json", "out.json")
        self.assertTrue(running.wait_for("Speakers"))
        self.assertEqual(self.playing_on(), {"speakers"})
        self.ask("set-default-sink", "headphones")
        self.assertTrue(running.wait_for("another device is the default now"))
        self.assertTrue(running.wait_for("sound resumed after"))
        self.assertTrue(running.wait_for("Headphones"))
        self.assertEqual(self.playing_on(), {"headphones"})
        running.process.send_signal(signal.SIGINT)
        result = running.finish(10)
        self.assertIn(result.code, (0, 1), result)  # 1: what a shared machine missed
        ledger = self.json("out.json")
        self.assertEqual(ledger["outages"], 1, result)
        self.assertIn("Headphones", ledger["card"])


if __name__ == "__main__":
    program.main()
