"""What is fixed about Tiny Portraits: names, classes, sizes and splits.

Every other module of this data set reads its names from here.
"""

CSV_NAME = "Tiny_Portraits_Attributes.csv"
CSV_COLUMNS = ("Image_Index", "Gender", "Hair_Color", "Hair_Type")
MISSING_LABEL = "n/a"

# The feature names, in the order of the CSV columns after `Image_Index`.
CLASSES = {
    "gender": ("female", "male"),
    "hair_color": ("black", "brown", "blond", "gray", "bald"),
    "hair_type": ("straight", "wavy", "bald"),
}

HEIGHT = 108
WIDTH = 84
IMAGE_SHAPE = (HEIGHT, WIDTH, 3)

# The documents write the file name in the singular and in the plural.
IMAGE_NAME = "Tiny_Portrait_{index:06d}.png"
IMAGE_NAME_PATTERN = r"Tiny_Portraits?_(\d{6})\.png"
ARCHIVE_NAME = "Tiny_Portraits_Archive_{number:03d}.zip"
IMAGES_PER_ARCHIVE = 2048
FULL_COUNT = 134_734

# The challenge uses three names for the folder beside the CSV: two for the
# archives and one for the extracted images.
ARCHIVE_FOLDERS = ("Tiny_Portraits_Zipfiles", "Tiny_Portraits_Zip")
IMAGE_FOLDER = "Tiny_Portraits_Images"

# The counterfactual pairs of a synthetic pack, in the format of a pack.
COUNTERFACTUAL_FOLDER = "Counterfactuals"

# CelebA's official partition: no person appears in two of the ranges.
INDEX_END = 202_599
SPLIT_RANGES = {
    "train": (0, 162_770),
    "validation": (162_770, 182_637),
    "test": (182_637, INDEX_END),
}


def split_of(index: int) -> str:
    """Returns the split whose index range holds `index`."""
    for split, (begin, end) in SPLIT_RANGES.items():
        if begin <= index < end:
            return split
    raise ValueError(
        f"An image index lies between 0 and {INDEX_END - 1}. "
        f"Received: index={index}"
    )
