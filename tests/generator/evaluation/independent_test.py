import dataclasses
import shutil

import numpy as np
import pytest

from tests.made_runs import make_classifier
from tests.made_runs import make_run
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import make_portraits
from tp_keras.config import DataConfig
from tp_keras.data import source
from tp_keras.errors import UserError
from tp_keras.evaluation.generalisation import training_faces
from tp_keras.evaluation.generalisation.framing import Framing
from tp_keras.evaluation.generalisation.framing import frame
from tp_keras.files import sha256
from tp_keras.files import write_json
from tp_keras.generator.config import VaeExperimentConfig
from tp_keras.generator.config import VaeModelConfig
from tp_keras.generator.evaluation import independent
from tp_keras.generator.evaluation import judge as judge_module
from tp_keras.generator.evaluation.judge import IndependentJudge
from tp_keras.generator.training.folder import VaeRunFolder
from tp_keras.runs.run_folder import RunFolder

OTHER = DataConfig(dataset="other/here")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Runs that a generator's are judged by, or not."""
    folder = tmp_path_factory.mktemp("runs")
    done = {"status": "finished"}
    age = make_run(folder / "age", EVERY_KIND, seed=1, data=OTHER, **done)
    make_run(folder / "b" / "age", EVERY_KIND, seed=2, data=OTHER, **done)
    shutil.copytree(age.path, folder / "copy")
    make_run(folder / "going", EVERY_KIND, data=OTHER, status="training")
    make_run(folder / "own", data=DataConfig(dataset="mine/there"), **done)
    both = DataConfig(dataset=("other/here", "mine/there"))
    make_run(folder / "both", data=both, seed=4, **done)
    began = {"path": "x", "model": sha256(age.model_path)}
    eyes = {"data": DataConfig(dataset="mine/here"), "seed": 3, **done}
    make_run(folder / "eyes", **eyes)
    make_run(folder / "later", from_run=began, **eyes)
    for name in ("eyes", "later"):
        run = VaeRunFolder(folder / f"vae_{name}")
        model = VaeModelConfig(classifier_run=str(folder / name))
        data = DataConfig(dataset="mine/here")
        run.claim(VaeExperimentConfig(data=data, model=model))
    return folder


@pytest.mark.parametrize(
    ("names", "message", "generator"),
    [
        (("going",), "Expected a finished run", "eyes"),
        (
            ("own",),
            "than the generator's, mine. Received: .*mine/there",
            "eyes",
        ),
        (("both",), "than the generator's, mine", "eyes"),
        (("eyes",), "looked through this run", "eyes"),
        # It went on from the judge.
        (("age",), "looked through this run", "later"),
        (
            ("age", "copy"),
            "once. Received: .*copy, the same run as .*age",
            "eyes",
        ),
        (("none",), "There is no run", "eyes"),
    ],
)
def test_what_is_no_independent_judge(folder, names, message, generator):
    run = VaeRunFolder(folder / f"vae_{generator}")
    with pytest.raises(UserError, match=message) as caught:
        independent.require_other([folder / name for name in names], run)
    assert str(caught.value).count("Received: ") == 1


@pytest.mark.parametrize(
    ("field", "value"), [("from_run", "runs/a"), ("backbone", "seen.keras")]
)
def test_a_judge_begins_with_nobodys_weights(folder, tmp_path, field, value):
    run = make_run(tmp_path / "a", data=OTHER, status="training")
    config = dataclasses.asdict(run.config)
    config["model"][field] = value
    write_json(run.path / "config.json", config)
    run.record(status="finished")
    with pytest.raises(UserError, match=f"which began with {value}"):
        independent.require_other([run.path], VaeRunFolder(folder / "vae_eyes"))


def test_judges_have_names_of_their_own(folder, monkeypatch):
    portraits = make_portraits(70, schema=EVERY_KIND)
    seen = []

    def faces(run):
        seen.append(run.path)
        return portraits

    monkeypatch.setattr(independent, "training_faces", faces)
    run = VaeRunFolder(folder / "vae_eyes")
    paths = [folder / "age", folder / "b" / "age"]
    folders = independent.require_other(paths, run)
    images = make_portraits(90).images
    judges = independent.open_judges(folders, images)
    names = [judge.name for judge in judges]
    assert names == ["independent_age", "independent_age_2"]
    assert seen == paths
    for judge in judges:
        assert judge.features(images[:3]).shape[0] == 3


def test_portraits_are_framed_as_in_its_own_training(monkeypatch):
    framing, faces = Framing(0.8, 0.1, 0.0), []

    def find(*both):
        faces.extend(both)
        return framing, 0.1, 0.9

    monkeypatch.setattr(judge_module, "find_framing", find)
    classifier = make_classifier(EVERY_KIND)
    own, images = np.zeros((64, 48, 3)), make_portraits(100).images
    judge = IndependentJudge("independent_a", classifier, own, images)
    np.testing.assert_array_equal(faces[0], own)
    np.testing.assert_allclose(faces[1], images.mean(0))
    shown = frame(images, (64, 48), framing)
    maps = np.asarray(classifier.backbone.predict_on_batch(shown))
    expected = (maps.mean((1, 2)) - judge.mean) @ judge.projection
    # Rows of another batch, and one frame for every candidate.
    found = judge.features(images[10:40])
    np.testing.assert_allclose(found, expected[10:40], atol=0.02)
    assert len(faces) == 2
    covariance = np.cov(judge.features(images).T)
    np.testing.assert_allclose(covariance, np.eye(len(covariance)), atol=0.05)


def test_faces_of_a_training_are_no_more_than_there_are(folder, monkeypatch):
    asked = []

    def load(*place, **_):
        asked.append(place[1:])
        return make_portraits(3)

    monkeypatch.setattr(source, "load_portraits", load)
    monkeypatch.setattr(training_faces, "find_builder", lambda *_: None)
    for there, part in ((30, "train[:30]"), (5000, "train[:1000]")):
        monkeypatch.setattr(
            training_faces, "count_portraits", lambda *_, n=there: n
        )
        training_faces.training_faces(RunFolder(folder / "age"))
        assert asked.pop() == ("other/here", part)
