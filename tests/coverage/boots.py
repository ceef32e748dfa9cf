"""The boots whose coverage is summed: the guest suite on machines that differ, and kernels that are made to fail."""

import collections
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "boot")]
import boot     # noqa: E402
import tap      # noqa: E402

SUITE = str(ROOT / "tests" / "system.toml")
LOADED_AT, KERNEL_BASE = 1, 0xC0000000      # an ELF program header of this type is loaded

# says: what a boot that is to fail must print. patches: {file: {symbol: bytes that replace its first instructions, or (bytes
# behind it, what replaces them)}}. only: a single group of the suite; quota: KiB that the test program gets.
Boot = collections.namedtuple("Boot", "name options says patches only quota", defaults=[{}, None, {}, None, 6144])

# What a CPU does that refuses null selectors, as Bochs and hardware do and QEMU does not: mov edi, 0xffff; mov ds, edi. In a call
# EIP and ESP are stored before, as ever.
REFUSED_SELECTOR = b"\xbf\xff\xff\x00\x00\x8e\xdf"
STORED = b"\x89\x55\x40\x89\x4d\x4c"
# init ends with the code -1: mov ecx, -1; xor ebx, ebx; mov eax, SYS_process_destroy; int 250.
END = b"\xb9\xff\xff\xff\xff\x31\xdb\xb8\x0c\x00\x00\x00\xcd\xfa"
ILLEGAL, INT_1, INT_8, INT_18 = b"\x0f\x0b", b"\xcd\x01", b"\xcd\x08", b"\xcd\x12"
STACK_ENDS = b"\xbc" + b"stack" + b"\x50" * 4   # mov esp, the lowest word of the kernel stack; push eax, four times


def kernel_with(code):
    return {"kernel.elf": {"sys_call": code}}


BOOTS = [
    Boot("max-icount", dict(icount=True)),
    Boot("n270", dict(cpu="n270")),
    Boot("no-apic", dict(cpu="max,-apic,-pge", icount=True)),
    # A Pentium Pro that says that it has SYSENTER.
    Boot("pentium-pro-isapc", dict(cpu="pentium2,model=1,stepping=1,-fxsr", machine="isapc", memory=32, icount=True)),
    Boot("5GiB", dict(memory=5120, icount=True)),
    Boot("null-selectors", dict(icount=True), only="flags", patches={
        "kernel.elf": {"sysenter_fast_begin": STORED + REFUSED_SELECTOR, "sysenter_reply_wait": REFUSED_SELECTOR}}),
    # The kernel reaches 16 MiB directly in place of 896: they are used up before a large quota is.
    Boot("low-memory-used-up", patches={"kernel.elf": {"multiboot_read": (b"\x00\x80\x03\x00", b"\x00\x10\x00\x00")}},
         only="quota", quota=24576, options=dict(icount=True)),
    Boot("old-cpu", dict(cpu="486"), "this CPU lacks PAE"),
    Boot("little-memory", dict(memory=5), "too few"),
    Boot("no-init", dict(list=None, extra=["-append", "long " * 100, "-initrd", f"{ROOT}/LICENSE,{ROOT}/README.md words"]),
         'the boot module "init" is not a 32-bit x86 ELF program'),
    Boot("kernel-exception", says="panic: exception 6 in the kernel", patches=kernel_with(ILLEGAL)),
    Boot("stack-overflow", says="panic: double fault: the kernel stack overflowed", patches=kernel_with(STACK_ENDS)),
    Boot("double-fault", says="panic: double fault\n", patches=kernel_with(INT_8)),
    Boot("debug-exception", says="panic: debug exception in the kernel", patches=kernel_with(INT_1)),
    Boot("machine-check", says="panic: machine check", patches=kernel_with(INT_18)),
    Boot("init-faults", says="panic: init failed, and nobody supervises it", patches={"modules/init": {None: ILLEGAL}}),
    Boot("init-cannot-be-mapped", says="panic: init cannot be mapped at 0xc0000000: error -6",
         patches={"modules/init": {"segment": b"\x00\x00\x00\xc0"}}),
    Boot("init-ends", says="panic: init has ended with code", patches={"modules/init": {None: END}}),
]


