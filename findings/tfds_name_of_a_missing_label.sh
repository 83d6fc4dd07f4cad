#!/usr/bin/env bash
# tensorflow-datasets 4.9.10: a missing label is called by the last class.
#
# A `ClassLabel` takes -1 for a row without a label, as many of its own data
# sets use it for their unlabelled test split, and refuses -2. But its way back,
# `int2str(-1)`, indexes the list of names with it and answers the last one:
# seen with ["black", "brown", "bald"]: "bald". No error, no warning. Keras'
# `to_categorical(-1, 3)` makes the last class of it too ([0, 0, 1]), whereas
# `keras.ops.one_hot` makes [0, 0, 0].
#
# Whoever prints names, draws samples or counts classes with it gets as many
# bald people more as there are rows without a label.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow-datasets==4.9.10 \
    tensorflow==2.21.0 keras==3.15.1 importlib_resources==7.1.0
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np
import tensorflow_datasets as tfds

label = tfds.features.ClassLabel(names=["black", "brown", "bald"])
assert label.encode_example(-1) == -1
try:
    label.encode_example(-2)
except ValueError:
    pass
else:
    raise SystemExit("Changed: -2 is taken for a label too.")
name = label.int2str(-1)
one_hot = keras.utils.to_categorical([-1], 3).tolist()
zeros = np.asarray(keras.ops.one_hot(np.array([-1]), 3)).tolist()
print(f"int2str(-1): {name}; to_categorical: {one_hot}; one_hot: {zeros}")
if (name, one_hot, zeros) != ("bald", [[0, 0, 1]], [[0, 0, 0]]):
    raise SystemExit("Changed: a missing label has another name.")
PYTHON
echo "As described."
