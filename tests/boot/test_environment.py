"""What the benchmark says of the host and of the guest's counter: each warning where it is deserved, and nowhere else."""

import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "perf"))
import environment  # noqa: E402

CPU = "sys/devices/system/cpu"
CLOCK = "sys/devices/system/clocksource/clocksource0/current_clocksource"
QUIET = {
    "proc/cpuinfo": "processor\t: 0\nmodel name\t: A\nflags\t\t: fpu constant_tsc nonstop_tsc\n\nprocessor\t: 1\nflags\t\t: x\n",
    "proc/loadavg": "0.42 1.50 2.00 1/100 4242\n",
    CLOCK: "tsc\n",
    f"{CPU}/cpu0/cpufreq/scaling_governor": "performance\n",
    f"{CPU}/cpu1/cpufreq/scaling_governor": "performance\n",
    f"{CPU}/intel_pstate/no_turbo": "1\n",
    f"{CPU}/cpufreq/boost": "0\n",
    f"{CPU}/smt/active": "0\n",
}
LOUD = {
    "no constant TSC": ("proc/cpuinfo", "flags\t\t: fpu tsc nonstop_tsc\n", "unstable TSC: the CPU lacks constant_tsc, "),
    "no nonstop TSC": ("proc/cpuinfo", "flags\t\t: fpu\n", "unstable TSC: the CPU lacks constant_tsc and nonstop_tsc, "),
    "clock": (CLOCK, "hpet\n", "unstable TSC: Linux keeps time by hpet, "),
    "governor": (f"{CPU}/cpu1/cpufreq/scaling_governor", "powersave\n", "frequency scaling: the governor is powersave, "),
    "turbo of Intel": (f"{CPU}/intel_pstate/no_turbo", "0\n", "frequency scaling: turbo is on, "),
    "turbo of others": (f"{CPU}/cpufreq/boost", "1\n", "frequency scaling: turbo is on, "),
    "virtual machine": ("proc/cpuinfo", "flags\t\t: hypervisor constant_tsc nonstop_tsc\n", "nested virtualisation: "),
    "threads": (f"{CPU}/smt/active", "1\n", "SMT: "),
    "load": ("proc/loadavg", "1.01 0.00 0.00 1/100 4242\n", "load: 1.01 "),
}


def make_host(root, **changed):
    for path, text in {**QUIET, **changed}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def test_a_quiet_host_is_not_warned_of(tmp_path):
    assert environment.host_warnings(make_host(tmp_path)) == []


def test_what_a_host_does_not_say_is_not_warned_of(tmp_path):
    assert environment.host_warnings(tmp_path) == []


@pytest.mark.parametrize("case", LOUD)
def test_each_warning(tmp_path, case):
    path, text, begin = LOUD[case]
    warnings = environment.host_warnings(make_host(tmp_path, **{path: text}))
    assert len(warnings) == 1 and warnings[0].startswith(begin)
    assert ": " in warnings[0].removeprefix(begin) and "\n" not in warnings[0], "what to do stands behind what it means"


GUEST = {"tsc_invariant": 1, "tsc_khz_begin": 2000000, "tsc_khz_end": 2019999}


@pytest.mark.parametrize("changed, accel, count", [
    ({}, "kvm", 0), ({"tsc_invariant": 0}, "kvm", 1), ({"tsc_invariant": 0}, "tcg", 0), ({"tsc_khz_end": 2020001}, "tcg", 1),
    ({"tsc_khz_end": 1979999}, "kvm", 1), ({"tsc_khz_end": 0, "tsc_invariant": 0}, "kvm", 2)])
def test_the_guests_counter(changed, accel, count):
    warnings = environment.guest_warnings({**GUEST, **changed}, accel)
    assert len(warnings) == count and all(warning.startswith("unstable TSC: ") for warning in warnings)
