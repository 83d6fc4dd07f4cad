"""Silence for libraries whose native code writes messages of its own."""

import contextlib
import os
import sys


@contextlib.contextmanager
def no_native_messages():
    """Discards the standard error of the process, native code's as well.

    Converters and runtimes report their doings there, and no setting silences
    all of them. Errors still come as exceptions.
    """
    sys.stderr.flush()
    saved = os.dup(2)
    try:
        with open(os.devnull, "w") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(saved, 2)
        os.close(saved)
