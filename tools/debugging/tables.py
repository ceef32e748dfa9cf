"""What the commands print: chains of calls, threads, handles, endpoints."""

import gdb

import frames
import kernel as k
import records

RIGHTS = ("read", "write", "execute", "call", "serve", "control", "dma", "transfer")


class Names:
    """Processes by name, from the table in init's memory; until there is one, by number."""

    def __init__(self):
        self.names, self.interrupts = {}, None
        init = next((process for process in k.processes()[1:] if not int(process["supervisor"])), None)
        if init is None:
            return
        try:
            with frames.space(init):
                self.read(gdb.parse_and_eval("'servers/init/table.c'::table"))
        except gdb.error:
            pass

    def read(self, table):
        if not int(table):
            return
        entries = table["entries"]
        for index in range(entries.type.range()[1] + 1):
            entry = entries[index]
            if number := int(entry["number"]):
                name = bytes(int(entry["name"][i]) & 0xFF for i in range(entry["name"].type.sizeof)).split(b"\0")[0]
                self.names[number] = name.decode(errors="replace").rpartition("/")[2]

    def process(self, process):
        if k.address(process) == int(k.cpu()["kernel"]):
            return "kernel"
        number = k.number(process)
        return self.names.get(number, f"process {number}") if number else "init"

    def thread(self, thread):
        return self.process(thread["process"].dereference())

    def title(self, thread):
        return f"{self.thread(thread)} (process {k.number(thread['process'])}, thread {int(thread['number'])})"

    def endpoint(self, endpoint, servers=()):
        """Whoever serves it, or else may."""
        threads = k.workers(endpoint)
        if threads:
            return self.thread(threads[0])
        found = [self.process(process) for process in servers]
        return next((name for name in found if name != "init"), found[0] if found else "?")

    def source(self, thread):
        """What may end the thread's wait for a notification beside other threads."""
        self.interrupts = self.interrupts or k.interrupts()
        found = [f"interrupt {line}" for line in self.interrupts.get(int(thread["waiting"]["notification"]), ())]
        if thread["timer"]["rank"]:
            found.append("a time limit")
        return f" ({', '.join(found)})" if found else ""

    def find(self, wanted):
        for process in k.processes():
            if wanted in (self.process(process), str(k.number(process))):
                return process
        known = ", ".join(self.process(process) for process in k.processes())
        raise k.Failure(f"there is no process {wanted}; there are: {known}")


def method_of(thread, names):
    """What the worker was asked for; "": it has not come to its request yet, or receives in a loop of its own."""
    if not frames.label_at(int(thread["wait_eip"])).startswith("worker_received"):
        return ""
    with frames.space(thread["process"].dereference()):
        try:
            return records.method_name(names.thread(thread), frames.word_at(int(thread["wait_esp"]) - k.REQUEST_METHOD))
        except gdb.MemoryError:
            return ""


# ---- chain ----

def activity(thread, names):
    """What the thread does, or waits for."""
    if int(thread["flags"]) & k.FLAG_FAULTED:
        fault = thread["fault"]
        return f"has faulted: vector {int(fault['vector'])}, address {int(fault['address']):#010x}"
    state = k.state(thread)
    if state == "calling":
        return f"waits for {names.thread(k.callee(thread))}"
    if state == "queued":
        return f"in the queue of {names.endpoint(thread['queued_at'].dereference())}"
    if state == "waiting":
        return f"waits for bits {int(thread['waiting']['mask']):#x} of a notification{names.source(thread)}"
    return {"running": "runs", "idle": "waits for a request", "ready": "waits for the CPU"}.get(state, state)


def print_chain(thread):
    names = Names()
    threads = k.chain(thread)
    root = threads[0]
    print(f"{' -> '.join(names.thread(each) for each in threads)}   (priority {int(root['base']['priority'])}, "
          f"on the budget of {names.thread(root)})")
    for each in reversed(threads):
        method = method_of(each, names) if k.caller(each) else ""
        asked = f", asked by {names.thread(k.caller(each))} for \"{method}\"" if method else ""
        print(f"\n{names.title(each)}{asked}: {activity(each, names)}")
        for line in frames.backtrace(each):
            print(f"    {line}")


