"""The compiler of system lists: what it writes, and every one of its messages."""

import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = str(ROOT / "tools" / "system_list")
PROGRAMS = ["init", "echo", "relay", "pci", "a", "b", "c"]


@pytest.fixture
def compile_list(tmp_path):
    """Returns exit code, messages without the path, and the compiled lines."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in PROGRAMS:
        (programs / name).touch()
    path, output = tmp_path / "list.toml", tmp_path / "out"

    def run(text):
        path.write_text(text)
        done = subprocess.run([TOOL, "--programs", programs, "--output", output, path], capture_output=True, text=True,
                              timeout=30)
        assert "Traceback" not in done.stderr
        lines = output.read_text().splitlines()[1:] if done.returncode == 0 else []
        return done.returncode, [line.removeprefix(f"{path}:") for line in done.stderr.splitlines()], lines
    return run


def test_everything_at_once(compile_list):
    code, messages, lines = compile_list("""
[pci]
workers = 2
ports = ["all"]
irq = ["all"]
device-memory = ["all"]
[a]
program = "echo"
workers = 2
quota = 256
priority = 20
highest = 31
faults = "thread"
restart = "always"
essential = true
int-gate = true
control = true
modules = true
trace = true
ports = ["0x3f8-0x3ff", "0x60-0x60"]
irq = [4, 1]
device-memory = ["0xb8000-0xbffff"]
pci = ["1af4:1001", "class:0101"]
calls = ["pci"]
[b]
essential = false
uses = ["a", "pci"]
calls = ["a"]
pci = ["8086:100e"]
arguments = { next = "relay2", depth = 3 }
[c]
uses = ["*"]
""")
    assert (code, messages) == (0, [])
    assert lines == [
        "pci pci workers=2 ports=0-0xffff irq=all device-memory=all drivers=2:1af4:1001,2:class:0101,3:8086:100e",
        "a echo workers=2 quota=256 priority=20 highest=31 faults=thread restart=always essential=yes int-gate=1 control=yes "
        "modules=yes trace=yes ports=0x3f8-0x3ff ports=0x60-0x60 irq=4 irq=1 device-memory=0xb8000-0xbffff pci=yes uses=pci "
        "calls=pci",
        "b b pci=yes uses=a,pci calls=a next=relay2 depth=3",
        "c c uses=*",
    ]


def test_a_chain_is_so_many_services(compile_list):
    code, messages, lines = compile_list('[a]\n[relay]\nchain = 3\nquota = 64\n[link]\nprogram = "b"\nchain = 2\n'
                                         '[c]\nuses = ["relay1"]\n')
    assert (code, messages) == (0, [])
    assert lines == ["a a", "relay3 relay quota=64", "relay2 relay quota=64 uses=relay3 calls=relay3 next=relay3",
                     "relay1 relay quota=64 uses=relay2 calls=relay2 next=relay2",
                     "link2 b", "link1 b uses=link2 calls=link2 next=link2", "c c uses=relay1"]


VALUE_MISTAKES = {
    "workers = 65": '"workers" wants a number from 1 to 64',
    "workers = 0": '"workers" wants a number from 1 to 64',
    'workers = "4"': '"workers" wants a number from 1 to 64',
    "workers = true": '"workers" wants a number from 1 to 64',
    "quota = 31": '"quota" wants KiB from 32 to 2097152',
    "priority = 32": '"priority" wants a priority from 1 to 31',
    "highest = 0": '"highest" wants a priority from 1 to 31',
    'faults = "all"': '"faults" wants one of process, thread',
    'restart = "sometimes"': '"restart" wants one of never, always, at-once',
    'essential = "yes"': '"essential" wants true or false',
    "int-gate = 1": '"int-gate" wants true or false',
    'control = "yes"': '"control" wants true or false',
    "modules = 1": '"modules" wants true or false',
    "irq = 4": '"irq" wants a list of interrupt lines, each from 0 to 255, or ["all"]',
    "irq = [256]": '"irq" wants a list of interrupt lines, each from 0 to 255, or ["all"]',
    'ports = "0x60-0x64"': '"ports" wants a list of ranges such as "0x3f8-0x3ff", or "all"',
    'ports = ["0x60"]': '"ports" wants ranges of ports such as "0x3f8-0x3ff", or "all", not "0x60"',
    'ports = ["9-8"]': '"ports" wants ranges of ports such as "0x3f8-0x3ff", or "all", not "9-8"',
    'ports = ["0-0x10000"]': '"ports" wants ranges of ports such as "0x3f8-0x3ff", or "all", not "0-0x10000"',
    "device-memory = [1]": '"device-memory" wants a list of ranges such as "0xb8000-0xbffff", or "all"',
    'device-memory = ["0xb8000-0xb8fff0"]': '"device-memory" wants ranges of whole pages such as "0xb8000-0xbffff", or "all", '
                                            'not "0xb8000-0xb8fff0"',
    'pci = ["1AF4:1001"]': '"pci" wants patterns such as "1af4:1001" or "class:0101", not "1AF4:1001"',
    "pci = [1]": '"pci" wants a list of patterns such as "1af4:1001" or "class:0101"',
    'calls = "a"': '"calls" wants a list of names of services',
    "uses = [1]": '"uses" wants a list of names of services',
    "program = 1": '"program" wants the name of a program',
    'arguments = "x"': '"arguments" wants a table such as { next = "relay2" }',
    'arguments = { a_key_of_16_byte = 1 }': '"arguments" has a key "a_key_of_16_byte" that is not 1 to 15 letters, digits, dots, '
                                            'hyphens or underscores',
    'arguments = { quota = 1 }': '"arguments" has "quota", which is a key of the section itself',
    'arguments = { x = "a b" }': '"arguments" wants for "x" a number, or a string without blanks',
    'arguments = { x = "" }': '"arguments" wants for "x" a number, or a string without blanks',
    "chain = 1": '"chain" wants a number from 2 to 99, and neither "calls" nor "arguments" beside it',
    "chain = true": '"chain" wants a number from 2 to 99, and neither "calls" nor "arguments" beside it',
    "nonsense = 1": '"nonsense" is an unknown key',
}


@pytest.mark.parametrize("line", VALUE_MISTAKES)
def test_bad_values(compile_list, line):
    assert compile_list(f"[a]\n{line}\n") == (1, [f"2: a: {VALUE_MISTAKES[line]}"], [])


MISTAKES = {
    '[a]\nprogram = "nosuch"': ['2: a: there is no program "nosuch"'],
    "[nosuch]": ['1: nosuch: there is no program "nosuch"'],
    '[x]\nprogram = "init"': ['2: x: there is no program "init"'],
    '["a name"]\nprogram = "a"': ['1: "a name" is no name: 1 to 16 letters, digits, dots, hyphens or underscores'],
    '[seventeen_letters]\nprogram = "a"':
        ['1: "seventeen_letters" is no name: 1 to 16 letters, digits, dots, hyphens or underscores'],
    "[a]\n[b]\n[a]": ["3: [a] is a duplicate: it stands in line 1 too"],
    "x = 1\n[a]": ['1: "x" stands outside every section'],
    "[a]\nquota =": ["2: invalid value"],
    "": ["1: there is no service"],
    '[a]\ncalls = ["x"]': ['2: a: "calls" names "x", which is no service'],
    '[a]\nuses = ["x", "*"]': ['2: a: "uses" names "x", which is no service', '2: a: "uses" names "*", which is no service'],
    '[a]\ncalls = ["*"]': ['2: a: "calls" names "*", which is no service'],
    '[costarring]\nprogram = "a"\n[liquid]\nprogram = "b"': ["3: liquid: this name has the hash of costarring: rename one"],
    '[a]\nuses = ["b"]\n[b]': ["2: a: b starts after it: move [b] up, to before [a]"],
    '[a]\nuses = ["a"]': ["2: a uses itself"],
    '[a]\ncalls = ["a"]': ["2: a -> a: handlers that call in a circle can wait for each other for ever"],
    '[a]\ncalls = ["b"]\n[b]\ncalls = ["c"]\n[c]\ncalls = ["a"]':
        ["2: a -> b -> c -> a: handlers that call in a circle can wait for each other for ever"],
    '[a]\nirq = [4]\n[b]\nirq = [3, 4]': ["4: b: interrupt line 4 belongs to a already"],
    '[a]\nports = ["0x60-0x64"]\n[b]\nports = ["1-2", "0x64-0x6f"]':
        ["4: b: ports 0x64-0x6f belong to a already (0x60-0x64)"],
    '[a]\ndevice-memory = ["0xb8000-0xb8fff"]\n[b]\ndevice-memory = ["0xa0000-0xbffff"]':
        ["4: b: device-memory 0xa0000-0xbffff belong to a already (0xb8000-0xb8fff)"],
    '[a]\nchain = 2\narguments = { x = 1 }':
        ['2: a: "chain" wants a number from 2 to 99, and neither "calls" nor "arguments" beside it'],
    '[a]\npci = ["1af4:1001"]': ['2: a: "pci" wants the PCI service in "calls" or "uses", and this list has none'],
    '[pci]\n[a]\npci = ["1af4:1001"]': ['3: a: "pci" wants the PCI service in "calls" or "uses"'],
    f'[a]\narguments = {{ x = "{"y" * 2045}" }}': ["1: a: its line is longer than 2046 bytes"],
    '[a]\nquota = 1\nirq = [300]\n[b]\nprogram = "x"\ncalls = ["y"]':
        ['2: a: "quota" wants KiB from 32 to 2097152',
         '3: a: "irq" wants a list of interrupt lines, each from 0 to 255, or ["all"]',
         '5: b: there is no program "x"', '6: b: "calls" names "y", which is no service'],
    "\n".join(f'[s{i}]\nprogram = "a"' for i in range(65)): ["129: 65 services are more than 64"],
}


@pytest.mark.parametrize("text", MISTAKES, ids=range(len(MISTAKES)))
def test_mistakes(compile_list, text):
    assert compile_list(text + "\n") == (1, MISTAKES[text], [])


def test_small_pools_are_warned_of(compile_list):
    code, messages, lines = compile_list('[a]\nworkers = 2\n[b]\nworkers = 8\ncalls = ["a"]\n[c]\nworkers = 8\nuses = ["a"]\n')
    assert code == 0 and len(lines) == 3
    assert messages == ["5: warning: b has 8 workers that may call a, which has 2: no more of them get on at once"]


def test_missing_files(tmp_path):
    for arguments, missing in [([tmp_path / "x"], tmp_path / "x"),
                               (["--programs", "/none", ROOT / "tests/system.toml"], "/none")]:
        done = subprocess.run([TOOL, *arguments], capture_output=True, text=True, timeout=30, cwd=ROOT)
        assert (done.returncode, done.stderr) == (1, f"system_list: {missing} is not there\n")


@pytest.mark.parametrize("name", ["servers/system.toml", "perf/system.toml", "tests/system.toml", "tests/boot/hello.toml"])
def test_our_own_lists(name):
    done = subprocess.run([TOOL, "--programs", ROOT / "build/release/modules", ROOT / name], capture_output=True, text=True,
                          timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
