"""Flags that name a folder, where something else lies."""

import importlib

import pytest

from tests.command_line_test import required
from tests.printed_commands import EXPERIMENT
from tests.printed_commands import command_class
from tests.printed_commands import flags_of
from tests.printed_commands import refusal
from tp_keras.command_line import changed_flags
from training import command
from training.__main__ import command_names

FOLDERS = {
    name: sorted(
        flag
        for flag in flags_of(command_class(f"training.{name}"))
        if flag.endswith(("_dir", "_run", "_runs", "bundle", "bundles"))
    )
    for name in command_names()
}


def words_of(name, flag, value):
    """The words of a command with all that it can't go without."""
    if name in EXPERIMENT:
        return [EXPERIMENT[name], f"--{flag}", value]
    words = []
    for other, own in changed_flags(required(f"training.{name}")).items():
        if other != flag:
            own = own if isinstance(own, tuple) else (own,)
            words += [f"--{other}", *own]
    return [*words, f"--{flag}", value]


def run(name, words):
    module = importlib.import_module(f"training.{name}")
    if name in EXPERIMENT:
        module.main(words)
    else:
        command.run(command_class(f"training.{name}"), words)


def test_every_folder_is_known():
    assert FOLDERS["train"] == ["data_dir", "from_run", "run_dir"]
    assert FOLDERS["fairness_sweep"] == ["base_runs", "data_dir", "sweep_dir"]
    assert sum(map(len, FOLDERS.values())) > 50


@pytest.mark.parametrize("name", FOLDERS)
def test_no_folder_lies_there(name, tmp_path, capsys):
    (tmp_path / "file").write_text("text")
    (tmp_path / "dead").symlink_to(tmp_path / "gone")
    (tmp_path / "ring").symlink_to(tmp_path / "ring")
    below = "{place}/a/b"
    for flag in FOLDERS[name]:
        if flag == "manual_dir":
            continue  # An archive is a file.
        for kind, what in {
            "file": "is a file",
            "dead": f"is a link to {tmp_path}/gone, where nothing is",
            "ring": f"is a link to {tmp_path}/ring, where nothing is",
        }.items():
            place = f"{tmp_path}/{kind}"
            for value in (place, below.format(place=place)):
                said = refusal(capsys, run, name, words_of(name, flag, value))
                assert said == (
                    f"error: Expected a folder, and {place} {what}. Give "
                    f"another --{flag}. Received: {flag}={value}\n"
                )
    assert len([*tmp_path.iterdir()]) == 3


def test_a_link_to_a_folder_and_an_archive_are_taken(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    (tmp_path / "faces.zip").write_bytes(b"")
    build = command_class("training.build_dataset")
    command.check_places(
        build(
            data_dir=tmp_path / "link" / "new",
            manual_dir=tmp_path / "faces.zip",
        )
    )
