import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tests.processes import ended_process
from tp_keras import files
from tp_keras.errors import UserError


def names(folder):
    return sorted(path.name for path in pathlib.Path(folder).iterdir())


def test_a_file_takes_its_place_at_the_end(tmp_path):
    path = tmp_path / "deep" / "rows.npy"
    for values in ([1], [2, 3]):
        with files.replaced(path) as aside:
            np.save(aside, values)  # The ending is there: none is added.
        assert np.load(path).tolist() == values
    assert names(path.parent) == ["rows.npy"]


def test_a_file_that_fails_leaves_the_old_one(tmp_path):
    path = tmp_path / "page.html"
    files.write_text(path, "first – é\n")
    with pytest.raises(UnicodeEncodeError):
        files.write_text(path, "second \ud800")
    assert path.read_bytes() == "first – é\n".encode()
    assert names(tmp_path) == ["page.html"]


def test_a_folder_takes_its_place_at_the_end_or_not_at_all(tmp_path):
    folder = tmp_path / "deep" / "test"
    with files.new_folder(folder) as aside:
        (aside / "a").touch()
        assert not folder.exists()
    with files.new_folder(folder) as aside:
        (aside / "b").touch()
        assert names(folder) == ["a"]
    with (
        pytest.raises(OSError, match="no space"),
        files.new_folder(folder) as aside,
    ):
        (aside / "half").touch()
        raise OSError("no space")
    assert names(folder) == ["b"]
    assert names(folder.parent) == ["test"]


def test_leftovers_of_killed_processes_are_removed(tmp_path):
    killed = ended_process()
    living = f".{os.getppid()}-ab.partial-train.npy"
    for name in (f".{killed}-ab.partial-train.npy", living, "train.npy"):
        (tmp_path / name).touch()
    (tmp_path / f".{killed}-cd.partial-train.npy" / "deep").mkdir(parents=True)
    files.remove_leftovers(tmp_path, "train.npy")
    assert names(tmp_path) == [living, "train.npy"]
    # Also when the same file is written again, whatever its name.
    (tmp_path / f".{killed}-ab.partial-[1].txt").touch()
    files.write_text(tmp_path / "[1].txt", "whole")
    assert names(tmp_path) == [living, "[1].txt", "train.npy"]


_HOLDS = """
import sys
from tp_keras import files
with files.only_one(sys.argv[1]):
    print("in", flush=True)
    sys.stdin.read()
"""


def test_one_process_at_a_time_works_in_a_folder(tmp_path):
    folder = tmp_path / "deep" / "run"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDS, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout.readline() == b"in\n"
        with (
            pytest.raises(UserError, match=f"Another process.*{folder}"),
            files.only_one(folder),
        ):
            pass
        # As the kernel ends it: what it has left locks nobody out.
        other.kill()
        other.wait()
        assert names(folder.parent) == [".run.lock"]
    for _ in range(2):
        with files.only_one(folder):
            assert not folder.exists()
        assert names(folder.parent) == []


def test_a_place_is_tried_without_a_trace(tmp_path):
    files.check_place(tmp_path / "new" / "folder")
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError) as info:
        files.check_place(tmp_path / "file" / "below" / "it")
    place = str(tmp_path / "file" / "it")
    assert files.final_name(info.value.filename) == place
    assert [*tmp_path.iterdir()] == [tmp_path / "file"]
