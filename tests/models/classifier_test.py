import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.portrait_factory import make_portraits
from tp_keras.data.pipeline import label_weights
from tp_keras.errors import UserError
from tp_keras.evaluation.similar import model_embedder
from tp_keras.fairness.representations import represent
from tp_keras.generator.evaluation.judge import Judge
from tp_keras.models import PortraitBackbone
from tp_keras.models import PortraitClassifier
from tp_keras.models import create_backbone


def make_classifier(**kwargs):
    backbone = PortraitBackbone("separable", 8, ((16, 1, 2), (32, 1, 2)))
    return PortraitClassifier(backbone, **kwargs)


def make_batch(classifier, count=16):
    portraits = make_portraits(count)
    names = classifier.label_names
    labels = {n: np.maximum(portraits.labels[names[n]], 0) for n in names}
    weights = {n: label_weights(portraits.labels[names[n]], 5) for n in names}
    return portraits.images, labels, weights


@pytest.fixture(scope="module")
def classifier():
    keras.utils.set_random_seed(0)
    classifier = make_classifier()
    classifier.compile("adam", label_smoothing=0.1)
    images, labels, weights = make_batch(classifier)
    classifier.fit(images, labels, sample_weight=weights, verbose=0)
    return classifier


def test_outputs_are_logits_of_every_task(classifier):
    shapes = {name: x.shape for name, x in classifier.output.items()}
    assert shapes == {
        "gender": (None, 2),
        "hair_color": (None, 5),
        "hair_type": (None, 3),
    }


def test_embedding_is_normalised(classifier):
    images, *_ = make_batch(classifier)
    prediction = classifier.predict_answers(images, verbose=0)
    embedding = prediction["hair_embedding"]
    assert embedding.shape == (16, 32)
    assert classifier.embedding_slices == {
        "hair_color": slice(0, 16),
        "hair_type": slice(16, 32),
    }
    for columns in classifier.embedding_slices.values():
        part = embedding[:, columns]
        np.testing.assert_allclose(part.mean(axis=1), 0.0, atol=1e-5)
        np.testing.assert_allclose(part.std(axis=1), 1.0, rtol=1e-3)
    for name in ("gender", "hair_color", "hair_type"):
        np.testing.assert_allclose(prediction[name].sum(axis=1), 1, rtol=1e-5)


def test_saved_classifier_loads_with_weights_losses_and_optimizer(tmp_path):
    # Without dropout, whose random state Keras doesn't save.
    classifier = make_classifier(dropout_rate=0.0)
    classifier.compile("adam", label_smoothing=0.1)
    images, labels, weights = make_batch(classifier)
    classifier.train_on_batch(images, labels, weights)
    classifier.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is PortraitClassifier
    assert loaded.get_config() == classifier.get_config()
    assert loaded.loss["hair_type"].label_smoothing == 0.1
    expected = classifier.predict_answers(images, verbose=0)
    found = loaded.predict_answers(images, verbose=0)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)
    # Both take the same second step, so the optimizer came back too.
    classifier.reset_metrics()
    for _ in range(2):
        losses = [
            model.train_on_batch(images, labels, weights)
            for model in (classifier, loaded)
        ]
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_clone_from_config_is_equal_in_shape_and_free_of_the_original():
    original = make_classifier(tasks=["hair_color"], embedding_size=16)
    clone = PortraitClassifier.from_config(original.get_config())
    assert clone.get_config() == original.get_config()
    assert clone.backbone is not original.backbone
    assert [w.shape for w in clone.weights] == [
        w.shape for w in original.weights
    ]


def test_inference_model_has_the_embedding_too(classifier):
    model = classifier.inference_model()
    assert set(model.output) == {
        "gender",
        "hair_color",
        "hair_type",
        "hair_embedding",
    }
    assert model.count_params() == classifier.count_params()


def test_each_hair_head_reads_its_own_part_alone(classifier):
    images, *_ = make_batch(classifier)
    outputs = classifier.inference_model().predict(images, verbose=0)
    for name, columns in classifier.embedding_slices.items():
        kernel, bias = classifier.get_layer(name).get_weights()
        part = outputs["hair_embedding"][:, columns]
        np.testing.assert_allclose(
            part @ kernel + bias, outputs[name], atol=1e-4
        )


def test_the_embedding_is_shared_out_evenly():
    one = make_classifier(tasks=["hair_type"], embedding_size=5)
    assert one.embedding_slices == {"hair_type": slice(0, 5)}
    with pytest.raises(UserError, match="Received: embedding_size=5"):
        make_classifier(embedding_size=5)


