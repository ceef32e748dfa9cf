"""The demonstration as its user meets it: a prompt on the serial line and on the screen, programs, files, Ctrl-C."""

import hashlib
import pathlib
import re
import shutil
import subprocess
import time

import pytest

import trees
from terminal import Terminal

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
PROMPT_SECONDS = 10


def disk(image, device="virtio-blk-pci"):
    return ["-drive", f"file={image},format=raw,if=none,id=d", "-device", f"{device},drive=d"]


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("disk") / "disk"
    subprocess.run([ROOT / "tools" / "disk_image", "--modules", BUILD / "modules", "--output", path], cwd=ROOT, check=True)
    return path


@pytest.fixture
def own_image(image, tmp_path):
    return shutil.copy(image, tmp_path / "disk")


def start(image, **options):
    return Terminal(build=str(BUILD), list=str(ROOT / "servers" / "system.toml"), extra=disk(image) if image else [], **options)


@pytest.fixture(scope="module")
def machine(image, tmp_path_factory):
    """One machine for the tests that leave it as it was."""
    with start(shutil.copy(image, tmp_path_factory.mktemp("own") / "disk")) as terminal:
        terminal.expect("/$ ")
        assert time.monotonic() - terminal.began < PROMPT_SECONDS
        yield terminal


def test_file_from_the_disk(machine):
    assert machine.run("cat /etc/motd") == (ROOT / "disk" / "etc" / "motd").read_text().rstrip()


def test_tour(machine):
    text = machine.run("sh /etc/tour", 30)
    assert "IDE controller" in text and "ext2:disk0" in text and "bootfs" in text
    data, state = bytearray(2**20), 1
    for i in range(len(data)):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        data[i] = state >> 24
    assert hashlib.sha256(data).hexdigest() + "  /tmp/megabyte" in text


@pytest.mark.parametrize("command,says", [
    ("echo one   'two  three' \"four\" fi\\ ve", "one two  three four fi ve"),
    ("echo a; echo b # c", "a\nb"),
    ("echo hello > /tmp/f; echo world >> /tmp/f; cat < /tmp/f; rm /tmp/f", "hello\nworld"),
    ("echo a b c | wc", "      1       3       6"),
    ("cat /README | head -n 1 | wc", "      1      16      96"),
    ("mkdir -p /tmp/x/y/z; ls -R /tmp/x; rm -r /tmp/x", "y\n\n/tmp/x/y:\nz\n\n/tmp/x/y/z:"),
    ("cd /etc; pwd; ls; cd ..", "/etc\nmotd\ntour"),
    ("cd /nope", "cd: /nope: No such file or directory"),
    ("ls /nope", "ls: /nope: No such file or directory"),
    ("cat /etc", "cat: /etc: Is a directory"),
    ("rm /etc", "rm: /etc: Is a directory"),
    ("rmdir /etc", "rmdir: /etc: Directory not empty"),
    ("mkdir /etc", "mkdir: /etc: File exists"),
    ("cp /etc /tmp", "cp: /etc: is a folder: use cp -r"),
    ("ls -x", "usage: ls [-laR] [PATH ...]"),
    ("rm", "usage: rm [-rf] FILE ..."),
    ("touch /boot/x", "touch: /boot/x: Read-only file system"),
    ("ln -s /etc/motd /tmp/l; cat /tmp/l | wc; rm /tmp/l", "      1      25     120"),
    ("nope", "nope: there is no such command"),
    ("echo 'open", "shell: a quote is not closed"),
    ("| wc", "shell: a command is missing"),
    ("echo >", "shell: a file name is wanted behind < or >"),
    ("kill 99999", "kill: 99999: No such process"),
    ("umount /", "umount: /: Device or resource busy"),
    ("mount nofs:x /tmp", "mount: /tmp: Device or resource busy"),
    ("echo abc > /tmp/f; cp /tmp/f /tmp/f; cp /tmp/f /tmp; cat /tmp/f; rm /tmp/f",
     "cp: /tmp/f: is the file itself\ncp: /tmp/f: is the file itself\nabc"),
    ("mkdir /tmp/d; cp -r /tmp/d /tmp/d/x; cp -r /tmp/d /tmp/e; ls /tmp; rm -r /tmp/d /tmp/e",
     "cp: /tmp/d: cannot be copied into itself\nd\ne"),
    ("pwd > /tmp/f; cat /tmp/f; rm /tmp/f; pwd | wc", "/\n      1       1       2"),
    ("call rtc 1", "call: rtc: E_NO_METHOD: the service has no method of this number"),
    ("call block 1", "call: block: E_NO_RIGHT: the handle lacks a right that the call needs"),
    ("call nosuch 0", "call: nosuch: E_NOT_FOUND: no service of this name"),
    ("call rtc", "usage: call SERVICE METHOD [WORD]"),
    ("call rtc 0x", "usage: call SERVICE METHOD [WORD]"),
    ("fill /tmp/f 1x 1", "usage: fill FILE BYTES SEED"),
    ("fill /tmp/f 100000000 1; rm /tmp/f", "fill: /tmp/f: No space left on device"),
    ("hexdump /etc", "hexdump: /etc: Is a directory"),
    ("echo abc | hexdump", "00000000  61 62 63 0a                                       |abc.|\n00000004"),
    ("echo abc | sha256sum", hashlib.sha256(b"abc\n").hexdigest() + "  -"),
    ("sha256sum /etc/motd > /tmp/s; sha256sum -c /tmp/s; rm /tmp/s", "/etc/motd: OK"),
    ("cp -r /etc /tmp/copy; sha256sum -r /tmp/copy | wc; rm -r /tmp/copy; ls /tmp", "      2       4     162"),
])
def test_command(machine, command, says):
    text = machine.run(command)
    text = text.replace(hashlib.sha256(b"").hexdigest(), "")
    assert text.rstrip() == says.rstrip() or (command.startswith("cat /README") and text.split()[0] == "1"), text


