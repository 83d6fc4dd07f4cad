"""LiteRT with weights of 8 bits, and activations that are quantised anew."""

import tensorflow as tf

from tp_keras.export.formats.format import FOLDER
from tp_keras.export.formats.litert import LiteRT
from tp_keras.export.formats.litert import make_converter
from tp_keras.export.formats.litert import write_file


class LiteRTDynamic(LiteRT):
    """A LiteRT file of dynamic range, which needs no portraits to calibrate.

    Weights have 8 bits, with a scale for each channel. The range of an
    activation is that of the request at hand, and between the layers all is
    float32.
    """

    name = "litert_dynamic"
    file = f"{FOLDER}/portrait_attributes_dynamic.tflite"
    tolerance = None

    def convert(self, model, path, images=None):
        """Writes the file; see `Format.convert`."""
        converter = make_converter(model)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        write_file(path, converter.convert())
        return {}
