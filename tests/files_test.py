import pathlib

import pytest

from tp_keras import files


def names(folder):
    return sorted(path.name for path in pathlib.Path(folder).iterdir())


def test_new_folder_takes_its_place_at_the_end(tmp_path):
    folder = tmp_path / "deep" / "test"
    with files.new_folder(folder) as aside:
        (aside / "a").touch()
        assert not folder.exists()
    assert names(folder) == ["a"]
    assert names(folder.parent) == ["test"]


def test_new_folder_replaces_an_earlier_one(tmp_path):
    folder = tmp_path / "test"
    folder.mkdir()
    (folder / "left over").touch()
    with files.new_folder(folder) as aside:
        (aside / "a").touch()
        assert names(folder) == ["left over"]
    assert names(folder) == ["a"]
    assert names(tmp_path) == ["test"]


def test_failed_block_leaves_what_was_there(tmp_path):
    folder = tmp_path / "test"
    folder.mkdir()
    (folder / "first").touch()
    with (
        pytest.raises(OSError, match="no space"),
        files.new_folder(folder) as aside,
    ):
        (aside / "half").touch()
        raise OSError("no space")
    assert names(folder) == ["first"]
    assert names(tmp_path) == ["test"]


def test_text_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "page.html"
    files.write_text(path, "first – é")
    with pytest.raises(UnicodeEncodeError):
        files.write_text(path, "second \ud800")
    assert path.read_text(encoding="utf-8") == "first – é"
    assert names(path.parent) == ["page.html"]