def test_every_command_has_help(machine):
    names = machine.run("ls /bin").split()
    assert len(names) > 25
    for name in set(names) - {"utilities"}:
        assert machine.run(f"{name} --help").startswith(f"usage: {name}"), name


def test_top_and_ps_show_services(machine):
    for command in ("ps", "top -n 1"):
        text = machine.run(command)
        for service in ("pci", "block", "ext2", "vfs", "console", "shell"):
            assert re.search(rf"^ *\d+ .*\b{service}\b", text, re.M), text


def test_time_is_charged_to_the_client(machine):
    """sha256sum's file work happens in services, on its own budget: none of them gets the time."""
    def times(text):
        return {line.split()[2]: int(line.split()[-1]) for line in text.splitlines()[1:]}
    before = times(machine.run("ps"))
    machine.run("fill /big 8000000 1; sha256sum /big; rm /big", 60)
    after = times(machine.run("ps"))
    for service in ("vfs", "ext2", "block"):
        assert after[service] - before[service] <= 30, (service, before, after)


def test_line_editing_and_history(machine):
    machine.type("ecko one" + 5 * "\x1b[D" + "\x7fh\x05 two\n")
    machine.expect("\none two\n")
    machine.expect("$ ")
    machine.type("\x1b[A\x17three\n")
    machine.expect("\none three\n")
    machine.expect("$ ")
    machine.type("nonsense\x15echo four\n")
    machine.expect("\nfour\n")
    machine.expect("$ ")


@pytest.mark.parametrize("script,status", [("true-enough\n", 127), ("ls /nope\n\n# a comment\n", 1), ("echo 'open\n", 2),
                                           ("ls /nope\necho fine\n", 0)])
def test_script_status(script, status, image, tmp_path):
    """Of the last command, whatever stands behind it."""
    folder = tmp_path / "folder"
    shutil.copytree(ROOT / "disk", folder)
    (folder / "script").write_text(script)
    subprocess.run([ROOT / "tools" / "disk_image", "--modules", BUILD / "modules", "--folder", folder, "--output",
                    tmp_path / "disk"], cwd=ROOT, check=True)
    listing = tmp_path / "script.toml"
    listing.write_text((ROOT / "servers" / "system.toml").read_text() + 'arguments = { script = "/script" }\n')
    with Terminal(build=str(BUILD), list=str(listing), extra=disk(tmp_path / "disk")) as machine:
        assert machine.end() == status


