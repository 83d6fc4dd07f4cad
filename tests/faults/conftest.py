"""Makes the commands, and prints what was tried and what survived."""

import pytest

from tests.faults.jobs import make_jobs
from tests.faults.kit import TALLY


@pytest.fixture(scope="session")
def jobs(tiny_data_dir, tmp_path_factory):
    """The commands by name."""
    return make_jobs(tiny_data_dir, tmp_path_factory.mktemp("jobs"))


def pytest_terminal_summary(terminalreporter):
    if not TALLY:
        return
    terminalreporter.section("faults")
    terminalreporter.line("| fault | tries | survived |")
    terminalreporter.line("|---|---|---|")
    for kind, tries in TALLY.items():
        faults = [(name, fault) for name, fault in tries if fault]
        survived = len(tries) - len(faults)
        terminalreporter.line(f"| {kind} | {len(tries)} | {survived} |")
        for name, fault in faults:
            terminalreporter.line(f"    {name}: {fault}")
