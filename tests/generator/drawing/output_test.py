import errno

import pytest

from tp_keras.errors import UserError
from tp_keras.generator.drawing.output import written_aside


def test_a_file_takes_the_place_of_another_at_the_end_alone(tmp_path):
    path = tmp_path / "out.png"
    path.write_text("old")
    with pytest.raises(UserError), written_aside(path) as aside:
        aside.write_text("half")
        raise UserError("no")
    assert path.read_text() == "old"
    with written_aside(path) as aside:
        aside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_appears_with_its_parents(tmp_path):
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "a" / "b" / "pack", tmp_path / "empty"):
        with written_aside(path, folder=True) as aside:
            (aside / "file").write_text("text")
            assert not (path / "file").exists()
        assert (path / "file").read_text() == "text"
    names = {"a", "b", "pack", "empty", "file"}
    assert {p.name for p in tmp_path.rglob("*")} == names


@pytest.mark.parametrize("folder", [True, False])
@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "full")]
)
def test_a_failure_leaves_nothing(tmp_path, folder, error):
    place = tmp_path / "a" / "b" / "out"
    with pytest.raises(type(error)), written_aside(place, folder) as aside:
        (aside / "half" if folder else aside).write_text("half")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_places_that_are_taken_or_cannot_be(tmp_path):
    (tmp_path / "file").write_text("text")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "other").touch()
    for path, folder, message in (
        (tmp_path / "full", True, "not empty"),
        (tmp_path / "file", True, "not empty"),
        (tmp_path / "full", False, "there is a folder"),
        # A file where a folder would have to be.
        (tmp_path / "file" / "out.png", False, "can't be written"),
        # Nobody, not even root, makes folders there.
        ("/proc/1/nowhere/out.png", False, "can't be written"),
    ):
        with (
            pytest.raises(UserError, match=message),
            written_aside(path, folder),
        ):
            raise RuntimeError("The block must not begin.")
    assert (tmp_path / "file").read_text() == "text"
    assert len(list(tmp_path.iterdir())) == 2
