import hashlib
import types

import numpy as np
import pytest
import tensorflow as tf

from tests.export.networks import make_classifier
from tests.export.networks import random_portraits
from tests.portrait_factory import EVERY_KIND
from tp_keras.errors import UserError
from tp_keras.export import bundle_size
from tp_keras.export import export_bundle
from tp_keras.export import read_metadata
from tp_keras.serving import CSession
from tp_keras.tasks import Schema

IMAGES = random_portraits(3, schema=EVERY_KIND)


@pytest.fixture(scope="module")
def session(bundle):
    with CSession(bundle) as session:
        yield session


def test_it_answers_as_the_model_with_the_names_of_classes(session, classifier):
    found = session.run("serving_default", {"image": IMAGES})
    found |= session.run("embed", {"image": IMAGES})
    expected = classifier.predict_answers(IMAGES, verbose=0)
    for name, values in expected.items():
        assert found[name].dtype == np.float32
        np.testing.assert_allclose(
            found.pop(name), values, rtol=1e-5, atol=1e-5
        )
    assert found.pop("age_unit").tolist() == [b"years"] * 3
    flags = found.pop("signs_label").tolist()
    for row, text in zip(expected["signs"], flags, strict=True):
        names = np.array(["hat", "scarf"])[row > 0.5]
        assert text.decode() == "|".join(names)
    for task in classifier.schema.get_tasks(["mood", "origin", "smile"]):
        predicted = task.predicted(expected[task.name])
        assert [text.decode() for text in found.pop(f"{task.name}_label")] == [
            task.classes[label] for label in predicted
        ]
    assert not found


def test_bytes_and_tensors_get_the_same_answer_and_a_bad_image_zeros(session):
    files = [tf.io.encode_png(image).numpy() for image in IMAGES]
    expected = session.run("serving_default", {"image": IMAGES})
    found = session.run("serve_bytes", {"image_bytes": [*files, b"no image"]})
    assert found.pop("valid").tolist() == [True] * 3 + [False]
    for name, values in found.items():
        if values.dtype == object:
            assert values[:3].tolist() == expected[name].tolist()
        else:
            np.testing.assert_allclose(values[:3], expected[name], atol=1e-5)
        assert set(values[3:].ravel().tolist()) <= {0.0, b""}


def example(**features):
    kinds = {bytes: "bytes_list", int: "int64_list"}
    message = tf.train.Example()
    for name, values in features.items():
        feature = message.features.feature[name]
        getattr(feature, kinds[type(values[0])]).value.extend(values)
    return message.SerializeToString()


def test_examples_get_the_answer_of_the_file_in_them(session):
    files = [tf.io.encode_png(image).numpy() for image in IMAGES]
    examples = [
        *(example(image_bytes=[data], other=[7]) for data in files),
        *(example(image_bytes=[b"no image"]), example(other=[7]), b""),
        # No example at all, and one of something else.
        *(b"\xff", example(image_bytes=[7])),
    ]
    expected = session.run("serve_bytes", {"image_bytes": files})
    for task in EVERY_KIND.tasks:
        if task.name == "age":
            found = session.run("regress_age", {"inputs": examples})
            assert found.keys() == {"outputs"}
            scores = found["outputs"]
        else:
            found = session.run(f"classify_{task.name}", {"inputs": examples})
            assert found.keys() == {"classes", "scores"}
            scores = found["scores"]
            names = [name.encode() for name in task.classes]
            blank = [b""] * len(names)
            assert found["classes"].tolist() == [names] * 3 + [blank] * 5
        np.testing.assert_allclose(scores[:3], expected[task.name], atol=1e-5)
        assert not scores[3:].any()


def test_weights_are_stored_once_and_not_as_variables(bundle, classifier):
    graph = tf.saved_model.load(str(bundle)).signatures["serving_default"]
    assert not graph.variables
    # A second copy of a constant kernel would show.
    data = (bundle / "saved_model.pb").read_bytes()
    kernel = classifier.get_layer("origin").kernel.numpy().tobytes()
    assert data.count(kernel) == 1
    assert bundle_size(bundle) > 4 * classifier.count_params()


def test_metadata(bundle):
    metadata = read_metadata(bundle)
    assert Schema.from_dict(metadata["schema"]) == EVERY_KIND
    assert metadata["tasks"] == ["age", "mood", "origin", "signs", "smile"]
    assert metadata["signatures"] == [
        *(f"classify_{name}" for name in ("mood", "origin", "signs", "smile")),
        *("embed", "regress_age", "serve_bytes", "serving_default"),
    ]
    files = {
        path.relative_to(bundle).as_posix(): {
            "size": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in bundle.rglob("*")
        if path.is_file()
    }
    del files["metadata.json"]
    assert metadata["files"] == files
    assert metadata["figures"] == [1, 2]
    assert metadata["versions"]["tensorflow"] == tf.__version__
    assert metadata["checked"]["portraits"] == 8
    assert metadata["checked"]["largest_difference"] < 1e-4


def test_without_guarded_tasks_there_is_no_embedding(tmp_path):
    classifier = make_classifier(tasks=("mood", "signs"))
    metadata = read_metadata(export_bundle(classifier, tmp_path))
    assert metadata["tasks"] == ["mood", "signs"]
    assert metadata["signatures"] == [
        *("classify_mood", "classify_signs", "serve_bytes", "serving_default")
    ]


def test_what_answers_otherwise_is_not_published(classifier, tmp_path):
    def answers(images, **kwargs):
        answers = classifier.predict_answers(images, **kwargs)
        # Of a number the measure is its tolerance: 1e-4 of five years.
        return {**answers, "age": answers["age"] + 1e-3}

    other = types.SimpleNamespace(
        schema=classifier.schema,
        tasks=classifier.tasks,
        inference_model=classifier.inference_model,
        predict_answers=answers,
    )
    with pytest.raises(UserError, match="by 0.0002 in 'age'"):
        export_bundle(other, tmp_path)
    assert list(tmp_path.iterdir()) == []
