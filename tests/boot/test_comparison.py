"""The comparison of file access: the disk, the initramfs, and the lines that the program prints. Linux itself is not booted."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
for folder in ("perf", "perf/linux"):
    sys.path.insert(0, str(ROOT / folder))
import bench  # noqa: E402
import files  # noqa: E402
import initramfs  # noqa: E402


def make_module(folder, name, depends):
    path = folder / f"{name}.ko"
    path.write_bytes(b"\x7fELF\0license=GPL\0depends=" + depends.encode() + b"\0name=x\0")
    return path


def test_modules_come_behind_what_they_need(tmp_path):
    disk = make_module(tmp_path, "disk-driver", "bus,ring")
    bus = make_module(tmp_path, "bus", "ring")
    ring = make_module(tmp_path, "ring", "")
    assert initramfs.in_order(tmp_path, ["disk_driver", "bus"]) == [ring, bus, disk]


def test_a_missing_module_is_named(tmp_path):
    make_module(tmp_path, "disk", "bus")
    with pytest.raises(SystemExit, match="no module bus"):
        initramfs.in_order(tmp_path, ["disk"])


def test_archive_is_aligned_and_ends():
    text = initramfs.archive([("dev", initramfs.FOLDER), ("init", initramfs.PROGRAM, b"12345")])
    assert len(text) % 4 == 0 and text.count(b"070701") == 3
    assert b"TRAILER!!!" in text[-24:]


def test_names_are_those_of_the_program():
    source = (ROOT / "perf/files/files.c").read_text()
    assert [name for name in files.NAMES if f'"{name}"' not in source] == []
    with pytest.raises(bench.Failure):
        bench.parse("result file/unknown 1 1 1 1 1 1 1 1 1", files.NAMES)


def test_speed_is_bytes_over_time():
    results = {"file/read/1m/cached": {"p50": 2_000_000}}
    assert files.speed("file/read/1m/cached", results, {"ticks_per_millisecond": 1_000_000}) == 500


def test_disk_holds_the_files(tmp_path):
    image = tmp_path / "disk.img"
    subprocess.run([ROOT / "perf/files/disk.py", "--output", image], check=True)
    listing = subprocess.run(["/usr/sbin/debugfs", "-R", "ls -p /cold", image], capture_output=True, text=True, check=True).stdout
    assert "/4k/16777216/" in listing and "/1m/33554432/" in listing
