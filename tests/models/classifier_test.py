import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.data.labels import is_known
from tp_keras.errors import UserError
from tp_keras.models import PortraitBackbone
from tp_keras.models import PortraitClassifier


def make_classifier(schema=SCHEMA, **kwargs):
    backbone = PortraitBackbone(
        "separable", 8, ((16, 1, 2), (32, 1, 2)), schema.image_shape
    )
    return PortraitClassifier(backbone, schema, **kwargs)


IMAGES = make_portraits(16).images


@pytest.fixture(scope="module")
def classifier():
    """Trained a little, so that no weight is as it began."""
    keras.utils.set_random_seed(0)
    classifier = make_classifier()
    classifier.compile("adam", label_smoothing=0.1, run_eagerly=True)
    portraits = make_portraits(16)
    classifier.fit(portraits.images, portraits.labels, verbose=0)
    return classifier


def test_outputs_are_scores_of_every_task():
    def shapes(**kwargs):
        model = make_classifier(EVERY_KIND, embedding_size=8, **kwargs)
        return {name: x.shape[1] for name, x in model.output.items()}

    expected = {"age": 101, "mood": 4, "origin": 3, "signs": 2, "smile": 2}
    assert shapes() == expected
    assert shapes(number_head="ordinal") == {**expected, "age": 100}
    assert shapes(number_head="regression") == {**expected, "age": 1}
    # One unit is behind the two logits of a binary task.
    assert make_classifier().get_layer("gender").units == 1


def test_answers_are_those_of_the_scores():
    model = make_classifier(EVERY_KIND, embedding_size=8)
    images = make_portraits(4, schema=EVERY_KIND).images
    found = model.predict_answers(images, verbose=0)
    scores = model.predict(images, verbose=0)
    shares = np.array(keras.ops.softmax(scores["age"]))
    np.testing.assert_allclose(found["age"], shares @ np.arange(101), rtol=1e-5)
    np.testing.assert_allclose(
        found["signs"], keras.ops.sigmoid(scores["signs"]), rtol=1e-5
    )
    for name in ("mood", "origin", "smile"):
        np.testing.assert_allclose(
            found[name], keras.ops.softmax(scores[name]), rtol=1e-5
        )
    served = model.inference_model()
    assert served.output["age"].shape == (None, 1)
    assert served.output["embedding"].shape == (None, 8)
    assert served.count_params() == model.count_params()


def test_each_guarded_head_reads_its_own_normalised_part(classifier):
    outputs = classifier.inference_model().predict(IMAGES, verbose=0)
    assert classifier.embedding_slices == {
        "hair_color": slice(0, 16),
        "hair_type": slice(16, 32),
    }
    for name, columns in classifier.embedding_slices.items():
        part = outputs["embedding"][:, columns]
        np.testing.assert_allclose(part.mean(axis=1), 0.0, atol=1e-5)
        np.testing.assert_allclose(part.std(axis=1), 1.0, rtol=1e-3)
        kernel, bias = classifier.get_layer(name).get_weights()
        np.testing.assert_allclose(
            part @ kernel + bias, outputs[name], atol=1e-4
        )


def test_tasks_can_be_left_out():
    one = make_classifier(tasks=["hair_type"], embedding_size=5)
    assert one.embedding_slices == {"hair_type": slice(0, 5)}
    with pytest.raises(UserError, match="Received: embedding_size=5"):
        make_classifier(embedding_size=5)
    gender = make_classifier(tasks=["gender"])
    assert set(gender.output) == set(gender.inference_model().output)
    assert set(gender.output) == set(gender.targets) == {"gender"}
    assert gender.embedding_slices == {}
    with pytest.raises(UserError, match="Received: tasks="):
        make_classifier(tasks=["age"])
    with pytest.raises(UserError, match="Expected guarded tasks"):
        gender.new_guarded_branch(8, 0.0)


def test_it_learns_every_kind_and_loads_to_the_same_answers(tmp_path):
    keras.utils.set_random_seed(1)
    model = make_classifier(EVERY_KIND, dropout_rate=0.0)
    model.compile(keras.optimizers.Adam(5e-3))
    portraits = make_portraits(96, schema=EVERY_KIND)
    model.fit(
        portraits.images, portraits.labels, batch_size=32, epochs=40, verbose=0
    )
    expected = model.predict_answers(portraits.images, verbose=0)
    for task in model.tasks:
        labels, values = portraits.labels[task.name], expected[task.name]
        known = is_known(task, labels)
        if task.kind == "regression":
            right = np.abs(values - labels) <= 2 * task.tolerance
        elif task.kind == "multi_label":
            right = (values > 0.5) == (labels == 1)
        else:
            right = task.predicted(values) == labels
        assert right[known].mean() > 0.8, task
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert loaded.schema == EVERY_KIND
    found = loaded.predict_answers(portraits.images, verbose=0)
    for name, values in found.items():
        np.testing.assert_array_equal(values, expected[name])


def test_guarded_layers_can_be_replaced_by_shorter_ones(classifier):
    branch = classifier.new_guarded_branch(8, 0.1)
    copy = classifier.with_guarded_branch(branch)
    assert copy.embedding_slices["hair_type"] == slice(4, 8)
    found = copy.predict_answers(IMAGES, verbose=0)
    expected = classifier.predict_answers(IMAGES, verbose=0)
    np.testing.assert_array_equal(found["gender"], expected["gender"])
    features = classifier.backbone.predict(IMAGES, verbose=0)
    logits = branch.predict(features, verbose=0)["hair_color"]
    shares = keras.ops.softmax(logits)
    np.testing.assert_allclose(found["hair_color"], shares, atol=1e-5)
    # The original keeps its own.
    again = classifier.predict_answers(IMAGES, verbose=0)
    np.testing.assert_array_equal(again["hair_color"], expected["hair_color"])


def test_scaled_images_are_refused_and_floats_of_255_taken(classifier):
    labels = make_portraits(16).labels
    expected = classifier.predict_answers(IMAGES, verbose=0)
    floats = IMAGES.astype("float32")
    found = classifier.predict_answers(floats, verbose=0)
    np.testing.assert_array_equal(found["gender"], expected["gender"])
    dataset = tf.data.Dataset.from_tensor_slices((floats, labels)).batch(16)
    scaled = dataset.map(lambda x, y: (x / 255.0, y))
    portraits = scaled.map(lambda x, y: x)
    for call, *arguments in (
        (classifier.predict_answers, floats / 255),
        (classifier.predict, floats / 255),
        (classifier.fit, floats / 255, labels),
        (classifier.evaluate, floats / 255, labels),
        (classifier.predict_answers, portraits),
        (classifier.predict, portraits),
        (classifier.fit, scaled),
        (classifier.evaluate, scaled),
    ):
        with pytest.raises(UserError, match="values from 0 to 0.93"):
            call(*arguments)
    expected = classifier.evaluate(IMAGES, labels, verbose=0)
    assert classifier.evaluate(dataset, verbose=0) == pytest.approx(expected)
