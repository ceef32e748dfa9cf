"""One image boots by a BIOS and by UEFI of 32 and 64 bits, from a CD and from a USB stick; guest cases pass after UEFI."""

import pathlib
import subprocess

import pytest

import boot
import tap
import walk
from terminal import Terminal

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
MACHINES = {
    "bios": dict(firmware="bios"),
    "uefi32": dict(firmware="uefi32", machine="q35", memory=128),
    "uefi64": dict(firmware="uefi64", qemu="qemu-system-x86_64", memory=128),
}
MOTD = (ROOT / "disk" / "etc" / "motd").read_text().rstrip()
PROMPT_SECONDS = 60         # alone three for a BIOS, eight for UEFI


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    path = tmp_path_factory.mktemp("disk") / "disk"
    subprocess.run([ROOT / "tools" / "disk_image", "--modules", BUILD / "modules", "--output", path], cwd=ROOT, check=True)
    return path


def start(firmware, image, disk):
    drive = ["-drive", f"file={disk},format=raw,if=none,id=d", "-device", "virtio-blk-pci,drive=d"]
    return Terminal(iso=str(BUILD / image), list=str(ROOT / "servers" / "system.toml"), build=str(BUILD), extra=drive,
                    **MACHINES[firmware])


@pytest.mark.parametrize("firmware", MACHINES)
def test_file_from_the_disk(firmware, disk):
    with start(firmware, "postern-servers.iso", disk) as machine:
        until_prompt = machine.expect("/$ ", PROMPT_SECONDS)
        assert ("BdsDxe" in until_prompt) == ("talks on COM1 alone" in until_prompt) == (firmware != "bios")
        assert machine.run("cat /etc/motd") == MOTD


@pytest.mark.parametrize("firmware", ["bios", "uefi64"])
def test_usb_stick_leaves_disks_alone_until_told(firmware, disk):
    before = disk.read_bytes()
    with start(firmware, "postern-usb.img", disk) as machine:
        machine.expect("/$ ", PROMPT_SECONDS)
        assert "ext2" not in machine.run("mount") and disk.read_bytes() == before
        machine.run("mkdir /m")
        machine.run("mount -r ext2:disk0 /m")
        assert machine.run("cat /m/etc/motd") == MOTD


@pytest.mark.parametrize("firmware,group", [("uefi32", "fpu"), ("uefi64", "flags")])
def test_guest_cases(firmware, group, tmp_path, record_guest_cases):
    """What UEFI leaves in the CPU and the interrupt controllers is not what a BIOS leaves."""
    boot.prepare_list(ROOT / "tests" / "system.toml", BUILD, tmp_path / "tests.list", f"only={group}")
    subprocess.run([ROOT / "tools" / "image", "--build", BUILD, "--default", "tests", "--output", tmp_path / "tests.iso",
                    tmp_path / "tests.list"], cwd=ROOT, check=True)
    result = boot.run(iso=str(tmp_path / "tests.iso"), build=str(BUILD), timeout=PROMPT_SECONDS, **MACHINES[firmware])
    verdict = tap.judge(result.serial, result.code)
    record_guest_cases(verdict)
    assert not verdict.failed, verdict.text
    assert verdict.passed > 5


def test_printed_command_runs_in_a_shell():
    made = subprocess.run(["make", "run", "V=1", "ACCEL=tcg", "DISK=", "CPU=max,-sep"], input="\x01x", cwd=ROOT, text=True,
                          capture_output=True, timeout=120)
    line, = [line for line in made.stdout.splitlines() if line.startswith("qemu-system-i386 ")]
    assert made.returncode == 0 and "-cpu max,-sep" in line
    with walk.Session(line, ROOT, None) as machine:
        machine.expect(walk.PROMPT, PROMPT_SECONDS)
    assert machine.process.returncode == 0


def test_image_says_where_it_does_not_boot(tmp_path):
    mkrescue = tmp_path / "mkrescue"
    mkrescue.write_text('#!/bin/sh\nexec grub-mkrescue -d /usr/lib/grub/i386-pc "$@"\n')
    mkrescue.chmod(0o755)
    done = subprocess.run([ROOT / "tools" / "image", "--build", BUILD, "--mkrescue", mkrescue, "--default", "servers", "--output",
                           tmp_path / "image.iso", BUILD / "servers.list"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert [line.split()[-1] for line in done.stderr.splitlines()] == ["grub-efi-ia32-bin", "grub-efi-amd64-bin"]


@pytest.mark.parametrize("arguments,says", [
    ("--firmware uefi64", "--iso names it"),
    ("--firmware uefi32 --emulator bochs --iso README.md", "under QEMU"),
    ("--firmware uefi32 --iso README.md", "MACHINE=q35"),
    ("--firmware uefi64 --iso README.md", "qemu-system-x86_64"),
])
def test_boot_says_what_firmware_wants(arguments, says):
    done = subprocess.run([ROOT / "tools" / "boot.py", *arguments.split()], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and done.stderr.startswith("boot: ") and says in done.stderr
