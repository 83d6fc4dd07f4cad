"""A damaged run folder is one sentence, or answers as before."""

import contextlib
import dataclasses
import json
import shutil

import numpy as np
import pytest

from tests.cards.made_measurements import make_measured_run
from tests.cards.made_measurements import put_made_data
from tests.damage import DAMAGES
from tests.damage import OTHER_JSON
from tests.damage import delete
from tests.damage import flip
from tests.damage import with_other_values
from tests.export.networks import random_portraits
from tests.made_runs import make_classifier
from tests.portrait_factory import EVERY_KIND
from tp_keras.cards.model_card import make_model_card
from tp_keras.cards.sources import read_sources
from tp_keras.errors import UserError
from tp_keras.runs.run_folder import RunFolder

FIGURES = "evaluation/test"
JSON_FILES = ("config.json", "run.json", f"{FIGURES}/measured.json")
FILES = (
    *(*JSON_FILES, "model.keras", "trained.keras"),
    *(f"{FIGURES}/records.jsonl", f"{FIGURES}/report.json"),
)
IMAGES = random_portraits(2, schema=EVERY_KIND)
each_file = pytest.mark.parametrize("name", FILES)


@pytest.fixture(autouse=True)
def _made_data(monkeypatch):
    put_made_data(monkeypatch)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    run = make_measured_run(tmp_path_factory.mktemp("runs") / "mine")
    make_classifier(EVERY_KIND, seed=1).save(run.trained_path)
    run.record(status="finished")
    return run.path


@pytest.fixture
def damaged(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "mine")


def tell(path):
    """All that is read of a run but its models."""
    run = RunFolder(path).require()
    config = dataclasses.replace(run.config, run_dir="", data=None)
    return config, run.facts, make_model_card(read_sources(path))


def answer(path):
    """All that is read of a run."""
    run, told = RunFolder(path), tell(path)
    answers = [
        run.load_model(model).predict_answers(IMAGES, verbose=0)
        for model in (None, run.trained_path)
    ]
    return *told, *(v.tobytes() for found in answers for v in found.values())


@each_file
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_one_sentence(damaged, name, damage):
    before = tell(damaged)
    damage(damaged / name)
    if name == "config.json":
        # Where a run lies may change, and with it a part of that file.
        with contextlib.suppress(UserError):
            assert tell(damaged) == before
            return
    with pytest.raises(UserError, match="Received|is empty") as error:
        if name.endswith(".keras"):
            RunFolder(damaged).load_model(damaged / name)
        tell(damaged)
    # What a card lacks is told by the card.
    assert "python -m training." in str(error.value) or damage is delete


@pytest.mark.parametrize("name", JSON_FILES)
@pytest.mark.parametrize("text", OTHER_JSON)
def test_other_json_is_one_sentence(damaged, name, text):
    (damaged / name).write_text(text)
    with pytest.raises(UserError, match="Received"):
        tell(damaged)


@pytest.mark.parametrize("name", JSON_FILES)
def test_values_of_other_types_are_never_a_trace(damaged, name):
    # The checksums tell any change of a run that has them.
    before = tell(damaged)
    for _ in with_other_values(damaged / name, others=["text"]):
        with contextlib.suppress(UserError):
            assert tell(damaged) == before
    # An older one has none, and may tell something else.
    drop = ("checksum", "settings", "checksums")
    facts = {k: v for k, v in RunFolder(damaged).facts.items() if k not in drop}
    (damaged / "run.json").write_text(json.dumps(facts))
    for _ in with_other_values(damaged / name, drop):
        with contextlib.suppress(UserError):
            tell(damaged)


@pytest.mark.large
@each_file
def test_no_flipped_bit_gives_another_answer(damaged, name):
    generator, expected = np.random.default_rng(0), answer(damaged)
    content = (damaged / name).read_bytes()
    for _ in range(60):
        flip(damaged / name, generator.random(), 1 << generator.integers(8))
        with contextlib.suppress(UserError):
            config, facts, card, *answers = answer(damaged)
            if name == "config.json":
                card = expected[2]  # It tells where the data lie.
            assert (config, facts, card, *answers) == expected
        (damaged / name).write_bytes(content)


def test_a_whole_model_of_another_run_is_refused(damaged):
    run = RunFolder(damaged)
    shutil.copy(run.trained_path, run.model_path)
    with pytest.raises(UserError, match="other bytes than were saved"):
        run.load_model()
    # It may be noted for good.
    run.record(status="finished")
    assert run.load_model()


def test_an_older_model_without_a_checksum(damaged):
    run = RunFolder(damaged)
    facts = json.loads((damaged / "run.json").read_text())
    del facts["checksum"], facts["checksums"]
    (damaged / "run.json").write_text(json.dumps(facts))
    assert run.load_model().predict_answers(IMAGES, verbose=0)
    for damage in DAMAGES:
        model = run.model_path.read_bytes()
        damage(run.model_path)
        with pytest.raises(UserError, match="damaged|is gone"):
            run.load_model()
        run.model_path.write_bytes(model)


def test_the_model_of_a_finished_run_that_is_gone(damaged):
    run = RunFolder(damaged)
    run.model_path.unlink()
    with pytest.raises(UserError, match="is gone.*after removing the folder"):
        run.require()
    run.record(status="training")
    with pytest.raises(UserError, match="no model yet.*resumes it"):
        run.require()
