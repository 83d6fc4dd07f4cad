#!/usr/bin/env bash
# OpenVINO 2026.4.1: an input of another type is cut to uint8 without a word.
#
# A model whose input is uint8 pixels, called with a NumPy array of float32,
# answers. The values are cut to bytes on the way: seen [0.9, 0.4] -> [0, 0],
# so that an image scaled to 0..1 is a black one, and 300.0 -> 44, which wraps
# around; int64 300 likewise. Both ONNX Runtime and LiteRT refuse the type of
# such an array. Whoever scales pixels as for other models gets the same
# confident answer for every picture.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet openvino==2026.4.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import openvino
from openvino import opset13 as ops

pixels = ops.parameter([-1, 2], openvino.Type.u8, name="pixels")
seen = ops.result(ops.convert(pixels, openvino.Type.f32))
model = openvino.Core().compile_model(
    openvino.Model([seen], [pixels], "identity"), "CPU"
)


def answer(values):
    return next(iter(model([values]).values())).tolist()


assert answer(np.array([[3, 200]], np.uint8)) == [[3, 200]]
scaled = answer(np.array([[0.9, 0.4]], np.float32))
large = answer(np.array([[3.7, 300.0]], np.float32))
whole = answer(np.array([[5, 300]], np.int64))
print(f"[0.9, 0.4]: {scaled}; [3.7, 300.0]: {large}; [5, 300]: {whole}")
if (scaled, large, whole) != ([[0, 0]], [[3, 44]], [[5, 44]]):
    raise SystemExit("Changed: other types are refused or rounded.")
PYTHON
echo "As described."
