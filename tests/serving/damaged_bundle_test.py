"""A damaged bundle is one sentence, or answers as before."""

import contextlib
import json
import shutil

import numpy as np
import pytest

from tests.damage import DAMAGES
from tests.damage import OTHER_JSON
from tests.damage import delete
from tests.damage import flip
from tests.damage import with_other_values
from tests.export.networks import random_portraits
from tests.portrait_factory import EVERY_KIND
from tp_keras.errors import UserError
from tp_keras.export.publishing import publish
from tp_keras.serving import CSession
from tp_keras.serving import PhotoPredictor
from tp_keras.serving import Predictor
from tp_keras.serving.check import Report
from tp_keras.serving.check import check_version
from tp_keras.serving.check import version
from tp_keras.serving.contract import FAMILIARITY_FILE
from tp_keras.serving.contract import LITERT_FILE
from tp_keras.serving.litert_file import LiteRTFile

IMAGES = random_portraits(2, schema=EVERY_KIND)
GRAPH = (
    *("saved_model.pb", "fingerprint.pb", "variables/variables.index"),
    "variables/variables.data-00000-of-00001",
)
PHOTO = (LITERT_FILE, FAMILIARITY_FILE)
RECORDED = (
    "assets.extra/tf_serving_warmup_requests",
    "assets.extra/expected_answers.gz",
)
METADATA = "metadata.json"
each_damage = pytest.mark.parametrize("damage", DAMAGES)


@pytest.fixture(scope="module")
def whole(bundle, tmp_path_factory):
    """A bundle with all files that one may have."""
    folder = tmp_path_factory.mktemp("models") / "mine" / "new"
    shutil.copytree(bundle, folder)
    metadata = json.loads((folder / METADATA).read_text())
    del metadata["checksum"]
    metadata["familiarity"] = {"threshold": 0.5}
    metadata["calibration"] = {"smile": {"temperature": 1.5, "threshold": 0.6}}
    (folder / METADATA).write_text(json.dumps(metadata))
    size = LiteRTFile(folder / LITERT_FILE)(IMAGES)["features"].shape[1]
    arrays = {"mean": np.zeros(size), "whitening": np.eye(size)}
    np.savez(folder / FAMILIARITY_FILE, **arrays)
    return publish(folder)


@pytest.fixture
def damaged(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "1")


def answer_photo(path):
    """What is said without TensorFlow."""
    predictor = PhotoPredictor(path)
    outputs = predictor.predict(IMAGES)
    outputs["unlike"] = predictor.unfamiliarity(IMAGES)
    rows = predictor.answer_portraits(IMAGES, ["a", "b"])
    return {k: v.tolist() for k, v in outputs.items()}, rows


def answer_graph(path):
    """What the graph says, in Python and as a server runs it."""
    outputs = Predictor(path).predict(IMAGES)
    with CSession(path, threads=1) as session:
        outputs |= session.run("embed", {"image": IMAGES})
    return {name: values.tolist() for name, values in outputs.items()}


@pytest.fixture(scope="module")
def expected(whole):
    return answer_photo(whole)


def test_every_file_is_one_of_these(whole):
    names = [*GRAPH, *PHOTO, *RECORDED, METADATA]
    files = [path for path in whole.rglob("*") if path.is_file()]
    assert {whole / name for name in names} == {*files}


@each_damage
@pytest.mark.parametrize("name", [*GRAPH, *PHOTO, *RECORDED])
def test_a_damaged_file_is_told(damaged, expected, name, damage, monkeypatch):
    # What the files mean is not looked at: the damage alone is to be seen.
    monkeypatch.setattr(version, "check_content", Report)
    check_version(damaged).require()
    damage(damaged / name)
    (fault,) = check_version(damaged).faults
    assert name in fault
    for reader, own in (
        *((Predictor, GRAPH), (CSession, GRAPH), (PhotoPredictor, PHOTO)),
    ):
        if name in own:
            with pytest.raises(UserError, match="Received: "):
                reader(damaged)
    if name not in (*PHOTO, "saved_model.pb"):
        assert answer_photo(damaged) == expected


@each_damage
def test_damaged_metadata_are_told(damaged, damage):
    damage(damaged / METADATA)
    for reader in (Predictor, PhotoPredictor, CSession):
        # A server takes one without them as a bundle of elsewhere.
        if reader is not CSession or damage is not delete:
            with pytest.raises(UserError, match="export it again.*Received: "):
                reader(damaged)


@pytest.mark.parametrize("text", OTHER_JSON)
def test_other_json_is_one_sentence(damaged, text):
    (damaged / METADATA).write_text(text)
    with pytest.raises(UserError, match="Received: "):
        PhotoPredictor(damaged)


def test_values_of_other_types_are_never_a_trace(damaged):
    path = damaged / METADATA
    for _ in with_other_values(path):
        with pytest.raises(UserError, match="Received: "):
            answer_photo(damaged)
    # An older one has no checksum, and may tell something else.
    for _ in with_other_values(path, drop=("checksum", "files")):
        with contextlib.suppress(UserError):
            answer_photo(damaged)


@pytest.mark.large
@pytest.mark.parametrize("name", [*GRAPH, *PHOTO, *RECORDED, METADATA])
def test_no_flipped_bit_gives_another_answer(whole, tmp_path, name):
    generator = np.random.default_rng(0)
    answers = answer_photo(whole), answer_graph(whole)
    for number in range(40):
        path = shutil.copytree(whole, tmp_path / str(number))
        flip(path / name, generator.random(), 1 << generator.integers(8))
        for read, known in zip(
            (answer_photo, answer_graph), answers, strict=True
        ):
            with contextlib.suppress(UserError):
                assert read(path) == known
        shutil.rmtree(path)
