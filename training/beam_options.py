"""The flag `--beam_options`: what it stands for, and what can be wrong."""

import contextlib
import importlib.util
import io
import logging
import re
import threading
from collections.abc import Iterator

from tp_keras.errors import UserError

from .endings import user_message

_EXAMPLE = (
    "runner=FnApiRunner direct_running_mode=multi_processing "
    "direct_num_workers=2"
)

# How another process tells of an error of ours, and where Beam met any.
_OWN = re.compile(r"(?:UserError|DatasetInputError): (.*)")
_WHERE = re.compile(r" \[while running '[^']*'\]$")


def read_beam_options(words: tuple[str, ...]):
    """Returns Beam's `PipelineOptions` of words, None of none.

    Args:
        words: As in `("runner=FnApiRunner", "direct_num_workers=2")`; the name
            alone switches on what is on or off.

    Raises:
        UserError: If Beam isn't installed, or doesn't know a runner, an option
            or a value.
    """
    if not words:
        return None
    received = f"Received: beam_options={' '.join(words)}"
    if importlib.util.find_spec("apache_beam") is None:
        raise UserError(
            "Apache Beam isn't installed. It wants older packages than the "
            "rest, so `make beam` installs all into .venv-beam; give the "
            f"command to .venv-beam/bin/python. {received}"
        )
    logging.basicConfig(level=logging.ERROR)  # Before Beam does, with less.
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    flags = [f"--{word.lstrip('-')}" for word in words]
    said = io.StringIO()
    try:
        # A wrong value ends the process with a page of help.
        with contextlib.redirect_stderr(said):
            options = PipelineOptions(flags)
            beam.Pipeline(options=options)  # Loads what the runner knows.
            known = options.get_all_options()
            given = options.get_all_options(retain_unknown_options=True)
    except (SystemExit, Exception) as error:
        lines = [str(error), *said.getvalue().splitlines()]
        why = lines[-1 if len(lines) > 1 else 0].rpartition("error: ")[2]
        raise UserError(
            f"Beam doesn't take these options ({why}). Expected such as "
            f"--beam_options {_EXAMPLE}. {received}"
        ) from error
    # Servers of jobs may know more.
    if not known["job_endpoint"] and (unknown := given.keys() - known.keys()):
        raise UserError(
            f"Beam has no option {', '.join(sorted(unknown))}. Expected such "
            f"as --beam_options {_EXAMPLE}. {received}"
        )
    return options


@contextlib.contextmanager
def pipeline_errors_told(words: tuple[str, ...]) -> Iterator[None]:
    """Raises what a pipeline ends with as one sentence.

    Runners raise errors of many classes, with the stack traces of workers as
    their message.

    Args:
        words: The options; none where there is no pipeline.

    Raises:
        UserError: If the block raises what says nothing to a user.
    """
    printed = threading.excepthook
    if words:
        # Stack traces of workers and threads, which come as an error as well.
        threading.excepthook = lambda arguments: None
        for name in ("apache_beam", "grpc"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        yield
    except Exception as error:
        if not words:
            raise
        lines = [line for line in str(error).splitlines() if line.strip()]
        why = _WHERE.sub("", (lines or [repr(error)])[-1])
        if isinstance(error, UserError) and why != lines[-1]:
            raise UserError(why) from error
        if user_message(error):
            raise
        if own := _OWN.search(why):  # Of another process.
            raise UserError(own[1]) from error
        raise UserError(
            f"The Beam pipeline ended early: {why.rstrip('.')}. "
            "Expected a runner that is there, and workers that have these "
            "packages and see these folders. "
            f"Received: beam_options={' '.join(words)}"
        ) from error
    finally:
        threading.excepthook = printed
