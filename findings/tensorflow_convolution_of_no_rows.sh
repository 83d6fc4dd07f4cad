#!/usr/bin/env bash
# TensorFlow 2.21.0: on a processor a convolution of an empty batch keeps the
# shape of its input.
#
# `tf.nn.conv2d` of [0, 8, 8, 3] with 16 filters is of the shape [0, 8, 8, 3], with
# strides of 2 as well, where [0, 8, 8, 16] and [0, 4, 4, 16] are due; a traced
# function promises the latter and hands over the former. So is a depthwise one.
# What comes next fails, the bias or the second convolution, in words that name
# neither the empty batch nor the first: "Must provide as many biases as the last
# dimension of the input tensor" or "input depth must be evenly divisible by filter
# depth". It is the kernels of oneDNN, which are the default on x86: with
# TF_ENABLE_ONEDNN_OPTS=0 all is as it should be. Half of a batch of one row, or
# the rows that a mask leaves, are such a batch.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow==2.21.0 numpy==2.4.6
cat > "$folder/shapes.py" <<'PYTHON'
import tensorflow as tf

images = tf.zeros((0, 8, 8, 3))
kernel, twice = tf.zeros((3, 3, 3, 16)), tf.zeros((3, 3, 3, 2))
traced = tf.function(lambda x: tf.nn.conv2d(x, kernel, 1, "SAME"))
promised = traced.get_concrete_function(images).output_shapes


def added():
    try:
        tf.nn.bias_add(tf.nn.conv2d(images, kernel, 1, "SAME"), tf.zeros(16))
    except tf.errors.InvalidArgumentError as error:
        return error.message.partition("Must provide")[1] or error.message
    return "added"


print(
    tf.nn.conv2d(images, kernel, 1, "SAME").shape.as_list(),
    tf.nn.conv2d(images, kernel, 2, "SAME").shape.as_list(),
    tf.nn.depthwise_conv2d(images, twice, [1, 1, 1, 1], "SAME").shape.as_list(),
    promised.as_list(),
    traced(images).shape.as_list(),
    added(),
    sep="; ",
)
PYTHON
for onednn in 1 0; do
    TF_ENABLE_ONEDNN_OPTS=$onednn "$folder/venv/bin/python" \
        "$folder/shapes.py" 2>/dev/null | tee "$folder/$onednn"
done
in="[0, 8, 8, 3]"
out="[0, 8, 8, 16]"
echo "$in; $in; $in; $out; $in; Must provide" | diff - "$folder/1"
echo "$out; [0, 4, 4, 16]; [0, 8, 8, 6]; $out; $out; added" | diff - "$folder/0"
echo "As described."
