"""Whatever names a command names one that is there, and names it whole."""

import ast
import dataclasses
import importlib.util
import itertools
import pathlib
import re
import sys
import types
import typing

import pytest

from datasets.building.prepare import find_builder_class
from tests.printed_commands import EXPERIMENT
from tests.printed_commands import command_class
from tests.printed_commands import find_commands
from tests.printed_commands import flags_of
from tests.printed_commands import module_and_words
from tests.printed_commands import parse
from tp_keras.command_line import changed_flags
from tp_keras.command_line import command_line
from tp_keras.command_line import install_command
from tp_keras.command_line import process_words
from tp_keras.command_line import train_command
from tp_keras.config import DataConfig
from tp_keras.data.builders import build_command
from tp_keras.errors import UserError
from training.__main__ import command_names
from training.build_dataset import BuildDataset
from training.command import read
from training.command import shown
from training.configs import EXPERIMENTS
from training.configs import experiment_of
from training.pretrain import Pretrain
from training.pretrain_configs import PRETRAIN_EXPERIMENTS
from training.train import Train
from training.train_vae import TrainVae
from training.vae_configs import VAE_EXPERIMENTS

ROOT = pathlib.Path(__file__).parents[1]
SOURCES = sorted(
    path
    for folder in ("tp_keras", "training", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
)
COMMANDS = [
    f"training.{name}" for name in command_names() if name not in EXPERIMENT
]

# Values that a shell or a parser could take for something else.
STRINGS = ("two words", "it's $HOME", "train[:50%]", "*.png", "", "a\\ b")


def changed(settings):
    """Returns settings in which every field that may differ does."""
    hints = typing.get_type_hints(type(settings))
    texts = itertools.cycle(STRINGS)
    for name, kind in hints.items():
        value = _other(kind, getattr(settings, name), texts)
        try:
            settings = dataclasses.replace(settings, **{name: value})
        except UserError:
            continue  # One of a few words, or a number within limits.
    return settings


def _other(kind, value, texts):
    """Returns another value of a type."""
    arguments = typing.get_args(kind)
    if isinstance(kind, types.UnionType) or type(None) in arguments:
        return _other(arguments[0], value, texts)
    if dataclasses.is_dataclass(kind):
        return changed(value)
    if typing.get_origin(kind) is tuple:
        kinds = [a for a in arguments if a is not Ellipsis] * 2
        return tuple(_other(k, None, texts) for k in kinds[:2])
    if typing.get_origin(kind) is typing.Literal:
        return next(choice for choice in arguments if choice != value)
    if kind is bool:
        return not value
    if kind is int:
        return (value or 0) + 1
    if kind is float:
        return (value or 1.0) * 0.7
    return kind(next(texts))


def required(name):
    """Returns a command with what it can't go without."""
    return command_class(name)(
        **{
            field.name: ("one.png", "an image.png")
            if str(field.type).startswith("tuple")
            else "a folder"
            for field in dataclasses.fields(command_class(name))
            if field.default is dataclasses.MISSING
            and field.default_factory is dataclasses.MISSING
        }
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_parsed_back_from_what_is_shown(name):
    plain = required(name)
    whole = changed(plain)
    assert whole != plain
    for command in (plain, whole):
        assert parse(shown(command)) == command


@pytest.mark.parametrize(
    ("module", "experiments", "kind"),
    [
        ("training.train", EXPERIMENTS, Train),
        ("training.train_vae", VAE_EXPERIMENTS, TrainVae),
        ("training.pretrain", PRETRAIN_EXPERIMENTS, Pretrain),
    ],
)
def test_an_experiment_is_parsed_back(module, experiments, kind):
    for name, (_, base) in experiments.items():
        config = changed(base)
        flags = changed_flags(config, base)
        assert {"run_dir", "data_dir", "dataset", "flip"} <= set(flags)
        line = command_line(module, name, **flags)
        assert parse(line) == kind(config)
        assert parse(command_line(module, name)) == kind(base)


def test_several_data_sets_are_parsed_back():
    data = DataConfig(dataset=("a/x", "b y/z"), mixing=0.5)
    line = train_command(data, mixing=0.5, train_split=("train", "train[:5]"))
    assert "--dataset a/x 'b y/z' --mixing" in line
    parsed = parse(line).config.data
    assert (parsed.dataset, parsed.mixing) == (data.dataset, 0.5)
    assert parsed.train_split == ("train", "train[:5]")
    for name in ("run_all", "tune", "fairness_sweep"):
        words = ["--dataset", "a/x", "b/y"]
        command = command_class(f"training.{name}")
        assert read(command, words) == command(dataset=("a/x", "b/y"))
        assert read(command, words[:2]) == command(dataset="a/x")


def told():
    """Returns how commands are typed, and what runs one."""
    typed = command_line("training.train", "demo", run_dir="my run")
    others = command_line("benchmarks.all"), install_command("formats")
    return typed, process_words(typed)[1:], *others


def test_commands_are_typed_as_this_process_was_started(monkeypatch):
    words = ["demo", "--run_dir", "my run"]
    assert told() == (
        "python -m training.train demo --run_dir 'my run'",
        ["-m", "training.train", *words],
        "python -m benchmarks.all",
        "pip install -r requirements-formats.txt",
    )
    monkeypatch.delitem(sys.modules, "training")
    installed = types.ModuleType("tp_keras_training")
    monkeypatch.setitem(sys.modules, "tp_keras_training", installed)
    assert told() == (
        "tp-keras train demo --run_dir 'my run'",
        ["-m", "tp_keras_training", "train", *words],
        "python -m benchmarks.all",
        "pip install 'tp_keras[formats]'",
    )
    assert parse(told()[0]) == parse(command_line("training.train", *words))


def test_a_value_is_never_taken_for_a_flag():
    line = command_line("training.evaluate", run_dir="--split")
    assert parse(line).run_dir == "--split"


@pytest.mark.parametrize(
    ("dataset", "experiment"),
    [
        ("tiny_portraits/synthetic_tiny", "demo"),
        ("tiny_portraits/archives", "real"),
    ],
)
def test_the_command_that_trains_on_given_data(dataset, experiment):
    data = DataConfig(data_dir="my data", dataset=dataset)
    _, base = EXPERIMENTS[experiment]
    expected = dataclasses.replace(
        base,
        run_dir="a run",
        data=dataclasses.replace(
            base.data, data_dir="my data", dataset=dataset
        ),
    )
    assert experiment_of(dataset) == experiment
    command = train_command(data, experiment, run_dir="a run")
    assert parse(command) == Train(expected)


@pytest.mark.parametrize(
    "dataset", ["hidden_criterion", "selfies", "tiny_portraits", "utk_face"]
)
def test_the_command_that_prepares_a_data_set(dataset):
    builder = find_builder_class(dataset)
    for name in (*builder.builder_configs, "synthetic_500_seed7"):
        assert builder.VARIANTS.find(name).name == name
        name = f"{dataset}/{name}"
        line = build_command("my data", name, overwrite=True)
        expected = BuildDataset(
            dataset=name,
            data_dir=pathlib.Path("my data"),
            overwrite=True,
        )
        assert parse(line) == expected


@pytest.mark.parametrize(
    "path", SOURCES, ids=lambda path: str(path.relative_to(ROOT))
)
def test_commands_in_the_code(path):
    tree = ast.parse(path.read_text())
    docstrings = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            docstrings.append(ast.get_docstring(node, clean=False))
        # What is shown to a user is quoted, so it is made by one function.
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert node.value in docstrings or not re.search(
                "python -m training|tp-keras ", node.value
            ), node.value
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            known = None
            if node.func.id == "train_command":
                known = {"experiment"} | flags_of(
                    command_class("training.train")
                )
            elif node.func.id == "command_line" and isinstance(
                node.args[0], ast.Constant
            ):
                known = flags_of(command_class(node.args[0].value))
            for keyword in node.keywords if known else ():
                assert keyword.arg is None or keyword.arg in known
    for line in find_commands("\n".join(filter(None, docstrings))):
        _check(line)


@pytest.mark.parametrize(
    "name",
    [
        *("README.md", "benchmarks/README.md", "exported_models/README.md"),
        "datasets/hidden_criterion/README.md",
        "datasets/selfies/README.md",
        "datasets/tiny_portraits/README.md",
        "datasets/utk_face/README.md",
        *("CONTRIBUTING.md", "Makefile", "notebooks/README.md"),
        *sorted(
            f"docs/{path.name}"
            for path in (ROOT / "docs").glob("*.md")
            if "python -m " in path.read_text()
        ),
    ],
)
def test_commands_in_the_documents(name):
    text = (ROOT / name).read_text().replace("$(RUN)", "python")
    lines = find_commands(text)
    assert lines
    for line in lines:
        _check(line)


def _check(line):
    """Raises unless a command of a document exists, with all its flags."""
    module, *words = module_and_words(line)
    if words and module.startswith("training.") and "--help" not in words:
        assert parse(line)
    else:
        assert importlib.util.find_spec(module)
