"""What makes measured times doubtful, here and in the guest: one line each, which says what it means and what to do."""

import pathlib

CPU = "sys/devices/system/cpu"
LOAD_MOST = 1.0             # processes that want to run, a minute's mean
DRIFT_MOST = 0.01           # of the counter's rate, from the run's begin to its end
# Clocks that a host takes when it does not trust its time stamp counter.
OTHER_CLOCKS = {"hpet", "acpi_pm", "jiffies", "refined-jiffies"}


def read(root, path):
    """The file's text; nothing where there is no such file."""
    try:
        return (root / path).read_text().strip()
    except OSError:
        return ""


def cpu_flags(root):
    lines = (line.partition(":") for line in read(root, "proc/cpuinfo").splitlines())
    return next((set(value.split()) for key, _, value in lines if key.strip() == "flags"), set())


def counter(root):
    missing = {"constant_tsc", "nonstop_tsc"} - cpu_flags(root)
    if cpu_flags(root) and missing:
        yield (f"unstable TSC: the CPU lacks {' and '.join(sorted(missing))}, so its counter follows frequency or sleep: "
               "fix the frequency, or trust instructions alone")
    clock = read(root, "sys/devices/system/clocksource/clocksource0/current_clocksource")
    if clock in OTHER_CLOCKS:
        yield (f"unstable TSC: Linux keeps time by {clock}, so it does not trust the counter (dmesg says why): "
               "trust instructions alone")


def frequency(root):
    governors = {read(root, path.relative_to(root)) for path in root.glob(f"{CPU}/cpu*/cpufreq/scaling_governor")}
    if others := sorted(governors - {"performance"}):
        yield (f"frequency scaling: the governor is {', '.join(others)}, so the first samples run slower: "
               "`cpupower frequency-set -g performance`")
    for path, on, off in ((f"{CPU}/intel_pstate/no_turbo", "0", "1"), (f"{CPU}/cpufreq/boost", "1", "0")):
        if read(root, path) == on:
            yield f"frequency scaling: turbo is on, so speed depends on heat and neighbours: `echo {off} > /{path}`"


def neighbours(root):
    if "hypervisor" in cpu_flags(root):
        yield ("nested virtualisation: this host is a virtual machine, whose own host takes time unseen and makes exits dear: "
               "measure on bare metal")
    if read(root, f"{CPU}/smt/active") == "1":
        yield f"SMT: another thread may share the core, its caches and its ports: `echo off > /{CPU}/smt/control`"
    load = read(root, "proc/loadavg").split()
    if load and float(load[0]) > LOAD_MOST:
        yield f"load: {load[0]} processes wanted a CPU in the last minute: end them, or look at minima only"


def host_warnings(root=pathlib.Path("/")):
    return [*counter(root), *frequency(root), *neighbours(root)]


def guest_warnings(facts, accel):
    """TCG promises nothing about the counter, which there is good for ratios at most."""
    warnings = []
    if accel == "kvm" and not facts["tsc_invariant"]:
        warnings.append("unstable TSC: the guest's CPU does not call its counter invariant: trust instructions alone")
    begin, end = facts["tsc_khz_begin"], facts["tsc_khz_end"]
    if abs(end - begin) > begin * DRIFT_MOST:
        warnings.append(f"unstable TSC: by the guest's 8254 it ran at {begin} kHz first and at {end} kHz at last: "
                        "measure again on a quiet machine")
    return warnings
