"""What is fixed about UTKFace: names, classes and sizes."""

# In the order of the numbers in the file names.
CLASSES = {
    "gender": ("male", "female"),
    "race": ("white", "black", "asian", "indian", "others"),
}
OLDEST = 116
FULL_COUNT = 23_707

# Height and width of every picture.
SIZE = 200

ARCHIVE_NAME = "UTKFace.zip"
FOLDER_NAME = "UTKFace"
FILE_NAME = "{labels}_{stamp:017d}.jpg.chip.jpg"
EXAMPLE_NAME = "26_1_2_20170116182504123.jpg.chip.jpg"
