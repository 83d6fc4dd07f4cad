import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.export.networks import random_portraits
from tests.portrait_factory import AGE
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SIGNS
from tests.portrait_factory import SMILE
from tp_keras.errors import UserError
from tp_keras.serving import Prediction
from tp_keras.serving import Predictor
from tp_keras.serving import find_bundle
from tp_keras.serving import format_table
from tp_keras.serving import write_predictions

PORTRAITS = random_portraits(4, schema=EVERY_KIND)


@pytest.fixture(scope="module")
def predictor(bundle):
    return Predictor(bundle.parent)


@pytest.fixture
def files(tmp_path):
    paths = []
    for i, pixels in enumerate(PORTRAITS[:3]):
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths


@pytest.fixture(scope="module")
def answers(classifier):
    """What the model answers."""
    return classifier.predict_answers(PORTRAITS, verbose=0)


@pytest.mark.parametrize("batch_size", [2, 64])
def test_files_are_answered_as_by_the_model(
    predictor, answers, files, batch_size
):
    found = predictor.predict_files(files, batch_size=batch_size)
    assert [prediction.path for prediction in found] == [*map(str, files)]
    for row, prediction in enumerate(found):
        assert prediction.error is None
        for name, shares in prediction.probabilities.items():
            task, values = EVERY_KIND.task(name), answers[name][row]
            assert list(shares) == list(task.classes)
            np.testing.assert_allclose(list(shares.values()), values, atol=1e-5)
            if task.has_classes:
                label = task.classes[task.predicted(values[None])[0]]
                assert prediction.labels[name] == label
        assert sorted(prediction.labels) == ["mood", "origin", "signs", "smile"]
        age = pytest.approx(answers["age"][row], rel=1e-3)
        assert prediction.numbers == {"age": age}


def test_bad_files_are_told_and_the_others_predicted(
    predictor, files, tmp_path
):
    expected = predictor.predict_files(files)
    text, damaged = tmp_path / "notes.txt", tmp_path / "damaged.png"
    text.write_text("no image")
    # Start and end of a PNG, and what lies between is spoilt.
    data = files[0].read_bytes()
    damaged.write_bytes(data[:-900] + bytes(400) + data[-500:])
    paths = [files[0], text, tmp_path / "gone.png", files[1], damaged, tmp_path]
    found = predictor.predict_files(paths)
    no_picture = "The file is no picture, or not a whole one. Expected PNG"
    for row, message in (
        (1, no_picture),
        (2, "The picture can't be read: No such file"),
        (4, no_picture),
        (5, "The picture can't be read: Is a directory"),
    ):
        prediction = found[row]
        assert prediction.error.startswith(message)
        assert prediction.path in prediction.error
        assert prediction.labels == prediction.numbers == {}
    assert found[0].error is found[3].error is None
    assert found[0].labels == expected[0].labels
    assert found[3].labels == expected[1].labels


def test_portraits_and_nothing(predictor, answers):
    embedding = predictor.embed(PORTRAITS)
    np.testing.assert_allclose(embedding, answers["embedding"], atol=1e-4)
    assert predictor.predict(PORTRAITS)["age_unit"].tolist() == ["years"] * 4
    assert predictor.predict_files([]) == []
    outputs = predictor.predict(PORTRAITS[:0])
    assert outputs["origin"].shape == (0, 3)
    assert outputs["age"].shape == (0,)


@pytest.mark.parametrize(
    "images",
    [PORTRAITS.astype("float32"), PORTRAITS[0], PORTRAITS.swapaxes(1, 2)],
)
def test_wrong_images(predictor, images):
    for method in (predictor.predict, predictor.embed):
        with pytest.raises(UserError, match="0 to 255.*Received: dtype="):
            method(images)


