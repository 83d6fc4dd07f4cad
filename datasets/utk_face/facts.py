"""What is fixed about UTKFace: names, classes and sizes."""

# In the order of the numbers in the file names.
CLASSES = {
    "gender": ("male", "female"),
    "race": ("white", "black", "asian", "indian", "others"),
}
OLDEST = 116
FULL_COUNT = 23_707

# The shares of the splits.
_SPLIT_ENDS = {"train": 0.8, "validation": 0.9, "test": 1.0}

# Height and width of every picture.
SIZE = 200

ARCHIVE_NAME = "UTKFace.zip"
FOLDER_NAME = "UTKFace"
FILE_NAME = "{labels}_{stamp:017d}.jpg.chip.jpg"
EXAMPLE_NAME = "26_1_2_20170116182504123.jpg.chip.jpg"


def split_of(group: str) -> str:
    """Returns the split of a group of near duplicates, by its hash."""
    share = int(group[:12], 16) / 16**12
    return next(split for split, end in _SPLIT_ENDS.items() if share < end)
