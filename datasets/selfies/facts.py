"""What is fixed about the Selfie data set: names, classes and sizes."""

from .table import COLUMNS

TABLE_NAME = "selfie_dataset.txt"
FOLDER_NAME = "images"
# The table leaves out the ending of the pictures.
ROW_NAME = "selfie_{number:05d}"
FULL_COUNT = 46_836

# Height and width of drawn pictures; real ones have at least that.
SIZE = 80

# The columns of -1, 0 and 1, behind name and popularity.
FLAGS = COLUMNS[2:]
NUMBERS = {"-1": -1, "0": 0, "1": 1}

# The least and the most that a popularity may be; 5,500 real ones lie between
# 1.9 and 6.4. Half a standard deviation off is near enough.
LOWEST, HIGHEST = 0, 8
TOLERANCE = 0.3

# By task the flag of each class. Classes that other data sets know as well are
# called as there.
GROUPS = {
    "age_group": {
        name: name
        for name in (
            *("baby", "child", "teenager"),
            *("youth", "middle_age", "senior"),
        )
    },
    "race": {"white": "white", "black": "black", "asian": "asian"},
    "face_shape": {
        "oval": "oval_face",
        "round": "round_face",
        "heart": "heart_face",
    },
    "hair_color": {
        "black": "black_hair",
        "brown": "brown_hair",
        "blond": "blond_hair",
        "red": "red_hair",
    },
}
GENDER_FLAG = "is_female"
# Where that flag is 1, and where it is -1.
GENDERS = ("female", "male")

# All other flags are one task.
ATTRIBUTES = tuple(
    flag
    for flag in FLAGS
    if flag != GENDER_FLAG
    and not any(flag in flags.values() for flags in GROUPS.values())
)

# How TFDS writes that a class or a flag is missing.
MISSING = -1
