"""The schema of Tiny Portraits, for networks that see no data set."""

from datasets.tiny_portraits.facts import CLASSES
from datasets.tiny_portraits.facts import IMAGE_SHAPE
from tp_keras.tasks import Schema
from tp_keras.tasks import Task

PORTRAITS = Schema(
    image_shape=IMAGE_SHAPE,
    tasks=(
        Task("gender", "binary", CLASSES["gender"]),
        Task("hair_color", "categorical", CLASSES["hair_color"]),
        Task("hair_type", "categorical", CLASSES["hair_type"]),
    ),
    protected="gender",
    guarded=("hair_color", "hair_type"),
    conditions=("gender", "hair_color", "hair_type"),
    shows_people=False,
)
