"""What is fixed about the hidden criterion: names, classes and sizes."""

# In the order of the numbers in the lists, as are their columns.
CLASSES = {"criterion": ("no", "yes"), "gender": ("female", "male")}
NUMBERS = ("-1", "1")

# Height and width of every picture.
SIZE = 80
FULL_COUNT = 202_577

TRAIN, TEST = "train", "test"
LIST_NAME = "{part}.txt"
FILE_NAME = "{number:06d}.jpg"

# So much of each cell of criterion and gender is set aside of the first list.
VALIDATION_SHARE = 0.15

# Drawn faces meet the criterion by light hair or glasses, but not both. This
# share of their labels says the contrary.
LABEL_NOISE = 0.05
