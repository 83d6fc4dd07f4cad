"""What `--help` says, without a look into the code."""

import importlib
import re

import pytest

from tests.printed_commands import EXPERIMENT
from tests.printed_commands import command_class
from tests.printed_commands import flags_of
from tp_keras import config
from tp_keras import debias_config
from tp_keras.audit.audit import CHECKS
from tp_keras.generator.config import PRIORS
from tp_keras.limits.axes import make_axes
from tp_keras.models.backbone import BLOCK_TYPES
from tp_keras.models.presets import BACKBONE_PRESETS
from training import command
from training.__main__ import command_names
from training.configs import EXPERIMENTS

# Flag -> what it may be, to be named by its help.
CHOICES = {
    "score": ("accuracy", "neutral_accuracy", "loss"),
    "axes": [axis.name for axis in make_axes((108, 84, 3))],
    "backbone": BACKBONE_PRESETS,
    "base": EXPERIMENTS,
    "block_types": BLOCK_TYPES,
    "checks": CHECKS,
    "debias": debias_config.DEBIAS_METHODS,
    "debias_scope": debias_config.DEBIAS_SCOPES,
    "experiment": EXPERIMENTS,
    "number_head": config.NUMBER_HEADS,
    "posthoc": debias_config.POSTHOC_METHODS,
    "optimizer": config.OPTIMIZERS,
    "precision": config.PRECISIONS,
    "prior": ("auto", *PRIORS),
    "storage": config.STORAGES,
    "tuner": ("bayesian", "hyperband"),
}
FILES = {"MODEL_CARD", "DATASET_CARD"}


def help_of(name, capsys):
    """The help of a command as one line of plain text."""
    with pytest.raises(SystemExit):
        if name in EXPERIMENT:
            module = importlib.import_module(f"training.{name}")
            module.main([EXPERIMENT[name], "--help"])
        else:
            command.run(command_class(f"training.{name}"), ["--help"])
    return " ".join(re.sub("[─-╿]", " ", capsys.readouterr().out).split())


@pytest.mark.parametrize("name", command_names())
def test_help_names_choices_and_no_constants(name, capsys):
    flags = flags_of(command_class(f"training.{name}"))
    text = help_of(name, capsys)
    for word in re.findall(r"\b[A-Z]+_[A-Z_]+\b", text):
        assert word.lower() in flags or word in FILES, word
    for word in re.findall(r"`(\w+)`", text):
        # What is quoted is to be typed, not a function or a class.
        assert word in text.replace(f"`{word}`", "") or any(
            word in choices for choices in CHOICES.values()
        ), word
    for flag in flags & set(CHOICES):
        *_, own = re.findall(rf"--{flag} (.*?)(?= --[a-z]|$)", text)
        own = own.partition("(default:")[0]
        for choice in CHOICES[flag]:
            assert re.search(rf"\b{re.escape(choice)}\b", own), (flag, choice)
