import numpy as np
import pytest

from tests.export.networks import random_portraits
from tp_keras.errors import UserError
from tp_keras.records.sheet import check_sheet
from tp_keras.records.sheet import draw_sheet


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


def test_a_portrait_is_centred_above_a_caption_that_is_wider():
    images = random_portraits(2)
    sheet = draw_sheet(images, captions=["a caption of many words", "b"])
    (_, left), (_, right) = (find(sheet, pixels) for pixels in images)
    assert right - left > 84 + 20
    dark = np.asarray(sheet.convert("L"))[6 + 108 :] < 128
    first, second = np.flatnonzero(dark.any(axis=0))[[0, -1]]
    assert first < left and abs(second - (right + 42)) < 5
