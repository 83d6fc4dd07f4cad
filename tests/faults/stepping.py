"""Every state in which the death of a process can leave its files."""

import hashlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

from tests.faults.kit import Job
from tp_keras.files import sha256

# System calls that change what lies on a disk. (Not those that copy: with a
# signal on its way they would begin anew for ever. What comes after them is
# here.)
_WRITING = ",".join(
    (
        *("open", "openat", "write", "pwrite64", "writev", "ftruncate"),
        *("rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir"),
        *("mkdir", "mkdirat", "link"),
    )
)
# How names of files and folders tell that they aren't whole.
_HALF_WRITTEN = re.compile(r"\.\d+-\w{8}\.partial-|incomplete\.\w+|\.drawing\b")
_STOPPED = "--- stopped by SIGSTOP ---"


def states(job: Job, folder) -> tuple[list[pathlib.Path], int]:
    """Runs a job, stopped after each system call that writes into its folder.

    What a process that is killed has written stays as it is: so its files are
    in one of the states in which the system calls leave them.

    Args:
        job: What writes.
        folder: New folder; the job writes `folder/job/run`.

    Returns:
        For each different state a folder with it, in the order of writing, and
        the number of the system calls.
    """
    parent = folder / "job"
    parent.mkdir()
    running = job.start(parent / "run", waits=True)
    while _status(running.pid) != "T":
        time.sleep(0.01)
    inject = f"inject={_WRITING}:signal=SIGSTOP"
    words = (
        *("strace", "-p", str(running.pid), "-y", "-s", "0"),
        *("-e", f"trace={_WRITING}", "-e", inject),
    )
    calls, found, last = 0, {}, ""
    with subprocess.Popen(
        words, stderr=subprocess.PIPE, text=True, errors="replace"
    ) as tracer:
        for line in tracer.stderr:
            if _STOPPED in line:
                if f"{parent}/" in last:
                    calls += 1
                    state = _state(parent)
                    if state not in found:
                        found[state] = folder / f"state{len(found)}"
                        shutil.copytree(parent, found[state], symlinks=True)
                os.kill(running.pid, signal.SIGCONT)
            elif not line.startswith("---"):
                last = line
    assert running.fault() is None, running.said
    return list(found.values()), calls


def _status(process) -> str:
    """Returns a letter: T is stopped."""
    stat = pathlib.Path(f"/proc/{process}/stat").read_text()
    return stat.rpartition(")")[2].split()[0]


def _state(folder) -> str:
    """Returns a hash of all files.

    Of what is half-written, or read by people alone, only that it is there.
    """
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        plain, is_aside = _HALF_WRITTEN.subn("aside", name)
        found.update(f"{plain}\n".encode())
        is_read = not is_aside and "tensorboard" not in path.parts
        if path.is_file() and is_read:
            found.update(sha256(path).encode())
    return found.hexdigest()
