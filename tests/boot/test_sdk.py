"""A program outside this tree: built by plain make with an SDK that was moved, booted by `make run MODULES=`; and refusals."""

import os
import pathlib
import shutil
import subprocess

import pytest

import walk

ROOT = pathlib.Path(__file__).resolve().parents[2]
EMPTY = "int main(void) { return 0; }\n"
GREET = """\
#include <math.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    char line[80] = "";
    FILE *file = fopen("/etc/greeting", "r");
    if (file)
        fgets(line, sizeof(line), file);
    printf("%s: %d, %.3f, %s\\n", argv[0], argc, sqrt(2.0), line);
    return 3;
}
"""


def run(*command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, **options)


@pytest.fixture(scope="module")
def sdk(tmp_path_factory):
    """Where nobody knew of when it was made."""
    folder = tmp_path_factory.mktemp("sdk")
    made = run("make", "sdk", f"SDK={folder}/made", cwd=ROOT)
    assert made.returncode == 0, made.stdout + made.stderr
    (folder / "made").rename(folder / "moved-to-here")
    return folder / "moved-to-here"


@pytest.fixture(scope="module")
def built(sdk):
    """The template, in a folder of its own."""
    folder = sdk.parent / "project"
    shutil.copytree(sdk / "template", folder)
    made = run("make", f"POSTERN_SDK={sdk}", cwd=folder)
    assert made.returncode == 0 and "warning" not in made.stderr, made.stdout + made.stderr
    return folder


def package(sdk, *options):
    done = run("pkg-config", *options, env=dict(os.environ, PKG_CONFIG_PATH=sdk / "lib/pkgconfig"))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def compile_and_link(sdk, name, output, source, *options):
    output.with_suffix(".c").write_text(source)
    flags, libraries = package(sdk, "--cflags", name), package(sdk, "--libs", name)
    # Through a shell, for the quotes around blanks.
    done = run("sh", "-c", f"gcc -O2 -Wall -Wextra -Werror {flags} -o '{output}' '{output}.c' {libraries} {' '.join(options)}")
    assert done.returncode == 0, done.stderr
    return output


def test_service_and_program_from_outside(sdk, built, tmp_path):
    """The service on libserver alone, its client as a boot module, and a program with the C library on the disk."""
    tree = tmp_path / "disk"
    (tree / "bin").mkdir(parents=True)
    (tree / "etc").mkdir()
    (tree / "etc/greeting").write_text("well met\n")
    compile_and_link(sdk, "postern-libc", tree / "bin/greet", GREET)
    assert run("tools/disk_image", "--folder", tree, "--output", tmp_path / "disk.img", cwd=ROOT).returncode == 0
    command = f"make run ACCEL=tcg MODULES={built} DISK={tmp_path}/disk.img V=1"
    with walk.Session(command, ROOT, None) as machine:
        machine.expect(walk.PROMPT, 60)
        machine.type("/boot/ask 5 6 0x10\n")
        machine.expect("5\n11\n27\n", 60)
        machine.type("greet one\n")
        machine.expect("greet: 2, 1.414, well met", 60)
    assert "qemu-system-i386 " in machine.text and "/boot/sum" in machine.text


def test_names_in_fault_reports(built, tmp_path):
    done = run("tools/add_modules", "--output", tmp_path / "added", built, cwd=ROOT)
    assert done.returncode == 0 and not done.stderr
    assert b"serve_sum_add\0" in (tmp_path / "added/symbols").read_bytes()


def test_without_a_list_nothing_is_started(built, tmp_path):
    done = run("tools/add_modules", "--output", tmp_path / "added", built / "sum", cwd=ROOT)
    assert done.returncode == 0 and "no list (.toml) says that init should start it" in done.stdout
    assert "\nsum " not in (tmp_path / "added/servers.list").read_text()


def test_shell_may_look_up_what_is_added(built, tmp_path):
    run("tools/add_modules", "--output", tmp_path / "added", built, cwd=ROOT)
    lines = (tmp_path / "added/servers.list").read_text().splitlines()
    assert lines[-2].startswith("sum sum ") and lines[-1].startswith("shell ") and lines[-1].endswith(",sum")


