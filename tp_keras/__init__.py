"""Keras models around Tiny Portraits and other sets of face thumbnails.

Importing the package is cheap and imports neither TensorFlow nor Keras, so
that an exported bundle can be served without them. `import tp_keras.models`
registers every layer and model with Keras; do so before
`keras.saving.load_model`.
"""

__version__ = "0.2.0"
