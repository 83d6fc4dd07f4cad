"""Registers what appears in saved models under the name of the package."""

import keras

PACKAGE = "tp_keras"


def register(cls):
    """Registers a class with Keras as `tp_keras>ClassName`.

    The key is part of every saved file: renaming a class breaks old ones.
    """
    return keras.saving.register_keras_serializable(package=PACKAGE)(cls)
