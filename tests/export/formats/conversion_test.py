"""Each format in its own runtime, against the Keras model."""

import json
import zipfile

import keras
import numpy as np
import onnx
import pytest
from ai_edge_litert.interpreter import Interpreter

from tests.export.networks import make_classifier
from tests.export.networks import random_portraits
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SMILE
from tp_keras.errors import UserError
from tp_keras.export import fold_batch_normalization
from tp_keras.export.answers import answer_model
from tp_keras.export.formats import FORMATS
from tp_keras.export.formats import litert
from tp_keras.export.formats.registry import import_openvino
from tp_keras.quiet import no_native_messages

SHAPE = EVERY_KIND.image_shape
CALIBRATION = random_portraits(16, seed=1, schema=EVERY_KIND)
NAMES = ["litert", "litert_dynamic", "litert_int8", "onnx", "openvino"]
EXACT = ["litert", "onnx", "openvino"]

# Years, where everything else is a probability.
SCALES = {"age": EVERY_KIND.task("age").tolerance}


def convert(name, network, tasks, folder, images=CALIBRATION):
    """Returns the file of a format below `folder`, and what is said of it."""
    model = answer_model(fold_batch_normalization(network), tasks)
    (folder / "formats").mkdir()
    path = folder / FORMATS[name].file
    with no_native_messages():
        return path, FORMATS[name].convert(model, tasks, path, images)


@pytest.fixture(scope="module")
def files(classifier, tmp_path_factory):
    """Dict: format -> its file, and what is said of it."""
    network, tasks = classifier.inference_model(), classifier.tasks
    return {
        name: convert(name, network, tasks, tmp_path_factory.mktemp(name))
        for name in NAMES
    }


def load(files, name):
    return FORMATS[name].load(files[name][0], SHAPE)


@pytest.mark.parametrize("name", EXACT)
def test_float_files_answer_what_keras_answers(classifier, files, name):
    run = load(files, name)
    # Up and down again: some runtimes are told of a new batch.
    for count in (3, 1, 5):
        images = random_portraits(count, seed=count, schema=EVERY_KIND)
        expected = classifier.predict_answers(images, verbose=0)
        found = run(images)
        assert sorted(found) == sorted(expected)
        for output, values in expected.items():
            assert found[output].dtype == np.float32
            limit = 2e-5 * SCALES.get(output, 1.0)
            np.testing.assert_allclose(found[output], values, atol=limit)
    path = files[name][0]
    folder = path.parents[FORMATS[name].file.count("/")]
    written = [p for p in folder.rglob("*") if p.is_file()]
    assert sorted(FORMATS[name].files(folder)) == sorted(written)


@pytest.fixture(scope="module")
def single():
    """A classifier of one task, without an embedding."""
    return make_classifier(tasks=("signs",))


@pytest.mark.parametrize("name", EXACT)
def test_a_model_of_one_task_without_embedding(single, tmp_path, name):
    network = single.inference_model()
    path, _ = convert(name, network, single.tasks, tmp_path)
    images = random_portraits(2, schema=EVERY_KIND)
    found = FORMATS[name].load(path, SHAPE)(images)
    assert list(found) == ["signs"]
    expected = single.predict_answers(images, verbose=0)["signs"]
    np.testing.assert_allclose(found["signs"], expected, atol=2e-5)


def test_dynamic_range_is_nearer_than_int8(classifier, files):
    images = random_portraits(8, seed=2, schema=EVERY_KIND)
    expected = classifier.predict_answers(images, verbose=0)

    def error(name):
        found = load(files, name)(images)
        return max(
            np.abs(found[task.name] - expected[task.name]).max()
            / SCALES.get(task.name, 1.0)
            for task in classifier.tasks
        )

    size = files["litert_int8"][0].stat().st_size
    assert files["litert_dynamic"][0].stat().st_size < size * 1.5
    assert 0 < error("litert_dynamic") < error("litert_int8") < 0.1


def read_description(name, path):
    """Returns what a file says of itself, as a client reads it."""
    if name == "onnx":
        (entry,) = onnx.load(path).metadata_props
        assert entry.key == "portrait_attributes"
        return entry.value
    if name == "openvino":
        graph = import_openvino().Core().read_model(path)
        return graph.get_rt_info(["portrait_attributes"]).astype(str)
    with zipfile.ZipFile(path) as archive:
        return archive.read("portrait_attributes.json").decode()


