#!/usr/bin/env bash
# TensorFlow 2.21.0: letting go of a tf.data iterator can take up to a minute.
#
# Each iterator has a thread that tunes its pipeline, even where the pipeline
# gives all numbers itself. The thread sleeps twice as long after each turn, from
# 10 ms up to a minute. To let go of the iterator is to wait for the thread; it
# is woken for that, but in some cases sleeps on to the end of its turn. So a
# program that has read all that it wants stands still, silently and with idle
# processors, for as long as it has read, up to sixty seconds. `fit` lets go of
# its iterators at its end: ten trainings out of ten, of two to eight minutes,
# ended 82 seconds and a number of whole minutes after their first batches. With
# `options.autotune.enabled = False` the iterator goes at once.
#
# It is a race: 1 to 11 of 30 iterators of the simplest pipeline were late, and
# nearly all of those of trainings. Here iterators are read for .7 seconds each
# until one is late.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow==2.21.0
export TF_CPP_MIN_LOG_LEVEL=3
"$folder/venv/bin/python" - <<'PYTHON'
import time

import tensorflow as tf


def seconds_to_let_go(tuned):
    numbers = tf.data.Dataset.counter()
    dataset = numbers.map(tf.identity, num_parallel_calls=2).prefetch(2)
    options = tf.data.Options()
    options.autotune.enabled = tuned
    iterator = iter(dataset.with_options(options))
    begin = time.monotonic()
    while time.monotonic() - begin < 0.7:
        next(iterator)
        time.sleep(0.01)
    begin = time.monotonic()
    del iterator
    return time.monotonic() - begin


for count in range(1, 201):
    seconds = seconds_to_let_go(True)
    if seconds > 0.3:
        break
else:
    raise SystemExit("Changed: 200 iterators have gone at once.")
print(f"with autotuning iterator {count} went after {seconds:.1f} s of silence")
untuned = max(seconds_to_let_go(False) for _ in range(20))
print(f"without it the slowest of 20 took {untuned:.2f} s")
if untuned > 0.3:
    raise SystemExit("Changed: without autotuning it takes as long.")
PYTHON
echo "As described."
