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
# It is a race: here 1 to 11 of 30 iterators of the simplest pipeline were late,
# nearly always those of trainings. Two hundred are read for 1.4 seconds, twenty
# at a time.
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
    """Reads twenty iterators, and returns what letting go of each took."""
    numbers = tf.data.Dataset.counter()
    dataset = numbers.map(tf.identity, num_parallel_calls=2).prefetch(2)
    options = tf.data.Options()
    options.autotune.enabled = tuned
    iterators = [iter(dataset.with_options(options)) for _ in range(20)]
    begin = time.monotonic()
    while time.monotonic() - begin < 1.4:
        for iterator in iterators:
            next(iterator)
        time.sleep(0.01)
    del iterator
    seconds = []
    while iterators:
        begin = time.monotonic()
        iterators.pop()
        seconds.append(time.monotonic() - begin)
    return seconds


tuned = [x for _ in range(10) for x in seconds_to_let_go(True)]
untuned = [x for _ in range(10) for x in seconds_to_let_go(False)]
late = sum(seconds > 0.3 for seconds in tuned)
print(f"with autotuning {late} of 200 were late, by {max(tuned):.1f} s at most")
print(f"without, none of 200 by more than {max(untuned):.2f} s")
if not late or max(untuned) > 0.3:
    raise SystemExit("Changed: an iterator goes at once.")
PYTHON
echo "As described."
