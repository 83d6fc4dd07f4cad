"""Every choice of tasks goes the whole way, or is told why it can't."""

import dataclasses
import itertools

import numpy as np
import pytest

from tests.portrait_factory import make_portraits
from tests.runs import trainer_test as t
from tp_keras.config import DebiasConfig
from tp_keras.errors import UserError
from tp_keras.evaluation.evaluator import evaluate_predictions
from tp_keras.evaluation.similar import find_similar_hair
from tp_keras.evaluation.similar import model_embedder
from tp_keras.records.record import find_one
from tp_keras.runs.debias_run import debias_run
from tp_keras.runs.trainer import Trainer
from tp_keras.tasks import TASK_NAMES
from tp_keras.tuning.trial import figures_of

SUBSETS = [
    subset
    for count in (1, 2, 3)
    for subset in itertools.combinations(TASK_NAMES, count)
]
each_subset = pytest.mark.parametrize("tasks", SUBSETS, ids="+".join)

tiny_world = t.tiny_world


def make_config(path, tasks, debias=None):
    config = t.make_config(path, "none", epochs=2, averaging=0.0)
    return dataclasses.replace(
        config,
        model=dataclasses.replace(config.model, tasks=tasks),
        debias=debias or config.debias,
    )


@each_subset
def test_a_subset_trains_resumes_and_is_evaluated(tasks, tmp_path, monkeypatch):
    config = make_config(tmp_path / "run", tasks)
    if len(tasks) == 1:
        with monkeypatch.context() as patch:
            t.stop_in_epoch(patch, 1)
            with pytest.raises(KeyboardInterrupt):
                Trainer(config, progress=False).fit()
    run = Trainer(config, progress=False).fit()
    assert run.is_finished and len(run.read_history()) == 2

    model = run.load_model()
    validation = make_portraits(48, seed=1, split="validation")
    probabilities = model.predict_answers(validation.images, verbose=0)
    records = evaluate_predictions(
        probabilities, validation.labels, seed=0, split="validation"
    )
    # What a search compares is what an evaluation finds.
    found = figures_of(run, model.tasks)
    assert list(found["accuracies"]) == list(tasks)
    for name, accuracy in found["accuracies"].items():
        record = find_one(records, metric="accuracy", task=name, group="all")
        assert record.value == pytest.approx(accuracy, abs=1e-6)
    assert found["score"] == pytest.approx(
        np.mean(list(found["accuracies"].values())), abs=1e-6
    )


def test_one_hair_task_is_debiased_without_a_gender_head(tmp_path):
    settings = DebiasConfig(
        debias="conditional_grl",
        posthoc="leace",
        branch_steps=4,
        branch_batch_size=16,
        branch_embedding_size=8,
    )
    config = make_config(tmp_path / "run", ("hair_color",))
    plain = Trainer(config, progress=False).fit()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tp_keras.runs.debias_run.load_portraits", t.load_made)
        run = debias_run(plain.path, tmp_path / "new", settings, progress=False)
    model = run.load_model()
    assert sorted(model.output) == ["hair_color"]
    portraits = make_portraits(48, seed=1)
    found = find_similar_hair(
        portraits.images[0], portraits, model_embedder(model), ["hair_color"], 3
    )
    assert found.indices[0] == 0


def test_gender_alone_has_nothing_to_debias(tmp_path):
    plain = Trainer(
        make_config(tmp_path / "run", ("gender",)), progress=False
    ).fit()
    settings = DebiasConfig(debias="conditional_grl")
    with pytest.raises(UserError, match="no hair to debias.*tasks=..gender"):
        debias_run(plain.path, tmp_path / "new", settings, progress=False)
    with pytest.raises(UserError, match="no hair to debias"):
        make_config(tmp_path / "other", ("gender",), settings)


@pytest.mark.parametrize("posthoc", ["none", "leace"])
def test_a_missing_gender_is_told_before_the_training(
    posthoc, tmp_path, monkeypatch
):
    def load_women(*args):
        portraits = t.load_made(*args)
        return dataclasses.replace(
            portraits,
            labels={**portraits.labels, "gender": np.zeros(48, np.int32)},
        )

    monkeypatch.setattr(t.trainer_module, "load_portraits", load_women)
    debias = "conditional_mmd" if posthoc == "none" else "none"
    config = make_config(
        tmp_path / "run",
        ("hair_color",),
        DebiasConfig(debias=debias, posthoc=posthoc),
    )
    with pytest.raises(UserError, match="both genders.*hair_color"):
        Trainer(config, progress=False).fit()
    assert not (tmp_path / "run").exists()
