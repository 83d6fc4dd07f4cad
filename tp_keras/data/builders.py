"""Prepared data sets: finding them, and how they are made where missing."""

import hashlib
import json
import pathlib
import re
import warnings

import tensorflow_datasets as tfds

from tp_keras.command_line import command_line
from tp_keras.errors import UserError

# Those that TFDS writes and reads whole: its Parquet files lack portraits.
_FILE_FORMATS = ("tfrecord", "array_record")

# Either tells that a folder is that of one version of a data set.
_DESCRIPTIONS = ("dataset_info.json", "features.json")

# What a build leaves beside them: what it has read, and what it has written.
_RECORD, _CHECKSUMS = "build.json", "checksums.json"

# Larger files hold records.
_ALWAYS_READ = 1 << 20


def find_builder(data_dir, dataset) -> tfds.core.DatasetBuilder:
    """Returns the reader of a prepared data set; see `load_portraits`.

    Raises:
        UserError: If there is none, or it is not as it was written. Small
            files are read for that, of large ones the size is compared: their
            records have checksums of their own.
    """
    data_dir = pathlib.Path(data_dir).expanduser()
    is_version = _is_version(data_dir)
    try:
        if is_version:
            builder = tfds.builder_from_directory(data_dir)
        else:
            builder = tfds.builder(dataset, data_dir=data_dir)
        dict(builder.info.metadata or {})  # Read only when it is asked for.
        if not builder.info.splits:
            raise ValueError("There is nothing to read.")
    except PermissionError:
        raise
    except Exception as error:  # Of any class, where a file is damaged.
        if is_version:
            folder = data_dir.resolve()
            # Where it lies is all that tells what it is of.
            dataset = "/".join(folder.parts[-3:-1]).lstrip("/")
        else:
            dataset = dataset.partition(":")[0]
            folder = _find_folder(data_dir / dataset)
        if folder is None:
            raise _not_prepared(data_dir, dataset) from error
        raise damaged_data_set(folder, f"{dataset}/{folder.name}") from error
    folder, full_name = pathlib.Path(builder.data_dir), builder.info.full_name
    damaged = find_damage(folder, verify=False)
    if set(damaged) - {_RECORD}:  # A reader can do without.
        raise damaged_data_set(folder, full_name)
    _check_file_format(builder)
    if not damaged:
        _warn_of_a_cut(folder, full_name)
    return builder


def find_builders(data_dir, datasets) -> list[tfds.core.DatasetBuilder]:
    """Returns the readers of several prepared data sets; see `find_builder`.

    Raises:
        UserError: If `data_dir` is the folder of a single one, or two names
            are those of the same.
    """
    is_version = _is_version(pathlib.Path(data_dir).expanduser())
    if is_version and len(datasets) > 1:
        raise UserError(
            "Expected the folder of all prepared data sets, as several are "
            "named. Received: that of one version, "
            f"data_dir={data_dir}, dataset={', '.join(datasets)}"
        )
    builders = [find_builder(data_dir, name) for name in datasets]
    names = [builder.info.full_name for builder in builders]
    if len(set(names)) < len(names):
        raise UserError(
            "Expected data sets that differ. "
            f"Received: dataset={', '.join(datasets)}, which are "
            f"{', '.join(names)}"
        )
    return builders


def _is_version(folder) -> bool:
    return any((folder / name).exists() for name in _DESCRIPTIONS)


def _find_folder(folder) -> pathlib.Path | None:
    """Returns where the newest version of a data set lies, damaged or not."""
    versions = [
        (tuple(map(int, path.name.split("."))), path)
        for path in folder.glob("*.*.*")
        if re.fullmatch(r"\d+\.\d+\.\d+", path.name)
    ]
    return max(versions)[1] if versions else None


def find_damage(folder, verify) -> list[str]:
    """Returns the names of files that are not as they were written.

    Args:
        folder: That of a prepared version. One without `checksums.json` tells
            nothing of its files.
        verify: Whether large files are read, too.
    """
    try:
        noted = json.loads((folder / _CHECKSUMS).read_text("utf-8"))
        expected = [
            (name, state["size"], state["sha256"])
            for name, state in noted.items()
        ]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        return [_CHECKSUMS]
    return [
        name
        for name, size, digest in expected
        if not (folder / name).is_file()
        or (folder / name).stat().st_size != size
        or (verify or size <= _ALWAYS_READ)
        and _hash(folder / name) != digest
    ]


def _hash(path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def damaged_data_set(folder, full_name, name="") -> UserError:
    """Returns the error of a prepared data set that is not whole.

    Args:
        folder: Where it lies.
        full_name: Its name, configuration and version.
        name: What can't be read, where that is known.
    """
    damaged = find_damage(folder, verify=True)
    name = ", ".join(damaged[:3]) or name or "A file"
    return UserError(
        f"{name} of {full_name} is damaged, cut off or gone. "
        f"`{rebuild_command(folder, full_name)}` builds the data set again. "
        f"Received: {folder}"
    )


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


def rebuild_command(folder, full_name) -> str:
    """Returns the command that prepares a data set anew in its place.

    Args:
        folder: Where it lies.
        full_name: Its name, configuration and version.
    """
    names = full_name.split("/")
    if list(folder.parts[-len(names) :]) != names:
        folder = folder.resolve()
    data_dir = folder.parent
    if len(folder.parents) >= len(names):
        data_dir = folder.parents[len(names) - 1]
    return build_command(data_dir, "/".join(names[:-1]), overwrite=True)


def _check_file_format(builder):
    """Raises if TFDS can't read the files, or not all that is in them."""
    file_format = builder.info.file_format.value
    if file_format not in _FILE_FORMATS:
        raise UserError(
            f"Expected a data set in a file_format out of "
            f"{', '.join(_FILE_FORMATS)}; build it again without that "
            f"setting. Received: {file_format} in {builder.data_dir}"
        )


def _warn_of_a_cut(folder, full_name):
    """Warns, once, if a build left portraits out, as its record tells."""
    try:
        record = json.loads((folder / _RECORD).read_text())
        cut = [
            f"{split} {record['counts'].get(split, 0):,} of {found:,}"
            for split, found in record["found"].items()
            if record["counts"].get(split, 0) < found
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return  # Whoever built it tells nothing of that.
    if cut:
        warnings.warn(
            f"{full_name} holds a part of the portraits ({', '.join(cut)}): "
            f"its build was cut short. `{rebuild_command(folder, full_name)}` "
            f"builds the whole. Received: {folder}",
            stacklevel=1,  # One place, so that Python says it only once.
        )


def count_portraits(builder, split) -> int:
    """Returns the size of a split, or of a part.

    A `UserError` if there is none of this name, or no portrait in it.
    """
    try:
        count = builder.info.splits[split].num_examples
    except (ValueError, KeyError) as error:
        sizes = {k: v.num_examples for k, v in builder.info.splits.items()}
        raise UserError(
            f"Expected a split out of {', '.join(sizes)} of "
            f"{builder.info.full_name}, or a part of one within its portraits ("
            + ", ".join(f"{name} {size:,}" for name, size in sizes.items())
            + f"). Received: split={split}"
        ) from error
    # Ends that are exchanged make a negative number.
    if count <= 0:
        raise UserError(
            "A split without a single portrait can't be used. "
            f"Received: split={split} of {builder.info.full_name}"
        )
    return count
