#!/usr/bin/env bash
# Keras 3.15.1: with one named output, its metrics lose the output's name.
#
# A functional model whose outputs are a dict names losses and metrics after
# them: with the outputs "color" and "kind" the history has `color_mae` and
# `kind_mae`, `color_loss` and `kind_loss`. With a dict of one output, compiled
# and fitted with dicts of the same key, the history has `mae` and no loss of
# its own. Code that reads `<output>_<metric>`, an early stopping that monitors
# it or a tuner's objective, works for two tasks and breaks for one of them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow==2.21.0 keras==3.15.1
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np


def history_keys(names):
    x = keras.Input((4,))
    model = keras.Model(
        x, {name: keras.layers.Dense(3, name=name)(x) for name in names}
    )
    model.compile(
        loss={name: "mse" for name in names},
        metrics={name: ["mae"] for name in names},
    )
    y = {name: np.zeros((8, 3)) for name in names}
    return sorted(model.fit(np.zeros((8, 4)), y, verbose=0).history)


two, one = history_keys(["color", "kind"]), history_keys(["color"])
print("two outputs:", two)
print("one output: ", one)
if "color_mae" not in two or one != ["loss", "mae"]:
    raise SystemExit("Changed: the names of an only output are others.")
PYTHON
echo "As described."
