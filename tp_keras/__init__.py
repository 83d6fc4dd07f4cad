"""Keras models around Tiny Portraits and other sets of face thumbnails.

Importing the package is cheap and imports neither TensorFlow nor Keras, so
that an exported bundle can be served without them. As soon as Keras is there,
before or after, every layer and model of the package is registered with it, so
that `keras.saving.load_model` opens what was trained elsewhere.
"""

import importlib

import wrapt

__version__ = "0.2.0"


def _register_models(_) -> None:
    """Registers the classes that stand in `.keras` files."""
    importlib.import_module("tp_keras.models")
    importlib.import_module("tp_keras.generator.model")


wrapt.register_post_import_hook(_register_models, "keras")
