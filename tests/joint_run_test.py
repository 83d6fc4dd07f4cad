"""One network for two data sets: the way by the commands, on each part."""

import dataclasses
import json
import types

import numpy as np
import pytest

from tests.made_runs import TINY_RESIDUAL
from tests.printed_commands import refusal
from tp_keras.cards.sources import read_sources
from tp_keras.data.source import load_portraits
from tp_keras.debias_config import DebiasConfig
from tp_keras.debiasing import trunk_features
from tp_keras.errors import UserError
from tp_keras.evaluation import run_evaluation
from tp_keras.evaluation.generalisation.page import PICTURES
from tp_keras.evaluation.generalisation.run_generalisation import (
    run_generalisation,
)
from tp_keras.explain import run_explanations
from tp_keras.export import photo_facts
from tp_keras.export import read_metadata
from tp_keras.fairness.report import run_fairness_report
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.limits.run_limits import run_limits
from tp_keras.records.record import find_one
from tp_keras.records.record import read_records
from tp_keras.runs.debias_run import debias_run
from tp_keras.runs.run_folder import RunFolder
from training import train
from training.command import run
from training.evaluate import Evaluate
from training.export import Export

FIRST = "tiny_portraits/synthetic_tiny"
SECOND = "utk_face/synthetic_tiny"


@pytest.fixture(scope="module")
def way(two_data_sets, tmp_path_factory):
    """A run on both, evaluated and exported."""
    folder = tmp_path_factory.mktemp("joint")
    run_dir = str(folder / "run")
    words = ["demo", "--run_dir", run_dir, "--data_dir", str(two_data_sets)]
    words += ["--dataset", FIRST, SECOND, "--mixing", "0.5"]
    words += ["--labels", "age=18-"]
    words += [
        "--train_split",
        "train[:50%]",
        "train",
        "--backbone",
        TINY_RESIDUAL,
    ]
    words += ["--epochs", "1", "--warmup_epochs", "0.5", "--batch_size", "32"]
    words += ["--averaging", "0"]
    train.main(words)
    run(Evaluate, ["--run_dir", run_dir])
    run(Export, ["--run_dir", run_dir, "--output_dir", str(folder / "models")])
    return types.SimpleNamespace(
        words=words,
        data_dir=two_data_sets,
        run=RunFolder(run_dir),
        bundle=folder / "models" / "portrait_attributes" / "1",
    )


def load(way, dataset, split):
    return load_portraits(way.data_dir, dataset, split, progress=False)


def test_a_run_names_both_data_sets_and_has_the_tasks_of_both(way, capsys):
    facts, schema = way.run.facts, way.run.schema
    names = f"{FIRST}/1.1.0", f"{SECOND}/1.0.0"
    assert facts["dataset"] == " + ".join(names)
    assert schema.task_names == (
        *("gender", "hair_color", "hair_type", "age", "race"),
    )
    # The second counts its classes the other way round.
    assert schema.task("gender").classes == ("female", "male")
    assert schema.protected == "gender" and "age" not in schema.guarded
    for split, part in (("train", "train[:50%]"), ("validation", "validation")):
        # Adults of the second, and all of the first: it tells no age.
        second = load(way, SECOND, split)
        second = second.take(second.labels["age"] >= 18)
        own = load(way, FIRST, part), second
        prints = "+".join(portraits.fingerprint for portraits in own)
        assert facts["fingerprints"][split] == prints
    # The same command finds it finished; another share is another run.
    train.main(way.words)
    assert "nothing to train" in capsys.readouterr().out
    said = refusal(capsys, train.main, [*way.words, "--mixing", "1"])
    assert "mixing: 0.5 against 1.0" in said


def test_it_is_evaluated_on_each_part(way):
    parent = way.run.path / "evaluation"
    folders = {}
    for path in parent.iterdir():
        told = json.loads((path / "measured.json").read_text())
        folders[told["dataset"]] = path
        page = f"evaluation{path.name.removeprefix('test') and '-' + path.name}"
        assert (way.run.path / f"{page}.html").is_file()
    assert set(folders) == {f"{FIRST}/1.1.0", f"{SECOND}/1.0.0"}
    assert folders[f"{FIRST}/1.1.0"].name == "test"
    model = way.run.load_model()
    for dataset, known in (
        (FIRST, {"gender", "hair_color", "hair_type"}),
        (SECOND, {"gender", "age", "race"}),
    ):
        (folder,) = (p for n, p in folders.items() if n.startswith(dataset))
        records = read_records(folder / "records.jsonl")
        assert {record.task for record in records} == known
        test = load(way, dataset, "test")
        answers = model.predict_answers(test.images, verbose=0)["gender"]
        # By their own names, whatever number they have here and there.
        said = np.array(way.run.schema.task("gender").classes)
        own = np.array(test.schema.task("gender").classes)
        hits = said[answers.argmax(1)] == own[test.labels["gender"]]
        record = find_one(
            records, metric="accuracy", task="gender", group="all"
        )
        assert record.value == pytest.approx(hits.mean())
        assert record.count == len(test)


def test_one_part_and_others_are_evaluated_alone(way, tmp_path):
    _, folder = run_evaluation.evaluate_run(way.run.path, dataset=SECOND)
    assert folder.name.startswith("utk_face-synthetic_tiny-1.0.0-test-")
    # Without a part that a split is not in, none is measured.
    parts = run_evaluation.evaluate_parts(way.run.path, split="counterfactual")
    with pytest.raises(UserError, match=f"Expected a split .* of {SECOND}"):
        next(parts)
    version = way.data_dir / SECOND / "1.0.0"
    with pytest.raises(UserError, match="Received: that of one version"):
        next(run_evaluation.evaluate_parts(way.run.path, version))


