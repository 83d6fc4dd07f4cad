"""Each format in its own runtime, against the Keras model."""

import json
import zipfile

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter

from tests.export.networks import TinyClassifier
from tests.export.networks import random_portraits
from tp_keras.errors import UserError
from tp_keras.export import fold_batch_normalization
from tp_keras.export.formats import FORMATS
from tp_keras.export.formats import openvino as openvino_lib
from tp_keras.export.formats.format import probability_model
from tp_keras.quiet import no_native_messages
from tp_keras.tasks import get_tasks

CALIBRATION = random_portraits(16, seed=1)


def softmax(logits):
    logits = np.asarray(logits)
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def convert(name, classifier, folder):
    """Returns the file of a format below `folder`, and what is said of it."""
    model = probability_model(fold_batch_normalization(classifier.model))
    (folder / "formats").mkdir()
    path = folder / FORMATS[name].file
    with no_native_messages():
        return path, FORMATS[name].convert(model, path, CALIBRATION)


@pytest.fixture(scope="module")
def classifier():
    return TinyClassifier()


@pytest.fixture(scope="module")
def int8_file(classifier, tmp_path_factory):
    folder = tmp_path_factory.mktemp("int8")
    return convert("litert_int8", classifier, folder)


@pytest.fixture(scope="module")
def dynamic_file(classifier, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dynamic")
    return convert("litert_dynamic", classifier, folder)[0]


@pytest.mark.parametrize("with_embedding", [True, False])
@pytest.mark.parametrize("name", ["litert", "onnx", "openvino"])
def test_float_files_answer_what_keras_answers(tmp_path, name, with_embedding):
    classifier = TinyClassifier(with_embedding=with_embedding)
    path, _ = convert(name, classifier, tmp_path)
    run = FORMATS[name].load(path)
    # Up and down again: some runtimes are told of a new batch.
    for count in (3, 1, 5):
        images = random_portraits(count, seed=count)
        expected = {
            name: value.numpy() if name == "hair_embedding" else softmax(value)
            for name, value in classifier.model(images).items()
        }
        found = run(images)
        assert sorted(found) == sorted(expected)
        for output, values in expected.items():
            assert found[output].dtype == np.float32
            np.testing.assert_allclose(found[output], values, atol=1e-5)
    files = FORMATS[name].files(tmp_path)
    written = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert sorted(files) == sorted(written)


def test_dynamic_range_is_nearer_than_int8(classifier, dynamic_file, int8_file):
    images = random_portraits(8, seed=2)

    def error(name, path):
        found = FORMATS[name].load(path)(images)
        return max(
            np.abs(found[task] - softmax(logits)).max()
            for task, logits in classifier.model(images).items()
            if task != "hair_embedding"
        )

    assert dynamic_file.stat().st_size < int8_file[0].stat().st_size * 1.5
    dynamic = error("litert_dynamic", dynamic_file)
    assert 0 < dynamic < error("litert_int8", int8_file[0])


def read_description(name, path):
    """Returns what a file says of itself, as a client reads it."""
    if name == "onnx":
        (entry,) = onnx.load(path).metadata_props
        assert entry.key == "portrait_attributes"
        return entry.value
    if name == "openvino":
        graph = openvino_lib._import().Core().read_model(path)
        return graph.get_rt_info(["portrait_attributes"]).astype(str)
    with zipfile.ZipFile(path) as archive:
        return archive.read("portrait_attributes.json").decode()


def outputs_in_order(name, path, images):
    """Returns the answers of a file in its own order, without our code."""
    if name == "onnx":
        return onnxruntime.InferenceSession(path).run(None, {"image": images})
    if name == "openvino":
        hint = {"INFERENCE_PRECISION_HINT": "f32"}
        answers = openvino_lib._import().compile_model(path, "CPU", hint)(
            images
        )
        return list(answers.values())
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    (input_details,) = interpreter.get_input_details()
    interpreter.set_tensor(input_details["index"], images)
    interpreter.invoke()
    details = interpreter.get_output_details()
    return [interpreter.get_tensor(detail["index"]) for detail in details]


@pytest.fixture(scope="module")
def files(classifier, dynamic_file, int8_file, tmp_path_factory):
    files = {"litert_dynamic": dynamic_file, "litert_int8": int8_file[0]}
    for name in ("litert", "onnx", "openvino"):
        folder = tmp_path_factory.mktemp(name)
        files[name], _ = convert(name, classifier, folder)
    return files


NAMES = ["litert", "litert_dynamic", "litert_int8", "onnx", "openvino"]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_says_what_it_takes_and_answers(classifier, files, name):
    about = json.loads(read_description(name, files[name]))
    assert about["input"] == {
        "name": "image",
        "dtype": "uint8",
        "shape": ["batch", 108, 84, 3],
    }
    images = random_portraits(1, seed=7)
    answers = outputs_in_order(name, files[name], images)
    expected = classifier.model(images)
    assert {output["name"] for output in about["outputs"]} == set(expected)
    for output, values in zip(about["outputs"], answers, strict=True):
        logits = np.asarray(expected[output["name"]])
        if output["name"] == "hair_embedding":
            assert "classes" not in output
            assert values.shape == logits.shape
        else:
            (task,) = get_tasks([output["name"]])
            assert output["classes"] == list(task.classes)
            np.testing.assert_allclose(values, softmax(logits), atol=0.05)


def test_the_same_model_makes_the_same_file(classifier, files, tmp_path):
    path, _ = convert("litert", classifier, tmp_path)
    assert path.read_bytes() == files["litert"].read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_batch_of_portraits_is_refused(files, name):
    run = FORMATS[name].load(files[name])
    images = random_portraits(2)
    for wrong in (
        # OpenVINO would make it a black picture.
        (images / 255).astype(np.float32),
        images.astype(np.int64),
        images[0],
        # LiteRT would answer both.
        images.transpose(0, 2, 1, 3),
        np.zeros((1, 224, 224, 3), np.uint8),
        images[..., :1],
        images.tolist(),
    ):
        with pytest.raises(UserError, match="Expected images of uint8"):
            run(wrong)
    assert run(images)["gender"].shape == (2, 2)


def test_int8_is_near_and_answers_in_float(classifier, int8_file):
    path, facts = int8_file
    images = random_portraits(3, seed=2)
    found = FORMATS["litert_int8"].load(path)(images)
    for name, logits in classifier.model(images).items():
        if name != "hair_embedding":
            assert found[name].dtype == np.float32
            np.testing.assert_allclose(found[name], softmax(logits), atol=0.05)
            np.testing.assert_allclose(found[name].sum(axis=1), 1.0, rtol=1e-5)
            # An integer softmax answers in steps of 1/256.
            steps = 256 * found[name]
            assert np.abs(steps - np.round(steps)).max() > 0.01
    assert facts["calibration_portraits"] == 16
    assert "hair_color_probabilities" in facts["float_layers"]


@pytest.fixture(scope="module")
def one_layer(tmp_path_factory):
    """A network of one convolution, its int8 file and the file's tensors."""

    class OneLayer:
        image = keras.Input((108, 84, 3), dtype="uint8", name="image")
        # As the backbones begin: at the border a zero, which is not black, so
        # that the normalisation can't go into the kernel.
        normalize = keras.layers.Rescaling(1 / 70, offset=-117 / 70)
        convolution = keras.layers.Conv2D(4, 5, 4, "same", activation="relu")
        x = convolution(normalize(image))
        x = keras.layers.GlobalAveragePooling2D()(x)
        model = keras.Model(image, {"gender": keras.layers.Dense(2)(x)})

    folder = tmp_path_factory.mktemp("one_layer")
    path, _ = convert("litert_int8", OneLayer, folder)
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    return OneLayer, interpreter


def test_int8_weights_have_a_scale_for_each_channel(one_layer):
    network, interpreter = one_layer
    kernel = network.convolution.get_weights()[0]
    (stored,) = (
        tensor
        for tensor in interpreter.get_tensor_details()
        if tuple(tensor["shape"]) == (4, 5, 5, 3)
    )
    scales = stored["quantization_parameters"]["scales"]
    expected = np.abs(kernel).max(axis=(0, 1, 2)) / 127
    np.testing.assert_allclose(scales, expected, rtol=1e-5)
    integers = interpreter.get_tensor(stored["index"])
    assert integers.dtype == np.int8
    steps = np.moveaxis(kernel, -1, 0) / scales[:, None, None, None]
    # Rounded to the nearest: half a step at most.
    assert np.abs(integers - steps).max() <= 0.5001


def test_int8_ranges_are_those_of_the_calibration_portraits(one_layer):
    network, interpreter = one_layer
    convolved = network.convolution(network.normalize(CALIBRATION)).numpy()

    def quantizations(shape):
        return [
            tensor["quantization"]
            for tensor in interpreter.get_tensor_details()
            if tensor["dtype"] is np.int8
            and tuple(tensor["shape"][1:]) == shape
        ]

    ((scale, zero_point),) = quantizations(convolved.shape[1:])
    assert scale == pytest.approx(convolved.max() / 255, rel=1e-4)
    assert zero_point == -128
    # Pixels are rounded once, after their normalisation in float: a level of
    # theirs stays a level.
    ((scale, zero_point),) = quantizations((108, 84, 3))
    assert scale == pytest.approx(1 / 70, rel=1e-4)
    assert zero_point == 117 - 128


def test_openvino_reports_to_nobody(tmp_path, classifier):
    convert("openvino", classifier, tmp_path)
    from openvino.tools.ovc import telemetry_utils

    assert telemetry_utils.tm.__name__ == "openvino.tools.ovc.telemetry_stub"
