#!/usr/bin/env bash
# tensorflow-datasets 4.9.10: a slice of a split is none of Python's.
#
# `train[6:2]`, ends exchanged, has minus four examples, and `train[80%:20%]`
# minus six; Python's slice is empty there. Whoever makes room for that many, or
# a share of it, gets a negative number. Reading it ends in an error about a data
# set that "was expected to contain 0 elements but contained at least 1": of the
# files, not of the slice; `list` of it says "__len__() should return >= 0".
#
# A slice that begins at the end, `train[10:]` of ten, has 0 examples, as in
# Python, but one that reaches beyond it, `train[:11]`, is a ValueError, where
# Python gives the ten.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow-datasets==4.9.10 \
    tensorflow==2.21.0 importlib_resources==7.1.0
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

rows = tf.data.Dataset.from_tensor_slices({"number": np.arange(10)})
tfds.dataset_builders.store_as_tfds_dataset(
    name="ten",
    version="1.0.0",
    features=tfds.features.FeaturesDict(
        {"number": tfds.features.Scalar(np.int64)}
    ),
    split_datasets={"train": rows},
    data_dir=sys.argv[1],
)
builder = tfds.builder("ten", data_dir=sys.argv[1])


def size(split):
    try:
        return builder.info.splits[split].num_examples
    except ValueError:
        return "ValueError"


def read(split):
    try:
        return sum(1 for _ in builder.as_dataset(split=split))
    except tf.errors.FailedPreconditionError:
        return "FailedPreconditionError"


splits = ("train[6:2]", "train[80%:20%]", "train[10:]", "train[:11]")
found = {split: size(split) for split in splits}
found["reading train[6:2]"] = read("train[6:2]")
for split, seen in found.items():
    print(f"{split}: {seen}")
if list(found.values()) != [
    *(-4, -6, 0, "ValueError"),
    "FailedPreconditionError",
]:
    raise SystemExit("Changed: slices have other sizes.")
PYTHON
echo "As described."
