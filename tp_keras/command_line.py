"""The commands that are named in texts: whole, and quoted for a shell."""

import dataclasses
import importlib.util
import os
import shlex
import sys

# The names of the package of commands: in a clone, and as it is installed.
_CLONED, _INSTALLED = "training", "tp_keras_training"

# The flags whose paths runs keep whole, however they were typed.
_KEPT = ("data_dir", "from_run", "classifier_run")


def command_line(module: str, *words, **flags) -> str:
    """Returns a command as it is typed: in a clone, or where it is installed.

    Args:
        module: Name of its module in a clone.
        words: What stands before the flags: the name of an experiment.
        flags: Flag -> value, or a tuple of values.

    Example:
        >>> command_line("training.evaluate", run_dir="my runs/demo")
        "python -m training.evaluate --run_dir 'my runs/demo'"
    """
    package, _, name = module.rpartition(".")
    if package in (_CLONED, _INSTALLED) and _is_installed():
        words = ["tp-keras", name, *words]
    else:
        words = ["python", "-m", module, *words]
    for name, value in flags.items():
        values = value if isinstance(value, tuple | list) else (value,)
        texts = [str(value) for value in values]
        if name in _KEPT:
            texts = [_from_here(text) for text in texts]
        if len(texts) == 1 and texts[0].startswith("-"):
            # Else it would be read as a flag.
            words.append(f"--{name}={texts[0]}")
        else:
            words += [f"--{name}", *texts]
    return shlex.join(words)


def _from_here(path):
    """Returns a path as one types it in the folder where it lies."""
    return path.removeprefix(os.path.join(os.getcwd(), ""))


def process_words(command: str) -> list[str]:
    """Returns what runs a `command_line` with this Python, without a shell."""
    words = shlex.split(command)
    if words[0] == "tp-keras":
        words[:1] = ["python", "-m", _INSTALLED]
    return [sys.executable, *words[1:]]


def install_command(extra: str) -> str:
    """Returns the command that installs what `requirements-EXTRA.txt` lists."""
    if _is_installed():
        return f"pip install {shlex.quote(f'tp_keras[{extra}]')}"
    return f"pip install -r requirements-{extra}.txt"


def _is_installed() -> bool:
    """Whether this is no process of a clone, but one of an installation."""
    return _CLONED not in sys.modules and (
        _INSTALLED in sys.modules
        or importlib.util.find_spec(_INSTALLED) is not None
    )


def changed_flags(settings, base=None) -> dict:
    """Returns flag -> value of all fields that differ, of nested ones too.

    So a command that is made of them stands for exactly these settings. A
    field without a default is always among them.

    Args:
        settings: Frozen dataclass whose fields are the flags of a command.
        base: What the command has without a flag; None: the defaults of the
            fields.
    """
    flags = {}
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if base is not None:
            default = getattr(base, field.name)
        elif field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        else:
            default = field.default
        if dataclasses.is_dataclass(value):
            flags |= changed_flags(value, default)
        elif value != default:
            flags[field.name] = value
    return flags


def train_command(data, experiment="demo", **flags) -> str:
    """Returns a command that trains on `data`, a `DataConfig`."""
    return command_line(
        "training.train",
        experiment,
        data_dir=data.data_dir,
        dataset=data.dataset,
        **flags,
    )
