"""The wheel holds all that is needed, and works far from the clone."""

import importlib.metadata
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest
from packaging.requirements import Requirement

from tests.requirements_test import lines_of
from tp_keras import __version__
from training.__main__ import command_names

ROOT = pathlib.Path(__file__).parents[1]
FOLDERS = {
    "tp_keras": "tp_keras",
    "datasets": "tp_keras_datasets",
    "training": "tp_keras_training",
}

# Builds, loads, trains, exports and predicts by the installed command, in one
# process: each start of TensorFlow would take longer than all this.
WAY = """
import pathlib, runpy, sys
import tensorflow as tf, tensorflow_datasets as tfds

script, name = sys.argv[1], "tiny_portraits/synthetic_tiny"

def tp_keras(*words):
    sys.argv = [script, *words]
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        assert not end.code, end.code

tp_keras("build_dataset", "--count", "400")
import tp_keras_datasets.tiny_portraits
(row,) = tfds.load(name, split="test[:1]", data_dir="data/tfds")
pathlib.Path("one.png").write_bytes(tf.io.encode_png(row["image"]).numpy())
tp_keras(
    *("train", "demo", "--run_dir", "run", "--dataset", name, "--epochs", "1"),
    *("--train_split", "train[:16]", "--validation_split", "validation[:8]"),
    *("--batch_size", "8", "--warmup_epochs", "0", "--averaging", "0"),
    *("--tasks", "gender", "--backbone", "PortraitBackbone("
      "block_type='merged', stem_channels=8, stages=((8, 0, 4),))"),
)
tp_keras("export", "--run_dir", "run")
bundle = "exported_models/portrait_attributes"
words = "--images", "one.png", "--portraits", "True"
tp_keras("predict", "--bundle", bundle, *words)
for package in ("tp_keras", "tp_keras_datasets", "tp_keras_training"):
    assert sys.modules[package].__file__.startswith(sys.prefix)
"""


def run(*words, **settings):
    """Returns what a process that goes well has printed."""
    return subprocess.run(
        [*map(str, words)],
        **{"check": True, "stdout": subprocess.PIPE, "text": True} | settings,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The file that `make wheel` makes."""
    folder = tmp_path_factory.mktemp("clone")
    for path in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / path, folder)
    for path in ROOT.glob("requirements*.txt"):
        shutil.copy(path, folder)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name)
    run(sys.executable, "-m", "build", "--no-isolation", cwd=folder)
    (path,) = folder.glob("dist/*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """A new environment with the wheel, beside the packages of this one."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    (packages,) = folder.glob("lib/python*/site-packages")
    shared = [path for path in sys.path if path.endswith("-packages")]
    (packages / "shared.pth").write_text("\n".join(shared))
    run(
        *(sys.executable, "-m", "pip", "--python", python, "install"),
        *("--quiet", "--no-deps", "--no-index", wheel),
    )
    return folder


def test_the_wheel_holds_every_file_but_tests(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    found = {name for name in names if ".dist-info/" not in name}
    expected = {
        f"{package}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder, package in FOLDERS.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
        and not path.name.endswith(("_test.py", ".pyc"))
        and "/dummy_data" not in path.as_posix()
    }
    assert found == expected
    data_set = "tp_keras_datasets/tiny_portraits"
    assert {f"{data_set}/README.md", f"{data_set}/CITATIONS.bib"} <= found


def test_the_wheel_asks_for_what_the_files_pin(environment):
    (path,) = environment.glob("lib/python*/site-packages/tp_keras-*.dist-info")
    wheel = importlib.metadata.Distribution.at(path)
    assert wheel.version == __version__
    (script,) = wheel.entry_points
    assert (script.group, script.name) == ("console_scripts", "tp-keras")
    files = {None: "requirements.txt"} | {
        extra: f"requirements-{extra}.txt"
        for extra in wheel.metadata.get_all("Provides-Extra")
    }
    assert set(files) == {None, "formats", "jax", "page"}
    for extra, name in files.items():
        ending = f'; extra == "{extra}"' if extra else ""
        wanted = {Requirement(line + ending) for line in lines_of(name)}
        assert wanted <= set(map(Requirement, wheel.requires))


def test_the_command_lists_the_commands(environment, tmp_path):
    command = environment / "bin" / "tp-keras"
    listed = run(command, cwd=tmp_path).stdout
    usage, empty, *lines = listed.splitlines()
    assert usage == "usage: tp-keras COMMAND [--help] ..." and not empty
    assert [line.split()[0] for line in lines] == command_names()
    assert all(len(line.split()) > 2 for line in lines)
    assert run(command, "--help", cwd=tmp_path).stdout == listed
    failed = run(
        command, "trian", check=False, stderr=subprocess.PIPE, cwd=tmp_path
    )
    assert failed.returncode == 2
    assert "The nearest is `tp-keras train`" in failed.stderr
    assert "Received: command=trian" in failed.stderr
    # A notebook has no command running.
    code = (
        "from tp_keras.command_line import *; print(command_line('training.x'))"
    )
    python = environment / "bin" / "python"
    assert run(python, "-c", code, cwd=tmp_path).stdout == "tp-keras x\n"


def test_from_portraits_to_predictions_far_from_the_clone(
    environment, tmp_path
):
    script = environment / "bin" / "tp-keras"
    out = run(environment / "bin" / "python", "-c", WAY, script, cwd=tmp_path)
    lines = out.stdout.splitlines()
    assert [line for line in lines if line.startswith("Next: ")] == [
        "Next: tp-keras train demo --data_dir data/tfds "
        "--dataset tiny_portraits/synthetic_tiny",
        "Next: tp-keras evaluate --run_dir run",
        "Next: tp-keras predict --bundle exported_models/portrait_attributes "
        "--images FILE.png",
    ]
    file, label, *_ = lines[-1].split()
    assert file == "one.png" and label in ("female", "male")
    assert "2 steps an epoch" in out.stdout
