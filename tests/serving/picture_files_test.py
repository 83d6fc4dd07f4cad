import os

import pytest

from tp_keras.errors import UserError
from tp_keras.serving import find_pictures


@pytest.fixture
def album(tmp_path, monkeypatch):
    """A folder as people have it, and the current one."""
    for name in (
        *("b.JPG", "a.png", "notes.txt", ".hidden.png", ".thumbnails/a.png"),
        *("2019/c.webp", "2019/._c.webp", "2019/c.mpo", "2019/d.HEIC"),
        *("[x] 1.png", "x 1.png"),
    ):
        path = tmp_path / "album" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "album"


EVERY = [
    "album/[x] 1.png",
    "album/a.png",
    "album/b.JPG",
    "album/x 1.png",
    "album/2019/c.mpo",
    "album/2019/c.webp",
    "album/2019/d.HEIC",
]


def test_a_folder_stands_for_the_pictures_below(album):
    assert find_pictures(["album"]) == EVERY
    assert find_pictures([album]) == [str(album.parent / e) for e in EVERY]
    assert find_pictures(["album/2019/"]) == EVERY[4:]


def test_a_pattern_stands_for_what_it_matches_or_for_itself(album):
    assert find_pictures(["album/[x] 1.png"]) == ["album/[x] 1.png"]
    assert find_pictures(["album/*.png"]) == [EVERY[0], EVERY[1], EVERY[3]]
    assert find_pictures(["album/**/*.[wm]*"]) == EVERY[4:6]
    # Folders among the matches too, and no notes.
    assert sorted(find_pictures(["album/*"])) == sorted(EVERY)


def test_a_list_stands_for_its_lines(album):
    name = os.fsencode("caf") + b"\xe9.png"
    (album.parent / "list.txt").write_bytes(
        b"\xef\xbb\xbfalbum/a.png\r\n\r\nalbum/2019\r\nlist.txt\r\n" + name
    )
    found = find_pictures(["list.txt"])
    assert found == [EVERY[1], *EVERY[4:], os.fsdecode(name)]


def test_order_and_repetitions(album):
    found = find_pictures(["album/x 1.png", "gone.png", "album", "gone.png"])
    assert found == ["album/x 1.png", "gone.png", *EVERY[:3], *EVERY[4:]]


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["empty"],
        ["*.gif"],
        ["album", "album/*.bmp"],
        ["gone.txt"],
        ["e.txt"],
    ],
)
def test_nothing_found(album, names):
    (album.parent / "empty").mkdir()
    (album.parent / "e.txt").touch()
    with pytest.raises(UserError, match="picture.*Received: "):
        find_pictures(names)
