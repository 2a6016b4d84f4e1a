# SPDX-License-Identifier: Apache-2.0
"""`sidetone run --osc`: settings changed over UDP while sound runs."""

import re
import signal
import socket
import struct
import time

import program
import sound


def text(value):
    data = value.encode() + b"\0"
    return data + b"\0" * (-len(data) % 4)


def message(address, *numbers):
    return text(address) + text("," + "f" * len(numbers)) + struct.pack(f">{len(numbers)}f", *numbers)


def bundle(*messages):
    return text("#bundle") + struct.pack(">Q", 1) + b"".join(struct.pack(">I", len(m)) + m for m in messages)


class Osc(program.ProgramTest):
    def start(self, *options):
        running = self.start_program("run", "chain.toml", "--osc", 0, "--out", "out.wav", "--json", "out.json", *options)
        self.assertTrue(running.wait_for("OSC: listening on 127.0.0.1:"))
        self.assertTrue(running.wait_for("simulated card"))
        peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(peer.close)
        port = re.search(r"127\.0\.0\.1:(\d+)", "".join(running._err))[1]
        peer.connect(("127.0.0.1", int(port)))
        return running, peer

    def test_changes_what_is_heard(self):
        self.write("chain.toml", program.GAIN_CHAIN + '[[stage]]\nkind = "limit"\nfade_in_ms = 10\n')
        self.write("tone.wav", sound.float_wav(sound.sine(60, level=0.4)))
        running, peer = self.start("--in", "tone.wav")
        time.sleep(0.5)
        peer.send(b"not OSC")
        peer.send(message("/gain/gain_db", 100))
        self.assertTrue(running.wait_for('key "gain_db": found 100, expected a number from -120 to 40'))
        peer.send(bundle(message("/gain/gain_db", -40), message("/limit/ceiling_dbfs", -20)))
        time.sleep(1)
        running.process.send_signal(signal.SIGINT)
        result = running.finish(10)
        self.assertIn(result.code, (0, 1), result)
        self.assertIn("malformed, at byte 0: found a text without an end", result.err)
        self.assertIn("OSC: 2 changes made, 1 refused, 1 malformed packets", result.err)
        ledger = self.json("out.json")
        self.assertEqual((ledger["heap_calls"], ledger["locks"]), (0, 0))
        heard = sound.read_float_wav(self.folder / "out.wav")[2]
        self.assertAlmostEqual(max(heard[4800:9600]), 0.4, delta=0.01)
        self.assertAlmostEqual(max(heard[-4800:]), 0.004, delta=0.0004)

    def test_endpoint_that_cannot_be_is_refused(self):
        self.write("chain.toml", program.GAIN_CHAIN)
        taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(taken.close)
        taken.bind(("127.0.0.1", 0))
        run = lambda endpoint: self.run_program("run", "chain.toml", "--device", "sim", "--seconds", 1, "--osc", endpoint)
        self.assert_refused(run("studio"), 'OSC: found "studio"', "expected a port")
        self.assert_refused(run(taken.getsockname()[1]), "OSC: cannot listen on 127.0.0.1:")


if __name__ == "__main__":
    program.main()
