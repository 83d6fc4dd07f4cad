"""How TFDS writes the records: the same bytes every time, and whole."""

import contextlib
import pathlib
import shutil
from collections.abc import Iterator

import tensorflow_datasets as tfds
from tensorflow_datasets.core import shuffle
from tensorflow_datasets.core.example_serializer import ExampleSerializer

from .errors import DatasetInputError

# The formats of records that can be written and read.
FILE_FORMATS = ("tfrecord", "array_record")

# TFDS keeps up to 1 GB of a split in memory to shuffle it, and beyond that
# goes through temporary files. Less is as fast: the files stay in the cache
# of the operating system as long as it has memory to spare.
_SHUFFLE_BUFFER_BYTES = 128 << 20

# The temporary files of a split and the finished records, with some room.
_DISK_SPACE_FACTOR = 2.2


@contextlib.contextmanager
def reproducible_records() -> Iterator[None]:
    """Lets TFDS write the bytes that any other build of the data gives."""
    assign = tfds.core.utils.temporary_assignment
    with (
        assign(shuffle, "MAX_MEM_BUFFER_SIZE", _SHUFFLE_BUFFER_BYTES),
        assign(ExampleSerializer, "serialize_example", serialize),
    ):
        yield


def check_file_format(file_format: tfds.core.FileFormat) -> None:
    """Refuses what TFDS doesn't write whole, or can't write here.

    Its Parquet writer leaves out every other batch of 100 examples.

    Raises:
        DatasetInputError: If the format is none of `FILE_FORMATS`.
    """
    if file_format.value not in FILE_FORMATS:
        raise DatasetInputError(
            f"Expected a file_format out of {', '.join(FILE_FORMATS)}; TFDS "
            "doesn't keep every portrait in others. "
            f"Received: file_format={file_format.value}"
        )


def check_disk_space(size: int, folder: pathlib.Path) -> None:
    """Refuses to start what would fill the disk.

    Args:
        size: The bytes of all pictures.
        folder: Where the data set is written.

    Raises:
        DatasetInputError: If the disk has too little room.
    """
    needed = _DISK_SPACE_FACTOR * size
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DatasetInputError(
            f"The data set needs about {needed / 1e6:,.1f} MB while it is "
            f"built. Free some space or pass another --data_dir. Received: "
            f"{folder} has {free / 1e6:,.1f} MB left"
        )


def serialize(serializer: ExampleSerializer, example: dict) -> bytes:
    """Serialises an example with its features in a fixed order.

    TFDS writes them in an order of each process.
    """
    message = serializer.get_tf_example(example)
    return message.SerializeToString(deterministic=True)
