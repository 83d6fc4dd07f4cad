#!/usr/bin/env bash
# Pillow 13.0.0: 16 bits of gray are clipped, 16 bits of colour are scaled.
#
# The same picture saved as a 16-bit PNG in colour and in gray comes out of
# `Image.open(...).convert("RGB")` as two: of the colour file each value loses
# its lower byte (40000 -> 156), of the gray file (mode `I;16`) every value above
# 255 is 255. So a gray TIFF or PNG of a camera or a microscope turns white,
# without an error or a warning, in whatever converts it to RGB for a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==13.0.0 numpy==2.4.6 \
    opencv-python-headless==5.0.0.93
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys

import cv2
import numpy as np
from PIL import Image

levels = np.array([[0, 255, 256, 20000, 40000, 65535]], np.uint16)
gray, colour = f"{sys.argv[1]}/gray.png", f"{sys.argv[1]}/colour.png"
cv2.imwrite(gray, levels)
cv2.imwrite(colour, np.repeat(levels[..., None], 3, axis=2))
found = {}
for path in (gray, colour):
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))[0, :, 0].tolist()
        print(path.rpartition("/")[2], image.mode, pixels)
        found[path] = pixels
if found[gray] != [0, 255, 255, 255, 255, 255]:
    raise SystemExit("Changed: 16 bits of gray are no longer clipped.")
if found[colour] != [0, 0, 1, 78, 156, 255]:
    raise SystemExit("Changed: 16 bits of colour are no longer scaled.")
PYTHON
echo "As described."
