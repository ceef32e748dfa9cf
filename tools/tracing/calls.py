"""Records made into calls: for each logical thread a tree of what was done on its budget, and for the CPU who ran when."""

import dataclasses

import records as r

WAITS = {2: "waits for the CPU", 3: "waits for a worker", 4: "waits for a notification"}


@dataclasses.dataclass
class Slice:
    kind: str               # run: a thread for itself; call; wait
    name: str
    begin: int
    thread: int             # who does it
    parent: "Slice" = None
    end: int = None
    children: list = dataclasses.field(default_factory=list)
    notes: dict = dataclasses.field(default_factory=dict)
    owner: int = 0          # thread that pays

    @property
    def takes(self):
        return self.end - self.begin

    @property
    def own(self):
        return self.takes - sum(child.takes for child in self.children)

    def walk(self, depth=0):
        yield self, depth
        for child in self.children:
            yield from child.walk(depth + 1)


@dataclasses.dataclass
class Run:
    """A stretch of the CPU's time."""
    begin: int
    end: int
    thread: int
    owner: int


class Calls:
    def __init__(self, trace):
        self.trace = trace
        self.roots = []         # slices that nobody called, in order
        self.runs = []
        self.instants = []      # (time, name, thread)
        self.process_of = {}
        self.stacks = {}        # thread: what it is in, outermost first
        self.calling = {}       # thread: its call that is under way
        self.cause = None       # the interrupt that the kernel is handling
        self.running, self.owner, self.since = None, 0, 0
        for record in trace.records:
            self.process_of[record.thread] = record.process
            self.process_of[record.peer] = record.peer_process
        for record in trace.records:
            self.take(record)
        last = trace.records[-1].time if trace.records else 0
        self.run_until(last)
        for root in self.roots:
            for item, _ in root.walk():
                if item.end is None:
                    item.end = last
                    item.notes["ends"] = "after the trace"

    # ---- names ----

    def process_name(self, number):
        return self.trace.names.get(number, f"process {number}")

    def name(self, thread):
        return "idle" if thread == r.IDLE else self.process_name(self.process_of.get(thread, 0))

    def title(self, thread):
        return "idle" if thread == r.IDLE else f"{self.name(thread)} (thread {thread})"

    # ---- slices ----

    def open(self, kind, name, record, thread, parent=None):
        owner = {"run": thread, "call": record.owner}.get(kind, parent and parent.owner)
        item = Slice(kind, name, record.time, thread, parent, owner=owner)
        (parent.children if parent else self.roots).append(item)
        return item

    def top(self, thread, record):
        """The innermost thing that the thread is in; without one it is now for itself."""
        stack = self.stacks.setdefault(thread, [])
        if not stack:
            stack.append(self.open("run", self.name(thread), record, thread))
            if not self.runs:
                stack[0].notes["began"] = "before the trace"
        return stack[-1]

    def close(self, item, record):
        for inner, _ in item.walk():
            if inner.end is None:
                inner.end = record.time

    def run_until(self, time):
        if self.running is not None and time > self.since:
            self.runs.append(Run(self.since, time, self.running, self.owner))
        self.since = time

    def switch(self, record, to, owner):
        self.run_until(record.time)
        self.running, self.owner, self.cause = to, owner, None

    # ---- events ----

    def take(self, record):
        handlers = {r.CALL: self.call, r.SERVE: self.serve, r.REPLY: self.reply, r.CUT: self.cut, r.END: self.ended,
                    r.SWITCH: self.switched, r.BUDGET: self.budget, r.WAKE: self.wake, r.INTERRUPT: self.interrupt,
                    r.CLOCK: self.interrupt, r.FAULT: self.fault}
        if record.kind not in handlers:
            raise r.Failure(f"a record of kind {record.kind} is unknown: the guest is newer than this tool")
        handlers[record.kind](record)

    def begin_call(self, record, begin=None):
        service = self.name(record.peer)
        item = self.open("call", f"{service}: {r.method_name(service, record.first)}", record, record.peer,
                         self.top(record.thread, record))
        item.begin = begin if begin is not None else item.begin
        item.notes.update(caller=self.title(record.thread), word=f"{record.second:#x}")
        self.calling[record.thread] = item
        self.stacks[record.peer] = [item]

    def call(self, record):
        self.begin_call(record)
        self.switch(record, record.peer, record.owner)

    def serve(self, record):
        """The caller had to wait: that is part of its call."""
        stack = self.stacks.get(record.thread, [])
        waited = stack.pop() if stack and stack[-1].kind == "wait" else None
        self.begin_call(record, waited and waited.begin)
        if waited:
            waited.end = record.time
            waited.parent.children.remove(waited)
            waited.parent = self.calling[record.thread]
            waited.parent.children.append(waited)

    def reply(self, record):
        item = self.calling.pop(record.peer, None)
        if item:
            item.notes.update(status=record.first - (record.first >> 31 << 32), reply=f"{record.second:#x}")
            self.close(item, record)
        self.leave(record.thread, record)
        self.switch(record, record.peer, record.owner)
        self.top(record.peer, record)

    def leave(self, thread, record):
        for item in self.stacks.pop(thread, []):
            self.close(item, record)

    def cut(self, record):
        if item := self.calling.pop(record.thread, None):
            item.notes["left"] = "its caller has left it"
            self.close(item, record)
        self.stacks[record.peer] = []

    def ended(self, record):
        """Its caller is told: that is the call's last sign of life, unless it was cut."""
        status = record.first - (record.first >> 31 << 32)
        if item := self.calling.pop(record.thread, None):
            item.notes["status"] = status
            self.close(item, record)
            self.stacks.pop(item.thread, None)
        self.instants.append((record.time, f"a call of {self.name(record.thread)} ends with {status}", record.thread))

    def switched(self, record):
        before, after = record.thread, record.peer
        if before != r.IDLE:
            self.leave_cpu(before, record)
        self.switch(record, after, record.second)
        if after == r.IDLE:
            return
        stack = self.stacks.setdefault(after, [])
        if stack and stack[-1].kind == "wait":
            self.close(stack.pop(), record)
        if after in self.calling: # its call is over, though nobody has said so
            self.close(self.calling.pop(after), record)
        self.top(after, record)

    def leave_cpu(self, thread, record):
        stack = self.stacks.get(thread, [])
        if record.first in WAITS and stack and (record.first != 4 or stack[0].kind == "call"):
            stack.append(self.open("wait", WAITS[record.first], record, thread, stack[-1]))
        else:
            self.leave(thread, record)

    def budget(self, record):
        if self.running is None:
            self.running = record.thread
            self.owner = record.peer
            if record.thread != r.IDLE:
                self.top(record.thread, record)
        self.switch(record, self.running, record.peer)

    def wake(self, record):
        by = self.cause or self.name(record.thread)
        stack = self.stacks.get(record.peer, [])
        if stack and stack[-1].kind == "wait":
            stack[-1].notes["woken by"] = by
        self.instants.append((record.time, f"{by} wakes {self.title(record.peer)}", record.peer))

    def interrupt(self, record):
        self.cause = "the clock" if record.kind == r.CLOCK else f"interrupt {record.first}"
        self.instants.append((record.time, self.cause, record.thread))

    def fault(self, record):
        self.instants.append((record.time, f"fault of {self.name(record.thread)}: vector {record.first}, address "
                                           f"{record.second:#010x}", record.thread))

    # ---- what is shown ----

    def logical_threads(self):
        """{thread: its slices}, those that began first first."""
        found = {}
        for root in self.roots:
            if root.takes or root.children:
                found.setdefault(root.thread, []).append(root)
        return found

    def owners(self):
        """Names of who paid, those who paid most first."""
        paid = {}
        for run in self.runs:
            if run.thread != r.IDLE:
                paid[self.name(run.owner)] = paid.get(self.name(run.owner), 0) + run.end - run.begin
        return sorted(paid, key=lambda name: -paid[name])
