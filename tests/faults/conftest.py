"""Prints what was tried and what survived."""

from tests.faults.kit import TALLY


def pytest_terminal_summary(terminalreporter):
    if not TALLY:
        return
    terminalreporter.section("faults")
    for kind, tries in TALLY.items():
        faults = [(name, fault) for name, fault in tries if fault]
        survived = len(tries) - len(faults)
        terminalreporter.line(f"| {kind} | {len(tries)} | {survived} |")
        for name, fault in faults:
            terminalreporter.line(f"    {name}: {fault}")
