#!/usr/bin/python3
"""Makes the disk of the file benchmark: ext2, with the files that perf/files/files.c names; the same content every time."""

import argparse
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

MIB = 1 << 20
# Every uncached figure reads a file of its own, so that it meets nothing that an earlier one has brought into a cache.
FILES = {"one/two/three/file": 1 * MIB, "cold/4k": 16 * MIB, "cold/64k": 8 * MIB, "cold/1m": 32 * MIB}
DISK = 80               # MiB
BLOCK = 4096            # bytes
SEARCHED = "/usr/sbin:/sbin"  # Debian keeps mke2fs out of the users' PATH


def fill(folder):
    for seed, (name, size) in enumerate(FILES.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(random.Random(seed).randbytes(size))


def format_disk(output, folder):
    program = shutil.which("mke2fs", path=f"{os.environ.get('PATH', '')}:{SEARCHED}")
    if not program:
        sys.exit("perf/files/disk.py: there is no program mke2fs: tools/packages files installs it")
    output.unlink(missing_ok=True)
    command = [program, "-q", "-t", "ext2", "-b", str(BLOCK), "-m", "0", "-d", str(folder), str(output), f"{DISK}M"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{done.stderr}perf/files/disk.py: mke2fs failed")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=pathlib.Path, required=True, help="the image")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        fill(pathlib.Path(name))
        format_disk(options.output, name)


if __name__ == "__main__":
    main()
