"""A process of its own for what one process can do but once."""

import concurrent.futures
import contextlib
import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures.process import BrokenProcessPool

from tp_keras.quiet import no_native_messages

_LOOK_SECONDS = 1.0


class ProcessEnded(RuntimeError):
    """A process ended in the middle of a call."""


class FreshProcess:
    """A process in which nothing of TensorFlow has run.

    It says nothing, takes one call at a time, and ends with `close` or with
    this process, in whatever way that ends. `environment` is what it finds in
    its environment besides.

    Example:
        >>> with FreshProcess() as process:
        ...     process.call(pow, 2, 10)
        1024
    """

    def __init__(self, environment: dict[str, str] | None = None):
        self._environment = environment or {}
        self._killed = False
        self._start()

    def _start(self):
        self._pool = concurrent.futures.ProcessPoolExecutor(
            max_workers=1,
            # Not forked: a copy of a process with threads of TensorFlow hangs.
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_end_with,
            initargs=(os.getpid(),),
        )
        before = {name: os.environ.get(name) for name in self._environment}
        os.environ.update(self._environment)
        try:
            # It keeps the standard error that it is born with.
            with no_native_messages():
                self.pid = self._pool.submit(os.getpid).result()
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def call(self, function, *args):
        """Returns what a function gives there; both can be pickled.

        Raises:
            ProcessEnded: If the process ended by itself, as for want of
                memory; the next call has a new one.
        """
        try:
            return self._pool.submit(function, *args).result()
        except BrokenProcessPool as error:
            if self._killed:
                raise
            self._start()
            raise ProcessEnded("The process ended by itself.") from error

    def kill(self) -> None:
        """Ends the process in the middle of its call, and for good."""
        self._killed = True
        # It may have ended by itself, as JAX ends one whose first host is lost.
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Ends the process."""
        self._pool.shutdown()


def _end_with(parent):
    """Ends this process as soon as `parent` isn't its parent any more."""

    def watch():
        while os.getppid() == parent:
            time.sleep(_LOOK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
