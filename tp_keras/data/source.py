"""From a prepared TFDS data set to decoded portraits."""

import contextlib
import json
import pathlib
import re
import warnings

import numpy as np
import psutil
import tensorflow as tf
import tensorflow_datasets as tfds
from tqdm import tqdm

from tp_keras.command_line import command_line
from tp_keras.config import STORAGES
from tp_keras.data.decoded_file import DecodedFile
from tp_keras.data.decoded_file import DecodedRows
from tp_keras.data.portraits import Portraits
from tp_keras.data.portraits import compute_fingerprint
from tp_keras.errors import UserError
from tp_keras.tasks import IMAGE_SHAPE
from tp_keras.tasks import TASKS

# Those that TFDS writes and reads whole: its Parquet files lack portraits.
_FILE_FORMATS = ("tfrecord", "array_record")

# What TensorFlow raises on files that are damaged, cut off or gone.
_READING_ERRORS = (
    tf.errors.DataLossError,
    tf.errors.FailedPreconditionError,
    tf.errors.InvalidArgumentError,
    tf.errors.NotFoundError,
    tf.errors.UnknownError,
)

_DECODE_BATCH = 256
_LABEL_BATCH = 4096

# Bytes of pixels that two cores decode in a few seconds. A file of less would
# save no time worth the room.
_DECODED_QUICKLY = 512 << 20

# How `training.build_dataset` is asked for a configuration of the data set.
_COUNTS = {"synthetic_tiny": 400, "synthetic_full": 134_734}
_COUNT_AND_SEED = re.compile(r"synthetic_(?P<count>\d+)(_seed(?P<seed>\d+))?")


def load_portraits(
    data_dir, dataset, split, storage="auto", progress=True
) -> Portraits:
    """Decodes a split once and returns it as arrays.

    Pixels stay uint8: 27,216 bytes for each portrait. On disk they lie below
    `decoded/` in the folder of the data set's version, and the next call maps
    them without decoding.

    Args:
        data_dir: Folder given to `tfds`, or the folder of one prepared version
            (it holds `dataset_info.json`); then `dataset` is not used.
        dataset: Name such as `"tiny_portraits/synthetic"`.
        split: Name of a split, or a part of one: `"train[:20%]"`.
        storage: `"memory"`, `"disk"`, or `"auto"`: memory for what is decoded
            in a few seconds (up to 512 MB, and half of what is free), disk
            beyond that. Where the disk can't take it, `"auto"` takes memory
            while half of what is free will do.
        progress: Whether to show progress bars and tell where pixels lie.

    Returns:
        `Portraits` in ascending order of `image_index`.

    Raises:
        UserError: If there is no such data set or split, or if its features
            are not those of Tiny Portraits.
        OSError: If there is no room for the pixels on disk.

    Example:
        >>> dataset = "tiny_portraits/synthetic"
        >>> test = load_portraits("data/tfds", dataset, "test")
        >>> test.images.shape[1:]
        (108, 84, 3)
    """
    if storage not in STORAGES:
        raise UserError(
            f"Expected a storage out of {STORAGES}. Received: storage={storage}"
        )
    builder = find_builder(data_dir, dataset)
    count = count_portraits(builder, split)
    size = count * int(np.prod(IMAGE_SHAPE))
    fits = size < psutil.virtual_memory().available / 2
    rows = None
    if storage == "disk" or (
        storage == "auto" and not (fits and size <= _DECODED_QUICKLY)
    ):
        try:
            rows = _map_decoded(builder, split, count, fits, progress)
        except OSError as error:
            if storage == "disk" or not fits:
                raise
            _say(progress, f"The pixels stay in memory: {error}.")
    storage = "disk" if rows else "memory"
    if rows is None:
        labels, indices = _read_labels(builder, split, progress)
        images = np.empty((count, *IMAGE_SHAPE), np.uint8)
        _decode(builder, split, indices, images, progress)
        fingerprint = compute_fingerprint(images, labels, indices)
        rows = DecodedRows(images, labels, indices, fingerprint)
    return Portraits(
        **rows._asdict(),
        dataset=builder.info.full_name,
        split=split,
        storage=storage,
    )


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
    _check_features(builder)
    _check_file_format(builder)
    _warn_of_a_cut(builder)
    return builder


def _not_prepared(data_dir, dataset) -> UserError:
    return UserError(
        f"There is no prepared data set. Expected {dataset} below the data "
        f"folder; `{build_command(data_dir, dataset)}` makes it. "
        f"Received: data_dir={data_dir}"
    )


def build_command(data_dir, dataset, overwrite=False) -> str:
    """Returns the command that prepares a data set.

    Args:
        data_dir: Folder of prepared data sets.
        dataset: Name such as `"tiny_portraits/synthetic_500_seed7"`.
        overwrite: Whether to prepare anew what is there.

    Example:
        >>> build_command("data/tfds", "tiny_portraits/synthetic_tiny")
        'python -m training.build_dataset --data_dir data/tfds --count 400'
    """
    flags = {"data_dir": data_dir}
    _, _, config = dataset.partition("/")
    numbers = _COUNT_AND_SEED.fullmatch(config)
    if config in _COUNTS:
        flags["count"] = _COUNTS[config]
    elif numbers:
        flags |= {k: v for k, v in numbers.groupdict().items() if v}
    elif config != "synthetic":
        flags["manual_dir"] = "FOLDER_OF_THE_ARCHIVES"
    if overwrite:
        flags["overwrite"] = True
    return command_line("training.build_dataset", **flags)


