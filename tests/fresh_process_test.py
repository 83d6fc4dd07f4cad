import os
import pathlib
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool

import pytest

from tp_keras.fresh_process import FreshProcess
from tp_keras.fresh_process import ProcessEnded


def end_by_itself():
    os.kill(os.getpid(), signal.SIGKILL)


def test_one_process_answers_again_and_again():
    before = dict(os.environ)
    with FreshProcess({"TF_NUM_INTRAOP_THREADS": "3"}) as process:
        first = process.call(os.getpid)
        assert process.call(os.getpid) == first == process.pid != os.getpid()
        assert process.call(os.getenv, "TF_NUM_INTRAOP_THREADS") == "3"
        # What goes wrong there is told, and the next is answered.
        with pytest.raises(TypeError):
            process.call(len, 1)
        assert process.call(os.getpid) == first
        # As for want of memory: another one takes its place.
        with pytest.raises(ProcessEnded):
            process.call(end_by_itself)
        assert process.call(os.getpid) != first
        process.kill()
        with pytest.raises(BrokenProcessPool):
            process.call(time.sleep, 60)
    assert dict(os.environ) == before


def test_the_process_ends_with_a_killed_parent():
    code = (
        "import time\n"
        "from tp_keras.fresh_process import FreshProcess\n"
        "if __name__ == '__main__':\n"
        "    print(FreshProcess().pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=pathlib.Path(__file__).parents[1],
        stdout=subprocess.PIPE,
    )
    with parent:
        child = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 60
    while _is_alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _is_alive(pid):
    try:
        os.kill(pid, 0)
        # Nobody may be there to wait for it.
        return "\nState:\tZ" not in _status(pid)
    except (ProcessLookupError, FileNotFoundError):
        return False


def _status(pid):
    return pathlib.Path(f"/proc/{pid}/status").read_text()
