"""How every command of the project starts: flags in, one sentence on error."""

import dataclasses
import importlib
import os
import pathlib
import sys
import typing

from tp_keras.command_line import changed_flags
from tp_keras.command_line import command_line
from tp_keras.config import PATHS
from tp_keras.errors import UserError
from tp_keras.quiet import no_native_messages
from tp_keras.quiet import no_retracing_messages

from .endings import EXIT_USER_ERROR as EXIT_USER_ERROR
from .endings import errors_told

# The flags that name folders, by how they end; and of these what may be a file
# as well: an archive.
_FOLDERS = ("_dir", "_run", "_runs", "bundle", "bundles")
_FOLDERS_OR_FILES = ("manual_dir",)


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
        command = read(command_class, arguments)
        check_places(command)
        command.execute()


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
        command_class: Class of a command that takes the settings, and may have
            flags besides.
        experiments: Dict: first word of the command line -> one line of help,
            the settings.
        arguments: Arguments instead of those of the process.
    """
    with errors_told():
        prog = command_line(_module(command_class))
        commands = {
            name: (text, command_class(settings))
            for name, (text, settings) in experiments.items()
        }
        command = read_experiment(commands, arguments, prog)
        check_places(command)
        command.execute()


def read_experiment(
    experiments: dict,
    arguments: list[str] | None = None,
    prog: str | None = None,
):
    """Returns the settings, or the command, that a command line changes.

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


def check_places(settings) -> None:
    """Raises if a file or a dead link lies where a folder is named.

    Before any work, and for every flag that names a folder.

    Args:
        settings: Dataclass of flags, such as `data_dir` and `from_run`.

    Raises:
        UserError: If it is so.
    """
    for name, value in vars(settings).items():
        if dataclasses.is_dataclass(value):
            check_places(value)
        elif name.endswith(_FOLDERS) and name not in _FOLDERS_OR_FILES:
            for path in value if isinstance(value, tuple) else (value,):
                if path:
                    _check_folder(name, pathlib.Path(path))


def _check_folder(name, path):
    """Raises if a path leads to, or through, something that is no folder."""
    for place in (path, *path.parents):
        if place.is_dir():
            return
        if os.path.lexists(place):
            what = "a file"
            if not place.exists():
                what = f"a link to {os.readlink(place)}, where nothing is"
            raise UserError(
                f"Expected a folder, and {place} is {what}. Give another "
                f"--{name}. Received: {name}={path}"
            )


def kept(settings):
    """Returns settings of a run whose paths hold wherever they are read.

    A run keeps its settings, and later commands may be called elsewhere.

    Args:
        settings: An `ExperimentConfig` or a `VaeExperimentConfig`.
    """

    def absolute(part, *names):
        given = {name: getattr(part, name, "") for name in names}
        return dataclasses.replace(
            part,
            **{
                name: os.path.abspath(os.path.expanduser(value))
                for name, value in given.items()
                # The name of a network, or of a folder that isn't given.
                if value and (name != "backbone" or value.endswith(".keras"))
            },
        )

    return dataclasses.replace(
        settings,
        data=absolute(settings.data, "data_dir"),
        model=absolute(settings.model, *PATHS),
    )


def train_here_or_on_hosts(fit, config, hosts):
    """Trains in this process, or as one of several hosts.

    Args:
        fit: Function of settings and `progress` that returns the run's folder.
        config: The settings.
        hosts: `HostsConfig`.

    Returns:
        The run's folder; None on hosts that don't write it.
    """
    config, hosts = kept(config), hosts.settled(os.environ)
    if hosts.hosts == 1:
        return fit(config)
    from tp_keras.runs.host_training import fit_on_hosts

    return fit_on_hosts(fit, config, hosts)


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
    no_retracing_messages(tf.get_logger())
