#!/usr/bin/env bash
# TensorFlow 2.21.0: letting go of a tf.data iterator can take many seconds.
#
# A pipeline with a parallel map has a thread that tunes it. The thread sleeps
# twice as long after each turn, from 10 ms up to a minute, and the iterator is
# gone only when it wakes. So a program that has read for eleven seconds all that
# it wants may stand still for nine more, and `fit`, which lets go of its
# iterators at its end, for up to sixty: every training of some minutes ended
# 82 s and a number of whole minutes after its first batch, whatever its length. Nothing is
# computed meanwhile, nothing is said. Numbers of threads that are given leave
# nothing to tune, but the thread is there. With
# `options.autotune.enabled = False` the iterator goes at once.
#
# Here eight pipelines at once are read for eleven seconds, then let go.
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
    dataset = tf.data.Dataset.counter().map(
        lambda number: number + 1, num_parallel_calls=2
    )
    options = tf.data.Options()
    options.autotune.enabled = tuned
    iterators = [iter(dataset.with_options(options)) for _ in range(8)]
    begin = time.monotonic()
    while time.monotonic() - begin < 11:
        for iterator in iterators:
            next(iterator)
        time.sleep(0.01)
    end = time.monotonic()
    del iterator
    iterators.clear()
    return time.monotonic() - end


tuned, untuned = seconds_to_let_go(True), seconds_to_let_go(False)
print(f"Let go after 11 s of reading, with autotuning: {tuned:.1f} s")
print(f"without: {untuned:.1f} s")
if tuned < 5 or untuned > 1:
    raise SystemExit("Changed: an iterator goes at once.")
PYTHON
echo "As described."
