"""The formats by name, with those of one file and one runtime each."""

import pathlib
import sys
import tempfile

import numpy as np
import tensorflow as tf

from tp_keras.command_line import install_command
from tp_keras.errors import UserError
from tp_keras.export.formats.format import DESCRIPTION
from tp_keras.export.formats.format import FOLDER
from tp_keras.export.formats.format import Format
from tp_keras.export.formats.format import describe_file
from tp_keras.export.formats.litert import LiteRT
from tp_keras.export.formats.litert import LiteRTDynamic
from tp_keras.export.formats.litert import LiteRTInt8
from tp_keras.export.signatures import constant_function
from tp_keras.serving.c_session import CSession
from tp_keras.serving.locate import METADATA_FILE

# Old enough for the runtimes of three years, new enough for all we use.
OPSET = 18


class SavedModel(Format):
    """The folder of the version, as TensorFlow Serving loads it.

    It is there before the other formats, so there is nothing to convert. It
    answers the tasks; the embedding is a signature of its own.
    """

    name = "saved_model"
    file = "."
    packages = {"tensorflow": "tensorflow"}

    def convert(self, model, tasks, path, images=None):
        """Does nothing."""
        return {}

    def _load(self, path, threads):
        session = CSession(path, threads=threads)

        def predict(images):
            answers = session.run("serving_default", {"image": images})
            # Without the labels, which are strings.
            return {k: v for k, v in answers.items() if v.dtype == np.float32}

        return predict

    def files(self, bundle_dir):
        """Returns all files but the metadata and those of other formats."""
        parts = pathlib.Path(bundle_dir).iterdir()
        own = [p for p in parts if p.name not in (FOLDER, METADATA_FILE)]
        paths = [path for part in own for path in (part, *part.rglob("*"))]
        return [path for path in paths if path.is_file()]


class Onnx(Format):
    """An ONNX file in float32, its batch of any size."""

    name = "onnx"
    file = f"{FOLDER}/portrait_attributes.onnx"
    packages = {name: name for name in ("tf2onnx", "onnx", "onnxruntime")}

    def convert(self, model, tasks, path, images=None):
        """Writes the file; see `Format.convert`."""
        import onnx
        import tf2onnx

        function = constant_function(model)
        proto, _ = tf2onnx.convert.from_function(
            function, input_signature=function.input_signature, opset=OPSET
        )
        for value in (*proto.graph.input, *proto.graph.output):
            # It numbers them as if they were unlike.
            value.type.tensor_type.shape.dim[0].dim_param = "batch"
        names = [output.name for output in proto.graph.output]
        about = describe_file(names, model, tasks)
        onnx.helper.set_model_props(proto, {DESCRIPTION: about})
        onnx.checker.check_model(proto)
        onnx.save(proto, path)
        return {"opset": OPSET}

    def _load(self, path, threads):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        names = [output.name for output in session.get_outputs()]

        def predict(images):
            answers = session.run(names, {"image": images})
            return dict(zip(names, answers, strict=True))

        return predict


class OpenVino(Format):
    """An XML file of the graph and, beside it, a file of float32 weights."""

    name = "openvino"
    file = f"{FOLDER}/openvino/portrait_attributes.xml"
    packages = {"openvino": "openvino"}

    def convert(self, model, tasks, path, images=None):
        """Writes the files; see `Format.convert`."""
        openvino = import_openvino()
        path.parent.mkdir()
        function = constant_function(model)
        with tempfile.TemporaryDirectory() as folder:
            tf.saved_model.save(tf.Module(), folder, signatures=function)
            graph = openvino.Core().read_model(folder)
            names = [output.any_name for output in graph.outputs]
            about = describe_file(names, model, tasks)
            graph.set_rt_info(about, [DESCRIPTION])
            openvino.save_model(graph, path, compress_to_fp16=False)
        return {}

    def _load(self, path, threads):
        compiled = import_openvino().compile_model(
            path,
            "CPU",
            {
                "INFERENCE_NUM_THREADS": threads,
                "NUM_STREAMS": 1,
                # Where the processor has bfloat16 it would take it unasked,
                # and probabilities would move.
                "INFERENCE_PRECISION_HINT": "f32",
            },
        )
        names = [output.any_name for output in compiled.outputs]

        def predict(images):
            answers = compiled(images).values()
            return dict(zip(names, answers, strict=True))

        return predict

    def files(self, bundle_dir):
        """Returns the file of the graph and that of the weights."""
        (path,) = super().files(bundle_dir)
        return [path, path.with_suffix(".bin")]


def import_openvino():
    """Returns the module `openvino`."""
    # Without this package it reports each import and each conversion to its
    # maker; it is made to be left out.
    sys.modules.setdefault("openvino_telemetry", None)
    import openvino

    return openvino


_KINDS = SavedModel, LiteRT, LiteRTDynamic, LiteRTInt8, Onnx, OpenVino
FORMATS: dict[str, Format] = {kind.name: kind() for kind in _KINDS}


def get_formats(names) -> tuple[Format, ...]:
    """Returns the formats of the given names, in the order of `FORMATS`.

    `saved_model` is always among them: it is the bundle itself. Raises
    `UserError` if a name is unknown, or a package not installed.

    Example:
        >>> [item.name for item in get_formats(["onnx"])]
        ['saved_model', 'onnx']
    """
    names = list(names)
    if unknown := [name for name in names if name not in FORMATS]:
        raise UserError(
            f"Expected formats out of {', '.join(FORMATS)}. "
            f"Received: formats={','.join(unknown)}"
        )
    wanted = {SavedModel.name, *names}
    formats = tuple(FORMATS[name] for name in FORMATS if name in wanted)
    missing = dict.fromkeys(
        package for item in formats for package in item.missing_packages()
    )
    if missing:
        raise UserError(
            f"Expected {', '.join(missing)} to be installed: "
            f"`{install_command('formats')}` does it. "
            f"Received: formats={','.join(names)}"
        )
    return formats
