"""File trees for the file-system tests: made here, put into images with mke2fs, taken out with debugfs, and compared."""

import hashlib
import os
import pathlib
import random
import shutil
import subprocess

LONGEST = 255


def run(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


# ---- the tree that the guest reads ----

def make(folder):
    """More than 500 things and 64 MiB: deep paths, long names, empty and sparse files, symbolic and hard links."""
    source = random.Random(1)
    for i in range(24):
        (folder / f"folder-{i}").mkdir(parents=True)
    for i in range(480):
        size = source.choice([0, 1, 511, 512, 1023, 1024, 1025, 4095, 4096, 4097, 12 * 1024, 13000, 65536, 300000])
        (folder / f"folder-{i % 24}" / f"file-{i}").write_bytes(source.randbytes(size))
    for i in range(6):
        (folder / f"large-{i}").write_bytes(source.randbytes(8 * 2**20 + i))
    deep = folder
    for i in range(24):
        deep = deep / f"level-{i}-of-a-deep-path"
        deep.mkdir()
        (deep / "file").write_bytes(source.randbytes(100 * i))
    (folder / ("n" * LONGEST)).write_bytes(b"long name")
    (folder / ("é" * (LONGEST // 2))).write_bytes(b"long name, two bytes a letter")
    for i, hole in enumerate([4096, 100_000, 5_000_000, 12_345_678]):
        with open(folder / f"sparse-{i}", "wb") as file:
            file.seek(hole)
            file.write(source.randbytes(3000))
            file.truncate(hole * 2)
    for i in range(20):
        (folder / f"link-{i}").symlink_to(f"folder-{i}/file-{i}" if i % 2 else "x" * (30 * (i + 1)))
    os.link(folder / "large-0", folder / "folder-3" / "hard-link")
    (folder / "empty").mkdir()
    return folder


def make_small(folder):
    """About 3 MiB, to be copied often."""
    source = random.Random(2)
    for i in range(4):
        (folder / f"folder-{i}").mkdir(parents=True)
    for i in range(40):
        (folder / f"folder-{i % 4}" / f"file-{i}").write_bytes(source.randbytes(source.choice([0, 1000, 4096, 30000, 300000])))
    return folder


# ---- the tree that the guest writes: the same operations as tests/files/write.c ----

def pattern(size, seed):
    state, result = (seed * 2654435761 + 12345) & 0xFFFFFFFF, bytearray(size)
    for i in range(size):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        result[i] = state >> 24
    return bytes(result)


def put(path, offset, data, append=False):
    with open(path, "r+b" if path.exists() else "w+b") as file:
        file.seek(0, 2) if append else file.seek(offset)
        file.write(data)


def size_of(number):
    return (number * number * 7919 & 0xFFFFFFFF) % (300000 if number % 10 == 0 else 20000)


def change(root, number, path):
    size, other = size_of(number), root / f"moved-{number}"
    if number % 3 == 1:
        put(path, size // 3, pattern(1000, number + 1000))
    if number % 5 == 2:
        os.truncate(path, size // 2)
    if number % 7 == 3:
        put(path, 0, pattern(500, number + 2000), append=True)
    if number % 17 == 6:
        put(path, 2**20 + number, pattern(100, number + 3000))
    if number % 19 == 8:
        os.truncate(path, size + 70000)
    if number % 11 == 4:
        path.rename(other)
    elif number % 13 == 5:
        path.unlink()
    elif number % 23 == 7:
        os.link(path, other)
    elif number % 29 == 9:
        other.symlink_to("/" + str(path.relative_to(root.parent)))


def write(root):
    root.mkdir()
    files = [root / f"folder-{i % 12}" / f"file-{i}" for i in range(200)]
    for i in range(12):
        (root / f"folder-{i}").mkdir()
    for i, path in enumerate(files):
        path.write_bytes(pattern(size_of(i), i))
    for i, path in enumerate(files):
        change(root, i, path)
    deep = root
    for i in range(20):
        deep = deep / "a-folder-with-a-rather-long-name"
        deep.mkdir()
    (deep / "bottom").write_bytes(pattern(3000, 77))
    (root / "wide").mkdir()
    for i in range(1, 300, 2):
        (root / "wide" / f"{i}-a-name-that-fills-the-folder-soon-enough").write_bytes(pattern(i, i))
    (root / "long-link").symlink_to("x" * 200)
    (root / "empty").mkdir()
    (root / "folder-1").rename(root / "empty" / "folder-1")
    (root / "over").write_bytes(pattern(200, 6))
    return root


# ---- the lines that the guest prints for a tree (tests/files/tree.c) ----

def short(text):
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:24]


def line(path, name):
    if path.is_symlink():
        return f"L {short(os.readlink(path))} {short(name)}"
    if path.is_dir():
        return f"D {short(name)}"
    data = path.read_bytes()
    return f"F {hashlib.sha256(data).hexdigest()} {len(data)} {short(name)}"


def lines(folder, root=""):
    """Of everything below the folder, which the guest knows as `root`."""
    found = []
    for here, folders, files in os.walk(folder):
        for name in folders + files:
            path = pathlib.Path(here, name)
            found.append(line(path, f"{root}/{path.relative_to(folder)}"))
    return sorted(found)


def lines_of(serial):
    return sorted(text for text in serial.splitlines() if text[:2] in ("F ", "L ", "D ", "E "))


# ---- images ----

def make_image(path, mebibytes, folder=None, block=4096, kind="ext2", options=()):
    with open(path, "wb") as file:
        file.truncate(mebibytes * 2**20)
    source = ["-d", folder] if folder else []
    run("mke2fs", "-q", "-F", "-t", kind, "-b", block, *options, *source, path)
    return path


def take_out(image, name, folder):
    """Everything below `name` in the image, by debugfs; e2fsck must have nothing to say."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    run("debugfs", "-R", f"rdump {name} {folder}", image)
    return folder / pathlib.Path(name).name


def check(image):
    """What e2fsck says without changing anything; empty when the file system is clean."""
    done = subprocess.run(["e2fsck", "-fn", str(image)], capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def repair(image):
    """What e2fsck says when it sets right what it can; more than that is wrong."""
    done = subprocess.run(["e2fsck", "-fy", str(image)], capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout
