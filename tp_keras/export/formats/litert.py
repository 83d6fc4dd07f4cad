"""LiteRT, once TensorFlow Lite: one flat file, run by XNNPACK."""

import copy
import itertools
import re
import warnings
import zipfile

import keras
import numpy as np
import tensorflow as tf
from tensorflow.lite.tools import flatbuffer_utils

from tp_keras.export.answers import Answer
from tp_keras.export.formats.format import DESCRIPTION
from tp_keras.export.formats.format import FOLDER
from tp_keras.export.formats.format import Format
from tp_keras.export.formats.format import describe_file
from tp_keras.export.signatures import constant_function
from tp_keras.models.classifier import Number
from tp_keras.serving.contract import LITERT_FILE
from tp_keras.serving.litert_file import LiteRTFile
from tp_keras.serving.litert_file import load_interpreter
from tp_keras.serving.litert_file import output_names

# What stays float, as eight bits would cost more than they save:
# * the normalisation of the pixels: what comes in has 256 levels already, and
#   the converter's two integer steps (scale, then offset) keep fewer of them;
#   see `take_pixels_as_levels`;
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


# Of pixels, as the converter writes it.
_NORMALISATION = ("CAST", "MUL", "ADD", "QUANTIZE")


class LiteRT(Format):
    """A LiteRT file with weights in float32.

    Its batch is 1 until `resize_tensor_input` says otherwise; the runtime here
    does so by itself.
    """

    name = "litert"
    file = LITERT_FILE
    packages = {"ai_edge_litert": "ai-edge-litert"}

    def convert(self, model, tasks, path, images=None):
        """Writes the file; see `Format.convert`."""
        write_file(path, make_converter(model).convert(), model, tasks)
        return {}

    def _load(self, path, threads):
        return LiteRTFile(path, threads)


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
        kept = [x.name for x in model.layers if isinstance(x, FLOAT_LAYERS)]
        content = take_pixels_as_levels(_quantize(model, images, kept))
        write_file(path, content, model, tasks)
        return {"calibration_portraits": len(images), "float_layers": kept}


def write_file(path, content: bytes, model, tasks) -> None:
    """Writes a LiteRT file that says what it answers.

    As the format has it, what else belongs to a model follows it as a ZIP
    archive, which a runtime doesn't look at.
    """
    names = output_names(load_interpreter(content))
    path.write_bytes(content)
    with zipfile.ZipFile(path, "a") as archive:
        # An entry that is dated 1980: the same model makes the same file.
        entry = zipfile.ZipInfo(f"{DESCRIPTION}.json")
        archive.writestr(entry, describe_file(names, model, tasks))


def make_converter(model):
    """Returns a `tf.lite.TFLiteConverter` of a model and its constants."""
    function = constant_function(model)
    return tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function()], tf.Module()
    )


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


def take_pixels_as_levels(content: bytes) -> bytes:
    """Returns a LiteRT file that doesn't normalise pixels before it rounds.

    Where the rounded ones are the pixels, less 128, whatever the pixel, the
    operations before (to float, times, plus, to int8) are one: the pixels are
    numbers of such a scale already. So the answers are the same, bit by bit. A
    file that begins otherwise is returned as it is.
    """
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    graph = model.subgraphs[0]
    first = graph.operators[: len(_NORMALISATION)]
    if not _is_normalisation(model, graph, first):
        return content
    to_float, times, plus, to_int8 = first
    factor, offset = (
        np.frombuffer(bytes(_constant(model, graph, place)), np.float32)
        for place in (times, plus)
    )
    rounded = graph.tensors[to_int8.outputs[0]].quantization
    ((scale,), (zero,)) = rounded.scale, rounded.zeroPoint
    pixels = np.arange(256, dtype=np.float32)[:, None]
    levels = np.rint((pixels * factor + offset) / scale) + zero
    if not (levels == pixels - 128).all():
        return content
    (image,) = to_float.inputs
    graph.tensors[image].quantization = copy.deepcopy(rounded)
    graph.tensors[image].quantization.zeroPoint = [zero + 128]
    to_int8.inputs = [image]
    del graph.operators[: len(_NORMALISATION) - 1]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _is_normalisation(model, graph, operators) -> bool:
    """Whether operators of a graph are that, one after the other, alone."""
    names = [
        flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex)
        for operator in operators
    ]
    read = [place for own in graph.operators for place in own.inputs]
    return (
        names == list(_NORMALISATION)
        and len(model.subgraphs) == 1
        and all(
            before.outputs[0] == after.inputs[0]
            and read.count(after.inputs[0]) == 1
            for before, after in itertools.pairwise(operators)
        )
        and all(
            _constant(model, graph, place) is not None
            for place in operators[1:3]
        )
    )


def _constant(model, graph, operator):
    """Returns the bytes of the second input, None if it is computed."""
    return model.buffers[graph.tensors[operator.inputs[1]].buffer].data


def _tensors_of(file: bytes, layer_names) -> list[str]:
    """Returns the names of the tensors that layers make, and the outputs."""
    interpreter = load_interpreter(file)
    # `<model>/<layer>/<operation>`, numbered if the layer was called before.
    pattern = re.compile(
        rf"(^|/)({'|'.join(map(re.escape, layer_names))})(_\d+)?/"
    )
    outputs = [d["name"] for d in interpreter.get_output_details()]
    names = [d["name"] for d in interpreter.get_tensor_details()]
    return outputs + [name for name in names if pattern.search(name)]
