"""LiteRT, once TensorFlow Lite: one flat file, run by XNNPACK."""

import zipfile

import tensorflow as tf

from tp_keras.export.formats.format import DESCRIPTION
from tp_keras.export.formats.format import FOLDER
from tp_keras.export.formats.format import Format
from tp_keras.export.formats.format import describe_file
from tp_keras.export.signatures import constant_function


class LiteRT(Format):
    """A LiteRT file with weights in float32.

    Its batch is 1 until `resize_tensor_input` says otherwise; the runtime here
    does so by itself.
    """

    name = "litert"
    file = f"{FOLDER}/portrait_attributes.tflite"
    packages = {"ai_edge_litert": "ai-edge-litert"}

    def convert(self, model, tasks, path, images=None):
        """Writes the file; see `Format.convert`."""
        write_file(path, make_converter(model).convert(), model, tasks)
        return {}

    def _load(self, path, threads):
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(str(path), num_threads=threads)
        (input_details,) = interpreter.get_input_details()
        indices = [d["index"] for d in interpreter.get_output_details()]
        outputs = dict(zip(output_names(interpreter), indices, strict=True))
        shape = None

        def predict(images):
            nonlocal shape
            if images.shape != shape:
                # Strict: else it takes pictures of any size.
                interpreter.resize_tensor_input(
                    input_details["index"], images.shape, strict=True
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


class LiteRTDynamic(LiteRT):
    """A LiteRT file of dynamic range, which needs no portraits to calibrate.

    Weights have 8 bits, with a scale for each channel. The range of an
    activation is that of the request at hand, and between the layers all is
    float32.
    """

    name = "litert_dynamic"
    file = f"{FOLDER}/portrait_attributes_dynamic.tflite"
    tolerance = None

    def convert(self, model, tasks, path, images=None):
        """Writes the file; see `Format.convert`."""
        converter = make_converter(model)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        write_file(path, converter.convert(), model, tasks)
        return {}


def write_file(path, content: bytes, model, tasks) -> None:
    """Writes a LiteRT file that says what it answers.

    As the format has it, what else belongs to a model follows it as a ZIP
    archive, which a runtime doesn't look at.

    Args:
        path: Where to write.
        content: What a converter made.
        model: What it made it of.
        tasks: The tasks of the model.
    """
    from ai_edge_litert.interpreter import Interpreter

    names = output_names(Interpreter(model_content=content))
    path.write_bytes(content)
    with zipfile.ZipFile(path, "a") as archive:
        # An entry that is dated 1980: the same model makes the same file.
        entry = zipfile.ZipInfo(f"{DESCRIPTION}.json")
        archive.writestr(entry, describe_file(names, model, tasks))


def output_names(interpreter) -> list[str]:
    """Returns the names of the outputs in the order of the file.

    They are those of the signature. The tensors have names of the converter's
    own, and an order that is none.
    """
    details = interpreter.get_signature_runner().get_output_details()
    names = {detail["index"]: name for name, detail in details.items()}
    return [names[d["index"]] for d in interpreter.get_output_details()]


def make_converter(model):
    """Returns a `tf.lite.TFLiteConverter` of a model and its constants."""
    function = constant_function(model)
    return tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()], tf.Module()
    )
