"""Commands that are killed, crowded and starved, and what is left of them."""

import collections
import concurrent.futures
import dataclasses
import hashlib
import json
import multiprocessing
import multiprocessing.connection
import os
import pathlib
import runpy
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterable

from tests.processes import WARM
from tp_keras.files import sha256

# Kind of fault -> names of those tried, and what went wrong.
TALLY: dict[str, list[tuple[str, str | None]]] = collections.defaultdict(list)

# How many of the tries are made.
_SHARE = float(os.environ.get("SHARE", "1"))

# What commands print.
LOGS = pathlib.Path(tempfile.mkdtemp(prefix="faults-"))

_REPOSITORY = pathlib.Path(__file__).parents[2]
_SECONDS = 300

# To start one asks all others whether they have ended, and an end is told once.
_LOCK = threading.Lock()


class Running:
    """A command in a process of its own.

    Args:
        words: Its module and flags.
        log: File for what it prints.
        waits: Whether it stops itself before it begins.
    """

    def __init__(self, words, log, waits=False):
        self.log = pathlib.Path(log)
        arguments = [str(word) for word in words], str(log), waits
        self._process = WARM.Process(target=_execute, args=arguments)
        with _LOCK:
            self._process.start()
        self.pid = self._process.pid

    def kill(self) -> None:
        """Ends it as `kill -9` does."""
        self._process.kill()

    def wait(self, seconds: float = _SECONDS) -> int | None:
        """Returns its exit code, None if it hasn't ended by then."""
        multiprocessing.connection.wait([self._process.sentinel], seconds)
        with _LOCK:
            return self._process.exitcode

    @property
    def said(self) -> str:
        """All that it has printed."""
        return self.log.read_text(errors="replace")

    def fault(self, allowed: Iterable[str] = ()) -> str | None:
        """Returns what is wrong with its end.

        Args:
            allowed: Parts of sentences that it may end with instead of well.
        """
        code, said = self.wait(), self.said
        last = (said.strip().splitlines() or [""])[-1]
        if code is None:
            self.kill()
            return "has no end"
        if "Traceback" in said:
            return f"trace: {last}"
        if code and not any(text in last for text in allowed):
            return f"ends with {code}: {last}"
        return None


def _execute(words, log, waits):
    os.chdir(_REPOSITORY)
    file = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    # As many run beside each other as there are processors.
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[name] = "1"
    sys.argv = words
    sys.modules.pop(words[0], None)
    if waits:
        os.kill(os.getpid(), signal.SIGSTOP)
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)


@dataclasses.dataclass(frozen=True)
class Job:
    """A command that writes a folder, and what of it must always be the same.

    Attributes:
        words: Module and flags, `{out}` where the folder goes.
        results: Globs of the files in the folder that are compared.
    """

    words: tuple[str, ...]
    results: tuple[str, ...]

    def start(self, out, name="run", waits=False) -> Running:
        """Starts it into a folder, of which `name` names what it prints."""
        words = [word.format(out=out) for word in self.words]
        place = "-".join((*pathlib.Path(out).parts[-2:], name))
        return Running(words, LOGS / f"{place}.log", waits)

    def whole(self, out) -> dict[str, str]:
        """Runs it undisturbed, and returns its outcome."""
        return self.timed(out)[0]

    def timed(self, out) -> tuple[dict[str, str], float]:
        """Runs it undisturbed, and returns its outcome and the seconds."""
        begin = time.monotonic()
        running = self.start(out)
        assert running.fault() is None, running.said
        return self.outcome(out), time.monotonic() - begin

    def outcome(self, out) -> dict[str, str]:
        """Returns what is compared of each file of the results."""
        paths = {
            p for glob in self.results for p in pathlib.Path(out).glob(glob)
        }
        return {str(p.relative_to(out)): _content(p) for p in sorted(paths)}

    def resumed_fault(self, out, expected, allowed=()) -> str | None:
        """Runs it again, and returns what is not as without a fault.

        Args:
            out: The folder.
            expected: Outcome without a fault.
            allowed: Parts of sentences that it may end with instead.
        """
        again = self.start(out, "again")
        fault = again.fault(allowed)
        if fault or again.wait():
            return fault
        found = self.outcome(out)
        names = sorted({*expected, *found})
        wrong = [n for n in names if expected.get(n) != found.get(n)]
        return f"differs: {', '.join(wrong)}" if wrong else None


def _content(path) -> str:
    if path.name == "result.json":
        # Of trials that train for a time only what was tried is always alike.
        result = json.loads(path.read_text())
        return json.dumps([result["status"], result["values"]])
    if path.suffix != ".keras":
        return sha256(path)
    # Archives tell the time, and HDF5 files as well: weights alone count.
    from tp_keras.generator.training.folder import VaeRunFolder

    # It knows the classes of classifiers and of generators.
    model, found = VaeRunFolder(path.parent).load_model(path), hashlib.sha256()
    for weight in model.get_weights():
        found.update(weight.tobytes())
    return found.hexdigest()


def some(count: int) -> int:
    """Returns how many of so many tries are made: one at least."""
    return max(round(_SHARE * count), 1)


def tell(kind: str, name: str, fault: str | None) -> None:
    """Notes a try, and says so at once; `fault` is what went wrong."""
    TALLY[kind].append((name, fault))
    line = f"{kind}: {name}: {fault or 'survived'}"
    # All of it takes half an hour.
    print(line, file=sys.__stderr__, flush=True)


def try_each(kind: str, tries: dict, attempt) -> None:
    """Makes tries beside each other, and asserts that all are survived.

    Args:
        kind: What the table calls them.
        tries: Name -> what `attempt` takes; it returns a fault or None.
        attempt: Function that makes one.
    """
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {pool.submit(attempt, t): name for name, t in tries.items()}
        for job in concurrent.futures.as_completed(jobs):
            tell(kind, jobs[job], job.result())
    assert [found for found in TALLY[kind] if found[1]] == []
