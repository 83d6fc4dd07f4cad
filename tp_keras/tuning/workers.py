"""One search by several processes: a chief that chooses, workers that train.

They are keras-tuner's own chief and clients, joined by its gRPC service on the
loopback address. It is not encrypted and lets everybody in, so it is offered
to this machine alone.
"""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

from tp_keras.errors import UserError
from tp_keras.tuning.search_settings import SearchFolder
from tp_keras.tuning.trial_result import read_results

_WORKER = "tp_keras.tuning.worker"
_ADDRESS = "127.0.0.1"
_POLL_SECONDS = 0.2
_FAREWELL_SECONDS = 10

# A worker that ended is started anew and gets its trial again. More ends than
# this in one search are no accident.
_MOST_RESTARTS = 3


def run_workers(
    folder: SearchFolder, workers, on_result=None, module=_WORKER
) -> None:
    """Runs a search by a chief and `workers` processes, and waits for it.

    Args:
        folder: `SearchFolder`, claimed.
        workers: Int. Each gets its share of the processors.
        on_result: Function of a `TrialResult`, called after each trial.
        module: Name of the module that is a process; see
            `tp_keras.tuning.worker`.

    Raises:
        UserError: If the chief ended, or workers did so again and again. No
            process is left behind, and the same search can go on.
    """
    crew = _Crew(folder, workers, module)
    told = {result.trial_id for result in read_results(folder.path)}

    def tell():
        for result in read_results(folder.path):
            if result.trial_id not in told:
                told.add(result.trial_id)
                if on_result is not None:
                    on_result(result)

    # Else nobody would end the others when this process is asked to end.
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        crew.start()
        while crew.is_working():
            tell()
            time.sleep(_POLL_SECONDS)
        tell()
    finally:
        signal.signal(signal.SIGTERM, before)
        crew.dismiss()


class _Crew:
    """The processes of a search, by name."""

    def __init__(self, folder, workers, module):
        self.folder = folder
        self.module = module
        self.names = [f"worker{number}" for number in range(workers)]
        self.processes: dict[str, subprocess.Popen] = {}
        self.restarts = 0
        with socket.socket() as free:
            free.bind((_ADDRESS, 0))
            self.port = free.getsockname()[1]

    def start(self):
        """Starts the chief and all workers."""
        for name in ("chief", *self.names):
            self._start(name)

    def is_working(self) -> bool:
        """Whether a worker is at work; starts those anew that broke off."""
        # The chief's own end, when all trials are done, comes after theirs.
        if self._has_ended("chief") and not all(
            self._has_ended(name) for name in self.names
        ):
            raise self._broken_off("chief")
        for name in self.names:
            if self.processes[name].poll():
                self.restarts += 1
                if self.restarts > _MOST_RESTARTS:
                    raise self._broken_off(name)
                self._start(name)
        return not all(self._has_ended(name) for name in self.names)

    def dismiss(self):
        """Ends whoever is still there."""
        # A chief that has no trials left looks for its workers every 20 s; it
        # has saved its state with the last trial and can go.
        for process in self.processes.values():
            process.terminate()
        end = time.monotonic() + _FAREWELL_SECONDS
        for process in self.processes.values():
            try:
                process.wait(max(end - time.monotonic(), 0.0))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _has_ended(self, name):
        return self.processes[name].poll() is not None

    def _start(self, name):
        log = self._log(name)
        log.parent.mkdir(exist_ok=True)
        with log.open("a") as file:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", self.module]
                + [str(self.folder.path.resolve()), str(os.getpid())],
                env={**os.environ, **self._environment(name)},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for the one that can end them in order.
                start_new_session=True,
            )

    def _environment(self, name):
        threads = max(len(os.sched_getaffinity(0)) // len(self.names), 1)
        return {
            "KERASTUNER_TUNER_ID": name,
            "KERASTUNER_ORACLE_IP": _ADDRESS,
            "KERASTUNER_ORACLE_PORT": str(self.port),
            # A proxy for the world is none for this machine.
            "no_grpc_proxy": _ADDRESS,
            "TF_NUM_INTRAOP_THREADS": str(threads),
            "TF_NUM_INTEROP_THREADS": str(threads),
            "TF_CPP_MIN_LOG_LEVEL": "2",
        }

    def _log(self, name) -> pathlib.Path:
        return self.folder.path / "logs" / f"{name}.log"

    def _broken_off(self, name):
        lines = self._log(name).read_text(errors="replace").splitlines()
        return UserError(
            f"The process {name} of the search broke off; what it said is in "
            f"{self._log(name)}. The same command goes on. Received: exit "
            f"code {self.processes[name].returncode}, "
            f"{lines[-1] if lines else 'no word'}"
        )


def _interrupt(signal_number, frame):
    raise KeyboardInterrupt