def test_a_task_of_one_part_is_evaluated_there(way, tmp_path):
    copy = RunFolder(tmp_path / "run")
    config = way.run.config
    model = dataclasses.replace(config.model, tasks=("age",))
    copy.claim(dataclasses.replace(config, model=model))
    classifier = way.run.load_model()
    copy.save_model(classifier)
    copy.record(
        schema=way.run.schema.to_dict(),
        fingerprints=way.run.facts["fingerprints"],
    )
    (found,) = run_evaluation.evaluate_parts(copy.path)
    assert found[1].name.startswith("utk_face-")
    with pytest.raises(UserError, match="tasks that .* learned, age"):
        run_evaluation.evaluate_run(copy.path, dataset=FIRST)


def test_a_bundle_knows_both(way):
    facts = read_metadata(way.bundle)
    assert facts["settings"]["data"]["dataset"] == [FIRST, SECOND]
    assert facts["data_fingerprints"] == way.run.facts["fingerprints"]
    # Of 30 labels on: hair is known of fewer portraits here.
    assert set(facts["calibration"]) == {"gender", "age", "race"}
    adults = {
        split: int((load(way, SECOND, split).labels["age"] >= 18).sum())
        for split in ("train", "validation")
    }
    assert adults["validation"] < 41 and adults["train"] < 321
    calibrated = facts["calibration"]["gender"]["count"]
    assert calibrated == 40 + adults["validation"]
    assert facts["framing"]["portraits"] == 160
    assert facts["familiarity"]["portraits"] == 160 + adults["train"]


def test_rows_that_tell_what_is_familiar_are_of_every_part(monkeypatch, way):
    location = way.run.config.data.location("validation")
    both = load_portraits(*location, progress=False)
    monkeypatch.setattr(photo_facts, "COUNT", 6)
    first = both.parts[0]
    expected = [0, 1, 2, first, first + 1, first + 2]
    assert photo_facts._first_rows(both).tolist() == expected
    assert photo_facts._first_rows(load(way, FIRST, "test")).tolist() == [
        *range(6)
    ]


def test_what_measures_takes_the_first_part(way, tmp_path):
    records, _, _ = run_limits(
        way.run.path, count=8, axes=("blur",), output_dir=tmp_path
    )
    assert {record.dataset for record in records} == {f"{FIRST}/1.1.0"}
    assert "age" not in {record.task for record in records}
    few = FairnessSettings(
        num_bootstraps=20, num_permutations=20, probe_folds=2, probe_seeds=1
    )
    records, folder = run_fairness_report(way.run.path, settings=few)
    assert folder == way.run.path / "fairness" / "test"
    assert {record.dataset for record in records} == {f"{FIRST}/1.1.0"}


def test_what_is_lost_on_others_is_lost_from_the_first_part(way, tmp_path):
    records, _ = run_generalisation(
        way.run.path, (SECOND,), output_dir=tmp_path
    )
    names = {record.dataset for record in records}
    assert names == {f"{FIRST}/1.1.0", f"{SECOND}/1.0.0"}
    # What the first does not tell can't be lost.
    assert {r.task for r in records if r.dataset.startswith(SECOND)} == {
        *("gender", PICTURES)
    }


def test_answers_are_explained_without_a_label(way, tmp_path, monkeypatch):
    taken = []

    def leave(find_regions, portraits):
        taken.append(portraits)
        raise KeyboardInterrupt

    monkeypatch.setattr(run_explanations, "_regions", leave)
    with pytest.raises(KeyboardInterrupt):
        run_explanations.run_explanations(
            way.run.path, count=16, output_dir=tmp_path
        )
    (portraits,) = taken
    assert portraits.dataset == f"{FIRST}/1.1.0" and len(portraits) == 16
    assert portraits.schema.task_names == way.run.schema.task_names
    assert np.isnan(portraits.labels["age"]).all()


def test_the_cards_name_both(way):
    sources = read_sources(way.run.path)
    assert sources.trained_on == {
        f"{FIRST}/1.1.0": [("train[:50%]", 160), ("validation", 40)],
        f"{SECOND}/1.0.0": [("train", 321), ("validation", 41)],
    }
    names = [task.name for task in sources.tasks]
    assert names == ["gender", "hair_color", "hair_type"]
    assert "age" not in sources.data_schema.task_names


def test_a_joint_run_is_debiased_on_all_of_its_portraits(
    way, tmp_path, monkeypatch
):
    monkeypatch.setattr(trunk_features, "_MOST_PASSES", 1)
    settings = DebiasConfig(
        debias="conditional_grl",
        branch_steps=4,
        branch_batch_size=16,
        posthoc="leace",
    )
    made = debias_run(way.run.path, tmp_path / "d", settings, progress=False)
    assert made.facts["fingerprints"] == way.run.facts["fingerprints"]
    assert made.config.data == way.run.config.data
    before, after = way.run.load_model(), made.load_model()
    images = load(way, SECOND, "test[:4]").images
    a, b = (m.predict_answers(images, verbose=0) for m in (before, after))
    np.testing.assert_allclose(a["race"], b["race"], atol=1e-6)
    assert np.abs(a["hair_color"] - b["hair_color"]).max() > 1e-3
