"""`make service` in a copy of the tree: what it makes passes its own tests and answers at the prompt, a bug in it is noticed on
the host and in the guest, and a bad name is refused with nothing left behind."""

import pathlib
import re
import shutil
import subprocess

import pytest

from terminal import Terminal

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOT_COPIED = shutil.ignore_patterns(".git", "build", "libraries", "__pycache__", ".service-*")
NOT_COPIED_BUILT = shutil.ignore_patterns("*.iso", "*.img", "linux", "audit")
ADD = "        sum += rq->word;\n"
BUG = "        sum += rq->word + (rq->word == 5);\n"


def make(tree, *words):
    """Libraries of others are not built again."""
    return subprocess.run(["make", f"LIBRARIES={ROOT / 'libraries'}", *words], cwd=tree, capture_output=True, text=True)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy with a service clock in it, and what `make service` said."""
    path = tmp_path_factory.mktemp("tree") / "postern"
    shutil.copytree(ROOT, path, ignore=NOT_COPIED, symlinks=True)
    shutil.copytree(ROOT / "build" / "release", path / "build" / "release", ignore=NOT_COPIED_BUILT)
    shutil.copytree(ROOT / "build" / "unit" / "libserver", path / "build" / "unit" / "libserver")
    done = make(path, "service", "NAME=clock")
    assert done.returncode == 0, done.stderr
    return path, done.stdout


def own_tests(tree):
    return make(tree, "test", "SERVICE=clock")


def test_says_what_it_made_and_what_to_do_next(tree):
    path, said = tree
    for name in re.findall(r"^  (\S+)  ", said, re.M)[:4]:
        assert (path / "servers" / "clock" / name).exists(), said
    assert "make test SERVICE=clock" in said and "call clock 1 5" in said
    assert not list((path / "servers" / "clock").rglob("README.md")) and not list((path / "servers").glob(".service-*"))
    made = [file.read_text() for file in (path / "servers" / "clock").rglob("*.*")]
    assert len(made) == 5 and not any(re.search("template", text, re.I) for text in made)


def test_its_tests_pass_at_once(tree):
    done = own_tests(tree[0])
    assert done.returncode == 0 and re.search(r"= 3 passed in .*=\n$", done.stdout), done.stdout + done.stderr
    for test in ("on_the_host[clock-host]", "in_the_guest[clock-SYSENTER]", "in_the_guest[clock-INT 250]"):
        assert f"test_{test} PASSED" in done.stdout, done.stdout


def test_it_answers_at_the_prompt(tree, tmp_path):
    build = tree[0] / "build" / "release"
    image = tmp_path / "disk"
    subprocess.run([ROOT / "tools" / "disk_image", "--modules", build / "modules", "--output", image], cwd=ROOT, check=True)
    disk = ["-drive", f"file={image},format=raw,if=none,id=d", "-device", "virtio-blk-pci,drive=d"]
    with Terminal(build=str(build), list=str(tree[0] / "servers" / "system.toml"), extra=disk) as machine:
        machine.expect("/$ ")
        assert machine.run("call clock 1 5; call clock 1 4294967295; call clock 0") == \
            "5\ncall: clock: E_BAD_ARGUMENT: an argument is out of its range\n5"


def test_a_bug_is_noticed_on_both_sides(tree):
    source = tree[0] / "servers" / "clock" / "clock.c"
    right = source.read_text()
    assert ADD in right
    source.write_text(right.replace(ADD, BUG))
    try:
        done = own_tests(tree[0])
    finally:
        source.write_text(right)
    assert done.returncode != 0 and "= 3 failed in " in done.stdout, done.stdout + done.stderr
    assert re.search(r"not ok 1 - adds # servers/clock/test/guest.c:\d+: sum is 0x6, not 0x5", done.stdout), done.stdout
    assert re.search(r"servers/clock/test/host.c:\d+: error: Failure!", done.stdout), done.stdout


def test_a_missing_handler_is_named(tree):
    source = tree[0] / "servers" / "clock" / "clock.c"
    right = source.read_text()
    source.write_text(right.replace("serve_clock_add", "serve_clock_and"))
    try:
        done = make(tree[0], "build/release/programs/servers/clock/clock.o")
    finally:
        source.write_text(right)
    assert done.returncode != 0
    assert re.search("serve_clock_add. undeclared", done.stderr), done.stderr        # gcc's quotes depend on the locale
    assert re.search("serve_clock_and. defined but not used", done.stderr), done.stderr


@pytest.mark.parametrize("name,says", [
    ("", "no name was given, such as: make service NAME=clock"),
    ("Clock", '"Clock" is no name: lower-case letters, digits and underscores are wanted, a letter first'),
    ("../clock", '"../clock" is no name'),
    ("a_name_of_17_byte", '"a_name_of_17_byte" has 17 letters, and a name in a system list at most 16'),
    ("while", '"while" is a word of the C language'),
    ("test", '"test" is the name of a section of its test.toml already'),
    ("symbols", '"symbols" is the name of what else is loaded with the programs already'),
    ("server", "there is a header server.h already"),
    ("string", "there is a header string.h already"),
    ("clock", "servers/clock is there already"),
    ("bench", 'there is a program "bench" or "bench-test" already'),
    ("listed", "servers/system.toml has a section [listed] already"),
])
def test_a_bad_name_is_refused(tree, name, says):
    servers = tree[0] / "servers"
    listing = servers / "system.toml"
    text = listing.read_text()
    listing.write_text(text + "\n[listed]\n")
    try:
        before = sorted(servers.rglob("*"))
        done = subprocess.run([tree[0] / "tools" / "service", "--programs", "vfs bench", name], capture_output=True, text=True)
        assert done.returncode != 0 and f"service: {says}" in done.stderr and not done.stdout, done.stdout + done.stderr
        assert sorted(servers.rglob("*")) == before and listing.read_text() == text + "\n[listed]\n"
    finally:
        listing.write_text(text)


def test_a_name_in_the_environment_is_none(tree):
    done = subprocess.run(["make", "service"], cwd=tree[0], env={"PATH": "/usr/bin:/bin", "NAME": "machine"}, capture_output=True,
                          text=True)
    assert done.returncode != 0 and "no name was given" in done.stderr


def test_services_with_tests_are_named(tree):
    done = make(tree[0], "test", "SERVICE=nosuch")
    assert done.returncode != 0 and re.search(r"services with tests of their own: clock .*template", done.stderr), done.stderr
