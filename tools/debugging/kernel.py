"""What the kernel knows, read out of a stopped machine by gdb: processes, threads, calls, endpoints, handles."""

import gdb

KERNEL_BASE = 0xC0000000
FLAG_RESUME_BY_IRET, FLAG_FAULTED = 0x01, 0x08      # as in kernel/thread.h
HANDLE_INDEX_SHIFT, HANDLE_GENERATION_SHIFT, HANDLE_FREE = 5, 15, 0xFFFFFFFF
RIGHT_SERVE = 0x10
PRIORITIES = 32
REQUEST_METHOD = 8          # bytes below its struct worker_block at which a worker that serves has the method (libserver/pool.h)
LINKS_AT_MOST = 100000      # of a list that was caught while it is changed


class Failure(gdb.GdbError):
    """What is asked for cannot be told; the text says why and what to do."""


def symbol(name):
    """A variable of the kernel's."""
    found = gdb.lookup_global_symbol(name)
    if found is None:
        raise Failure(f"there is no {name}: the symbols of a Postern kernel are wanted first (file build/debug/kernel.elf)")
    return found.value()


def cpu():
    try:
        here = symbol("cpu_area")["cpu"]
        here.fetch_lazy()
    except gdb.MemoryError:
        raise Failure("the kernel has not started yet: continue first") from None
    if int(here["current"]) == 0:
        raise Failure("the kernel has not started yet: continue first")
    return here


def kind(name):
    return gdb.lookup_type(f"struct {name}")


def constants(name, prefix):
    """{number: name} of an enumeration, such as {4: "endpoint"}."""
    return {field.enumval: field.name.removeprefix(prefix).lower() for field in gdb.lookup_type(f"enum {name}").fields()}


def container(pointer, type_name, member):
    """The structure of which the pointer's target is a member."""
    place = kind(type_name)
    offset = next(field.bitpos // 8 for field in place.fields() if field.name == member)
    return gdb.Value(int(pointer) - offset).cast(place.pointer()).dereference()


def elements(head, type_name, member):
    """The structures that a struct list links."""
    link, end = head["next"], int(head.address)
    for _ in range(LINKS_AT_MOST):
        if int(link) in (0, end):
            return
        yield container(link, type_name, member)
        link = link.dereference()["next"]


def address(value):
    return int(value.address)


# ---- processes ----

def processes():
    """All that are alive, the kernel's own first, then init, then whom it and its children have started."""
    found = [cpu()["kernel"].dereference()]
    for process in found:
        found += elements(process["children"], "process", "in_payer")
    return found


def number(process):
    """As ps shows it."""
    return int(process["supervisor_badge"])


def threads(process):
    for thread in elements(process["threads"], "thread", "in_process"):
        thread.fetch_lazy()
        yield thread


def all_threads():
    return [thread for process in processes() for thread in threads(process)]


def thread_of_number(wanted):
    for thread in all_threads():
        if int(thread["number"]) == wanted:
            return thread
    raise Failure(f"there is no thread {wanted}: `threads` lists them")


# ---- calls ----

def is_null(thread):
    return address(thread) == address(symbol("null_thread"))


def is_current(thread):
    return address(thread) == int(cpu()["current"])


def is_thread(thread):
    """Not null_thread, and not the CPU's idling."""
    return not is_null(thread) and address(thread) != int(cpu()["idle"])


def caller(thread):
    """Who waits for the thread; None: nobody. The link of an idle worker leads to the next idle one."""
    link = thread["link"].dereference()
    return link if int(link["callee"]) == address(thread) else None


def callee(thread):
    return thread["callee"].dereference() if int(thread["callee"]) else None


def chain(thread):
    """All threads of the call that the thread is part of; who began it comes first."""
    while above := caller(thread):
        thread = above
    found = [thread]
    while below := callee(found[-1]):
        found.append(below)
    return found


def state(thread):
    """One of enum thread_state, or what being active means: running, calling, idle."""
    name = constants("thread_state", "THREAD_")[int(thread["state"])]
    if name != "active":
        return name
    return "running" if is_current(thread) else "calling" if int(thread["callee"]) else "idle"


# ---- endpoints and handles ----

def handles(process):
    """The entries of the process's table that name something."""
    table = process["handles"]
    for index in range(1, int(table["fresh"])):
        entry = table["entries"][index]
        if int(entry["value"]) != HANDLE_FREE:
            yield entry


def object_name(place):
    return constants("object_type", "TYPE_").get(int(place["type"]), "?")


def endpoints():
    """{address: (endpoint, processes that may serve it)}, of all that a handle names."""
    found = {}
    for process in processes():
        for entry in handles(process):
            if object_name(entry["object"].dereference()) != "endpoint":
                continue
            endpoint = container(entry["object"], "endpoint", "object")
            servers = found.setdefault(address(endpoint), (endpoint, []))[1]
            if int(entry["rights"]) & RIGHT_SERVE:
                servers.append(process)
    return found


def interrupts():
    """{address of a notification: lines that signal it}."""
    found = {}
    for process in processes():
        for entry in handles(process):
            if object_name(entry["object"].dereference()) == "irq":
                irq = entry["object"].cast(kind("irq").pointer()).dereference()
                found.setdefault(int(irq["notification"]), {})[int(irq["lines"]["first"])] = True
    return found


def workers(endpoint):
    return list(elements(endpoint["workers"], "thread", "in_endpoint"))


def queue(endpoint):
    """Callers that wait for a worker, the first to be served first."""
    return [thread for priority in reversed(range(PRIORITIES))
            for thread in elements(endpoint["callers"]["lists"][priority], "thread", "queue_link")]


def idle_workers(endpoint):
    found, thread = [], endpoint["idle"].dereference()
    while not is_null(thread) and len(found) < LINKS_AT_MOST:
        found.append(thread)
        thread = thread["link"].dereference()
    return found
