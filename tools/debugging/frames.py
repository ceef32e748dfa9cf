"""The stacks of threads that do not run: gdb is shown the machine as it would be if they did. And the way from the kernel's stack
to that of the user who entered it."""

import contextlib
import re

import gdb
from gdb.FrameDecorator import FrameDecorator
from gdb.unwinder import Unwinder

import kernel as k

GENERAL = ("eax", "ebx", "ecx", "edx", "esi", "edi", "ebp", "esp", "eip")
# Up to these labels a call through SYSENTER still has the user's ESP in ECX and its EIP in EDX.
SYSENTER_BEGINS = ("sysenter_entry", "sysenter_entry_single_step_end", "sysenter_fast_begin", "sysenter_entry_unarmed",
                   "sysenter_entry_stepped", "sysenter_unusual_flags", "sysenter_through_c")
OP_REPLY_WAIT = -1
LABELS_APART = 512          # bytes, in assembly
ENTRY_FILES = ("arch/x86/entry.asm", "sysenter/entry.asm")
LOOP_FILES = ("libserver/worker.asm", "libserver/start.asm")


# ---- another thread's place ----

@contextlib.contextmanager
def registers(values):
    """The CPU's registers are others for a while. Nothing runs meanwhile."""
    selected = gdb.selected_frame().level()
    gdb.newest_frame().select()
    saved = {name: int(gdb.newest_frame().read_register(name)) for name in values}
    try:
        write(values)
        yield
    finally:
        write(saved)
        if selected:
            gdb.execute(f"frame {selected}", to_string=True)


def write(values):
    gdb.newest_frame().select()
    for name, value in values.items():
        gdb.execute(f"set var ${name} = {value & 0xFFFFFFFF:#x}", to_string=True)


def space(process):
    """Memory is that of the process."""
    return registers({"cr3": int(process["space"]["root"])})


def saved_registers(thread):
    """Those with which a thread that does not run goes on. Who came in by SYSENTER has kept but ESP and EIP - and everything else
    on its stack, where the compiler's tables say (libserver/include/gates.h)."""
    frame = thread["frame"]
    if int(thread["flags"]) & k.FLAG_RESUME_BY_IRET:
        return {name: int(frame[name]) for name in GENERAL}
    if k.state(thread) == "idle":
        return {"esp": int(thread["wait_esp"]), "eip": int(thread["wait_eip"]), "ebp": 0}
    return {"esp": int(frame["esp"]), "eip": int(frame["eip"])}


def place(thread):
    """The CPU is where the thread is."""
    if k.is_current(thread):
        return contextlib.nullcontext()
    return registers({"cr3": int(thread["root"]), **saved_registers(thread)})


def backtrace(thread):
    """gdb's lines for the thread's stack."""
    with place(thread):
        gdb.newest_frame().select()
        return gdb.execute("backtrace", to_string=True).rstrip().splitlines()


# ---- names of places ----

def file_at(pc):
    table = gdb.find_pc_line(pc).symtab
    return table.filename if table else ""


def label_at(pc):
    """The function, or in assembly the label that the address lies behind; "" without one. A macro's labels are passed over."""
    for back in range(LABELS_APART if file_at(pc).endswith(".asm") else 1):
        found = re.match(r"(\w+(?:\.\w+)?)", gdb.execute(f"info symbol {pc - back:#x}", to_string=True))
        if found and found[1] != "No":
            return found[1]
    return ""


# ---- out of the kernel ----

class Identity:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class EntryUnwinder(Unwinder):
    """From the assembly of the two gates to the user's code. The kernel's stack holds nothing of it but what the CPU has pushed,
    until C runs: then it is in current->frame, and EBP names the thread that came in."""

    def __init__(self):
        super().__init__("postern-entry")

    def __call__(self, pending):
        pc = int(pending.read_register("eip"))
        if pc < k.KERNEL_BASE or not file_at(pc).endswith(ENTRY_FILES):
            return None
        try:
            found = user_registers(pending, pc)
        except (gdb.error, gdb.GdbError):
            return None
        if not found:
            return None
        information = pending.create_unwind_info(Identity(pending.read_register("esp"), pending.read_register("eip")))
        word = gdb.lookup_type("unsigned int")
        for name, value in found.items():
            information.add_saved_register(name, gdb.Value(value).cast(word))
        return information


def word_at(where):
    return int(gdb.Value(where).cast(gdb.lookup_type("unsigned int").pointer()).dereference())


def user_registers(pending, pc):
    """With which the user's code goes on; None: no user has entered."""
    end = int(k.symbol("cpu_area")["cpu"].address)      # of the kernel's stack
    label = label_at(pc) if pending.level() == 0 else ""    # no C has been called yet
    if label in SYSENTER_BEGINS:
        return {"esp": int(pending.read_register("ecx")), "eip": int(pending.read_register("edx")), "ebp": 0}
    if label == "int250":
        first = pc == int(gdb.parse_and_eval("(unsigned)&int250"))
        ebp = int(pending.read_register("ebp")) if first else word_at(end - 24)
        return {"ebp": ebp, "eip": word_at(end - 20), "esp": word_at(end - 8)}
    thread = gdb.Value(int(pending.read_register("ebp")) & 0xFFFFFFFF).cast(k.kind("thread").pointer()).dereference()
    if k.object_name(thread["object"]) != "thread" or int(thread["frame"]["eip"]) == 0:
        return None
    if label.startswith("sysenter_reply") or (label == "sysenter_slow" and int(pending.read_register("eax")) == OP_REPLY_WAIT):
        return {"esp": int(thread["wait_esp"]), "eip": int(thread["wait_eip"]), "ebp": 0}
    return {name: int(thread["frame"][name]) for name in ("ebx", "esi", "edi", "ebp", "esp", "eip")}


class Assembly(FrameDecorator):
    """A frame of assembly is called after its label. A return address may lie behind the last instruction of it."""

    def function(self):
        frame = self.inferior_frame()
        return label_at(frame.pc() - (frame.level() > 0)).partition(".")[0]


class EndFilter:
    """Ends a backtrace where a thread began: in the worker's loop, or in its first instructions; and at the kernel's entry, if no
    user has come that way."""

    def __init__(self):
        self.name, self.priority, self.enabled = "postern-end", 100, True

    def filter(self, frames):
        entry = False
        for decorated in frames:
            pc = decorated.inferior_frame().pc()
            if entry and (pc >= k.KERNEL_BASE or not label_at(pc)):
                return
            name = file_at(pc)
            entry = name.endswith(ENTRY_FILES)
            yield Assembly(decorated) if name.endswith(".asm") else decorated
            if name.endswith(LOOP_FILES):
                return
