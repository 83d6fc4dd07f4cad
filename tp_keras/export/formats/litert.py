"""LiteRT, once TensorFlow Lite: one flat file, run by XNNPACK."""

import tensorflow as tf

from tp_keras.export.formats.format import FOLDER
from tp_keras.export.formats.format import Format
from tp_keras.export.signatures import constant_function


class LiteRT(Format):
    """A LiteRT file with weights in float32.

    Its batch is 1 until `resize_tensor_input` says otherwise; the runtime here
    does so by itself.
    """

    name = "litert"
    file = f"{FOLDER}/portrait_attributes.tflite"
    packages = {"ai_edge_litert": "ai-edge-litert"}

    def convert(self, model, path, images=None):
        """Writes the file; see `Format.convert`."""
        path.write_bytes(make_converter(model).convert())
        return {}

    def load(self, path):
        """Loads the file; see `Format.load`."""
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(str(path), num_threads=1)
        (input_details,) = interpreter.get_input_details()
        # Names are those of the signature; those of the tensors are the
        # converter's own.
        details = interpreter.get_signature_runner().get_output_details()
        outputs = {name: detail["index"] for name, detail in details.items()}
        shape = None

        def predict(images):
            nonlocal shape
            if images.shape != shape:
                interpreter.resize_tensor_input(
                    input_details["index"], images.shape
                )
                interpreter.allocate_tensors()
                shape = images.shape
            interpreter.set_tensor(input_details["index"], images)
            interpreter.invoke()
            # `get_tensor` copies.
            return {
                name: interpreter.get_tensor(index)
                for name, index in outputs.items()
            }

        return predict


def make_converter(model):
    """Returns a `tf.lite.TFLiteConverter` of a model and its constants."""
    function = constant_function(model)
    return tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()], tf.Module()
    )