def test_interrupt(machine):
    machine.type("half a line\x03")
    machine.expect("^C")
    machine.expect("$ ")
    machine.type("fill /tmp/x 2000000000 1\n")
    time.sleep(0.5)
    machine.type("\x03")
    machine.expect("$ ")
    machine.run("rm -f /tmp/x")
    machine.type("cat\n")
    machine.expect("cat\n")
    machine.type("half\x03")
    machine.expect("^C")
    assert "Interrupted" not in machine.expect("$ ")
    machine.type("cat\n")
    machine.expect("cat\n")
    machine.type("typed\n\x04")
    machine.expect("typed\ntyped\n")
    machine.expect("$ ")


def test_background_and_kill(machine):
    number = re.search(r"\[(\d+)\] top", machine.run("top -n 1000 > /tmp/top &"))[1]
    assert f" {number} " in machine.run("ps")
    assert f"[{number}] top ended" in machine.run(f"kill {number}") + machine.run("echo")
    machine.run("rm /tmp/top")


def test_keyboard_and_screen(machine):
    machine.press_text("echo Keys\n")
    machine.expect("\nKeys\n")
    machine.expect("$ ")
    time.sleep(0.2)
    lines = machine.screen()
    assert "Keys" in lines and any(line.endswith("$ echo Keys") for line in lines), lines
    machine.run("find / | head -n 60")
    before = machine.screen()
    machine.press("shift-pgup")
    assert machine.screen() != before
    machine.press("shift-pgdn")
    assert machine.screen() == before
    machine.press_text("cat")
    machine.press("ctrl-c")
    machine.expect("^C")
    machine.expect("$ ")


def test_what_was_written_is_on_the_disk(own_image, tmp_path):
    with start(own_image) as machine:
        machine.expect("/$ ")
        machine.run("mkdir /new; cp -r /etc /new; mv /new/etc/motd /new/motd; ln -s motd /new/link; fill /new/data 100000 7")
        machine.type("exit 9\n")
        assert machine.end() == 9
    out = trees.take_out(own_image, "/new", tmp_path / "out")
    assert sorted(path.name for path in out.iterdir()) == ["data", "etc", "link", "motd"]
    assert (out / "motd").read_bytes() == (ROOT / "disk" / "etc" / "motd").read_bytes()
    assert trees.check(own_image) == ""


def test_services_killed_under_the_shell(own_image):
    """init starts them again, and the shell goes on: sessions are opened anew, and the VFS mounts again."""
    with start(own_image) as machine:
        machine.expect("/$ ")
        for service in ("log", "rtc", "block", "pci", "vfs", "console", "log", "vfs"):
            number = re.search(rf"^ *(\d+) +\d+ {service} ", machine.run("ps"), re.M)[1]
            machine.run(f"kill {number}")
            for _ in range(20):
                if found := re.search(rf"^ *\d+ +\d+ {service} +run +([1-9]) ", machine.run("ps"), re.M):
                    break
                time.sleep(0.1)
            assert found, service
            assert "This file came" in machine.run("cat /etc/motd"), service
        machine.type("half a line\x03")
        machine.expect("^C")
        machine.type("exit\n")
        assert machine.end() == 0
    assert trees.check(own_image) == ""


def test_a_program_from_the_disk_faults(own_image):
    """init names its functions like those of a boot module, and the shell goes on."""
    with start(own_image) as machine:
        machine.expect("/$ ")
        machine.run("cp /boot/hostile /broken")
        said = machine.run("/broken fault") + machine.run("echo still here")
        report = re.search(r"^fault: /broken: page fault.*\n(?:  .*\n)+", machine.text, re.M)[0]
        assert re.search(r"^  process: +\d+, child of shell\n  why: +write to 0x00000000: a null pointer\n"
                         r"  where: +0x[0-9a-f]{8} hostile_child\+0x[0-9a-f]+$", report, re.M), report
        assert "then:        /broken ended with code 142 (128 + vector 14: page fault)\n  then:        shell, which" in report
        assert "still here" in said
        machine.type("exit 0\n")
        assert machine.end() == 0


@pytest.mark.parametrize("machine_type,cpu", [("pc", "max"), ("isapc", "pentium2")])
def test_without_a_disk(machine_type, cpu):
    with start(None, machine=machine_type, cpu=cpu) as machine:
        machine.expect("/$ ")
        assert "bootfs" in machine.run("df") and "shell" in machine.run("ls /boot")
        assert machine.run("echo hi") == "hi"
        machine.type("exit\n")
        assert machine.end() == 0