# ---- threads ----

def priority(thread, names):
    root = k.chain(thread)[0]
    lent = "" if k.address(root) == k.address(thread) else f" lent by {names.thread(root)}"
    return f"{int(root['base']['priority'])}{lent}"


def print_threads():
    names = Names()
    print(f"{'thread':>6} {'process':<14} {'priority':<22} does")
    for thread in k.all_threads():
        served = k.caller(thread)
        doing = f"for {names.thread(served)}: " if served is not None else ""
        mark = "*" if k.is_current(thread) else " "
        print(f"{mark}{int(thread['number']):>5} {names.thread(thread):<14} {priority(thread, names):<22} "
              f"{doing}{activity(thread, names)}")


# ---- handles ----

def rights_text(rights):
    return "all" if rights == (1 << len(RIGHTS)) - 1 else "-".join(name for bit, name in enumerate(RIGHTS) if rights >> bit & 1)


def describe(place, names):
    """What an object is about."""
    name = k.object_name(place)
    if name == "endpoint":
        return f"of {names.endpoint(k.container(place.address, 'endpoint', 'object'))}"
    if name not in ("process", "thread", "memory", "irq", "ioport"):
        return ""
    whole = place.address.cast(k.kind("range" if name == "ioport" else name).pointer()).dereference()
    if name == "process":
        return names.process(whole)
    if name == "thread":
        return names.title(whole)
    if name == "memory":
        return f"{int(whole['pages'])} pages"
    lines = whole["lines"] if name == "irq" else whole
    return f"{int(lines['first']):#x} to {int(lines['first']) + int(lines['count']) - 1:#x}"


def print_handles(process):
    names = Names()
    print(f"handles of {names.process(process)} (process {k.number(process)})")
    print(f"{'handle':>10} {'index':>5} {'generation':>10} {'type':<12} {'owner':<10} {'badge':>5}  rights; what")
    for entry in k.handles(process):
        handle, place = int(entry["value"]), entry["object"].dereference()
        payer = names.process(place["payer"].dereference()) if int(place["payer"]) else "kernel"
        index = handle >> k.HANDLE_INDEX_SHIFT & ((1 << k.HANDLE_GENERATION_SHIFT - k.HANDLE_INDEX_SHIFT) - 1)
        what = describe(place, names)
        print(f"{handle:#10x} {index:>5} {handle >> k.HANDLE_GENERATION_SHIFT:>10} {k.object_name(place):<12} {payer:<10} "
              f"{int(entry['badge']):>5}  {rights_text(int(entry['rights']))}{'; ' + what if what else ''}")


# ---- endpoints ----

def print_endpoints():
    names = Names()
    print(f"{'service':<14} {'workers':>7} {'idle':>4} {'queue':>5} {'waits':>6} {'refused':>7}  busy for; in the queue")
    for endpoint, servers in k.endpoints().values():
        if int(endpoint["worker_count"]) + int(endpoint["waiting"]) == 0:
            continue
        idle = {k.address(thread) for thread in k.idle_workers(endpoint)}
        busy = [names.thread(served) for thread in k.workers(endpoint) if k.address(thread) not in idle
                if (served := k.caller(thread)) is not None]
        waiting = [names.thread(thread) for thread in k.queue(endpoint)]
        told = ", ".join(busy) + (f"; {', '.join(waiting)}" if waiting else "")
        print(f"{names.endpoint(endpoint, servers):<14} {int(endpoint['worker_count']):>7} {len(idle):>4} {len(waiting):>5} "
              f"{int(endpoint['waits']):>6} {int(endpoint['refusals']):>7}  {told}".rstrip())
