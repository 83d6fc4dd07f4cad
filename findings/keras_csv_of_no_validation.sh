#!/usr/bin/env bash
# keras 3.15.1: the CSVLogger of a training without validation writes columns of
# a validation.
#
# Where no key of the first epoch begins with `val_`, `CSVLogger` adds a column
# `val_...` for each that there is, and fills it with the text NA, in each row:
# room for a validation that may come in a later epoch (`validation_freq`). So a
# history without validation has twice the columns, `val_loss` among them, and
# whoever reads its cells as numbers fails. `History`, of the same training, has
# `loss` alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - "$folder" <<'PYTHON'
import csv
import pathlib
import sys

import keras
import numpy as np

path = pathlib.Path(sys.argv[1], "history.csv")
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
history = model.fit(
    np.ones((8, 2)),
    np.ones(8),
    epochs=2,
    verbose=0,
    callbacks=[keras.callbacks.CSVLogger(path)],
)
with path.open() as file:
    rows = list(csv.DictReader(file))
print("History:", sorted(history.history))
print("CSVLogger:", list(rows[0]), [row["val_loss"] for row in rows])
if (
    list(history.history) != ["loss"]
    or list(rows[0]) != ["epoch", "loss", "val_loss"]
    or [row["val_loss"] for row in rows] != ["NA", "NA"]
):
    raise SystemExit("Changed: the columns are others.")
PYTHON
echo "As described."
