import numpy as np
import pytest
from PIL import Image

from tests.export.networks import random_portraits
from tests.portrait_factory import SCHEMA
from tp_keras.errors import UserError
from tp_keras.generator.drawing.edits import make_edits
from tp_keras.generator.drawing.sheet import check_sheet
from tp_keras.generator.drawing.sheet import draw_sheet
from tp_keras.generator.drawing.sheet import write_animation


def find(sheet, pixels):
    """Returns where a portrait stands in a sheet, as row and column."""
    sheet = np.asarray(sheet)
    height, width, _ = pixels.shape
    (place,) = (
        (r, c)
        for r, c in np.argwhere((sheet == pixels[0, 0]).all(axis=-1))
        if np.array_equal(sheet[r : r + height, c : c + width], pixels)
    )
    return place


def test_portraits_stand_in_rows_and_keep_their_pixels():
    images = random_portraits(5)
    sheet = draw_sheet(images, "a title", columns=3)
    places = [find(sheet, pixels) for pixels in images]
    rows, columns = zip(*places, strict=True)
    assert rows[0] == rows[1] == rows[2] < rows[3] == rows[4]
    assert columns[0] == columns[3] < columns[1] == columns[4] < columns[2]
    assert rows[3] - rows[0] >= 108

    # Else it is about square: eight by eight, without a gap.
    size = draw_sheet(random_portraits(64)).size
    assert size == (12 + 8 * 86 - 2, 12 + 8 * 110 - 2)
    width, height = draw_sheet(random_portraits(37)).size
    assert 0.7 < width / height < 1.3


def ink(picture):
    return int((np.asarray(picture.convert("L")) < 128).sum())


def test_titles_and_captions_are_written():
    white = np.full((2, 108, 84, 3), 255, np.uint8)
    assert ink(draw_sheet(white)) == 0
    titled = draw_sheet(white, "female, blond hair, temperature 0.8, seed 7")
    assert ink(titled) > 100
    # Too long for one line.
    assert titled.height > draw_sheet(white, "female").height
    captioned = draw_sheet(white, captions=["one", "two\nlines"])
    assert ink(captioned) > 20
    assert captioned.height > draw_sheet(white).height + 20


@pytest.mark.parametrize("count", [-3, 0, 4097])
def test_impossible_counts(count):
    with pytest.raises(UserError, match=f"count={count:,}"):
        check_sheet(count)


def test_an_animation_runs_to_and_fro(tmp_path):
    images = np.zeros((3, 108, 84, 3), np.uint8)
    images += np.array([10, 120, 240], np.uint8)[:, None, None, None]
    write_animation(tmp_path / "a.gif", images)
    with Image.open(tmp_path / "a.gif") as animation:
        assert animation.format == "GIF"
        assert animation.size == (3 * 84, 3 * 108)
        assert animation.info["loop"] == 0
        found = []
        for frame in range(animation.n_frames):
            animation.seek(frame)
            assert animation.info["duration"] == 660
            found.append(animation.convert("RGB").getpixel((50, 50))[0])
    np.testing.assert_allclose(found, [10, 120, 240, 120], atol=2)


class PaintingGenerator:
    # Paints a level for each of the rows that it is asked for.
    def edit(self, images, labels, new_labels):
        self.labels = labels
        self.targets = [
            dict(zip(new_labels, row, strict=True))
            for row in zip(*new_labels.values(), strict=True)
        ]
        levels = 10 * np.arange(len(images), dtype=np.uint8)
        return np.zeros_like(images) + levels[:, None, None, None]


def edits_of(labels, **new):
    generator = PaintingGenerator()
    labels = SCHEMA.complete_labels(labels)
    image = random_portraits(1)[0]
    images, captions = make_edits(
        generator, SCHEMA.condition_tasks, image, labels, new
    )
    np.testing.assert_array_equal(images[0], image)
    assert generator.labels == generator.targets[0] == labels
    assert captions[:2] == ["photo", "reconstruction"]
    levels = [10 * number for number in range(len(captions) - 1)]
    assert images[1:, 0, 0, 0].tolist() == levels
    return captions[2:], generator.targets[1:]


WAVY = {"gender": "female", "hair_color": "brown", "hair_type": "wavy"}


def test_one_edit_keeps_what_is_not_named():
    captions, targets = edits_of(WAVY, gender="male", hair_color="blond")
    assert captions == ["male, blond"]
    assert targets == [{**WAVY, "gender": "male", "hair_color": "blond"}]


def test_without_a_wish_every_other_class_is_shown():
    captions, targets = edits_of(WAVY)
    assert captions == ["male", "black", "blond", "gray", "bald", "straight"]
    bald = {"hair_color": "bald", "hair_type": "bald"}
    assert targets[4] == {**WAVY, **bald}
    assert len(edits_of({})[0]) == 9
    # Whoever gets hair is bald no more.
    captions, targets = edits_of({"gender": "male", **bald})
    for target in targets[1:]:
        assert "bald" not in target.values()
    assert captions[-1] == "wavy"
    assert targets[-1]["hair_color"] == "unknown"