@pytest.mark.parametrize("name", NAMES)
def test_a_file_says_what_it_takes_and_answers(files, name):
    path, _ = files[name]
    about = json.loads(read_description(name, path))
    shape = ["batch", 64, 48, 3]
    assert about["input"] == {"name": "image", "dtype": "uint8", "shape": shape}
    # In the order of the file, by which the clients of the README go.
    answers = load(files, name)(random_portraits(1, schema=EVERY_KIND))
    assert [output["name"] for output in about["outputs"]] == list(answers)
    facts = {output["name"]: output for output in about["outputs"]}
    assert facts["embedding"] == {"name": "embedding"}
    assert facts["age"]["unit"] == "years"
    assert facts["mood"]["classes"] == ["sad", "calm", "merry", "wild"]
    assert facts["signs"]["kind"] == "multi_label"


def test_the_same_model_makes_the_same_file(classifier, files, tmp_path):
    network, tasks = classifier.inference_model(), classifier.tasks
    path, _ = convert("litert", network, tasks, tmp_path)
    assert path.read_bytes() == files["litert"][0].read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_batch_of_portraits_is_refused(files, name):
    run = load(files, name)
    images = random_portraits(2, schema=EVERY_KIND)
    for wrong in (
        # OpenVINO would make it a black picture.
        (images / 255).astype(np.float32),
        images[0],
        # LiteRT would answer both.
        images.transpose(0, 2, 1, 3),
        np.zeros((1, 224, 224, 3), np.uint8),
    ):
        with pytest.raises(UserError, match="Expected images of uint8"):
            run(wrong)
    assert run(images)["smile"].shape == (2, 2)


def test_int8_answers_in_float(files):
    found = load(files, "litert_int8")(CALIBRATION)
    for name in ("mood", "origin", "smile"):
        np.testing.assert_allclose(found[name].sum(axis=1), 1.0, rtol=1e-5)
        # An integer softmax answers in steps of 1/256.
        steps = 256 * found[name]
        assert np.abs(steps - np.round(steps)).max() > 0.01
    _, facts = files["litert_int8"]
    assert facts["calibration_portraits"] == 16
    assert {"age_number", "age_answer", "signs_answer"} <= set(
        facts["float_layers"]
    )


@pytest.fixture(scope="module")
def one_layer(tmp_path_factory):
    """A network of one convolution, its int8 file and the file's tensors."""

    class OneLayer:
        image = keras.Input(SHAPE, dtype="uint8", name="image")
        # As the backbones begin: at the border a zero, which is not black, so
        # that the normalisation can't go into the kernel.
        normalize = keras.layers.Rescaling(1 / 70, offset=-117 / 70)
        convolution = keras.layers.Conv2D(4, 5, 4, "same", activation="relu")
        x = convolution(normalize(image))
        x = keras.layers.GlobalAveragePooling2D()(x)
        model = keras.Model(image, {"smile": keras.layers.Dense(2)(x)})

    folder = tmp_path_factory.mktemp("one_layer")
    path, _ = convert("litert_int8", OneLayer.model, (SMILE,), folder)
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    return OneLayer, interpreter


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
    ((scale, zero_point),) = quantizations(SHAPE)
    assert scale == pytest.approx(1 / 70, rel=1e-4)
    assert zero_point == 117 - 128


def operations(content):
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    # The last is the delegate, which runs them all.
    return [x["op_name"] for x in interpreter._get_ops_details()]


@pytest.mark.parametrize("brightest", [255, 254])
def test_pixels_are_levels_where_none_is_lost(tmp_path, monkeypatch, brightest):
    classifier = make_classifier()
    network, tasks = classifier.inference_model(), classifier.tasks
    written = []
    monkeypatch.setattr(
        litert,
        "take_pixels_as_levels",
        lambda content: written.append(content) or content,
    )
    images = np.minimum(CALIBRATION, brightest)
    path, _ = convert("litert_int8", network, tasks, tmp_path, images)
    monkeypatch.undo()
    (before,) = written
    after = litert.take_pixels_as_levels(before)
    normalisation = ["CAST", "MUL", "ADD", "QUANTIZE"]
    assert operations(before)[:4] == normalisation
    if brightest < 255:  # The scale of the calibration is another.
        assert after == before
        return
    assert operations(after)[0] == "QUANTIZE"
    assert operations(after)[1:] == operations(before)[4:]
    other = path.with_name("other.tflite")
    litert.write_file(other, after, network, ())
    every_level = np.arange(256).repeat(36)[: np.prod(SHAPE)]
    pixels = np.resize(every_level, (1, *SHAPE)).astype(np.uint8)
    for images in (pixels, random_portraits(5, seed=3, schema=EVERY_KIND)):
        expected = FORMATS["litert_int8"].load(path, SHAPE)(images)
        found = FORMATS["litert_int8"].load(other, SHAPE)(images)
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values)


def test_openvino_reports_to_nobody(files):
    from openvino.tools.ovc import telemetry_utils

    assert telemetry_utils.tm.__name__ == "openvino.tools.ovc.telemetry_stub"
