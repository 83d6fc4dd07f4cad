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
# Here forty iterators, one after the other, are read for 1.4 seconds each.
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
    dataset = numbers.map(tf.identity, num_parallel_calls=2)
    options = tf.data.Options()
    options.autotune.enabled = tuned
    iterator = iter(dataset.prefetch(2).with_options(options))
    begin = time.monotonic()
    while time.monotonic() - begin < 1.4:
        next(iterator)
        time.sleep(0.01)
    end = time.monotonic()
    del iterator
    return time.monotonic() - end


tuned = [seconds_to_let_go(True) for _ in range(30)]
untuned = [seconds_to_let_go(False) for _ in range(10)]
late = sum(seconds > 0.5 for seconds in tuned)
print(f"with autotuning {late} of 30 took {max(tuned):.1f} s to let go of")
print(f"without, none of 10 took more than {max(untuned):.2f} s")
if not late or max(untuned) > 0.5:
    raise SystemExit("Changed: an iterator goes at once.")
PYTHON
echo "As described."
