import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from datasets.tiny_portraits.tiny_portraits_dataset_builder import Builder
from tests.export.networks import random_portraits
from tests.portrait_factory import EVERY_KIND
from tests.serving.face_finder_test import scene
from tp_keras.certainty import log_features
from tp_keras.errors import UserError
from tp_keras.serving import FaceFinder
from tp_keras.serving import PhotoPredictor
from tp_keras.serving import Predictor
from tp_keras.serving import format_table
from tp_keras.serving import framing
from tp_keras.serving import photo_predictor
from tp_keras.serving.contract import FAMILIARITY_FILE
from tp_keras.serving.contract import LITERT_FILE
from tp_keras.serving.litert_file import LiteRTFile

PORTRAITS = random_portraits(5, schema=EVERY_KIND)


@pytest.fixture(scope="module")
def two_faces():
    first, second = Builder.draw_samples(2)
    return scene((800, 600), [(first, 60, 50, 300), (second, 450, 90, 320)])


def changed(bundle, tmp_path, **facts):
    """A copy of a bundle whose metadata say something else."""
    copy = shutil.copytree(bundle, tmp_path / "1")
    path = copy / "metadata.json"
    metadata = json.loads(path.read_text()) | facts
    del metadata["checksum"]
    path.write_text(json.dumps(metadata))
    return copy


def test_it_answers_as_the_saved_model(bundle):
    found = PhotoPredictor(bundle.parent).predict(PORTRAITS)
    expected = Predictor(bundle).predict(PORTRAITS)
    assert set(found) == {*expected, "embedding"}
    for name, values in expected.items():
        assert found[name].shape == values.shape
        if values.dtype.kind == "f":
            np.testing.assert_allclose(found[name], values, rtol=0, atol=1e-4)
        else:
            assert found[name].tolist() == values.tolist()
    embedding = Predictor(bundle).embed(PORTRAITS)
    np.testing.assert_allclose(found["embedding"], embedding, atol=1e-3)


def test_no_portraits_and_wrong_ones(bundle):
    predictor = PhotoPredictor(bundle)
    empty = predictor.predict(PORTRAITS[:0])
    assert {len(values) for values in empty.values()} == {0}
    with pytest.raises(UserError, match="Expected images of uint8"):
        predictor.predict(PORTRAITS / 255)


def test_a_temperature_moves_probabilities_and_no_label(bundle, tmp_path):
    plain = PhotoPredictor(bundle).predict(PORTRAITS)
    facts = {"smile": {"temperature": 2.0, "threshold": 0.5}}
    copy = changed(bundle, tmp_path, calibration=facts)
    found = PhotoPredictor(copy).predict(PORTRAITS)
    roots = np.sqrt(plain["smile"])
    expected = roots / roots.sum(-1, keepdims=True)
    np.testing.assert_allclose(found["smile"], expected, rtol=1e-5)
    np.testing.assert_array_equal(found["smile_label"], plain["smile_label"])
    np.testing.assert_array_equal(found["origin"], plain["origin"])


