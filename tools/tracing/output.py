"""The same calls as Chrome trace events, as text, and as a page that needs nothing else."""

import json
import pathlib

import records as r

# Names of colours that Chrome's viewer knows.
COLOURS = ["thread_state_running", "rail_response", "thread_state_iowait", "rail_animation", "rail_load", "olive", "yellow",
           "thread_state_runnable", "rail_idle", "generic_work"]
LOGICAL, CPU, PROCESSES = 1, 2, 100     # process numbers of the viewer's groups of tracks
PAGE = pathlib.Path(__file__).resolve().parent / "page.html"


def details(calls, item):
    return {"paid by": calls.title(item.owner), "done by": calls.title(item.thread), **item.notes}


def chrome(calls):
    """https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU: Trace Event Format."""
    trace, events, owners = calls.trace, [], calls.owners()
    scale = 1e-3 if trace.icount else 1e3 / trace.khz   # the format's unit is the microsecond

    def colour(thread):
        name = calls.name(thread)
        return COLOURS[owners.index(name) % len(COLOURS)] if name in owners else "grey"

    def group(number, name, threads):
        events.append({"ph": "M", "name": "process_name", "pid": number, "args": {"name": name}})
        events.append({"ph": "M", "name": "process_sort_index", "pid": number, "args": {"sort_index": number}})
        for thread, title in threads:
            events.append({"ph": "M", "name": "thread_name", "pid": number, "tid": thread, "args": {"name": title}})

    def stretch(group_number, track, name, begin, end, owner, args, kind):
        events.append({"ph": "X", "pid": group_number, "tid": track, "name": name, "cat": kind, "ts": round(begin * scale, 3),
                       "dur": round((end - begin) * scale, 3), "cname": colour(owner), "args": args})

    threads = calls.logical_threads()
    group(LOGICAL, "logical threads: calls, each on one budget", [(t, calls.title(t)) for t in threads])
    for thread, roots in threads.items():
        for root in roots:
            for item, _ in root.walk():
                stretch(LOGICAL, thread, item.name, item.begin, item.end, item.owner, details(calls, item), item.kind)
    group(CPU, "CPU 0: who runs, coloured by who pays", [(0, "runs"), (1, "events")])
    by_process = {}
    for run in calls.runs:
        if run.thread == r.IDLE:
            continue
        args = {"paid by": calls.title(run.owner), "thread": run.thread}
        stretch(CPU, 0, calls.name(run.thread), run.begin, run.end, run.owner, args, "cpu")
        by_process.setdefault(calls.process_of[run.thread], set()).add(run.thread)
        stretch(PROCESSES + calls.process_of[run.thread], run.thread, f"for {calls.name(run.owner)}", run.begin, run.end,
                run.owner, args, "process")
    for number, members in by_process.items():
        group(PROCESSES + number, f"process {calls.process_name(number)}", [(t, f"thread {t}") for t in sorted(members)])
    for time, name, _ in calls.instants:
        events.append({"ph": "i", "s": "t", "pid": CPU, "tid": 1, "name": name, "ts": round(time * scale, 3)})
    return {"traceEvents": events, "displayTimeUnit": "ns",
            "otherData": {"yardstick": trace.yardstick, "lost records": trace.lost,
                          "time": "1 ns is 1 instruction" if trace.icount else "of the time stamp counter"}}


def note_text(item):
    notes = item.notes
    parts = [f"{key} {notes[key]}" for key in ("began", "woken by", "left", "ends") if key in notes]
    if item.kind == "call" and notes.get("status", 0):
        parts.insert(0, f"status {notes['status']}")
    return f"   [{'; '.join(parts)}]" if parts else ""


def text(calls, title):
    trace = calls.trace
    lines = [title, f"time: {trace.yardstick}",
             f"{len(trace.records)} records, {trace.lost} older ones lost", "",
             f"{'at':>12} {'takes':>12} {'own':>12}  {'paid by':<10} what"]
    for thread, roots in calls.logical_threads().items():
        lines += ["", f"{'':38}  {'':<10} {calls.title(thread)}: on its budget"]
        for root in roots:
            for item, depth in root.walk():
                lines.append(f"{item.begin:>12,} {item.takes:>12,} {item.own:>12,}  {calls.name(item.owner):<10.10} "
                             f"{'  ' * depth}{item.name}{note_text(item)}")
    lines += ["", "events"]
    lines += [f"{time:>12,}  {name}" for time, name, _ in calls.instants]
    return "\n".join(lines) + "\n"


def page(calls, title):
    """Rows of stretches: [begin, end, depth, name, who pays, kind, details]."""
    owners = calls.owners()

    def place(thread):
        name = calls.name(thread)
        return owners.index(name) if name in owners else -1

    tracks = []
    for thread, roots in calls.logical_threads().items():
        rows = [[item.begin, item.end, depth, item.name, place(item.owner), item.kind, details(calls, item)]
                for root in roots for item, depth in root.walk()]
        tracks.append({"group": "Logical threads", "name": calls.title(thread), "rows": rows})
    runs = [run for run in calls.runs if run.thread != r.IDLE]

    def row(run, name):
        return [run.begin, run.end, 0, name, place(run.owner), "run",
                {"paid by": calls.title(run.owner), "done by": calls.title(run.thread)}]

    tracks.append({"group": "CPU 0", "name": "who runs", "rows": [row(run, calls.name(run.thread)) for run in runs]})
    for number in sorted({calls.process_of[run.thread] for run in runs}):
        tracks.append({"group": "Processes, coloured by who pays", "name": calls.process_name(number),
                       "rows": [row(run, f"for {calls.name(run.owner)}") for run in runs
                                if calls.process_of[run.thread] == number]})
    data = {"title": title, "yardstick": calls.trace.yardstick, "unit": calls.trace.unit, "lost": calls.trace.lost,
            "records": len(calls.trace.records), "owners": owners, "tracks": tracks,
            "events": [[time, name] for time, name, _ in calls.instants]}
    return PAGE.read_text().replace("/*DATA*/null", json.dumps(data).replace("</", "<\\/"))
