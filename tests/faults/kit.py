"""Commands that are killed, crowded and starved, and what is left of them."""

import collections
import dataclasses
import hashlib
import pathlib
import random
import signal
import subprocess
import sys

from tp_keras.files import sha256

# Kind of fault -> names of those tried, and what went wrong.
TALLY: dict[str, list[tuple[str, str | None]]] = collections.defaultdict(list)

# System calls that change what lies on a disk.
_WRITING = (
    *("write", "pwrite64", "writev", "ftruncate", "fsync", "sendfile"),
    *("rename", "renameat2", "unlink", "unlinkat", "mkdir", "rmdir"),
)
# More than that of a name are much alike.
_MANY = 40

_REPOSITORY = pathlib.Path(__file__).parents[2]
_SECONDS = 300
_STRACE = ("-f", "-qq")


@dataclasses.dataclass(frozen=True)
class Job:
    """A command that writes a folder, and what of it must always be the same.

    Attributes:
        name: What the table calls it.
        words: Module and flags, `{out}` where the folder goes.
        results: Globs of the files in the folder whose bytes are compared.
    """

    name: str
    words: tuple[str, ...]
    results: tuple[str, ...]

    def run(self, out, before=(), **options) -> subprocess.CompletedProcess:
        """Runs it into a folder, `before` are words of a program around it."""
        words = [word.format(out=out) for word in self.words]
        return subprocess.run(
            [*before, sys.executable, "-m", *words],
            cwd=_REPOSITORY,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            **options,
        )

    def outcome(self, out) -> dict[str, str]:
        """Returns checksums of the results, of archives those of what is in."""
        paths = [
            p for glob in self.results for p in pathlib.Path(out).glob(glob)
        ]
        return {str(p.relative_to(out)): _content(p) for p in sorted(paths)}


def _content(path) -> str:
    if path.suffix != ".keras":
        return sha256(path)
    # Archives tell the time, and HDF5 files as well: weights alone count.
    from tp_keras.generator.training.folder import VaeRunFolder

    # It knows the classes of classifiers and of generators.
    model, found = VaeRunFolder(path.parent).load_model(path), hashlib.sha256()
    for weight in model.get_weights():
        found.update(weight.tobytes())
    return found.hexdigest()


def tell(kind: str, name: str, fault: str | None) -> None:
    """Notes a try, and says so at once; `fault` is what went wrong."""
    TALLY[kind].append((name, fault))
    line = f"{kind}: {name}: {fault or 'survived'}"
    # Past what pytest keeps to itself: all of it takes half an hour.
    print(line, file=sys.__stderr__, flush=True)


def writing_calls(job: Job, out) -> list[tuple[str, str]]:
    """Returns the system calls of a job that write into its folder, in order.

    Each as what `killed` takes, and as strace shows it.
    """
    trace, calls = pathlib.Path(f"{out}.trace"), ",".join(_WRITING)
    watch = "-y", "-e", f"trace={calls}", "-o", str(trace)
    # What speeds it up makes it inject nothing.
    done = job.run(out, ("strace", "--seccomp-bpf", *_STRACE, *watch))
    assert not done.returncode, done.stderr
    seen, found, process = collections.Counter(), [], None
    for line in trace.read_text(errors="replace").splitlines():
        number, _, call = line.partition(" ")
        process = process or number
        name = call.strip().partition("(")[0]
        # Of the main thread: each has its own count.
        if number == process and name in _WRITING:
            seen[name] += 1
            if f"/{pathlib.Path(out).name}" in call:
                kill = f"{name}:signal=SIGKILL:when={seen[name]}"
                found.append((kill, call.strip()))
    return found


def chosen(calls, count: int, seed: int = 0) -> list[str]:
    """Returns some of the calls: first of all those that are few of a name."""
    chance = random.Random(seed)
    names = collections.Counter(kill.partition(":")[0] for kill, _ in calls)
    order = [kill for kill, _ in calls]
    chance.shuffle(order)
    many = [kill for kill in order if names[kill.partition(":")[0]] > _MANY]
    few = [kill for kill in order if kill not in many]
    few = few[: max(count - len(many), 2 * count // 3)]
    return few + many[: count - len(few)]


def kill_and_resume(job: Job, out, call: str, expected) -> str | None:
    """Kills a job at a system call, resumes it, and returns what went wrong."""
    if not killed(job, out, call):
        return "was not killed"
    return resumed_fault(job, out, expected)


def killed(job: Job, out, call: str) -> bool:
    """Runs a job that is killed at a system call; whether it came so far."""
    name = call.partition(":")[0]
    inject = "-e", f"trace={name}", "-e", f"inject={call}", "-o", "/dev/null"
    done = job.run(out, ("strace", *_STRACE, *inject))
    # As shells and strace tell of a signal.
    return done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)


def resumed_fault(job: Job, out, expected) -> str | None:
    """Runs a job again, and returns what is not as without a fault."""
    done = job.run(out)
    if "Traceback" in done.stderr:
        return "trace: " + done.stderr.strip().splitlines()[-1]
    if done.returncode:
        return "refused: " + done.stderr.strip().splitlines()[-1]
    found = job.outcome(out)
    wrong = [k for k in {*expected, *found} if expected.get(k) != found.get(k)]
    return f"differs: {', '.join(sorted(wrong))}" if wrong else None
