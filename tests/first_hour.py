#!/usr/bin/python3
"""The first hour of somebody who follows README.md, as far as a program can be that somebody: clones the tree, runs the commands
that stand there, types at the prompt what stands there, compares what comes back, and times each step.

Fails when the first comparison is not there within five minutes, or the own service does not answer within fifteen. Packages that
are installed already take no time here."""

import argparse
import os
import pathlib
import pty
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROMPT = re.compile(r"^/\S*\$ ", re.M)
LEAVE = "\x01x"
STEP_SECONDS = 900


class Failed(Exception):
    """A step did not do what README.md says."""


# ---- what README.md says ----

class Readme:
    def __init__(self, path):
        self.path = path
        self.blocks = re.findall(r"^```\w*\n(.*?)^```", path.read_text(), re.M | re.S)

    def lines(self):
        return [line for block in self.blocks for line in block.splitlines()]

    def command(self, beginning):
        """The command that begins so, without what is said about it."""
        for line in self.lines():
            if line.startswith(beginning):
                return re.sub(r"\s+# .*", "", line).strip()
        raise Failed(f"README.md has no command that begins with \"{beginning}\"")

    def typed(self, beginning):
        """What is to be typed at the prompt, and the first line of the answer."""
        lines = self.lines()
        for line, answer in zip(lines, lines[1:]):
            if (prompt := PROMPT.match(line)) and line[prompt.end():].startswith(beginning):
                return line[prompt.end():].strip(), answer.strip()
        raise Failed(f"README.md types nothing at the prompt that begins with \"{beginning}\"")


# ---- doing it ----

class Beginner:
    """Works in a clone of the tree."""

    def __init__(self, folder, log):
        self.folder, self.log = folder, log

    def start(self, command, **streams):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        return subprocess.Popen(shlex.split(command), cwd=self.folder, env=environment, start_new_session=True, **streams)

    def run(self, command, wanted=""):
        process = self.start(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            output, _ = process.communicate(timeout=STEP_SECONDS)
        except subprocess.TimeoutExpired:
            raise Failed(f"{command} took more than {STEP_SECONDS} s") from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        self.log.write(f"$ {command}\n{output}\n")
        if process.returncode != 0:
            raise Failed(f"{command} ended with {process.returncode}:\n{output[-2000:]}")
        if wanted not in output:
            raise Failed(f"{command} did not print \"{wanted}\":\n{output[-2000:]}")

    def at_the_prompt(self, command, typed, answer):
        """Starts the command in a terminal, types, waits for the answer and leaves."""
        ours, theirs = pty.openpty()
        process = self.start(command, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        os.set_blocking(ours, False)
        try:
            seen = self.read_until(ours, process, PROMPT, "")
            os.write(ours, (typed + "\n").encode())
            echoed = re.compile(re.escape(typed) + r"\n(.*\n)*?" + re.escape(answer))
            self.read_until(ours, process, echoed, seen)
            os.write(ours, LEAVE.encode())
            process.wait(30)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            os.close(ours)

    def read_until(self, terminal, process, wanted, text):
        end, start = time.monotonic() + STEP_SECONDS, len(text)
        while not wanted.search(text, start):
            if time.monotonic() > end or process.poll() is not None:
                raise Failed(f"nothing like \"{wanted.pattern}\" came back:\n{text[-2000:]}")
            try:
                text += os.read(terminal, 4096).decode(errors="replace").replace("\r", "")
            except OSError: # nothing yet, or nobody has it open any more
                time.sleep(0.05)
        self.log.write(text[start:] + "\n")
        return text


class Clock:
    """Prints a line for each step as it ends: seconds, and those of processors, which tell what others on the machine cost."""

    def __init__(self):
        self.began = time.monotonic()

    @property
    def worked(self):
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    @property
    def elapsed(self):
        return time.monotonic() - self.began

    def time(self, name, step, *arguments):
        before, worked = self.elapsed, self.worked
        if sys.stdout.isatty():
            print(f"  {name} ...", end="\r", flush=True)
        step(*arguments)
        print(f"{self.elapsed - before:8.1f} s {self.worked - worked:8.1f} s of processors   {name}", flush=True)

    def limit(self, what, seconds):
        print(f"{self.elapsed:8.1f} s {self.worked:8.1f} s of processors   = {what}, at most {seconds} s", flush=True)
        if self.elapsed > seconds:
            raise Failed(f"{what} took {self.elapsed:.0f} s, and {seconds} are the limit")


# ---- a clone ----

def clone(target):
    """A tree that is no repository, or not one that git takes from us, is copied."""
    if subprocess.run(["git", "clone", "-q", str(ROOT), str(target)]).returncode != 0:
        print("first_hour: copies the tree instead", file=sys.stderr)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(ROOT, target, symlinks=True, ignore=shutil.ignore_patterns(".git", "build", "libraries"))
    elif subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True).stdout:
        print("first_hour: what is not committed is not in the clone", file=sys.stderr)


def bring_libraries(source, target):
    """Newer than the clone's files, as if they had been built there."""
    if not (source / "newlib").exists():
        raise Failed(f"{source} has no newlib: run make, or leave --libraries out")
    shutil.copytree(source, target, copy_function=shutil.copyfile, ignore=shutil.ignore_patterns("linux"))


def follow(options, folder, log):
    clock = Clock()
    clock.time("git clone", clone, folder)
    if options.libraries:
        clock.time("libraries copied, not built", bring_libraries, options.libraries, folder / "libraries")
    readme, beginner = Readme(folder / "README.md"), Beginner(folder, log)
    bench, run = readme.command("make bench "), readme.command("make run ")
    clock.time(bench, beginner.run, bench, "SYSENTER")
    typed, answer = readme.typed("cat ")
    clock.time(f"{run}, and there: {typed}", beginner.at_the_prompt, run, typed, answer)
    clock.limit("first boot and comparison", options.first)
    make, test = readme.command("make service NAME="), readme.command("make test SERVICE=")
    clock.time(make, beginner.run, make)
    clock.time(test, beginner.run, test)
    typed, answer = readme.typed("call ")
    clock.time(f"{run}, and there: {typed}", beginner.at_the_prompt, run, typed, answer)
    clock.limit("own service answering", options.own)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--libraries", type=pathlib.Path,
                        help="a folder with newlib and libext2fs, built earlier; without it they are built, as in a first hour")
    parser.add_argument("--first", type=int, default=300, help="seconds until the first comparison; default: %(default)s")
    parser.add_argument("--own", type=int, default=900, help="seconds until the own service answers; default: %(default)s")
    parser.add_argument("--log", type=argparse.FileType("w"), default=os.devnull, help="where all that is printed goes")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM)) # an exit like any other, which leaves nothing behind
    folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-first-hour-"))
    try:
        follow(options, folder / "postern", options.log)
    except Failed as failed:
        sys.exit(f"first_hour: {failed}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
