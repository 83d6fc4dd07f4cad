import json
import shutil
import subprocess
import sys
import zlib

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.export.networks import random_portraits
from tests.picture_factory import ORIENTATIONS
from tests.picture_factory import encode
from tests.picture_factory import exif
from tests.picture_factory import picture
from tests.picture_factory import stored
from tp_keras.errors import UserError
from tp_keras.serving import CSession
from tp_keras.serving import Prediction
from tp_keras.serving import Predictor
from tp_keras.serving import find_bundle
from tp_keras.serving import format_table
from tp_keras.serving import write_predictions


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
    no_picture = (
        "The file is no picture, or not a whole one. Expected PNG, JPEG, "
        "WebP, AVIF, GIF, BMP or TIFF (photographs in HEIC must be turned "
        "into JPEG)"
    )
    assert [p.error for p in found] == [
        None,
        no_picture,
        "No such file or directory",
        None,
        no_picture,
        "Is a directory",
    ]
    assert found[0].labels == expected[0].labels
    assert found[3].labels == expected[1].labels
    assert found[1].labels == {}


def test_contents_of_files(predictor, files):
    data = [path.read_bytes() for path in files]
    outputs = predictor.predict_bytes([data[0], b"no image", data[1][:-40]])
    assert outputs["valid"].tolist() == [True, False, False]
    assert outputs["gender_label"][1:].tolist() == ["", ""]
    assert not outputs["gender"][1:].any()
    expected = predictor.predict_files(files[:1])[0]
    assert outputs["gender_label"][0] == expected.labels["gender"]


def test_answers_as_a_server(predictor, bundle):
    """Through the C API, whose loader and session are those of a server."""
    data = [
        encode(picture(), "JPEG", subsampling=2),
        encode(picture(seed=1), "JPEG", progressive=True),
        encode(picture("L", seed=2), "JPEG") + b"ftypmp42" * 500,
        encode(stored(picture(seed=3), 6), "JPEG", exif=exif(6, ">")),
        encode(stored(picture(seed=4), 5), "PNG", exif=exif(5)),
        encode(picture("CMYK", seed=5), "JPEG"),
        encode(stored(picture(size=(300, 400)), 8), "JPEG", exif=exif(8)),
        encode(picture(), "JPEG")[:-2],
    ]
    found = predictor.predict_bytes(data)
    with CSession(bundle) as session:
        served = session.run("serve_bytes", {"image_bytes": data})
    assert served["valid"].tolist() == [True] * 7 + [False]
    assert found["valid"].tolist() == served["valid"].tolist()
    for task in predictor.classes:
        np.testing.assert_allclose(found[task], served[task], atol=1e-4)
    # They are not all alike.
    assert np.ptp(found["hair_color"], axis=0).max() > 1e-2


def test_the_marks_of_a_camera_change_no_answer(predictor, tmp_path):
    paths = []
    for mark in ORIENTATIONS:
        paths.append(tmp_path / f"{mark}.png")
        stored(picture(), mark).save(paths[-1], exif=exif(mark))
    answers = [
        list(prediction.probabilities["hair_color"].values())
        for prediction in predictor.predict_files(paths)
    ]
    np.testing.assert_allclose(answers, answers[:1] * 8, rtol=1e-5)


def test_nothing(predictor):
    assert predictor.predict_files([]) == []
    outputs = predictor.predict(random_portraits(0))
    assert outputs["gender"].shape == (0, 2)
    assert predictor.predict_bytes([])["valid"].shape == (0,)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((1, 108, 84, 3), "float32"),
        np.full((1, 108, 84, 3), 200.0, "float32"),
        np.zeros((1, 108, 84, 3), "int64"),
        np.zeros((108, 84, 3), "uint8"),
        np.zeros((1, 84, 108, 3), "uint8"),
    ],
)
def test_wrong_images(predictor, images):
    for method in (predictor.predict, predictor.embed):
        with pytest.raises(UserError, match="0 to 255.*Received: dtype="):
            method(images)


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


CLASSES = {"gender": ("female", "male")}
PREDICTIONS = [
    Prediction(
        'a "b", c.png',
        {"gender": "male"},
        {"gender": {"female": 0.125, "male": 0.875}},
    ),
    Prediction("b\udce9.png", error="not an image"),
]


def test_a_table_as_csv(tmp_path):
    path = tmp_path / "a.csv"
    write_predictions(path, PREDICTIONS, CLASSES, ".csv")
    table = pd.read_csv(path)
    assert table.columns.tolist() == [
        "file",
        "gender",
        "gender_female",
        "gender_male",
        "error",
    ]
    # Names of files needn't be UTF-8, tables must.
    assert table["file"].tolist() == ['a "b", c.png', "b\\udce9.png"]
    assert table["gender_male"].tolist()[0] == 0.875
    assert table["gender"].isna().tolist() == [False, True]
    assert table["error"].tolist()[1] == "not an image"


def test_json(tmp_path):
    write_predictions(tmp_path / "a", PREDICTIONS, CLASSES, ".json")
    rows = json.loads((tmp_path / "a").read_text())
    write_predictions(tmp_path / "b", PREDICTIONS, CLASSES, ".jsonl")
    lines = (tmp_path / "b").read_text().splitlines()
    assert [json.loads(line) for line in lines] == rows
    assert rows[0] == {
        "file": 'a "b", c.png',
        "labels": {"gender": "male"},
        "probabilities": {"gender": {"female": 0.125, "male": 0.875}},
        "error": None,
    }
    assert rows[1]["file"] == "b\udce9.png"
    assert rows[1]["error"] == "not an image"


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
