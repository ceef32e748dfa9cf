"""make builds again what depends on what changed, and nothing else: asked in a copy of the tree and of what is built of it."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = pathlib.Path("build/release")
GOALS = ["all", "iso", f"{RELEASE}/disk.img"]
OUTPUT = re.compile(r"(?:-o|--output|ar rcs) (build/release/\S+)|> (build/release/offsets.inc)")


class Tree:
    def __init__(self, folder):
        self.folder = folder

    def make(self, *arguments):
        done = subprocess.run(["make", *arguments], cwd=self.folder, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0 and "warning" not in done.stderr, done.stdout + done.stderr
        return done.stdout

    def would_build(self, *settings):
        """What make would build now, as paths below build/release."""
        found = OUTPUT.findall(self.make("-n", *GOALS, *settings))
        return {str(pathlib.Path(first or second).relative_to(RELEASE)) for first, second in found}

    def after_change_of(self, name):
        path = self.folder / name
        before = path.stat()
        os.utime(path)
        try:
            return self.would_build()
        finally:
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def not_copied(at, names):
    others = [name for name in names if name != "release"] if pathlib.Path(at) == ROOT / "build" else []
    return {".git", "libraries", "__pycache__", *others}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """With what is built, and with its times: to make it is the tree that built it."""
    folder = tmp_path_factory.mktemp("build") / "tree"
    shutil.copytree(ROOT, folder, symlinks=True, ignore=not_copied)
    (folder / "libraries").symlink_to(ROOT / "libraries")
    copy = Tree(folder)
    copy.make(*GOALS)
    return copy


def test_nothing_is_built_twice(tree):
    assert tree.would_build() == set()
    files = {path: path.stat().st_mtime_ns for path in (tree.folder / RELEASE).rglob("*") if path.is_file()}
    tree.make(*GOALS)
    assert files == {path: path.stat().st_mtime_ns for path in (tree.folder / RELEASE).rglob("*") if path.is_file()}


EVERYTHING = {"kernel/call.o", "libserver/client.o", "programs/servers/echo/echo.o", "sysenter/entry.asm.o"}
ISOS = {"postern-servers.iso", "postern-perf.iso", "postern-tests.iso"}

# What changes; some of what is built again; some of what is not.
CHANGES = [
    ("kernel/object.h", {"kernel/object.o", "kernel/call.o", "kernel.elf", *ISOS}, {"libserver.a", "modules/vfs", "disk.img"}),
    ("kernel/call.c", {"kernel/call.o", "kernel.elf"}, {"kernel/object.o", "offsets.inc"}),
    ("arch/x86/offsets.c", {"offsets.inc", "sysenter/entry.asm.o", "kernel.elf"}, {"kernel/call.o"}),
    ("sysenter/entry.asm", {"sysenter/entry.asm.o", "kernel.elf"}, {"arch/x86/entry.asm.o"}),
    ("abi/postern.h", {"kernel/call.o", "libserver/client.o", "programs/servers/vfs/main.o", "offsets.inc"}, set()),
    ("abi/postern.inc", {"libserver/start.asm.o", "boot/start.asm.o", "modules/echo"}, {"kernel/call.o", "libserver/lock.o"}),
    ("abi/syscalls.def", {"kernel/syscalls.o", "libserver/start.asm.o", "programs/servers/echo/echo.o"}, set()),
    ("abi/errors.def", {"kernel/call.o", "sysenter/entry.asm.o", "libserver/status.o"}, set()),
    ("libserver/include/server.h", {"libserver/server.o", "modules/echo", "modules/shell", "disk.img"}, {"kernel.elf"}),
    ("libserver/internal.h", {"libserver/client.o", "programs/libserver/libc/memory.o"}, {"programs/servers/echo/echo.o"}),
    ("libserver/libc/include/sys/stat.h", {"programs/servers/shell/run.o", "libc.a", "modules/ext2"}, {"modules/echo"}),
    ("libserver/file_system/file_system.h", {"programs/servers/ext2/main.o", "modules/memoryfs"}, {"modules/shell"}),
    ("servers/vfs/vfs.h", {"programs/servers/ext2/main.o", "programs/libserver/libc/vfs.o", "modules/vfs"}, {"modules/echo"}),
    ("servers/pci/driver/driver.h", {"programs/servers/pci/driver/driver.o", "modules/block"}, {"modules/pci"}),
    ("servers/utilities/main.c", {"modules/utilities", "symbols", "disk.img"}, {"modules/shell"}),
    ("config.mk", EVERYTHING, set()),
    ("Makefile", EVERYTHING, set()),
    ("boot/kernel.ld", {"kernel.elf", *ISOS}, {"kernel/call.o", "modules/echo"}),
    ("libserver/program.ld", {"programs/echo.elf", "modules/vfs", "symbols"}, {"kernel.elf", "programs/servers/echo/echo.o"}),
    ("servers/system.toml", {"servers.list", *ISOS}, {"perf.list", "modules/echo"}),
    ("tests/system.toml", {"tests.list", *ISOS}, {"servers.list"}),
    ("tools/system_list", {"servers.list", "perf.list", "tests.list"}, {"modules/echo"}),
    ("tools/symbols", {"symbols", *ISOS}, {"modules/echo"}),
    ("tools/image", ISOS, {"symbols", "kernel.elf"}),
    ("tools/disk_image", {"disk.img"}, ISOS),
    ("disk/etc/motd", {"disk.img"}, ISOS),
]


@pytest.mark.parametrize("name,built,kept", CHANGES, ids=[change[0] for change in CHANGES])
def test_change(tree, name, built, kept):
    found = tree.after_change_of(name)
    assert built <= found, f"not built again: {built - found}"
    assert not kept & found, f"built again for nothing: {kept & found}"


def test_flags(tree):
    """On the command line, where no file changes; and back."""
    stamp = tree.folder / RELEASE / "flags"
    before = stamp.read_text(), stamp.stat().st_mtime_ns
    for setting in ("OPTIMISE=-O1", "NASM=nasm -O0"):
        assert EVERYTHING <= tree.would_build(setting), setting
    stamp.write_text(before[0])
    os.utime(stamp, ns=(before[1], before[1]))
    assert tree.would_build() == set()


def test_files_of_the_disk_come_and_go(tree):
    path = tree.folder / "disk/etc/a file"
    path.write_text("text\n")
    assert "disk.img" in tree.would_build()
    tree.make(GOALS[-1])
    path.unlink()
    assert "disk.img" in tree.would_build()


def has_extra(tree):
    names = subprocess.run(["nm", tree.folder / RELEASE / "programs/echo.elf"], capture_output=True, text=True).stdout
    return " extra\n" in names


def test_sources_and_programs_come_and_go(tree):
    """The addresses of other programs move, and what is gone is in no image."""
    before = (tree.folder / RELEASE / "modules/vfs").read_bytes()
    program, files = tree.folder / "servers/another", [tree.folder / "servers/echo/extra.c", tree.folder / "kernel/extra.c"]
    shutil.copytree(tree.folder / "servers/echo", program)
    for path in files:
        path.write_text("/* Extra. */\nvoid extra(void);\n__attribute__((used)) void extra(void) { }\n")
    assert {"kernel/extra.o", "kernel.elf", "programs/servers/echo/extra.o", "modules/echo"} <= tree.would_build()
    files.pop().unlink()
    tree.make("all")
    assert has_extra(tree) and (tree.folder / RELEASE / "modules/another").exists()
    assert (tree.folder / RELEASE / "modules/vfs").read_bytes() != before
    files.pop().unlink()
    shutil.rmtree(program)
    assert {"kernel.elf", "programs/echo.elf", "modules/echo"} <= tree.would_build()
    tree.make("all")
    assert not has_extra(tree)
    assert not list((tree.folder / RELEASE).glob("*/another*"))
    assert (tree.folder / RELEASE / "modules/vfs").read_bytes() == before


def test_interrupted(tree):
    """In the middle: what was under way is made again."""
    modules, marks = tree.folder / RELEASE / "modules", tree.folder / RELEASE / "libserver"
    before = {path.name: path.read_bytes() for path in modules.iterdir()}
    os.utime(tree.folder / "libserver/internal.h")
    began = time.time_ns()
    process = subprocess.Popen(["make", "all"], cwd=tree.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True)
    while process.poll() is None and not any(path.stat().st_mtime_ns > began for path in marks.glob("*.o")):
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) != 0
    assert {f"modules/{name}" for name in before} <= tree.would_build()
    tree.make("all")
    assert {path.name: path.read_bytes() for path in modules.iterdir()} == before


def test_long_steps_tell_what_they_do(tree):
    os.utime(tree.folder / "servers/echo/echo.c")
    quiet = tree.make("-s", "all")
    os.utime(tree.folder / "servers/echo/echo.c")
    usual = tree.make("all")
    os.utime(tree.folder / "servers/echo/echo.c")
    full = tree.make("all", "V=1")
    assert quiet == "" and usual == f"  {RELEASE}/modules/echo\n" and " -c servers/echo/echo.c " in full
