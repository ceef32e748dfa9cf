"""A machine with somebody at its serial line, its keyboard and its screen."""

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import time

import boot

SCREEN_BYTES = 80 * 25 * 2
KEYS = {" ": "spc", "/": "slash", "-": "minus", ".": "dot", "\n": "ret"}


class Terminal:
    """QEMU with the given options; used in a with statement, which ends it."""

    def __init__(self, **changes):
        self.options = boot.default_options(**changes)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-"))
        self.options.list = boot.prepare_list(self.options.list, self.options.build, self.folder / "system.list")
        command = boot.qemu_command(self.options, "stdio")
        command[command.index("-monitor") + 1] = f"unix:{self.folder}/monitor,server,nowait"
        self.start(command)

    def start(self, command, **where):
        self.text, self.seen = "", 0
        self.began = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        start_new_session=True, **where) # a Ctrl-C is not for it: gdb stops the guest with one
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        shutil.rmtree(self.folder)

    def read(self):
        while data := os.read(self.process.stdout.fileno(), 4096):
            self.text += data.decode(errors="replace").replace("\r", "")
            self.show(data)

    def show(self, data):
        """What the serial line has said just now; for who wants to see it at once."""

    def expect(self, wanted, timeout=20):
        """Waits for the text behind what was expected before; returns what came up to its end."""
        end = time.monotonic() + timeout
        while (at := self.text.find(wanted, self.seen)) < 0:
            if time.monotonic() > end or (self.process.poll() is not None and not self.reader.is_alive()):
                raise AssertionError(f"no {wanted!r} in {self.text[self.seen:]!r}")
            time.sleep(0.01)
        before = self.text[self.seen:at + len(wanted)]
        self.seen = at + len(wanted)
        return before

    def type(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def run(self, command, timeout=20):
        """What a command at the prompt prints."""
        self.type(command + "\n")
        self.expect(command.split("\n")[0][-10:] + "\n")
        return self.expect("$ ", timeout).rpartition("\n")[0]

    def end(self):
        """The exit code of the machine, once it has ended."""
        status = self.process.wait(20)
        self.reader.join()
        return status >> 1

    def monitor(self, command):
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self.folder / "monitor"))
            line.settimeout(10)
            for sent in (b"", command.encode() + b"\n"):
                line.sendall(sent)
                answer = b""
                while not answer.endswith(b"(qemu) "):
                    answer += line.recv(4096)

    def press(self, keys):
        """Keys as QEMU names them, such as ctrl-c."""
        self.monitor(f"sendkey {keys} 10")
        time.sleep(0.05) # until the guest has seen the keys go up again

    def press_text(self, text):
        for letter in text:
            self.press(KEYS.get(letter, f"shift-{letter.lower()}" if letter.isupper() else letter))

    def screen(self):
        """The lines of the VGA text screen."""
        path = self.folder / f"screen-{time.monotonic_ns()}"
        self.monitor(f"pmemsave 0xb8000 {SCREEN_BYTES} \"{path}\"")
        text = path.read_bytes()[::2].decode("latin-1")
        return [text[at:at + 80].rstrip() for at in range(0, len(text), 80)]
