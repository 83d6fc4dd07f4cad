"""How commands end where the machine refuses, or nobody reads."""

import errno
import os
import pathlib
import resource
import shlex
import subprocess
import sys

import pytest

from tp_keras import files
from training import endings

ROOT = pathlib.Path(__file__).parents[2]
BUFFERING = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}


def told_of(error):
    """What is told of an error, and of others that libraries make of it."""
    made, caused, said = RuntimeError("no"), RuntimeError("no"), None
    made.__context__ = caused.__cause__ = error
    said = ValueError(f"can't save\ngraph.pb; {error.strerror}")
    return [*map(endings.user_message, (error, made, caused, said))]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (errno.ENOSPC, "The disk is full. Free some space"),
        (errno.EDQUOT, "(quota) is full. Free some space"),
        (errno.EROFS, "The file system is read-only. Expected"),
        (errno.ENAMETOOLONG, "Expected a shorter name"),
        (errno.ELOOP, "links lead in a circle"),
        (errno.EMFILE, "Too many files are open. Allow more with `ulimit"),
        (errno.ENFILE, "Too many files are open. Allow more with `ulimit"),
        (errno.EIO, "The disk couldn't be read or written"),
    ],
)
def test_a_fault_of_the_machine_is_a_sentence(code, message):
    aside = files._aside(pathlib.Path("runs/model.keras"))
    error = OSError(code, os.strerror(code), str(aside))
    for told in told_of(error):
        assert message in told and "\n" not in told
        assert told.partition("Received: ")[2] in (
            "runs/model.keras",
            f"graph.pb; {error.strerror}",
        )


def test_what_may_be_our_fault_keeps_its_trace():
    error = OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), "a/b")
    assert [bool(told) for told in told_of(error)] == [True, *[False] * 3]
    assert endings.user_message(OSError("File exists")) is None
    assert endings.user_message(BrokenPipeError(errno.EPIPE, "pipe")) is None


def test_what_the_system_really_says(tmp_path):
    (tmp_path / "one").symlink_to(tmp_path / "two")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    for place, message in {
        tmp_path / "one" / "below" / "file": "links lead in a circle",
        tmp_path / ("long" * 100): "shorter name",
        pathlib.Path("/sys/x/y"): "No permission|read-only",
    }.items():
        with pytest.raises(OSError) as info:
            files.write_text(place, "text")
        told = endings.user_message(info.value)
        assert any(words in told for words in message.split("|")), told
        assert "partial" not in told


def test_too_many_open_files():
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    # The next number is above the limit.
    lowest = os.dup(1)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, limits[1]))
    try:
        with pytest.raises(OSError) as info:
            os.open(os.devnull, os.O_RDONLY)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert "Too many files" in endings.user_message(info.value)


# What a command may be doing when nobody reads its output any more.
PRINT = "print('x' * 100_000)"
BUFFERED = "print('x')"
BAR = "import tqdm\n    for i in tqdm.tqdm(range(3), mininterval=0): pass"
FIT = "from tp_keras.quiet import verbosity\n    print(verbosity(True))"
NATIVE = "os.system('echo x; echo y >&2')"
WRAPPED = (
    "try: print('x', flush=True)\n"
    "    except OSError as error: raise RuntimeError('in fit') from error"
)
FAILING = "print('x'); raise UserError('Row 7.')"


def run_line(line):
    """Exit code of the first command of a pipe, and what all say of errors."""
    done = subprocess.run(
        ["bash", "-c", f"{line}; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=BUFFERING,
    )
    return done.returncode, done.stderr


def run(work, redirection):
    """Exit code and standard error of a command with such streams."""
    code = (
        "import os, sys, subprocess\n"
        "from tp_keras.errors import UserError\n"
        "from training.endings import errors_told\n"
        f"with errors_told():\n    {work}"
    )
    line = f"{shlex.join([sys.executable, '-c', code])} {redirection}"
    return run_line(line)


@pytest.mark.parametrize(
    ("work", "redirection", "code"),
    [
        (PRINT, "| true", 141),
        (BUFFERED, "| true", 141),
        (WRAPPED, "| true", 141),
        (BAR, "2>&1 >/dev/null | true", 141),
        (FAILING, "| true", 2),
        (PRINT, ">&-", 0),
        (FIT, ">&-", 0),
        (NATIVE, ">&- 2>&-", 0),
        (BAR, "2>&-", 0),
        (f"{FIT}\n    {BAR}", "<&- >&- 2>&-", 0),
        (FAILING, ">&-", 2),
    ],
)
def test_nobody_reads_the_output(work, redirection, code):
    # So that the reader is gone before anything is written.
    work = f"import time; time.sleep(0.3)\n    {work}"
    said = "error: Row 7.\n" if work.endswith(FAILING) else ""
    assert run(work, redirection) == (code, said)


def test_a_pipe_of_our_own_that_breaks_keeps_its_trace():
    work = "subprocess.run('true', input=b'x' * 2**20, shell=True)"
    code, said = run(f"{work}\n    raise BrokenPipeError(32, 'pipe')", "| cat")
    assert code == 1 and "Traceback" in said


@pytest.mark.parametrize(
    "words", ["training --help", "training.evaluate --help"]
)
def test_help_that_nobody_reads(words):
    line = f"(sleep 0.1; {sys.executable} -m {words}) | true"
    assert run_line(line) == (141, "")
