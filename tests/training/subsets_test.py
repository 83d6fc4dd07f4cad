"""Every choice of tasks is trained and debiased, or is told why it can't."""

import dataclasses

import numpy as np
import pytest

from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tests.runs import trainer_test as t
from tp_keras.debias_config import DebiasConfig
from tp_keras.errors import UserError
from tp_keras.runs.trainer import Trainer

# Kinds alone, and guarded tasks with and without the protected one.
SUBSETS = [
    *((EVERY_KIND, (name,)) for name in ("age", "mood", "signs")),
    (SCHEMA, ("gender", "hair_type")),
    (SCHEMA, ("hair_color", "hair_type")),
]

tiny_world = t.tiny_world


def make_config(path, tasks, debias=None):
    config = t.make_config(path, "none", epochs=2, averaging=0.0)
    return dataclasses.replace(
        config,
        model=dataclasses.replace(config.model, tasks=tasks),
        debias=debias or config.debias,
    )


@pytest.mark.parametrize(
    "schema, tasks", SUBSETS, ids=["+".join(tasks) for _, tasks in SUBSETS]
)
def test_a_subset_trains_and_resumes(schema, tasks, tmp_path, monkeypatch):
    def load(data_dir, dataset, split, storage, progress):
        seed = ["train", "validation"].index(split)
        return make_portraits(48, seed=seed, split=split, schema=schema)

    monkeypatch.setattr("tp_keras.data.source.load_portraits", load)
    config = make_config(tmp_path / "run", tasks)
    if tasks == ("age",):
        with monkeypatch.context() as patch:
            t.stop_in_epoch(patch, 1)
            with pytest.raises(KeyboardInterrupt):
                Trainer(config, progress=False).fit()
    run = Trainer(config, progress=False).fit()
    assert run.is_finished and len(run.read_history()) == 2
    model = run.load_model()
    assert model.schema == schema and tuple(model.output) == tasks
    images = load("", "", "validation", "", "").images[:4]
    found = model.predict_answers(images, verbose=0)
    guarded = set(tasks) & set(schema.guarded)
    assert set(found) == {*tasks, *["embedding"] * bool(guarded)}


def test_one_guarded_task_is_debiased_without_a_head_of_the_protected(tmp_path):
    settings = DebiasConfig(
        debias="conditional_grl",
        posthoc="leace",
        branch_steps=4,
        branch_batch_size=16,
        branch_embedding_size=8,
    )
    config = make_config(tmp_path / "run", ("hair_color",), settings)
    run = Trainer(config, progress=False).fit()
    assert run.facts["debias_seconds"] >= 0
    assert sorted(run.load_model().output) == ["hair_color"]


@pytest.mark.parametrize("posthoc", ["none", "leace"])
def test_a_missing_group_is_told_before_the_training(
    posthoc, tmp_path, monkeypatch
):
    def load_one_group(*args):
        portraits = t.load_made(*args)
        portraits.labels["gender"] = np.zeros(48, np.int32)
        return portraits

    monkeypatch.setattr("tp_keras.data.source.load_portraits", load_one_group)
    debias = "conditional_mmd" if posthoc == "none" else "none"
    config = make_config(
        tmp_path / "run",
        ("hair_color",),
        DebiasConfig(debias=debias, posthoc=posthoc),
    )
    with pytest.raises(UserError, match="two groups.*hair_color with rows"):
        Trainer(config, progress=False).fit()
    assert not (tmp_path / "run").exists()
