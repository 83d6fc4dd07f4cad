"""OpenVINO: Intel's runtime, which is fast on other x86 processors too."""

import sys
import tempfile

import tensorflow as tf

from tp_keras.export.formats.format import DESCRIPTION
from tp_keras.export.formats.format import FOLDER
from tp_keras.export.formats.format import Format
from tp_keras.export.formats.format import describe_file
from tp_keras.export.signatures import constant_function


class OpenVino(Format):
    """An XML file of the graph and, beside it, a file of float32 weights."""

    name = "openvino"
    file = f"{FOLDER}/openvino/portrait_attributes.xml"
    packages = {"openvino": "openvino"}

    def convert(self, model, tasks, path, images=None):
        """Writes the files; see `Format.convert`."""
        openvino = _import()
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
        compiled = _import().compile_model(
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


def _import():
    # Without this package it reports each import and each conversion to its
    # maker; it is made to be left out.
    sys.modules.setdefault("openvino_telemetry", None)
    import openvino

    return openvino
