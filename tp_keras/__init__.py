"""Keras models around Tiny Portraits and other sets of face thumbnails.

Importing the package is cheap and imports neither TensorFlow nor Keras, so
that an exported bundle can be served without them. Where Keras is imported
already, every layer and model of the package is registered with it, so that
`keras.saving.load_model` opens what was trained elsewhere.
"""

import importlib
import sys

__version__ = "0.2.0"

if sys.modules.get("keras"):
    # They register the classes that stand in `.keras` files.
    importlib.import_module("tp_keras.models")
    importlib.import_module("tp_keras.generator.model")