def test_each_face_is_answered(bundle, two_faces, tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(two_faces).save(path)
    predictor = PhotoPredictor(bundle)
    answer = predictor.answer(path, "photo.png")
    faces = FaceFinder().find(two_faces)
    assert [a.face for a in answer.faces] == list(faces)
    assert faces[0].center[0] < 300 < faces[1].center[0]
    # The bundle of no data tells no framing.
    assert answer.warnings == (photo_predictor.GENERIC_FRAMING,)
    generic = framing.generic_framing()
    for number, found in enumerate(answer.faces, start=1):
        portrait = framing.cut(
            two_faces, found.face, generic, EVERY_KIND.image_shape
        )
        np.testing.assert_array_equal(found.portrait, portrait)
        prediction = found.prediction
        assert (prediction.path, prediction.face) == ("photo.png", number)
        assert prediction.box == tuple(map(round, found.face.box))
        outputs = predictor.predict(portrait[None])
        assert prediction.numbers == {"age": outputs["age"][0]}
        assert prediction.labels["signs"] == outputs["signs_label"][0]


def test_boxes_are_those_of_the_file(bundle, two_faces):
    predictor = PhotoPredictor(bundle)
    photo = photo_predictor.Photo(two_faces, scale=2.5)
    box = predictor.answer(photo).faces[0].prediction.box
    expected = FaceFinder().find(two_faces)[0].box
    assert box == tuple(round(2.5 * value) for value in expected)


def test_without_a_face_the_middle_is_answered_and_labelled(bundle):
    pixels = scene((300, 200), [])
    answer = PhotoPredictor(bundle).answer(photo_predictor.Photo(pixels))
    assert answer.warnings == (photo_predictor.NO_FACE,)
    (found,) = answer.faces
    assert found.face is found.prediction.face is found.prediction.box is None
    crop = framing.centre_crop(pixels, EVERY_KIND.image_shape)
    np.testing.assert_array_equal(found.portrait, crop)


def test_a_bundle_without_the_file(plain_bundle, bundle, tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        PhotoPredictor(plain_bundle)
    copy = changed(bundle, tmp_path)
    (copy / "formats" / "portrait_attributes.tflite").write_bytes(b"no model")
    with pytest.raises(UserError, match="has 8 bytes.*export it again with"):
        PhotoPredictor(copy)
    copy = changed(bundle, tmp_path / "old", files={})
    (copy / "formats" / "portrait_attributes.tflite").write_bytes(b"no model")
    with pytest.raises(UserError, match="can't be loaded.*Export it again"):
        PhotoPredictor(copy)
    shutil.rmtree(copy / "formats")
    with pytest.raises(UserError, match="with formats/portrait_attributes"):
        PhotoPredictor(copy)


def test_it_never_imports_tensorflow(bundle, two_faces, tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(two_faces).save(path)
    code = (
        "import sys; from tp_keras.serving import PhotoPredictor; "
        "answer = PhotoPredictor(sys.argv[1]).answer(sys.argv[2]); "
        "print(len(answer.faces)); "
        "sys.exit(bool({'tensorflow', 'keras', 'scipy', 'sklearn', 'pandas'} "
        "& set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, bundle, path],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "2\n", "")


def test_a_face_unlike_the_training_portraits_is_doubted(bundle, tmp_path):
    features = LiteRTFile(bundle / LITERT_FILE)(PORTRAITS)["features"]
    logs = log_features(features)
    copy = changed(bundle, tmp_path, familiarity={"threshold": 0.5})
    whitening = np.eye(logs.shape[1])
    np.savez(copy / FAMILIARITY_FILE, mean=logs[0], whitening=whitening)
    predictor = PhotoPredictor(copy)
    scores = predictor.unfamiliarity(PORTRAITS)
    np.testing.assert_allclose(
        scores, ((logs - logs[0]) ** 2).mean(-1), atol=1e-6
    )
    # That from which the distance is measured is as like as can be.
    changed_threshold = float(np.sort(scores)[1] / 2)
    predictor.metadata["familiarity"]["threshold"] = changed_threshold
    first, *others = predictor.answer_portraits(PORTRAITS, ["a"] * 5)
    assert first.unsure == {}
    for prediction in others:
        assert prediction.unsure == dict.fromkeys(
            EVERY_KIND.task_names, photo_predictor.UNLIKE
        )
    # A bundle that doesn't know its portraits doubts none.
    assert PhotoPredictor(bundle).unfamiliarity(PORTRAITS).tolist() == [0] * 5


def test_below_its_threshold_an_answer_is_not_sure(bundle, tmp_path):
    facts = {"smile": {"temperature": 1.0, "threshold": 1.01}}
    predictor = PhotoPredictor(changed(bundle, tmp_path, calibration=facts))
    (prediction,) = predictor.answer_portraits(PORTRAITS[:1], ["a.png"])
    assert set(prediction.unsure) == {"smile"}
    table = format_table([prediction], predictor.tasks)
    assert "not sure (" in table
    assert table.count("not sure") == 1
