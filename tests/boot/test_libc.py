"""The C library and its files, on machines with and without SYSENTER, release and debug build."""

import pathlib

import pytest

import boot
import tap
import trees

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIST = str(ROOT / "tests" / "libc" / "system.toml")
SETUPS = {
    "max": ("release", {}),
    "no-sep": ("release", dict(cpu="max,-sep")),
    "pentium2-isapc": ("release", dict(cpu="pentium2", machine="isapc", memory=32)),
    "debug": ("debug", {}),
}


@pytest.mark.parametrize("name", SETUPS)
def test_cases(name, record_guest_cases):
    build, options = SETUPS[name]
    result = boot.run(build=str(ROOT / "build" / build), list=LIST, timeout=60, **options)
    verdict = tap.judge(result.serial, result.code)
    record_guest_cases(verdict)
    assert not verdict.failed and not verdict.skipped, verdict.text
    assert "/none: No such file or directory" in result.serial


DISK = """[pci]
workers = 4
ports = ["all"]
irq = ["all"]
device-memory = ["all"]

[block]
workers = 16
quota = 2048
uses = ["pci"]
pci = ["1af4:1001", "1af4:1042"]

[ext2]
workers = 8
quota = 14336
calls = ["block"]
uses = ["rtc"]

[memoryfs]
"""


@pytest.mark.parametrize("block,kind", [(1024, "ext2"), (4096, "ext4")], ids=["ext2", "ext4"])
def test_cases_on_a_disk(block, kind, tmp_path, record_guest_cases):
    """The same cases with the file tree on a disk, which e2fsck must find in order although the VFS was killed many times."""
    text = pathlib.Path(LIST).read_text().replace("[memoryfs]\n", DISK)
    text = text.replace('calls = ["memoryfs"', 'calls = ["ext2", "memoryfs"').replace("/=memoryfs:", "/=ext2:disk0")
    text = text.replace('home = "/libc"', 'home = "/libc", disk = 1')
    listing = tmp_path / "libc.toml"
    listing.write_text(text)
    image = trees.make_image(tmp_path / "disk", 32, None, block, kind, ["-O", "^has_journal"] if kind == "ext4" else [])
    result = boot.run(build=str(ROOT / "build" / "release"), list=str(listing), timeout=60,
                      extra=["-drive", f"file={image},format=raw,if=virtio"])
    verdict = tap.judge(result.serial, result.code)
    record_guest_cases(verdict)
    assert not verdict.failed, verdict.text
    assert trees.check(image) == ""


def test_without_services(tmp_path):
    """Text goes to the log, memory is there, and files are an error."""
    listing = tmp_path / "alone.toml"
    listing.write_text('[libc-tests]\nquota = 2048\nessential = true\narguments = { only = "alone" }\n')
    result = boot.run(build=str(ROOT / "build" / "release"), list=str(listing), timeout=60)
    verdict = tap.judge(result.serial, result.code)
    assert not verdict.failed, verdict.text