def test_tasks_can_be_left_out():
    gender = make_classifier(tasks=["gender"])
    assert set(gender.output) == {"gender"}
    assert gender.embedding_slices == {}
    assert gender.label_names == {"gender": "gender"}
    assert set(gender.inference_model().output) == {"gender"}
    with pytest.raises(UserError, match="Received: tasks="):
        make_classifier(tasks=["age"])


def test_missing_labels_do_not_move_their_head():
    classifier = make_classifier(tasks=["gender", "hair_type"])
    classifier.compile(keras.optimizers.SGD(0.1))
    images, labels, weights = make_batch(classifier)
    weights["hair_type"] = np.zeros(16, "float32")
    head = classifier.get_layer("hair_type")
    other = classifier.get_layer("gender")
    before, gender = head.get_weights(), other.get_weights()
    classifier.train_on_batch(images, labels, weights)
    for a, b in zip(before, head.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.abs(gender[0] - other.get_weights()[0]).max() > 0


def test_it_learns(classifier):
    keras.utils.set_random_seed(1)
    model = make_classifier()
    model.compile(keras.optimizers.Adam(3e-3))
    images, labels, weights = make_batch(model, 64)
    model.fit(
        images,
        labels,
        sample_weight=weights,
        batch_size=16,
        epochs=30,
        verbose=0,
    )
    logs = model.evaluate(
        images, labels, sample_weight=weights, verbose=0, return_dict=True
    )
    assert logs["gender_accuracy"] > 0.9
    assert logs["hair_color_accuracy"] > 0.8
    assert logs["hair_type_accuracy"] > 0.8


def test_an_application_as_backbone_saves_and_loads(tmp_path):
    classifier = PortraitClassifier(create_backbone("MobileNet", alpha=0.25))
    images, *_ = make_batch(classifier, 2)
    classifier.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        loaded(images)["hair_color"], classifier(images)["hair_color"]
    )


def test_hair_layers_can_be_replaced_by_shorter_ones(classifier):
    branch = classifier.new_hair_branch(8, 0.1)
    copy = classifier.with_hair_branch(branch)
    assert copy.embedding_slices["hair_type"] == slice(4, 8)
    images, *_ = make_batch(classifier)
    found = copy.predict_answers(images, verbose=0)
    expected = classifier.predict_answers(images, verbose=0)
    np.testing.assert_array_equal(found["gender"], expected["gender"])
    features = classifier.backbone.predict(images, verbose=0)
    logits = branch.predict(features, verbose=0)["hair_color"]
    shares = keras.ops.softmax(logits)
    np.testing.assert_allclose(found["hair_color"], shares, atol=1e-5)
    # The original keeps its own.
    again = classifier.predict_answers(images, verbose=0)
    np.testing.assert_array_equal(again["hair_color"], expected["hair_color"])


def test_scaled_images_are_refused_and_floats_of_255_taken(classifier):
    images, labels, _ = make_batch(classifier)
    classifier.compile("sgd")
    expected = classifier.predict_answers(images, verbose=0)
    floats = images.astype("float32")
    found = classifier.predict_answers(floats, verbose=0)
    np.testing.assert_array_equal(found["gender"], expected["gender"])
    for call in (
        classifier.predict_answers,
        classifier.predict,
        lambda x: classifier.fit(x, labels),
        lambda x: classifier.evaluate(x, labels),
        lambda x: represent(classifier, x),
        model_embedder(classifier),
        Judge(classifier, np.resize(images, (70, *images.shape[1:]))).predict,
    ):
        with pytest.raises(UserError, match="values from 0 to 0.93"):
            call(floats / 255)


def test_data_sets_of_scaled_images_are_refused(classifier):
    images, labels, _ = make_batch(classifier)
    classifier.compile("sgd")
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).batch(16)
    scaled = dataset.map(lambda x, y: (tf.cast(x, tf.float32) / 255.0, y))
    floats = dataset.map(lambda x, y: (tf.cast(x, tf.float32), y))
    for call in (
        classifier.fit,
        classifier.evaluate,
        lambda data: classifier.predict(data.map(lambda x, y: x)),
        lambda data: classifier.predict_answers(data.map(lambda x, y: x)),
    ):
        with pytest.raises(UserError, match="values from 0 to 0.93"):
            call(scaled)
    expected = classifier.evaluate(dataset, verbose=0)
    assert classifier.evaluate(floats, verbose=0) == pytest.approx(expected)
