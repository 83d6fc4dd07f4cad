#!/usr/bin/env bash
# Keras 3.15.1: a model that is made frozen trains inside another one.
#
# `keras.Model(inputs, outputs, trainable=False)` says `trainable` is False and
# lists no trainable variable. Used as a layer of a further model, all of its
# variables are trained there: seen 4 trainable variables of 4 (2 expected), and
# its weights move in `fit`. The flag has not been handed down to its layers;
# `model.trainable = False` afterwards doesn't help on TensorFlow, as the flag
# is False already and the assignment returns early. `inner.trainable = True`
# and then False does. Whoever freezes a backbone by its constructor trains it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow==2.21.0 keras==3.15.1
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np


def nested(inner):
    x = keras.Input((4,))
    return keras.Model(x, keras.layers.Dense(2)(inner(x)))


x = keras.Input((4,))
inner = keras.Model(x, keras.layers.Dense(3)(x), trainable=False)
says = inner.trainable, len(inner.trainable_variables)
outer = nested(inner)
trained = len(outer.trainable_variables)
before = inner.get_weights()[0].copy()
outer.compile("sgd", "mse")
outer.fit(np.ones((8, 4)), np.ones((8, 2)), verbose=0)
moved = bool(np.abs(inner.get_weights()[0] - before).max() > 0)
inner.trainable = False
again = len(nested(inner).trainable_variables)
inner.trainable = True
inner.trainable = False
frozen = len(nested(inner).trainable_variables)
print(
    f"the inner model says {says}; the outer one trains {trained} variables, "
    f"its weights move: {moved}; set to False again: {again}; set to True and "
    f"False: {frozen}"
)
if (says, trained, moved, again, frozen) != ((False, 0), 4, True, 4, 2):
    raise SystemExit("Changed: a model that is made frozen is another thing.")
PYTHON
echo "As described."
