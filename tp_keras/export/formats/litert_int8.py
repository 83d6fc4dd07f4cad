"""LiteRT with weights and activations of 8 bits."""

import re
import warnings

import keras
import tensorflow as tf

from tp_keras.export.answers import Answer
from tp_keras.export.formats.format import FOLDER
from tp_keras.export.formats.litert import LiteRT
from tp_keras.export.formats.litert import make_converter
from tp_keras.export.formats.litert import write_file
from tp_keras.models.classifier import Number

# What stays float, as eight bits would cost more than they save:
# * the normalisation of the pixels: what comes in has 256 levels already, and
#   the converter's two integer steps (scale, then offset) keep fewer of them;
# * all from the pooling on, which is hardly any work: it halves the error of
#   the embedding, whose normalisation spans far more than 256 levels, and in a
#   softmax with steps of 1/256 two classes come out equal.
FLOAT_LAYERS = (
    keras.layers.Rescaling,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.Dense,
    keras.layers.LayerNormalization,
    Number,
    Answer,
)


class LiteRTInt8(LiteRT):
    """A LiteRT file quantised after training, with a scale for each channel.

    Pixels come in as they are and probabilities leave as float32. The range of
    every activation is that of the portraits it is calibrated with.
    """

    name = "litert_int8"
    file = f"{FOLDER}/portrait_attributes_int8.tflite"
    tolerance = None
    needs_calibration = True

    def convert(self, model, tasks, path, images=None):
        """Writes the file; see `Format.convert`."""
        kept = [
            layer.name
            for layer in model.layers
            if isinstance(layer, FLOAT_LAYERS)
        ]
        write_file(path, _quantize(model, images, kept), model, tasks)
        return {"calibration_portraits": len(images), "float_layers": kept}


def _quantize(model, images, kept) -> bytes:
    converter = make_converter(model)
    float_file = converter.convert()
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: (
        [images[i : i + 1]] for i in range(len(images))
    )
    with warnings.catch_warnings():
        # The debugger, which alone takes a list of what to leave, looks at
        # the result with the interpreter of the tensorflow package.
        warnings.simplefilter("ignore")
        debugger = tf.lite.experimental.QuantizationDebugger(
            converter=converter,
            debug_options=tf.lite.experimental.QuantizationDebugOptions(
                denylisted_nodes=_tensors_of(float_file, kept)
            ),
        )
        return debugger.get_nondebug_quantized_model()


def _tensors_of(file: bytes, layer_names) -> list[str]:
    """Returns the names of the tensors that layers make, and the outputs."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=file)
    # `<model>/<layer>/<operation>`, numbered if the layer was called before.
    pattern = re.compile(
        rf"(^|/)({'|'.join(map(re.escape, layer_names))})(_\d+)?/"
    )
    names = [d["name"] for d in interpreter.get_output_details()]
    names += [
        d["name"]
        for d in interpreter.get_tensor_details()
        if pattern.search(d["name"])
    ]
    return names
