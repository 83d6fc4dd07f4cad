import os
import shutil

import pytest

from . import checksums
from .checksums import CHECKSUMS_NAME
from .checksums import find_damage


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A small file, and two that are large."""
    monkeypatch.setattr(checksums, "_ALWAYS_READ", 10)
    folder = tmp_path / "set"
    (folder / "within").mkdir(parents=True)
    (folder / "small").write_text("12345")
    (folder / "large").write_text("1234567890 1234567890")
    (folder / "within" / "large").write_text("abcdefghij abcdefghij")
    (folder / "free").touch()
    (folder / f".{CHECKSUMS_NAME}").touch()  # A killed process may leave it.
    checksums.write_checksums(folder, ["free"])
    return folder


def rewrite(path, text):
    """Changes the content, and neither size nor time."""
    stat = path.stat()
    assert len(text) == stat.st_size
    path.write_text(text)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_what_is_as_it_was_is_whole(folder):
    noted = (folder / CHECKSUMS_NAME).read_bytes()
    (folder / "free").write_text("of the user")
    (folder / "another").touch()
    assert find_damage(folder) == find_damage(folder, verify=True) == []
    assert (folder / CHECKSUMS_NAME).read_bytes() == noted
    assert find_damage(folder / "within") == []  # It has no checksums.


def test_damage_is_named(folder):
    (folder / "small").unlink()
    (folder / "large").write_text("1234567890 123456789x")
    (folder / "within" / "large").write_text("")
    assert find_damage(folder) == ["large", "small", "within/large"]
    assert find_damage(folder, ["small", "free"]) == ["small"]


def test_a_large_file_of_the_same_time_is_read_on_request(folder):
    rewrite(folder / "small", "1234x")
    assert find_damage(folder) == ["small"]
    rewrite(folder / "small", "12345")
    rewrite(folder / "large", "1234567890 123456789x")
    assert find_damage(folder) == []
    assert find_damage(folder, verify=True) == ["large"]


def test_the_time_of_a_copy_is_noted_once(folder, tmp_path, monkeypatch):
    shutil.copytree(folder, tmp_path / "copy", copy_function=shutil.copyfile)
    read = []
    hash_file = checksums._hash
    monkeypatch.setattr(
        checksums, "_hash", lambda path: [hash_file(path), read.append(path)][0]
    )
    for expected in (3, 1):
        read.clear()
        assert find_damage(tmp_path / "copy") == []
        assert len(read) == expected


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b"[]", b'{"small": 5}', b'{"small": {"size": 5}}'],
)
def test_damaged_checksums_are_damage(folder, content):
    (folder / CHECKSUMS_NAME).write_bytes(content)
    assert find_damage(folder) == [CHECKSUMS_NAME]
    (folder / CHECKSUMS_NAME).unlink()
    (folder / CHECKSUMS_NAME).mkdir()
    assert find_damage(folder) == [CHECKSUMS_NAME]
