"""From a prepared TFDS data set to decoded portraits."""

import contextlib
import json
import pathlib

import numpy as np
import psutil
import tensorflow as tf
import tensorflow_datasets as tfds
from tqdm import tqdm

from tp_keras.config import STORAGES
from tp_keras.data.builders import count_portraits
from tp_keras.data.builders import damaged_data_set
from tp_keras.data.builders import find_builder
from tp_keras.data.builders import find_builders
from tp_keras.data.decoded_file import DecodedFile
from tp_keras.data.decoded_file import DecodedRows
from tp_keras.data.filters import take_labelled
from tp_keras.data.joint import join
from tp_keras.data.joint import merge_schemas
from tp_keras.data.portraits import Portraits
from tp_keras.data.portraits import compute_fingerprint
from tp_keras.data.schema import IMAGE
from tp_keras.data.schema import INDEX
from tp_keras.data.schema import check_labels
from tp_keras.data.schema import read_schema
from tp_keras.data.sharding import load_sharded
from tp_keras.errors import UserError
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Schema

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


def load_split(data, split: str, progress: bool = True) -> Portraits:
    """Returns the portraits of a split that settings name; `load_portraits`.

    Args:
        data: `DataConfig`.
        split: `"train"` and `"validation"` stand for what the settings take,
            any other for itself.
        progress: Whether to show progress bars and tell where pixels lie.
    """
    data_dir, dataset, part, storage = data.location(split)
    selection = data.selection(split)

    def load(part):
        return load_portraits(
            data_dir, dataset, part, storage, progress, **selection
        )

    if split == "train" and data.shards > 1:
        return load_sharded(data, load)
    return load(part)


def load_portraits(
    data_dir, dataset, split, storage="auto", progress=True, labels=()
) -> Portraits:
    """Decodes a split once and returns it as arrays.

    On disk the pixels lie below `decoded/` in the folder of the data set's
    version, and the next call maps them without decoding.

    Args:
        data_dir: Folder given to `tfds`, or that of one prepared version, which
            holds `dataset_info.json`; then `dataset` is not used.
        dataset: Name such as `"tiny_portraits/synthetic"`, or several, whose
            portraits are joined; see `join`.
        split: Name of a split, or a part of one: `"train[:20%]"`. With several
            data sets one for all, or one for each.
        storage: `"memory"`, `"disk"`, or `"auto"`: memory for up to 512 MB and
            half of what is free, disk beyond that where it can take it.
        progress: Whether to show progress bars and tell where pixels lie.
        labels: Texts such as `"age=18-"`: portraits with these labels alone;
            see `take_labelled`. Their pixels are in memory.

    Raises:
        UserError: If there is no such data set or split, or it holds no
            portraits with tasks or with these labels, or several don't go
            together; see `read_schema` and `merge_schemas`.
        OSError: If there is no room for the pixels on disk.
    """
    if storage not in STORAGES:
        raise UserError(
            f"Expected a storage out of {STORAGES}. Received: storage={storage}"
        )
    if not isinstance(dataset, str):
        # What doesn't go together is told before anything is decoded.
        builders = find_builders(data_dir, dataset)
        merge_schemas([(b.info.full_name, read_schema(b)) for b in builders])
        splits = [split] * len(dataset) if isinstance(split, str) else split
        parts = [
            load_portraits(data_dir, *place, storage, progress)
            for place in zip(dataset, splits, strict=True)
        ]
        return join(take_labelled(parts, labels))
    builder = find_builder(data_dir, dataset)
    schema = read_schema(builder)
    count = count_portraits(builder, split)
    size = count * int(np.prod(schema.image_shape))
    fits = size < psutil.virtual_memory().available / 2
    rows = None
    if storage == "disk" or (
        storage == "auto" and not (fits and size <= _DECODED_QUICKLY)
    ):
        try:
            rows = _map_decoded(builder, schema, split, fits, progress)
        except OSError as error:
            if storage == "disk" or not fits:
                raise
            if progress:
                print(f"The pixels stay in memory: {error}.", flush=True)
    storage = "disk" if rows else "memory"
    if rows is None:
        known, indices = _read_labels(builder, schema, split, progress)
        images = np.empty((count, *schema.image_shape), np.uint8)
        _decode(builder, split, indices, images, progress)
        fingerprint = compute_fingerprint(images, known, indices)
        rows = DecodedRows(images, known, indices, fingerprint)
    portraits = Portraits(
        **rows._asdict(),
        dataset=builder.info.full_name,
        split=split,
        storage=storage,
        schema=schema,
    )
    (portraits,) = take_labelled([portraits], labels)
    return portraits


def _map_decoded(builder, schema, split, fits, progress) -> DecodedRows:
    # The data set may have been built anew in the same place.
    folder = pathlib.Path(builder.data_dir)
    built = (folder / "dataset_info.json").stat().st_mtime_ns
    file = DecodedFile(
        folder / "decoded",
        split,
        schema.image_shape,
        {"built": built, "schema": json.dumps(schema.to_dict())},
    )
    rows = file.read()
    if rows is None:
        labels, indices = _read_labels(builder, schema, split, progress)
        rows = file.write(
            labels,
            indices,
            lambda images: _decode(builder, split, indices, images, progress),
        )
    elif fits:
        file.read_ahead()
    if progress:
        size = f"{rows.images.nbytes / 1e6:,.0f} MB of decoded pixels"
        print(f"{builder.info.full_name} {split}: {size} in {file.path}.")
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


def _read_labels(builder, schema: Schema, split, progress):
    """Returns labels and indices, in ascending order of the indices."""
    columns = {name: [] for name in [*schema.task_names, INDEX]}
    with _bar(builder, "read labels of", split, progress) as bar:
        rows = _read(builder, split, {IMAGE: tfds.decode.SkipDecoding()}).map(
            lambda row: {name: row[name] for name in columns}, tf.data.AUTOTUNE
        )
        for batch in rows.batch(_LABEL_BATCH).as_numpy_iterator():
            for name, values in columns.items():
                values.append(batch[name])
            bar.update(len(batch[INDEX]))
    indices = np.concatenate(columns[INDEX]).astype(np.int64)
    if len(np.unique(indices)) != len(indices):
        raise UserError(
            f"Expected an `{INDEX}` of its own for each portrait. Received: "
            f"{builder.info.full_name} {split}"
        )
    by_index = np.argsort(indices, kind="stable")
    labels = {}
    for task in schema.tasks:
        dtype = np.float32 if task.kind == REGRESSION else np.int32
        values = np.concatenate(columns[task.name]).astype(dtype)
        labels[task.name] = values[by_index]
    check_labels(labels, schema, f"{builder.info.full_name} {split}")
    return labels, indices[by_index]


def _decode(builder, split, indices, images, progress):
    """Decodes a split into `images`, each row in its place."""
    with _bar(builder, "decode", split, progress) as bar:
        rows = _read(builder, split).map(
            lambda row: (row[INDEX], row[IMAGE]), tf.data.AUTOTUNE
        )
        rows = rows.batch(_DECODE_BATCH).prefetch(2)
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
        raise damaged_data_set(
            pathlib.Path(builder.data_dir),
            builder.info.full_name,
            f"A file of the split {split}",
        ) from error
