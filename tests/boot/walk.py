"""Walks a chapter of the tutorial as its reader does: writes the listings to files, runs the commands, compares what they print.

What a chapter may hold is said in docs/tutorial/1-first-service.md, for its readers: a line "`path`:" before a listing, a diff,
and console blocks, with `$ ` before what is typed, `/$ ` before what is typed to Postern, and `...` for what differs each time.
Any other block is a mistake: nobody would have tried it."""

import contextlib
import dataclasses
import os
import re
import signal
import subprocess

from terminal import Terminal

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.S | re.M)
NAMED = re.compile(r"`([^`\s]+)`:\n\n\Z")
FAILURE = re.compile(r"^(make: \*\*\*|boot:) ", re.M)
LONGEST = 300   # seconds that a command may take
PROMPT = "/$ "


class Differs(AssertionError):
    """The text says something that is not so."""


@dataclasses.dataclass
class Block:
    line: int
    kind: str           # console, diff, or the language of a listing
    path: str           # of the listing, when the text names one
    text: str


@dataclasses.dataclass
class Command:
    line: int
    text: str
    output: str = ""    # as the chapter shows it
    typed: list = dataclasses.field(default_factory=list)   # to the machine that it starts: further commands


def blocks(chapter):
    for match in FENCE.finditer(chapter):
        named = NAMED.search(chapter[:match.start()])
        yield Block(chapter.count("\n", 0, match.start()) + 1, match[1], named[1] if named else "", match[2])


def commands(block):
    """Each with what is shown below it."""
    found = []
    for number, line in enumerate(block.text.splitlines(), block.line + 1):
        if line.startswith("$ "):
            found.append(Command(number, line[2:]))
            last = found[-1]
        elif not found:
            raise Differs(f"line {number}: a console block begins with a command, behind `$ `")
        elif line.startswith(PROMPT):
            last = Command(number, line.removeprefix(PROMPT))
            found[-1].typed.append(last)
        elif last.text.endswith("\\"):
            last.text += f"\n{line}"
        else:
            last.output += f"{line}\n"
    return found


def pattern(shown):
    """A line `...` is any lines, `...` in a line is anything there; blanks at ends of lines do not count."""
    lines = [r"(?:.*\n)*?" if line.strip() == "..." else r".*?".join(map(re.escape, line.rstrip().split("..."))) + r" *\n"
             for line in shown.splitlines()]
    return re.compile("".join(lines))


def compare(where, shown, printed):
    printed = "".join(f"{line.rstrip()}\n" for line in printed.replace("\r", "").splitlines())
    if not pattern(shown).fullmatch(printed):
        raise Differs(f"{where}\n---- the text shows\n{shown}---- but this came\n{printed}----")


class Session(Terminal):
    """The machine that a command has started on this terminal; Ctrl-A X ends it."""

    def __init__(self, command, tree, environment):
        self.start(["bash", "-c", command], cwd=tree, env=environment)

    def __exit__(self, *_):
        try:
            self.type("\x01x")
            self.process.wait(20)
        except (OSError, subprocess.TimeoutExpired):
            with contextlib.suppress(ProcessLookupError):   # all have ended already
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.reader.join()


class Walker:
    """In a copy of the tree."""

    def __init__(self, tree):
        self.tree = tree

    def walk(self, path):
        for block in blocks(path.read_text()):
            where = f"{path.name}, line {block.line}"
            if block.kind == "console":
                for command in commands(block):
                    self.run(f"{path.name}, line {command.line}: {command.text}", command)
            elif block.kind == "diff":
                self.patch(where, block.text)
            elif block.path:
                self.write(block)
            else:
                raise Differs(f"{where}: a listing without the name of its file (`path`: before it), so that nobody has tried it")

    def write(self, block):
        file = self.tree / block.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text)

    def patch(self, where, text):
        done = subprocess.run(["patch", "-p1", "--no-backup-if-mismatch", "--fuzz=0"], cwd=self.tree, input=text, text=True,
                              capture_output=True)
        if done.returncode:
            raise Differs(f"{where}: the change does not apply:\n{done.stdout}{done.stderr}")

    def run(self, where, command):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PYTEST"))}
        if command.typed:
            return self.talk(where, command, environment)
        done = subprocess.run(["timeout", str(LONGEST), "bash", "-c", command.text], cwd=self.tree, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=environment)
        compare(where, command.output, done.stdout)
        if bool(done.returncode) != bool(FAILURE.search(command.output)):
            raise Differs(f"{where}: ended with code {done.returncode}, and the text does not say so\n{done.stdout}")

    def talk(self, where, command, environment):
        with Session(command.text, self.tree, environment) as session:
            compare(where, command.output, session.expect(PROMPT, LONGEST).removesuffix(PROMPT))
            for typed in command.typed:
                compare(f"{where}, then {PROMPT}{typed.text}", typed.output, session.run(typed.text, LONGEST) + "\n")
