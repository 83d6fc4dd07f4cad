import numpy as np
import pytest

from tp_keras.errors import UserError
from tp_keras.pixels import check_pixels

UINT8 = np.linspace(0, 255, 2 * 4 * 4 * 3).reshape(2, 4, 4, 3).astype("uint8")


@pytest.mark.parametrize(
    "images",
    [
        UINT8,
        np.zeros_like(UINT8),
        UINT8.astype("float32"),
        UINT8.astype("int64"),
        UINT8[:0].astype("float32"),
        [1, 2],
        None,
    ],
    ids=["uint8", "black", "float", "int", "empty", "list", "none"],
)
def test_pixels(images):
    check_pixels(images)


@pytest.mark.parametrize(
    "images, received",
    [
        (UINT8 / np.float32(255), "float32.*values from 0 to 1"),
        (UINT8 / 127.5 - 1, "values from -1 to 1"),
        (UINT8.astype("float16") / 255, "float16"),
        (UINT8 - 117.0, "values from -117"),
        (UINT8 * 257.0, "to 65535"),
        (UINT8 * np.uint16(257), "uint16.*to 65535"),
        (UINT8.astype("float32") * np.nan, "values from nan"),
        (UINT8 > 99, "bool"),
    ],
)
def test_other_numbers(images, received):
    with pytest.raises(UserError, match=f"0 to 255.*Received: .*{received}"):
        check_pixels(images)
