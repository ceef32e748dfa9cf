"""The guest suite on the kernel that checks its own invariants after each case, and whose allocations can be made to fail."""

import pathlib
import re
import subprocess

import boot
import tap

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
LIST = ROOT / "tests" / "system.toml"
ALLOCATORS = {"slab_allocate", "frame_allocate_low", "frame_allocate_any", "frame_extend_run"}


def places_of_allocation():
    """Where each call of an allocator returns to, and the function that it is in."""
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", str(BUILD / "audit.elf")], capture_output=True, text=True,
                          check=True).stdout
    places, function, returns = {}, "", False
    for line in text.splitlines():
        if found := re.match(r"[0-9a-f]+ <(.*)>:", line):
            function = found[1]
        elif found := re.match(r" *([0-9a-f]+):\s+(.*)", line):
            if returns:
                places[int(found[1], 16)] = function
            returns = any(f"<__wrap_{name}>" in found[2] for name in ALLOCATORS)
    return places


def test_no_invariant_is_broken(audited, record_guest_cases):
    verdict, serial = tap.judge(audited.serial, audited.code), audited.serial
    record_guest_cases(verdict)
    assert not verdict.failed, verdict.text
    assert "audit: " not in serial
    assert not [line for line in verdict.skipped if "audit" in line]
    assert int(re.search(r"^# (\d+) audits$", serial, re.M)[1]) > 300


def test_gates_and_data_breakpoints_under_bochs(tmp_path, record_guest_cases):
    """Under QEMU no debug exception is put off beyond a gate."""
    listing, image = boot.prepare_list(LIST, BUILD, tmp_path / "tests.list", "only=flags"), tmp_path / "audit.iso"
    subprocess.run([ROOT / "tools" / "image", "--build", BUILD, "--elf", "audit.elf", "--default", "tests", "--output", image,
                    listing], check=True)
    result = boot.run(emulator="bochs", cpu="tigerlake", iso=str(image), timeout=120)
    verdict = tap.judge(result.serial, result.code)
    record_guest_cases(verdict)
    assert not verdict.failed and not verdict.skipped, verdict.text


def test_every_allocation_has_failed_once(audited):
    failed = {int(place, 16) for place in re.findall(r"^# allocation failed at ([0-9a-f]+)$", audited.serial, re.M)}
    places = places_of_allocation()
    assert len(places) > 8
    assert {f"0x{place:x} in {places[place]}" for place in places.keys() - failed} == set()
