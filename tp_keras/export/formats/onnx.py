"""ONNX: the exchange format, in ONNX Runtime."""

from tp_keras.export.formats.format import DESCRIPTION
from tp_keras.export.formats.format import FOLDER
from tp_keras.export.formats.format import Format
from tp_keras.export.formats.format import describe_file
from tp_keras.export.signatures import constant_function

# Old enough for the runtimes of three years, new enough for all we use.
OPSET = 18


class Onnx(Format):
    """An ONNX file in float32, its batch of any size."""

    name = "onnx"
    file = f"{FOLDER}/portrait_attributes.onnx"
    packages = {
        "tf2onnx": "tf2onnx",
        "onnx": "onnx",
        "onnxruntime": "onnxruntime",
    }

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
