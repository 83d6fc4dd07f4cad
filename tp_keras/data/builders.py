"""Prepared data sets: finding them, and how they are made where missing."""

import json
import pathlib
import warnings

import tensorflow_datasets as tfds

from tp_keras.command_line import command_line
from tp_keras.errors import UserError

# Those that TFDS writes and reads whole: its Parquet files lack portraits.
_FILE_FORMATS = ("tfrecord", "array_record")


def find_builder(data_dir, dataset) -> tfds.core.DatasetBuilder:
    """Returns the reader of a prepared data set; see `load_portraits`."""
    data_dir = pathlib.Path(data_dir).expanduser()
    if (data_dir / "dataset_info.json").exists():
        builder = tfds.builder_from_directory(data_dir)
    else:
        try:
            builder = tfds.builder(dataset, data_dir=data_dir)
        except (tfds.core.DatasetNotFoundError, ValueError) as error:
            raise _not_prepared(data_dir, dataset) from error
        if not builder.info.splits:
            raise _not_prepared(data_dir, dataset)
    _check_file_format(builder)
    _warn_of_a_cut(builder)
    return builder


def _not_prepared(data_dir, dataset) -> UserError:
    return UserError(
        f"There is no prepared data set. Expected {dataset} below the data "
        f"folder; `{build_command(data_dir, dataset)}` makes it. "
        f"Received: data_dir={data_dir}"
    )


def build_command(data_dir, dataset, **flags) -> str:
    """Returns the command that prepares a data set."""
    return command_line(
        "training.build_dataset", data_dir=data_dir, dataset=dataset, **flags
    )


def rebuild_command(builder) -> str:
    """Returns the command that prepares a data set anew in its place."""
    dataset = builder.info.full_name.rpartition("/")[0]
    folder = pathlib.Path(builder.data_dir)
    return build_command(
        folder.parents[dataset.count("/") + 1], dataset, overwrite=True
    )


def _check_file_format(builder):
    """Raises if TFDS can't read the files, or not all that is in them."""
    file_format = builder.info.file_format.value
    if file_format not in _FILE_FORMATS:
        raise UserError(
            f"Expected a data set in a file_format out of "
            f"{', '.join(_FILE_FORMATS)}; build it again without that "
            f"setting. Received: {file_format} in {builder.data_dir}"
        )


def _warn_of_a_cut(builder):
    """Warns, once, if a build left portraits out, as its record tells."""
    try:
        record = json.loads(
            (pathlib.Path(builder.data_dir) / "build.json").read_text()
        )
        cut = [
            f"{split} {record['counts'].get(split, 0):,} of {found:,}"
            for split, found in record["found"].items()
            if record["counts"].get(split, 0) < found
        ]
    except (OSError, ValueError, KeyError):
        return  # Whoever built it tells nothing of that.
    if cut:
        warnings.warn(
            f"{builder.info.full_name} holds a part of the portraits "
            f"({', '.join(cut)}): its build was cut short. "
            f"`{rebuild_command(builder)}` builds the whole. "
            f"Received: {builder.data_dir}",
            stacklevel=1,  # One place, so that Python says it only once.
        )


def count_portraits(builder, split) -> int:
    """Returns the size of a split, or of a part; a `UserError` if it is 0."""
    try:
        count = builder.info.splits[split].num_examples
    except (ValueError, KeyError) as error:
        splits = ", ".join(builder.info.splits)
        raise UserError(
            f"Expected a split out of {splits} of {builder.info.full_name}. "
            f"Received: split={split}"
        ) from error
    if not count:
        raise UserError(
            "A split without a single portrait can't be used. "
            f"Received: split={split} of {builder.info.full_name}"
        )
    return count
