#!/usr/bin/python3
"""Fetches Debian's 32-bit kernel with the package lists that this machine already has, and unpacks kernel and modules.

Nothing on the machine is changed: apt works with lists and a state of its own, for the architecture i386."""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

PACKAGE = "linux-image-686"


class Failure(Exception):
    """The kernel is not to be had; the text says why and what to do."""


def private_apt(folder):
    """apt options that keep its state in this folder and let it see i386 packages only."""
    state, lists, archives = folder / "state", folder / "lists", folder / "archives"
    for path in (state, lists / "partial", archives / "partial"):
        path.mkdir(parents=True)
    (state / "status").touch()
    settings = {"Dir::State": state, "Dir::State::status": state / "status", "Dir::State::Lists": lists, "Dir::Cache": folder,
                "Dir::Cache::archives": archives, "APT::Architecture": "i386", "APT::Architectures::": "i386",
                "APT::Sandbox::User": "root"}
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def run(command, folder):
    """What the command printed, both streams, and whether it succeeded."""
    try:
        done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except FileNotFoundError:
        raise Failure(f"there is no program {command[0]}: this comparison needs a Debian machine") from None
    return done.stdout, done.returncode == 0


def depended_on(text):
    """The package with the kernel itself, which the package without a version depends on."""
    names = [line.split()[-1] for line in text.splitlines() if line.strip().startswith("Depends: linux-image-")]
    return names[0] if names else None


def download(folder):
    """The kernel's package file."""
    options = private_apt(folder)
    said, _ = run(["apt-get", *options, "update"], folder)  # a list that cannot be had does no harm if another has the kernel
    name = depended_on(run(["apt-cache", *options, "depends", PACKAGE], folder)[0])
    if not name:
        raise Failure(f"{said}no package list names {PACKAGE}. apt's messages are above; the machine needs a Debian release "
                      "with i386 kernels (12 is the last) in /etc/apt, and a way to its mirror")
    said, good = run(["apt-get", *options, "download", name], folder)
    files = list(folder.glob(f"{name}_*.deb"))
    if not good or not files:
        raise Failure(f"{said}apt could not download {name}; its messages are above")
    return files[0]


def unpack(package, output):
    folder = package.parent / "root"
    said, good = run(["dpkg-deb", "--extract", str(package), str(folder)], package.parent)
    if not good:
        raise Failure(f"{said}dpkg-deb could not unpack {package.name}")
    release = next((folder / "lib/modules").iterdir())
    output.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(output / "modules", ignore_errors=True)
    shutil.move(release / "kernel", output / "modules")
    (output / "release").write_text(release.name + "\n")
    shutil.move(next((folder / "boot").glob("vmlinuz-*")), output / "vmlinuz")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=pathlib.Path, required=True, help="folder to be filled: vmlinuz, modules/, release")
    options = parser.parse_args()
    print(f"fetching {PACKAGE} (50 MB) ...", file=sys.stderr, flush=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            unpack(download(pathlib.Path(folder)), options.output.resolve())
    except Failure as failure:
        sys.exit(f"perf/linux/kernel.py: {failure}")


if __name__ == "__main__":
    main()
