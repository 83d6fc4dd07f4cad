import tracemalloc

import numpy as np
import pytest
from PIL import Image

from tests.picture_factory import ORIENTATIONS
from tests.picture_factory import encode
from tests.picture_factory import exif
from tests.picture_factory import picture
from tests.picture_factory import stored
from tp_keras.errors import UserError
from tp_keras.serving import read_photo

SIZE = (300, 400)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "GIF"])
def test_types_and_colours(kind, tmp_path):
    image = picture(size=SIZE)
    data = encode(image, kind)
    (tmp_path / "photo").write_bytes(data)
    for source in (data, tmp_path / "photo", str(tmp_path / "photo")):
        photo = read_photo(source)
        gap = np.abs(photo.pixels.astype(int) - np.asarray(image))
        # What codecs and a palette of 256 colours lose.
        assert gap.mean() < 12
        assert photo.scale == 1


@pytest.mark.parametrize("mode", ["RGBA", "CMYK", "L", "P", "1", "LA"])
def test_other_colours_are_rgb(mode):
    image = picture(mode, SIZE)
    kind = "PNG" if mode != "CMYK" else "TIFF"
    found = read_photo(encode(image, kind)).pixels
    np.testing.assert_array_equal(found, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG2000"])
def test_16_bits_are_not_clipped(kind):
    levels = np.linspace(0, 65535, 300 * 400).reshape(400, 300)
    image = Image.fromarray(levels.astype(np.uint16))
    found = read_photo(encode(image, kind)).pixels
    expected = np.rint(levels / 257)[..., None]
    assert np.abs(found - expected).max() <= 1
    # Also where the picture is reduced.
    small = read_photo(encode(image, kind), 100).pixels
    assert small.shape == (100, 75, 3)
    assert small[0].mean() < 3
    assert small[-1].mean() > 252


@pytest.mark.parametrize("longest", [2048, 128])
@pytest.mark.parametrize("mark", ORIENTATIONS)
def test_photographs_are_turned_and_reduced(mark, longest):
    upright = picture(size=SIZE)
    data = encode(stored(upright, mark), "JPEG", exif=exif(mark), quality=95)
    photo = read_photo(data, longest)
    # The decoder's quarter is a little smaller than 128 pixels.
    height = 100 if longest < 400 else 400
    assert photo.pixels.shape == (height, height * 3 // 4, 3)
    assert photo.scale == 400 / height
    expected = upright.resize(photo.pixels.shape[1::-1], Image.Resampling.BOX)
    assert np.abs(photo.pixels.astype(int) - expected).mean() < 4


def test_damaged_exif_data():
    data = encode(picture(size=SIZE), "JPEG", exif=exif(6))
    place = data.index(b"Exif\0\0") + 6
    damaged = data[:place] + b"\xff" * 12 + data[place + 12 :]
    # Nothing tells how to turn it.
    assert read_photo(damaged).pixels.shape == (400, 300, 3)


def test_the_first_of_several_pictures():
    first, second = picture(size=SIZE), picture(size=SIZE, seed=1)
    data = encode(
        first, "WEBP", save_all=True, append_images=[second], lossless=True
    )
    np.testing.assert_array_equal(read_photo(data).pixels, np.asarray(first))


def test_a_large_photograph_is_never_whole_in_memory():
    # 48 megapixels would be 144 MB.
    image = Image.new("RGB", (8000, 6000), (200, 100, 50))
    data = encode(image, "JPEG")
    del image
    tracemalloc.start()
    photo = read_photo(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # The decoder's quarter: Pillow's own memory isn't traced, but its size is.
    assert photo.pixels.shape == (1500, 2000, 3)
    assert photo.scale == 4
    assert peak < 30_000_000
    assert np.abs(photo.pixels - np.array([200, 100, 50])).max() <= 3


def test_what_is_no_photo(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="or not a whole one"):
        read_photo(b"no picture")
    with pytest.raises(UserError, match="gone.jpg"):
        read_photo(tmp_path / "gone.jpg")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(UserError, match="larger than any photograph"):
        read_photo(encode(picture(size=SIZE)))
