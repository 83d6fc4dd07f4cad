"""Reads commands out of texts, by the parsers of the commands themselves."""

import dataclasses
import importlib
import re
import shlex

import pytest

from training import command as command_lib

# `...`, a line of a code block or of a Makefile, or what stands after a word
# and a colon or at the end of a line of a table.
_START = r"(?:python -m (?:training|benchmarks)\.|tp-keras )"
_INLINE = re.compile(rf"`({_START}[^`]+)`")
_LINE = re.compile(
    rf"^(?:Next: |[$ \t]*|  \w.* {{3}})({_START}.+)$", re.MULTILINE
)


# Commands that begin with the name of an experiment, and one of theirs.
EXPERIMENT = {"train": "demo", "train_vae": "smoke", "pretrain": "demo"}


def find_commands(text: str) -> list[str]:
    """Returns the commands of a text, in lines of their own or in backticks."""
    text = re.sub(r"\\\n\s*", "", text)
    inline = [" ".join(found.split()) for found in _INLINE.findall(text)]
    return inline + [
        shlex.join(shlex.split(line, comments=True))
        for line in _LINE.findall(text)
    ]


def parse(line: str):
    """Returns what a typed command line stands for: a dataclass of settings."""
    name, *words = module_and_words(line)
    module = importlib.import_module(name)
    for experiments in (
        "EXPERIMENTS",
        "VAE_EXPERIMENTS",
        "PRETRAIN_EXPERIMENTS",
    ):
        if hasattr(module, "main") and hasattr(module, experiments):
            made = command_class(name)
            return command_lib.read_experiment(
                {
                    key: (text, made(settings))
                    for key, (text, settings) in getattr(
                        module, experiments
                    ).items()
                },
                words,
            )
    return command_lib.read(command_class(name), words)


def module_and_words(line: str) -> list[str]:
    """Returns the module of a command in a clone, and what follows it."""
    first, *words = shlex.split(line)
    if first == "tp-keras":
        return [f"training.{words[0]}", *words[1:]]
    assert [first, words[0]] == ["python", "-m"]
    return words[1:]


def parse_next(text: str):
    """Returns what the last line of an output stands for, after `Next: `."""
    last = text.rstrip().splitlines()[-1]
    assert last.startswith("Next: "), last
    return parse(last.removeprefix("Next: "))


def command_class(name: str) -> type:
    """Returns the command of a module."""
    (found,) = (
        value
        for value in vars(importlib.import_module(name)).values()
        if dataclasses.is_dataclass(value)
        and hasattr(value, "execute")
        and value.__module__ == name
    )
    return found


def flags_of(settings_class) -> set[str]:
    """Returns the flags of a command, those of nested settings too."""
    flags = set()
    for field in dataclasses.fields(settings_class):
        if dataclasses.is_dataclass(field.type):
            flags |= flags_of(field.type)
        else:
            flags.add(field.name)
    return flags


def refusal(capsys, run, *arguments) -> str:
    """Returns what a command says that ends with an error of its user."""
    with pytest.raises(SystemExit) as error:
        run(*arguments)
    assert error.value.code == command_lib.EXIT_USER_ERROR
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return said
