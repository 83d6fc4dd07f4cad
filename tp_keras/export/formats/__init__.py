"""The file formats of a bundle, each with the runtime that answers from it.

`saved_model` is the bundle itself. The others lie in its folder `formats/`,
where TensorFlow Serving doesn't look, and are made on demand: their packages
are those of `requirements-formats.txt`.
"""

from tp_keras.export.formats.add import add_formats
from tp_keras.export.formats.registry import FORMATS
from tp_keras.export.formats.registry import get_formats
from tp_keras.export.formats.table import describe_formats
from tp_keras.export.formats.table import latency_table

__all__ = [
    "FORMATS",
    "add_formats",
    "describe_formats",
    "get_formats",
    "latency_table",
]
