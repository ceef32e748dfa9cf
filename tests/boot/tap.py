"""Reads the TAP that the guest prints, and judges it."""

import dataclasses
import re

PLAN = re.compile(r"^1\.\.(\d+)$", re.M)
RESULT = re.compile(r"^(ok|not ok) (\d+) - (.*)$", re.M)


@dataclasses.dataclass
class Verdict:
    passed: int
    skipped: list    # lines
    failed: list     # lines; anything else that is wrong as well

    @property
    def text(self):
        return "\n".join(self.failed) or "every case passed"


def judge(serial, code):
    """Every case of the plan must have reported once, in order, and the guest must have ended by itself with 0."""
    plan, results = PLAN.search(serial), RESULT.findall(serial)
    failed = [f"{verdict} {number} - {text}" for verdict, number, text in results if verdict != "ok"]
    skipped = [text for verdict, _, text in results if verdict == "ok" and " # SKIP " in text]
    if not plan or int(plan[1]) == 0:
        failed.append("no plan: the test program did not start")
    elif [int(number) for _, number, _ in results] != list(range(1, int(plan[1]) + 1)):
        failed.append(f"{len(results)} results for a plan of {plan[1]} cases; the last: {results[-1] if results else 'none'}")
    if "panic:" in serial:
        failed.append(serial[serial.index("panic:"):].strip())
    if code != 0:
        failed.append(f"the guest ended with code {code} (-1: it did not end by itself)")
    return Verdict(len(results) - len(skipped) - sum(verdict != "ok" for verdict, _, _ in results), skipped, failed)