def test_programs_at_one_address(sdk, built, tmp_path):
    shutil.copy(built / "sum", tmp_path / "total")
    done = run("tools/add_modules", "--output", tmp_path / "added", built / "sum", tmp_path / "total", cwd=ROOT)
    assert done.returncode == 0 and "total lies where sum does (0x70000000)" in done.stderr


def refused(tmp_path, *paths):
    done = run("tools/add_modules", "--output", tmp_path / "added", *paths, cwd=ROOT)
    assert done.returncode == 1 and "Traceback" not in done.stderr and not (tmp_path / "added").exists()
    return done.stderr


@pytest.mark.parametrize("base", ["0xd0000000", "0x7fffe000", "0x1000"])
def test_addresses_that_are_no_programs(sdk, tmp_path, base):
    program = compile_and_link(sdk, "postern", tmp_path / "far", EMPTY, f"-Wl,--defsym,program_base={base}")
    says = refused(tmp_path, program)
    assert "far wants 0x" in says and "programs may lie from 0x00100000 to 0x7fffffff" in says


def test_files_that_are_no_programs(sdk, built, tmp_path):
    assert "none is not there" in refused(tmp_path, tmp_path / "none")
    assert "is no program: it does not begin as an ELF file does" in refused(tmp_path, built / "Makefile")
    assert "is not for 32-bit x86: build it with" in refused(tmp_path, "/bin/true")
    assert "is not linked at a fixed address" in refused(tmp_path, built / "sum.o")
    assert "holds neither a program nor a system list" in refused(tmp_path, sdk / "include")
    (tmp_path / "cut").write_bytes((built / "sum").read_bytes()[:60])
    assert "cut ends within its table of segments" in refused(tmp_path, tmp_path / "cut")
    mixed = compile_and_link(sdk, "postern", tmp_path / "mixed", EMPTY)
    content = bytearray(mixed.read_bytes())
    content[52 + 24] |= 2 # the flags of the first segment: writable too
    mixed.write_bytes(content)
    assert "mixed has memory that is writable and executable" in refused(tmp_path, mixed)


@pytest.mark.parametrize("name,says", [
    ("echo", "there is a module echo already"), ("symbols", "there is a module symbols already"),
    ("init", "there is a module init already"), ("seventeen_letters", "is no name for a program"),
    ("a b", "is no name for a program")])
def test_names_that_cannot_be(built, tmp_path, name, says):
    shutil.copy(built / "sum", tmp_path / name)
    assert says in refused(tmp_path, tmp_path / name)


def test_one_name_twice(built, tmp_path):
    shutil.copy(built / "sum", tmp_path / "sum")
    assert "have one name: rename one" in refused(tmp_path, built / "sum", tmp_path / "sum")


def test_lists_with_mistakes(built, tmp_path):
    (tmp_path / "a.toml").write_text("[log]\n\n[ask]\nuses = ['nobody']\n")
    done = run("tools/add_modules", "--output", tmp_path / "added", built, tmp_path / "a.toml", cwd=ROOT)
    assert done.returncode == 1
    assert f"{tmp_path}/a.toml:1: log: there is a service of this name already, in servers/system.toml" in done.stderr
    assert f'{tmp_path}/a.toml:4: ask: "uses" names "nobody", which is no service' in done.stderr


def test_sdk_spares_folders_of_others(tmp_path):
    (tmp_path / "precious").write_text("")
    done = run("make", "sdk", f"SDK={tmp_path}", cwd=ROOT)
    assert done.returncode != 0 and "is there and no SDK" in done.stderr and (tmp_path / "precious").exists()


def test_added_modules_spare_folders_of_others(built, tmp_path):
    (tmp_path / "precious").write_text("")
    done = run("tools/add_modules", "--output", tmp_path, built, cwd=ROOT)
    assert done.returncode == 1 and "nothing that this program has made" in done.stderr and (tmp_path / "precious").exists()


def test_template_says_when_there_is_no_sdk(sdk, tmp_path):
    shutil.copytree(sdk / "template", tmp_path / "template")
    done = run("make", cwd=tmp_path / "template")
    assert done.returncode != 0 and 'finds no SDK at POSTERN_SDK=".."' in done.stderr