def test_the_newest_version_is_found(tmp_path):
    for name in ("2", "10", "9", ".1-a.partial-unpublished", "notes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "saved_model.pb").touch()
    (tmp_path / "11").mkdir()
    assert find_bundle(tmp_path).name == "10"
    assert find_bundle(tmp_path / "2").name == "2"
    for path in (tmp_path / "11", tmp_path / "gone"):
        with pytest.raises(UserError, match="training.export"):
            find_bundle(path)
    # An older one is not taken in place of a damaged one.
    (tmp_path / "11" / "metadata.json").touch()
    with pytest.raises(UserError, match="newest version lacks .*/11'"):
        find_bundle(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"schema": {}}', None])
def test_metadata_or_a_graph_that_cannot_be_read(plain_bundle, bundle, text):
    if text is not None:
        (plain_bundle / "metadata.json").write_text(text)
    message = "cannot be read|Expected JSON|Expected a schema"
    with pytest.raises(UserError, match=message):
        Predictor(plain_bundle)
    shutil.copy(bundle / "metadata.json", plain_bundle)
    (plain_bundle / "saved_model.pb").write_bytes(b"\xff\xff")
    with pytest.raises(UserError, match="saved_model.pb has 2 bytes.* again"):
        Predictor(plain_bundle)
    # One that doesn't tell its files.
    metadata = json.loads((bundle / "metadata.json").read_text())
    del metadata["files"], metadata["checksum"]
    (plain_bundle / "metadata.json").write_text(json.dumps(metadata))
    with pytest.raises(UserError, match="cannot be read"):
        Predictor(plain_bundle)


TASKS = (AGE, SIGNS, SMILE)
PREDICTIONS = [
    Prediction(
        'a "b", c.png',
        {"signs": "hat|scarf", "smile": "yes"},
        {
            "signs": {"hat": 0.75, "scarf": 0.625},
            "smile": {"no": 0.125, "yes": 0.875},
        },
        {"age": 31.25},
    ),
    Prediction("b\udce9.png", error="not an image"),
    Prediction(
        "d.png",
        {"signs": "", "smile": "no"},
        {"signs": {"hat": 0.25, "scarf": 0}, "smile": {"no": 1, "yes": 0}},
        {"age": 4.0},
    ),
]


def test_table():
    assert format_table(PREDICTIONS, TASKS) == (
        "file          age         signs                 smile\n"
        'a "b", c.png  31.2 years  hat 0.75, scarf 0.62  yes 0.88\n'
        "d.png         4.0 years   -                     no 1.00"
    )
    assert format_table(PREDICTIONS[1:2], TASKS) == ""


def test_a_table_as_csv(tmp_path):
    path = tmp_path / "a.csv"
    write_predictions(path, PREDICTIONS, TASKS, ".csv")
    table = pd.read_csv(path)
    assert " ".join(table.columns) == (
        "file age signs signs_hat signs_scarf smile smile_no smile_yes "
        "unsure face box error"
    )
    # Names of files needn't be UTF-8, tables must.
    assert table["file"].tolist()[:2] == ['a "b", c.png', "b\\udce9.png"]
    assert table["age"].tolist()[::2] == [31.25, 4.0]
    assert table["smile_yes"].tolist()[::2] == [0.875, 0.0]
    assert table["signs"].tolist()[0] == "hat|scarf"
    assert table["smile"].isna().tolist() == [False, True, False]
    assert table["error"].tolist()[1] == "not an image"


def test_json(tmp_path):
    write_predictions(tmp_path / "a", PREDICTIONS, TASKS, ".json")
    rows = json.loads((tmp_path / "a").read_text())
    write_predictions(tmp_path / "b", PREDICTIONS, TASKS, ".jsonl")
    lines = (tmp_path / "b").read_text().splitlines()
    assert [json.loads(line) for line in lines] == rows
    assert rows[0] == {
        "file": 'a "b", c.png',
        "labels": {"signs": "hat|scarf", "smile": "yes"},
        "probabilities": {
            "signs": {"hat": 0.75, "scarf": 0.625},
            "smile": {"no": 0.125, "yes": 0.875},
        },
        "numbers": {"age": {"value": 31.25, "unit": "years"}},
        "unsure": {},
        "face": None,
        "box": None,
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
        "print(predictor.predict_files(sys.argv[3:])[0].labels['smile'])\n"
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
    smile, shape = process.stdout.splitlines()
    assert smile in SMILE.classes
    assert shape == "(1, 108, 84, 3)"
