import numpy as np
import pytest
from PIL import Image

from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import make_portraits
from tp_keras.errors import UserError
from tp_keras.gallery.picture import TERMS
from tp_keras.gallery.picture import check_picture_path
from tp_keras.gallery.picture import write_picture

PIXELS = np.random.default_rng(0).integers(
    256, size=(40, 30, 3), dtype=np.uint8
)


@pytest.mark.parametrize("name", ["a.png", "new/a.jpg", "A.JPEG"])
def test_files_say_what_they_are_made_of(tmp_path, name):
    people, drawn = make_portraits(2, schema=EVERY_KIND), make_portraits(2)
    for portraits in (people, drawn):
        write_picture(tmp_path / name, PIXELS, portraits, seed=7)
        with Image.open(tmp_path / name) as picture:
            exif, text = dict(picture.getexif()), picture.info
            picture.load()
        assert exif[0x010E] == (
            "Source: made/here/1.0.0, split train; "
            f"Fingerprint: {portraits.fingerprint}; Seed: 7"
        )
        if name.endswith("png"):
            assert (np.asarray(picture) == PIXELS).all()
            assert text["Fingerprint"] == portraits.fingerprint
            assert text["Source"] == "made/here/1.0.0, split train"
            assert text["Seed"] == "7"
            assert ("Disclaimer" in text) == (portraits is people)
        # Those of nobody may go anywhere.
        assert exif.get(0x8298) == (TERMS if portraits is people else None)


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("old")
    with pytest.raises(TypeError):
        write_picture(path, np.zeros((3, 4), complex), make_portraits(2))
    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]


def test_other_files_are_refused(tmp_path):
    for path in (tmp_path, tmp_path / "a.gif", "a"):
        with pytest.raises(UserError, match=r"\.png or \.jpg .*Received: out"):
            check_picture_path(path)
    check_picture_path(tmp_path / "a.PNG")
