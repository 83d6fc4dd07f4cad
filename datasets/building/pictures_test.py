import io

import numpy as np
import pytest
from PIL import Image

from .file_reader import BadFileError
from .pictures import convert
from .pictures import look_at
from .testing import make_picture

CONTENT = make_picture(0)


def decode(content):
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"nonsense", "is not a JPEG image"),
        (make_picture(0, kind="PNG"), "is not a JPEG image"),
        (
            make_picture(0, size=(190, 200)),
            r"has 190x200 pixels \(width x height\) instead of 200x200",
        ),
        (make_picture(0, mode="L"), "has the colour mode L instead"),
        (make_picture(0, mode="CMYK"), "has the colour mode CMYK"),
        (CONTENT[:-1000], "is a damaged JPEG image .*truncated"),
        (CONTENT[:100], "is a damaged JPEG|is not a JPEG"),
    ],
)
def test_a_bad_picture_is_named(content, reason):
    for work in (look_at, lambda *c: convert(*c, 108, 84)):
        with pytest.raises(BadFileError, match=reason):
            work(content, 200)


@pytest.mark.parametrize(
    ("size", "rows", "columns"),
    [
        # What of 200x200 pixels remains in the new proportions.
        ((100, 100), (0, 200), (0, 200)),
        ((100, 50), (0, 200), (50, 150)),
        ((50, 100), (50, 150), (0, 200)),
        ((200, 200), (0, 200), (0, 200)),
        ((200, 100), (0, 200), (50, 150)),
    ],
)
def test_the_middle_is_cut_out_and_made_smaller(size, rows, columns):
    found = decode(convert(CONTENT, 200, *size)).astype(float)
    whole = decode(CONTENT)[slice(*rows), slice(*columns)].astype(float)
    # By another road: means over blocks, near which a soft picture stays.
    height, width = size
    blocks = whole.reshape(height, whole.shape[0] // height, width, -1, 3)
    assert found.shape == (height, width, 3)
    assert np.abs(found - blocks.mean((1, 3))).max() < 4


def test_a_larger_picture_is_taken_where_the_side_is_the_least():
    content = make_picture(0, size=(240, 300))
    middle = decode(content)[30:270].astype(float)
    found = decode(convert(content, 80, 80, 80, is_least=True))
    blocks = middle.reshape(80, 3, 80, 3, 3).mean((1, 3))
    assert found.shape == (80, 80, 3) and np.abs(found - blocks).max() < 4
    # In its own proportions nothing is cut off.
    found = decode(convert(content, 80, 100, 80, is_least=True))
    whole = decode(content).astype(float)
    blocks = whole.reshape(100, 3, 80, 3, 3).mean((1, 3))
    assert found.shape == (100, 80, 3) and np.abs(found - blocks).max() < 4
    # As it is, where nothing is to be made smaller or cut off.
    content = make_picture(1, size=(80, 80))
    found = decode(convert(content, 80, 80, 80, is_least=True))
    np.testing.assert_array_equal(found, decode(content))
    look = look_at(make_picture(0, size=(240, 300)), 80, is_least=True)
    assert look.thumbnail.shape == (1024,)
    reason = "has 79x300 pixels .* instead of 80x80 or more"
    for work in (look_at, lambda *c, **k: convert(*c, 80, 80, **k)):
        with pytest.raises(BadFileError, match=reason):
            work(make_picture(0, size=(79, 300)), 80, is_least=True)


def test_making_smaller_is_antialiased():
    # Stripes of one pixel become even gray, where a choice of pixels would
    # give stripes again.
    stripes = np.zeros((200, 200, 3), np.uint8)
    stripes[::2] = 255
    file = io.BytesIO()
    Image.fromarray(stripes).save(file, "JPEG", quality=100)
    found = decode(convert(file.getvalue(), 200, 54, 42)).astype(float)
    assert np.abs(found[2:-2] - 127.5).max() < 12
