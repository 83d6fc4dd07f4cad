import pytest

from ..building.file_reader import BadFileError
from .labels import Labels
from .labels import read_labels

STAMP = "20170116220224657"


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        (f"26_1_2_{STAMP}.jpg.chip.jpg", Labels(26.0, "female", "asian")),
        (f"0_0_0_{STAMP}.jpg.chip.jpg", Labels(0.0, "male", "white")),
        (f"116_1_4_{STAMP}.jpg", Labels(116.0, "female", "others")),
        (f"1_0_3_{STAMP}.JPG.CHIP.JPG", Labels(1.0, "male", "indian")),
        # The odd names of the original: a blank, a dot that is not there, and
        # three without a race.
        ("24_0_1_20170116220224657 .jpg.chip.jpg", Labels(24, "male", "black")),
        ("55_0_0_20170116232725357jpg.chip.jpg", Labels(55, "male", "white")),
        ("61_1_20170109142408075.jpg.chip.jpg", Labels(61, "female", -1)),
        ("61_1_20170109150557335.jpg.chip.jpg", Labels(61, "female", -1)),
        ("39_1_20170116174525125.jpg.chip.jpg", Labels(39, "female", -1)),
    ],
)
def test_labels_are_those_of_the_name(name, labels):
    assert read_labels(name) == labels


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("portrait.jpg", "has no labels in its name, as in 26_1_2_2017"),
        ("26_1_2.jpg.chip.jpg", "has no labels"),
        ("26_1_2_3_20170116220224657.jpg", "has no labels"),
        (f"26_1_2_{STAMP}.jpg.chip.png", "has no labels"),
        (f"117_1_2_{STAMP}.jpg", "the age '117' .* whole number from 0 to 116"),
        (f"26.5_1_2_{STAMP}.jpg", "has the age '26.5' in its name"),
        (f"-1_1_2_{STAMP}.jpg", "has the age '-1'"),
        (f"\u0662_1_2_{STAMP}.jpg", "has the age"),
        (f"26_2_2_{STAMP}.jpg", "has the gender '2' .* from 0 to 1"),
        (f"53__0_{STAMP}.jpg", "has the gender ''"),
        (f"26_1_5_{STAMP}.jpg", "has the race '5' .* from 0 to 4"),
    ],
)
def test_what_is_no_label_is_said(name, reason):
    with pytest.raises(BadFileError, match=reason):
        read_labels(name)
