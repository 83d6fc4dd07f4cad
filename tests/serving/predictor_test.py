import json
import shutil
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.export.networks import random_portraits
from tp_keras.errors import UserError
from tp_keras.serving import Prediction
from tp_keras.serving import Predictor
from tp_keras.serving import find_bundle
from tp_keras.serving import format_table


@pytest.fixture(scope="module")
def predictor(bundle):
    return Predictor(bundle.parent)


@pytest.fixture
def files(tmp_path):
    paths = []
    for i, pixels in enumerate(random_portraits(3)):
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths


def damage(path):
    """Leaves start and end of a PNG and spoils what lies between."""
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    for i in range(middle, middle + 400):
        data[i] ^= 0xFF
    assert zlib.crc32(data) != zlib.crc32(path.read_bytes())
    path.write_bytes(data)


def test_agrees_with_the_model(predictor, classifier):
    images = random_portraits(4)
    outputs = predictor.predict(images)
    expected = classifier.model(images)
    for task, classes in predictor.classes.items():
        logits = expected[task].numpy()
        best = logits.argmax(axis=1)
        assert outputs[f"{task}_label"].tolist() == [classes[i] for i in best]
        exponentials = np.exp(logits)
        np.testing.assert_allclose(
            outputs[task],
            exponentials / exponentials.sum(axis=1, keepdims=True),
            atol=1e-4,
        )
    np.testing.assert_allclose(
        predictor.embed(images), expected["hair_embedding"], atol=1e-4
    )


def test_files(predictor, files):
    images = np.stack([np.asarray(Image.open(path)) for path in files])
    expected = predictor.predict(images)
    for batch_size in (1, 2, 64):
        found = predictor.predict_files(files, batch_size=batch_size)
        for row, prediction in enumerate(found):
            assert prediction.path == str(files[row])
            assert prediction.error is None
            label = expected["hair_color_label"][row]
            assert prediction.labels["hair_color"] == label
            shares = prediction.probabilities["hair_color"]
            assert max(shares, key=shares.get) == label
            np.testing.assert_allclose(
                list(shares.values()), expected["hair_color"][row], atol=1e-5
            )


def test_bad_files_are_told_and_the_others_predicted(
    predictor, files, tmp_path
):
    expected = predictor.predict_files(files)
    text = tmp_path / "notes.txt"
    text.write_text("no image")
    damaged = shutil.copy(files[0], tmp_path / "damaged.png")
    damage(damaged)
    paths = [files[0], text, tmp_path / "gone.png", files[1], damaged]
    found = predictor.predict_files([*paths, tmp_path])
    assert [p.error for p in found] == [
        None,
        "not a whole PNG or JPEG file",
        "No such file or directory",
        None,
        "not a whole PNG or JPEG file",
        "Is a directory",
    ]
    assert found[0].labels == expected[0].labels
    assert found[3].labels == expected[1].labels
    assert found[1].labels == {}


def test_nothing(predictor):
    assert predictor.predict_files([]) == []
    outputs = predictor.predict(random_portraits(0))
    assert outputs["gender"].shape == (0, 2)
    assert predictor.predict_bytes([])["valid"].shape == (0,)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((1, 108, 84, 3), "float32"),
        np.zeros((108, 84, 3), "uint8"),
        np.zeros((1, 84, 108, 3), "uint8"),
    ],
)
def test_wrong_images(predictor, images):
    with pytest.raises(UserError, match="Received: dtype="):
        predictor.predict(images)


def test_the_newest_version_is_found(tmp_path):
    for name in ("2", "10", "9", ".unpublished-1", "notes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "saved_model.pb").touch()
    (tmp_path / "11").mkdir()
    assert find_bundle(tmp_path).name == "10"
    assert find_bundle(tmp_path / "2").name == "2"


def test_no_bundle(tmp_path):
    for path in (tmp_path, tmp_path / "gone"):
        with pytest.raises(UserError, match="training.export"):
            find_bundle(path)


@pytest.mark.parametrize("text", ["{", "[]", "{}", None])
def test_metadata_that_cannot_be_read(plain_bundle, text):
    if text is not None:
        (plain_bundle / "metadata.json").write_text(text)
    with pytest.raises(UserError, match="cannot be read"):
        Predictor(plain_bundle)


def test_a_graph_that_cannot_be_read(plain_bundle):
    (plain_bundle / "metadata.json").write_text(json.dumps({"tasks": []}))
    (plain_bundle / "saved_model.pb").write_bytes(b"\xff\xff")
    with pytest.raises(UserError, match="cannot be read"):
        Predictor(plain_bundle)


def test_table():
    predictions = [
        Prediction("one.png", {"gender": "male"}, {"gender": {"male": 0.875}}),
        Prediction("two.png", error="not an image"),
        Prediction("a/3.png", {"gender": "female"}, {"gender": {"female": 1}}),
    ]
    assert format_table(predictions) == (
        "file     gender\none.png  male 0.88\na/3.png  female 1.00"
    )
    assert format_table(predictions[1:2]) == ""


def test_a_process_without_keras(bundle, vae_bundle, files):
    # TensorFlow imports Keras wherever it is; None stands for "not installed".
    code = (
        "import sys; sys.modules['keras'] = None\n"
        "from tp_keras import serving\n"
        "assert 'tensorflow' not in sys.modules\n"
        "predictor = serving.Predictor(sys.argv[1])\n"
        "print(predictor.predict_files(sys.argv[3:])[0].labels['gender'])\n"
        "generator = serving.PortraitGenerator.load(sys.argv[2])\n"
        "print(generator.generate({'gender': 'male'}, [7]).shape)\n"
        "assert not [m for m in sys.modules if m.startswith('keras.')]\n"
        "assert not [m for m in sys.modules if m.startswith('tp_keras.models')]"
    )
    process = subprocess.run(
        [sys.executable, "-c", code, *map(str, (bundle, vae_bundle, *files))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    gender, shape = process.stdout.splitlines()
    assert gender in ("female", "male")
    assert shape == "(1, 108, 84, 3)"
