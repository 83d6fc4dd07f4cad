"""How much is told while something runs."""

import contextlib
import os
import sys


@contextlib.contextmanager
def no_native_messages():
    """Discards the standard error of the process, native code's as well."""
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


def no_retracing_messages(logger) -> None:
    """Keeps a logger, TensorFlow's, from telling of functions traced again.

    A command that works with several models traces as many functions, and
    nobody who runs it could do anything about it.
    """
    logger.addFilter(
        lambda record: "tf.function retracing" not in record.getMessage()
    )


def verbosity(progress) -> int:
    """Returns the `verbose` of `fit`: a bar on a terminal, else lines."""
    if not progress:
        return 0
    return 1 if sys.stdout.isatty() else 2
