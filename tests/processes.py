"""Processes that are no more, and such as begin at once."""

import multiprocessing
import subprocess
import sys

# Forked from one that has imported TensorFlow, which takes seconds, and run
# nothing of it.
WARM = multiprocessing.get_context("forkserver")
WARM.set_forkserver_preload(["tests.preloaded"])


def ended_process() -> str:
    """Returns the number of a process that has ended."""
    return subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.strip()
