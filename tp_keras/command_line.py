"""The commands that are named in texts: whole, and quoted for a shell."""

import dataclasses
import shlex


def command_line(module: str, *words, **flags) -> str:
    """Returns a command as it is typed.

    Args:
        module: Name of its module, such as `"training.evaluate"`.
        words: What stands before the flags: the name of an experiment.
        flags: Flag -> value, or a tuple of values.

    Example:
        >>> command_line("training.evaluate", run_dir="my runs/demo")
        "python -m training.evaluate --run_dir 'my runs/demo'"
    """
    words = ["python", "-m", module, *words]
    for name, value in flags.items():
        values = value if isinstance(value, tuple | list) else (value,)
        texts = [str(value) for value in values]
        if len(texts) == 1 and texts[0].startswith("-"):
            # Else it would be read as a flag.
            words.append(f"--{name}={texts[0]}")
        else:
            words += [f"--{name}", *texts]
    return shlex.join(words)


def changed_flags(settings, base=None) -> dict:
    """Returns the flags of all fields that differ, of nested ones too.

    Taken from the dataclass itself, so that a command which is made of them
    stands for exactly these settings.

    Args:
        settings: Frozen dataclass whose fields are the flags of a command.
        base: What the command has without a flag; None: the defaults of the
            fields.

    Returns:
        Dict of flag to value. A field without a default is always there.

    Example:
        >>> changed_flags(DataConfig(data_dir="elsewhere"))
        {'data_dir': 'elsewhere'}
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


def train_command(data, **flags) -> str:
    """Returns a command that trains a classifier on given data.

    Args:
        data: `DataConfig`, or what has its `data_dir` and `dataset`.
        flags: More flags, as in `command_line`.

    Example:
        >>> train_command(run.config.data, run_dir="FOLDER", tasks=("gender",))
        'python -m training.train demo --data_dir data/tfds --dataset \
tiny_portraits/synthetic --run_dir FOLDER --tasks gender'
    """
    experiment = "demo" if "/synthetic" in data.dataset else "real"
    return command_line(
        "training.train",
        experiment,
        data_dir=data.data_dir,
        dataset=data.dataset,
        **flags,
    )
