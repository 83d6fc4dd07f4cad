"""How commands end: in a sentence where the user can mend it, or quietly."""

import contextlib
import errno
import io
import os
import select
import sys

from tp_keras.errors import error_chain
from tp_keras.errors import find_machine_fault
from tp_keras.files import final_name

EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130
# Of what a closed pipe ends, as shells tell it: 128 and the number of the
# signal. Not 0, as what was asked for isn't done.
EXIT_UNREAD = 141

_FULL = (
    "Free some space and run the same command again: nothing half-written is "
    "left in its place."
)
_MANY = "Too many files are open. Allow more with `ulimit -n 4096`, or close"
# What to say of each of `tp_keras.errors.MACHINE_FAULTS`.
_FAULTS = {
    errno.ENOSPC: f"The disk is full. {_FULL}",
    errno.EDQUOT: f"Your share of the disk (quota) is full. {_FULL}",
    errno.EROFS: "The file system is read-only. Expected a place to write to.",
    errno.ENAMETOOLONG: "Expected a shorter name: this one is too long.",
    errno.ELOOP: "Expected a file or folder, and links lead in a circle.",
    errno.EMFILE: f"{_MANY} some.",
    errno.ENFILE: f"{_MANY} other programs.",
    errno.EIO: (
        "The disk couldn't be read or written: it is damaged or gone. Expected "
        "a place on another one."
    ),
}
# What is the matter with a place. That may be our fault, so it counts only
# where the system itself names the place.
_REFUSALS = {
    errno.EACCES: "No permission to use it.",
    errno.EPERM: "No permission to use it.",
    errno.ENOTDIR: "A file lies where a folder is expected.",
    errno.EEXIST: "Something lies where a new folder is expected.",
    errno.EISDIR: "A folder lies where a file is expected.",
}


@contextlib.contextmanager
def errors_told():
    """Ends the process with a sentence where the user can mend an error.

    Where nobody reads the output any more it ends without a word.
    """
    _open_closed_streams()
    # Names of files may be any bytes. (Notebooks have streams of their own.)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    code = EXIT_UNREAD
    try:
        try:
            yield
        except KeyboardInterrupt:
            code, said = EXIT_INTERRUPTED, "Interrupted. The same command "
            said += "resumes, or starts over cleanly."
            print(f"\n{said}", file=sys.stderr)
            sys.exit(code)
        except Exception as error:
            message = user_message(error)
            if message is None:
                raise
            code = EXIT_USER_ERROR
            print(f"error: {message}", file=sys.stderr)
            sys.exit(code)
        finally:
            # What is kept back meets a closed pipe here, not after the end.
            sys.stdout.flush()
    except Exception as error:
        if not _is_unread(error):
            raise
        sys.exit(code)


def _open_closed_streams():
    """Lets what is written to closed streams, as by `>&-`, vanish."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # It takes the lowest free number, which is the stream's own: else
            # the next file would have what native code writes there.
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115


def _is_unread(error):
    """Whether who read the output has gone; then the rest of it vanishes."""
    if not any(
        isinstance(link, BrokenPipeError) for link in error_chain(error)
    ):
        return False
    # It may also be a pipe between processes of ours.
    poll = select.poll()
    for stream in (1, 2):
        poll.register(stream, 0)
    events = dict(poll.poll(0))
    unread = [one for one in events if events[one] & select.POLLERR]
    with open(os.devnull, "w") as nothing:
        for stream in unread:
            os.dup2(nothing.fileno(), stream)
    return bool(unread)


def user_message(error: Exception) -> str | None:
    """Returns what to tell the user of `error`, or None if it is our fault."""
    # Found by name: the data set folder stands alone and has its own class.
    names = {base.__name__ for base in type(error).__mro__}
    if names & {"UserError", "DatasetInputError"}:
        return str(error)
    fault = find_machine_fault(error)
    if fault is not None:
        code, link = fault
        return f"{_FAULTS[code]} Received: {_place(link)}"
    if isinstance(error, OSError) and error.filename is not None:
        what = _REFUSALS.get(error.errno)
        return what and f"{what} Received: {_place(error)}"
    return None


def _place(error):
    """Returns the file that an error names, else what it says."""
    name = getattr(error, "filename", None)
    if isinstance(name, str | bytes | os.PathLike):
        return final_name(os.fsdecode(name))
    return str(error).strip().splitlines()[-1]
