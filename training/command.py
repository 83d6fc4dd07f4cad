"""How every command of the project starts: flags in, one sentence on error."""

import contextlib
import dataclasses
import errno
import importlib
import io
import os
import select
import sys
import typing

from tp_keras.command_line import changed_flags
from tp_keras.command_line import command_line
from tp_keras.files import final_name
from tp_keras.quiet import no_native_messages

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
# What is the matter with the machine, whoever meets it.
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


class Command(typing.Protocol):
    """A frozen dataclass of settings that does one thing."""

    def execute(self) -> None:
        """Does it."""


def run(
    command_class: type[Command], arguments: list[str] | None = None
) -> None:
    """Parses the command line into `command_class` and executes it.

    Every field is a flag of the same spelling, its docstring the help. An
    error that the user can mend ends as one sentence and exit code 2, whether
    the flags contradict each other or the work can't be done.

    Args:
        command_class: Frozen dataclass with a method `execute`.
        arguments: Arguments instead of those of the process.
    """
    with errors_told():
        read(command_class, arguments).execute()


def data_set(name: str):
    """Returns a module of the data sets, which are installed by another name.

    Args:
        name: Such as `"building.prepare"`.
    """
    installed = __package__ == "tp_keras_training"
    package = "tp_keras_datasets" if installed else "datasets"
    return importlib.import_module(f"{package}.{name}")


def read(command_class: type[Command], arguments: list[str] | None = None):
    """Returns the command that a command line stands for; see `run`.

    Raises:
        UserError: If the settings contradict each other.
    """
    words = sys.argv[1:] if arguments is None else arguments
    plain = _read_plain(command_class, words)
    if plain is not None:
        return plain
    import tyro

    return tyro.cli(
        command_class,
        prog=command_line(_module(command_class)),
        args=arguments,
        use_underscores=True,
        config=_flag_style(),
    )


def _read_plain(command_class, words):
    """Reads flags of strings and truth values alone, None if there are others.

    To import and build the parser of everything takes longer than to predict
    a photograph, so the plainest command lines don't wait for it.
    """
    kinds, values, name = typing.get_type_hints(command_class), {}, None
    for word in words:
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            if name not in kinds or name in values:
                return None
            values[name] = [value] if equals else []
        elif name is None:
            return None
        else:
            values[name].append(word)
    settings = {}
    for name, given in values.items():
        kind = kinds[name]
        if kind == tuple[str, ...] and given:
            settings[name] = tuple(given)
        elif kind is str and len(given) == 1:
            settings[name] = given[0]
        elif kind == str | None and len(given) == 1:
            settings[name] = None if given[0] == "None" else given[0]
        elif kind is bool and given in (["True"], ["False"]):
            settings[name] = given[0] == "True"
        else:
            return None
    required = {
        field.name
        for field in dataclasses.fields(command_class)
        if field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    }
    return command_class(**settings) if required <= set(settings) else None


def _flag_style():
    """Returns how flags are spelled.

    `--flip False` rather than `--no_flip`, `--epochs` rather than
    `--training.epochs`.
    """
    import tyro

    return (tyro.conf.FlagConversionOff, tyro.conf.OmitArgPrefixes)


def run_experiment(
    command_class: type[Command],
    experiments: dict,
    arguments: list[str] | None = None,
) -> None:
    """Executes a command on an experiment, changed by flags; see `run`.

    Args:
        command_class: Class of a command that takes the settings.
        experiments: Dict: first word of the command line -> one line of help,
            the settings.
        arguments: Arguments instead of those of the process.
    """
    with errors_told():
        prog = command_line(_module(command_class))
        command_class(read_experiment(experiments, arguments, prog)).execute()


def read_experiment(
    experiments: dict,
    arguments: list[str] | None = None,
    prog: str | None = None,
):
    """Returns the settings that a command line names and changes.

    Args:
        experiments: As of `run_experiment`.
        arguments: Likewise.
        prog: How the command is typed.

    Raises:
        UserError: If the settings contradict each other.
    """
    import tyro

    return tyro.extras.overridable_config_cli(
        experiments,
        prog=prog,
        args=arguments,
        use_underscores=True,
        config=_flag_style(),
    )


def shown(command: Command) -> str:
    """Returns a command as it is typed, with all that is not a default.

    Args:
        command: What that command line is parsed into.

    Example:
        >>> shown(Evaluate("my runs/demo"))
        "python -m training.evaluate --run_dir 'my runs/demo'"
    """
    return command_line(_module(type(command)), **changed_flags(command))


def _module(command_class):
    """Returns the name of a command's module, also where it is `__main__`."""
    return sys.modules[command_class.__module__].__spec__.name


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
    if not any(isinstance(link, BrokenPipeError) for link in _chain(error)):
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


def _chain(error):
    """Yields an error, and those that it was made of."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def start_tensorflow() -> None:
    """Imports TensorFlow without its start-up messages.

    They are about its build and the missing GPU, not about the user's work,
    and no setting silences all of them. Called where a command begins its
    work, so that `--help` needn't wait.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if "tensorflow" in sys.modules:
        return
    with no_native_messages():
        import tensorflow as tf

        tf.config.list_physical_devices()


def user_message(error: Exception) -> str | None:
    """Returns what to tell the user of `error`, or None if it is our fault."""
    # Found by name: the data set folder stands alone and has its own class.
    names = {base.__name__ for base in type(error).__mro__}
    if names & {"UserError", "DatasetInputError"}:
        return str(error)
    for link in _chain(error):
        code = _fault(link)
        if code is not None:
            return f"{_FAULTS[code]} Received: {_place(link)}"
    if isinstance(error, OSError) and error.filename is not None:
        what = _REFUSALS.get(error.errno)
        return what and f"{what} Received: {_place(error)}"
    return None


def _fault(error):
    """Returns the number of the machine's fault that an error tells of."""
    if getattr(error, "errno", None) in _FAULTS:
        return error.errno
    # Libraries put what the system says into errors of their own.
    said = str(error)
    return next((code for code in _FAULTS if os.strerror(code) in said), None)


def _place(error):
    """Returns the file that an error names, else what it says."""
    name = getattr(error, "filename", None)
    if isinstance(name, str | bytes | os.PathLike):
        return final_name(os.fsdecode(name))
    return str(error).strip().splitlines()[-1]
