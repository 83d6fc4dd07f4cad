"""From a prepared TFDS data set to decoded portraits."""

import json
import os
import pathlib
import uuid

import numpy as np
import psutil
import tensorflow as tf
import tensorflow_datasets as tfds
from tqdm import tqdm

from tp_keras.config import STORAGES
from tp_keras.data.portraits import Portraits
from tp_keras.data.portraits import compute_fingerprint
from tp_keras.errors import UserError
from tp_keras.tasks import IMAGE_SHAPE
from tp_keras.tasks import TASKS

_DECODE_BATCH = 256


def load_portraits(
    data_dir, dataset, split, storage="auto", progress=True
) -> Portraits:
    """Decodes a split once and returns it as arrays.

    Pixels stay uint8: 27,216 bytes for each portrait. On disk they lie below
    `<data_dir>/decoded/`, and the next call maps them without decoding.

    Args:
        data_dir: Folder given to `tfds`, or the folder of one prepared version
            (it holds `dataset_info.json`); then `dataset` is not used.
        dataset: Name such as `"tiny_portraits/synthetic"`.
        split: Name of a split, or a part of one: `"train[:20%]"`.
        storage: `"memory"`, `"disk"`, or `"auto"`: memory while the pixels
            fill less than half of what is free.
        progress: Whether to show a progress bar.

    Returns:
        `Portraits` in ascending order of `image_index`.

    Raises:
        UserError: If there is no such data set or split, or if its features
            are not those of Tiny Portraits.

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
    name = builder.info.full_name
    labels, indices, order = _read_labels(builder, split)
    shape = (len(indices), *IMAGE_SHAPE)
    size = int(np.prod(shape))
    if storage == "auto":
        free = psutil.virtual_memory().available
        storage = "memory" if size < free / 2 else "disk"
    description = f"decode {name} {split}"
    if storage == "memory":
        images = np.empty(shape, np.uint8)
        _decode(builder, split, order, images, description, progress)
        fingerprint = compute_fingerprint(images, labels, indices)
    else:
        images, fingerprint = _decode_to_disk(
            builder, split, order, labels, indices, description, progress
        )
    return Portraits(
        images=images,
        labels=labels,
        indices=indices,
        dataset=name,
        split=split,
        storage=storage,
        fingerprint=fingerprint,
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
    return builder


def _not_prepared(data_dir, dataset) -> UserError:
    flags = f"--data_dir {data_dir}"
    if dataset.endswith("/archives"):
        flags += " --manual_dir FOLDER_OF_THE_ARCHIVES"
    return UserError(
        f"There is no prepared data set. Expected {dataset} below the data "
        f"folder; `python -m training.build_dataset {flags}` makes it. "
        f"Received: data_dir={data_dir}"
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


def _read_labels(builder, split):
    """Returns labels, indices and the place of each row as it is read."""
    try:
        rows = builder.as_dataset(
            split=split,
            shuffle_files=False,
            decoders={"image": tfds.decode.SkipDecoding()},
        )
    except (ValueError, KeyError) as error:
        splits = ", ".join(builder.info.splits)
        raise UserError(
            f"Expected a split out of {splits} of {builder.info.full_name}. "
            f"Received: split={split}"
        ) from error
    names = [task.name for task in TASKS]
    columns = {name: [] for name in [*names, "image_index"]}
    rows = rows.map(
        lambda row: {name: row[name] for name in columns},
        num_parallel_calls=tf.data.AUTOTUNE,
    ).batch(4096)
    for batch in rows.as_numpy_iterator():
        for name, values in columns.items():
            values.append(batch[name])
    if not columns["image_index"]:
        raise UserError(
            "A split without a single portrait can't be used. "
            f"Received: split={split} of {builder.info.full_name}"
        )
    indices = np.concatenate(columns["image_index"]).astype(np.int64)
    by_index = np.argsort(indices, kind="stable")
    order = np.empty_like(by_index)
    order[by_index] = np.arange(len(by_index))
    labels = {
        name: np.concatenate(columns[name]).astype(np.int32)[by_index]
        for name in names
    }
    return labels, indices[by_index], order


def _decode(builder, split, order, images, description, progress):
    """Decodes a split into `images`, each row in its place."""
    dataset = builder.as_dataset(split=split, shuffle_files=False)
    dataset = dataset.map(
        lambda row: row["image"], num_parallel_calls=tf.data.AUTOTUNE
    )
    dataset = dataset.batch(_DECODE_BATCH).prefetch(2)
    begin = 0
    with tqdm(
        total=len(order), desc=description, unit="img", disable=not progress
    ) as bar:
        for batch in dataset.as_numpy_iterator():
            images[order[begin : begin + len(batch)]] = batch
            begin += len(batch)
            bar.update(len(batch))


def _decode_to_disk(
    builder, split, order, labels, indices, description, progress
):
    """Maps the decoded file of a split, after writing it if need be."""
    folder = pathlib.Path(builder.data_dir) / "decoded"
    stem = "".join(c if c.isalnum() else "-" for c in split)
    path = folder / f"{stem}.npy"
    note = folder / f"{stem}.json"
    # The data set may have been built anew in the same place.
    info = pathlib.Path(builder.data_dir) / "dataset_info.json"
    source = {"count": len(order), "built": info.stat().st_mtime_ns}
    if path.exists() and note.exists():
        known = json.loads(note.read_text())
        if known["source"] == source:
            return np.load(path, mmap_mode="r"), known["fingerprint"]
    folder.mkdir(exist_ok=True)
    aside = folder / f"{stem}-{uuid.uuid4().hex}.incomplete"
    try:
        images = np.lib.format.open_memmap(
            aside, mode="w+", dtype=np.uint8, shape=(len(order), *IMAGE_SHAPE)
        )
        _decode(builder, split, order, images, description, progress)
        images.flush()
        fingerprint = compute_fingerprint(images, labels, indices)
        # The note goes first and comes last: it vouches for the file.
        note.unlink(missing_ok=True)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    note.write_text(json.dumps({"source": source, "fingerprint": fingerprint}))
    return np.load(path, mmap_mode="r"), fingerprint