def _rebuild_command(builder) -> str:
    """Returns the command that prepares a data set anew in its place."""
    dataset = builder.info.full_name.rpartition("/")[0]
    folder = pathlib.Path(builder.data_dir)
    return build_command(
        folder.parents[dataset.count("/") + 1], dataset, overwrite=True
    )


def _check_features(builder):
    """Raises if a feature differs from what the models are made for."""
    features = builder.info.features
    expected = {"image": IMAGE_SHAPE} | {
        task.name: task.classes for task in TASKS
    }
    found = {}
    for name in expected:
        # (`FeaturesDict` has no `get`.)
        feature = dict(features).get(name)
        found[name] = tuple(
            feature.names
            if isinstance(feature, tfds.features.ClassLabel)
            else getattr(feature, "shape", ())
        )
    if found != expected or "image_index" not in features:
        wrong = [name for name in expected if found[name] != expected[name]]
        raise UserError(
            f"The features of {builder.info.full_name} are not those of Tiny "
            f"Portraits. Expected {expected} and image_index. Received: "
            f"{ {name: found[name] for name in wrong} }"
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
            f"`{_rebuild_command(builder)}` builds the whole. "
            f"Received: {builder.data_dir}",
            stacklevel=1,  # One place, so that Python says it only once.
        )


def count_portraits(builder, split) -> int:
    """Returns the size of a split, or of a part of one.

    Raises:
        UserError: If there is no such split, or nothing in it.
    """
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


def _map_decoded(builder, split, count, fits, progress) -> DecodedRows:
    """Maps the decoded file of a split, after writing it if need be."""
    # The data set may have been built anew in the same place.
    folder = pathlib.Path(builder.data_dir)
    built = (folder / "dataset_info.json").stat().st_mtime_ns
    file = DecodedFile(
        folder / "decoded", split, {"count": count, "built": built}
    )
    rows = file.read()
    if rows is None:
        labels, indices = _read_labels(builder, split, progress)
        rows = file.write(
            labels,
            indices,
            lambda images: _decode(builder, split, indices, images, progress),
        )
    elif fits:
        file.read_ahead()
    _say(
        progress,
        f"{builder.info.full_name} {split}: {rows.images.nbytes / 1e6:,.0f} MB "
        f"of decoded pixels in {file.path}.",
    )
    return rows


def _read(builder, split, decoders=None) -> tf.data.Dataset:
    """Returns the rows of a split in a fixed order, whatever the format."""
    if builder.info.file_format.value != "array_record":
        return builder.as_dataset(
            split=split, shuffle_files=False, decoders=decoders
        )
    # TFDS offers these as a sequence alone.
    source = builder.as_data_source(
        split, deserialize_method=tfds.decode.DeserializeMethod.RAW_BYTES
    )
    return tf.data.Dataset.from_generator(
        lambda: iter(source), output_signature=tf.TensorSpec((), tf.string)
    ).map(
        lambda record: builder.info.features.deserialize_example(
            record, decoders=decoders
        ),
        num_parallel_calls=tf.data.AUTOTUNE,
    )


def _say(progress, text):
    if progress:
        print(text, flush=True)


def _read_labels(builder, split, progress):
    """Returns labels and indices, in ascending order of the indices."""
    names = [task.name for task in TASKS]
    columns = {name: [] for name in [*names, "image_index"]}
    rows = _read(builder, split, {"image": tfds.decode.SkipDecoding()}).map(
        lambda row: {name: row[name] for name in columns},
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    with _bar(builder, "read labels of", split, progress) as bar:
        for batch in rows.batch(_LABEL_BATCH).as_numpy_iterator():
            for name, values in columns.items():
                values.append(batch[name])
            bar.update(len(batch["image_index"]))
    indices = np.concatenate(columns["image_index"]).astype(np.int64)
    by_index = np.argsort(indices, kind="stable")
    labels = {
        name: np.concatenate(columns[name]).astype(np.int32)[by_index]
        for name in names
    }
    return labels, indices[by_index]


def _decode(builder, split, indices, images, progress):
    """Decodes a split into `images`, each row in its place."""
    rows = _read(builder, split).map(
        lambda row: (row["image_index"], row["image"]),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    rows = rows.batch(_DECODE_BATCH).prefetch(2)
    with _bar(builder, "decode", split, progress) as bar:
        for found, pixels in rows.as_numpy_iterator():
            images[np.searchsorted(indices, found)] = pixels
            bar.update(len(found))


@contextlib.contextmanager
def _bar(builder, verb, split, progress):
    """Shows how far reading is, and says plainly where it can't go on."""
    name = f"{builder.info.full_name} {split}"
    try:
        with tqdm(
            total=builder.info.splits[split].num_examples,
            desc=f"{verb} {name}",
            unit="img",
            disable=not progress,
        ) as bar:
            yield bar
    except _READING_ERRORS as error:
        raise UserError(
            f"A file of {name} is damaged, cut off or gone. "
            f"`{_rebuild_command(builder)}` builds the data set again. "
            f"Received: {builder.data_dir}"
        ) from error
