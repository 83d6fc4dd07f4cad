"""What every notebook begins with: where package, data and runs are.

It is imported before anything else, as a clone need not be installed. Each
place can be named by a variable of the environment.
"""

import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from training.command import start_tensorflow  # noqa: E402


def _place(name, default):
    """Returns a path, of the default one that tells nothing of the machine."""
    default = os.path.relpath(ROOT / default)
    return pathlib.Path(os.environ.get(f"TP_KERAS_{name}", default))


# Prepared data sets, and which of them is looked at.
DATA_DIR = _place("DATA_DIR", "data/tfds")
DATASET = os.environ.get("TP_KERAS_DATASET", "tiny_portraits/synthetic")
# Another one with a task in common.
OTHER_DATASET = os.environ.get("TP_KERAS_OTHER_DATASET", "utk_face/synthetic")

# A trained run, and where bundles are.
RUN_DIR = _place("RUN_DIR", "runs/demo")
EXPORTED_MODELS = _place("EXPORTED_MODELS", "exported_models")

# Picture files to look at.
PICTURES = _place("PICTURES", "runs/demo/examples")

# Where notebooks write what they make.
OUTPUT_DIR = _place("OUTPUT_DIR", "runs/notebooks")

start_tensorflow()