class Elf:
    """As much of an ELF file as it takes to find, and replace, what lies at an address."""

    def __init__(self, path):
        self.data = bytearray(path.read_bytes())
        self.entry, headers = struct.unpack_from("<2I", self.data, 24)
        size, count = struct.unpack_from("<2H", self.data, 42)
        self.segments = [struct.unpack_from("<5I", self.data, headers + i * size) for i in range(count)]

    def move_first_segment(self, address):
        at = struct.unpack_from("<I", self.data, 28)[0] + 8
        self.data[at:at + len(address)] = address

    def replace(self, address, code):
        for kind, offset, start, _, size in self.segments:
            if kind == LOADED_AT and start <= address < start + size:
                at = offset + address - start
                if isinstance(code, tuple):
                    at, code = self.data.index(code[0], at), code[1]
                self.data[at:at + len(code)] = code


def symbols(path, kinds="TtBbDdRr"):
    lines = subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout.splitlines()
    return {name: int(address, 16) for address, kind, name in (line.split() for line in lines if len(line.split()) == 3)
            if kind in kinds}


def patch(path, changes, names):
    """Replaces a file by a copy with other instructions; None is where the program starts, "segment" the address of its first."""
    elf = Elf(path)
    lowest = struct.pack("<I", names["cpu_area"] + 4096 + 4)
    for symbol, code in changes.items():
        code = code.replace(b"stack", lowest) if isinstance(code, bytes) else code
        if symbol == "segment":
            elf.move_first_segment(code)
        else:
            elf.replace(elf.entry if symbol is None else names[symbol], code)
    path.unlink()
    path.write_bytes(elf.data)


def prepare(build, folder, patches):
    """A folder like `build`, whose files are links but for what is patched."""
    (folder / "modules").mkdir()
    for name in ["kernel.elf"] + [f"modules/{path.name}" for path in (build / "modules").iterdir()]:
        (folder / name).symlink_to((build / name).resolve())
    for name, changes in patches.items():
        patch(folder / name, changes, symbols(build / "kernel.elf"))


def complaint(chosen, result):
    """What is wrong with how the boot went; None when it went as it should."""
    if chosen.says is None:
        verdict = tap.judge(result.serial, result.code)
        return "\n".join(verdict.failed) or None
    return None if chosen.says in result.serial and not result.ok else f"it did not say \"{chosen.says}\":\n{result.serial}"


def only(group, quota):
    text, count = re.subn(r"(?<=^\[tests\]\nquota = )\d+", str(quota), pathlib.Path(SUITE).read_text(), flags=re.M)
    assert count == 1, "the list does not give the tests a quota"
    return text.replace("essential = true", f'essential = true\narguments = {{ only = "{group}" }}')


def run(chosen, build, qemu, plugin, output):
    """Boots; the guest's memory and the plugin's output are left in the folder `output`. Returns a complaint, or None."""
    options = dict(dict(machine="pc", memory=64, list=SUITE, timeout=240, qemu=qemu), **chosen.options)
    options["machine"] += ",memory-backend=ram"
    options["extra"] = options.get("extra", []) + [
        "-object", f"memory-backend-file,id=ram,size={options['memory']}M,mem-path={output}/memory,share=on",
        "-plugin", f"{plugin},output={output}/executed"]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-"))
    try:
        prepare(build, folder, chosen.patches)
        if chosen.only:
            options["list"] = str(folder / "only.toml")
            (folder / "only.toml").write_text(only(chosen.only, chosen.quota))
        return complaint(chosen, boot.run(build=str(folder), **options))
    finally:
        shutil.rmtree(folder)
