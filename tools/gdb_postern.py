"""Postern's commands for gdb. tools/debug loads them; by hand: `source tools/gdb_postern.py`, once gdb has the kernel's symbols
and those of the programs and is connected to the machine (QEMU's -gdb or -s).

  chain [THREAD]           the call that the running thread (or thread THREAD) is part of: who called whom across processes, with
                           the stack of each, innermost first
  threads                  all threads: process, priority and who lends it, what each does or waits for
  endpoints                services: workers, idle ones, who is served, who waits in the queue
  handles [PROCESS]        handles of a process (name, or number as ps shows it; default: the one that runs)
  arrive SERVICE [METHOD]  stop when a request reaches the service: any, or one of a name or number
  stop-in SERVICE FUNCTION stop in a function of the service, though other programs have one of that name
  type TEXT                types a line at the prompt of the shell (continue lets it run); only under tools/debug

`backtrace` goes on from the kernel into the user's code. All of it reads the machine and changes nothing: for the stack of a
thread that does not run, the CPU's registers are set to those of the thread for a moment, page table included, and then back."""

import os
import pathlib
import socket
import sys

import gdb

TOOLS = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(TOOLS / "debugging"), str(TOOLS / "tracing")]
import frames  # noqa: E402
import kernel as k  # noqa: E402
import records  # noqa: E402
import tables  # noqa: E402


def command(function):
    """Makes a function of its arguments, as words, a command of gdb; its text is the help."""
    class Command(gdb.Command):
        __doc__ = function.__doc__

        def invoke(self, argument, _):
            try:
                function(*gdb.string_to_argv(argument))
            except TypeError as error:
                if error.__traceback__.tb_next:
                    raise
                raise gdb.GdbError(f"usage: {function.__doc__}") from None
    Command(function.__name__.replace("_", "-"), gdb.COMMAND_USER)
    return function


def current():
    thread = k.cpu()["current"].dereference()
    if not k.is_thread(thread):
        raise k.Failure("the CPU idles: name a thread or a process, as `threads` lists them")
    return thread


@command
def chain(thread=None):
    """chain [THREAD]: the call that the running thread, or thread THREAD, is part of, with the stack of each process."""
    tables.print_chain(current() if thread is None else k.thread_of_number(int(thread, 0)))


@command
def threads():
    """threads: all threads, their priorities, and what each does or waits for."""
    tables.print_threads()


@command
def endpoints():
    """endpoints: of each service its workers, whom they serve, and who waits in the queue."""
    tables.print_endpoints()


@command
def handles(process=None):
    """handles [PROCESS]: what the handles of a process name, given by name or number; default: of the one that runs."""
    tables.print_handles(current()["process"].dereference() if process is None else tables.Names().find(process))


# ---- stops ----

PROGRAM_SHIFT = 24  # each program is linked at an address of its own, so far from the next (Makefile)

def handlers(service):
    """Addresses of the functions that the service's workers call for its methods: each worker has the table on its stack."""
    process = tables.Names().find(service)
    waiting = [thread for thread in k.threads(process) if frames.label_at(int(thread["wait_eip"])).startswith("worker_received")]
    if not waiting:
        raise k.Failure(f"{service} serves nobody")
    with frames.space(process):
        block = gdb.Value(int(waiting[0]["wait_esp"])).cast(gdb.lookup_type("struct worker_block").pointer())
        return sorted({int(block["methods"][i]) for i in range(int(block["method_count"]))})


def method_number(service, method):
    numbers = {name: number for number, name in records.METHODS.get(service, {}).items()}
    if method in numbers:
        return numbers[method]
    if method.isdigit():
        return int(method)
    raise k.Failure(f"{service} has no method \"{method}\"; it has: {', '.join(numbers) or 'numbers alone'}")


@command
def arrive(service, *method):
    """arrive SERVICE [METHOD]: stop when a request reaches the service; METHOD by its name (read link) or number."""
    wanted = " ".join(method).replace("_", " ")
    condition = f" if *(unsigned *)(*(unsigned *)($esp + 4) + 4) == {method_number(service, wanted)}" if method else ""
    for handler in handlers(service): # whose first argument is the request: { word, method, badge, handle }
        gdb.execute(f"break *{handler:#x}{condition}")


@command
def stop_in(service, function):
    """stop-in SERVICE FUNCTION: stop in the function of the service's program; other programs may have one of that name."""
    threads = k.threads(tables.Names().find(service))
    text = {frames.saved_registers(thread)["eip"] >> PROGRAM_SHIFT for thread in threads}
    try:
        places = [place.pc for place in gdb.decode_line(function)[1] or ()]
    except gdb.error as error:
        raise k.Failure(str(error)) from None
    found = [pc for pc in places if pc >> PROGRAM_SHIFT in text]
    if not found:
        raise k.Failure(f"{service} has no function {function}: other programs have")
    for pc in found:
        gdb.execute(f"break *{pc:#x}")


# ---- the console ----

console = None


@command
def type(*words):
    """type TEXT: types a line at the prompt of the shell; it is read once the machine runs (continue)."""
    global console
    path = os.environ.get("POSTERN_CONSOLE")
    if not path:
        raise k.Failure("no console: start gdb by tools/debug, or type where the serial line is")
    if console is None:
        console = socket.socket(socket.AF_UNIX)
        console.connect(path)
    console.sendall((" ".join(words) + "\n").encode())


# Program text is that of the files, whichever address space is there; what was read before another came is not kept.
for setting in ("trust-readonly-sections on", "stack-cache off", "code-cache off"):
    gdb.execute(f"set {setting}")
gdb.unwinder.register_unwinder(None, frames.EntryUnwinder(), replace=True)
gdb.frame_filters["postern-end"] = frames.EndFilter()
