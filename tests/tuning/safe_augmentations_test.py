import dataclasses
import re

import numpy as np
import pytest

from tests.made_runs import TINY_SEPARABLE
from tests.portrait_factory import make_portraits
from tests.printed_commands import refusal
from tp_keras.config import AugmentConfig
from tp_keras.config import ExperimentConfig
from tp_keras.config import ModelConfig
from tp_keras.config import TrainingConfig
from tp_keras.data import source
from tp_keras.evaluation.paired import ACCURACY
from tp_keras.evaluation.paired import DIFFERENCE
from tp_keras.records.record import Record
from tp_keras.runs import trainer as trainer_module
from tp_keras.tuning import augmentation_report as report
from tp_keras.tuning import safe_augmentations as safe
from training.command import run
from training.configs import EXPERIMENTS
from training.safe_augmentations import SafeAugmentations


def difference(value, radius, group="all", name="hue"):
    ends = {"low": value - radius, "high": value + radius}
    return Record(DIFFERENCE, "hat", group, value, 100, variant=name, **ends)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([(-0.05, 0.02), (0.1, 0.02)], safe.HARMS),
        ([(0.05, 0.02), (-0.01, 0.02)], safe.HELPS),
        ([(0.0, 0.02), (-0.01, 0.015)], safe.SAFE),
        ([(0.0, 0.02), (-0.01, 0.03)], safe.OPEN),
    ],
)
def test_one_group_is_enough_for_a_verdict(values, expected):
    records = [
        difference(*value, group)
        for value, group in zip(values, ("women", "men"), strict=True)
    ]
    assert safe.verdict(records, "hue", 0.03) == expected
    assert safe.verdict(records, "grey", 0.03) == safe.OPEN


def test_the_report_says_what_was_found_and_which_settings_are_safe():
    records = [
        Record(ACCURACY, "hat", "all", 0.9, 100, variant=safe.NOTHING),
        difference(-0.2, 0.05),
        difference(0.1, 0.05, name="flip"),
        difference(0.0, 0.01, name="shift"),
        difference(0.0, 0.5, name="blur"),
    ]
    text = "\n".join(report.sentences(records, 0.03))
    assert "accuracy of hat is 0.900 (n = 100)" in text
    assert "change what the label says: hue." in text
    assert "help: flip." in text
    assert "no group more than 3 points: shift." in text
    assert "can't be told: blur." in text
    chosen = report.chosen_settings(report.verdicts(records, 0.03))
    nothing = safe.augmentation(safe.NOTHING)
    assert not any(dataclasses.astuple(nothing))
    assert chosen == dataclasses.replace(nothing, flip=True, shift=0.1)
    chosen = report.chosen_settings({"flip": safe.HELPS}, ["zoom"])
    assert chosen == dataclasses.replace(nothing, flip=True, zoom=0.2)
    table = report.table_of(records, 0.03)
    assert table["change"].tolist() == ["flip", "shift", "blur", "hue"]
    assert table["hat, all"].tolist()[-1] == "-20.0 [-25.0, -15.0]"


def test_every_augmentation_is_a_candidate():
    fields = {field.name for field in dataclasses.fields(AugmentConfig)}
    assert fields == {*safe.CANDIDATES}
    assert safe.augmentation("hue").hue == 180.0
    assert not safe.augmentation("hue").flip
    both = safe.augmentation("hue", ["flip"])
    assert both.flip and both.hue == 180.0
    assert safe.augmentation(safe.NOTHING, ["flip"]) == safe.augmentation(
        "flip"
    )


def coloured(split, seed):
    """Portraits whose label is told by their colour, and by nothing else."""
    portraits = make_portraits(160, seed=seed, split=split)
    rng = np.random.default_rng(seed)
    colours = rng.integers(40, 200, (160, 1, 1, 3))
    noise = rng.integers(0, 40, portraits.images.shape)
    labels = (colours[:, 0, 0, 0] > colours[:, 0, 0, 2]).astype(np.int32)
    return dataclasses.replace(
        portraits,
        images=(colours + noise).astype(np.uint8),
        labels={**portraits.labels, "gender": labels},
    )


def test_a_change_of_what_the_label_is_told_by_harms(
    tmp_path, monkeypatch, capsys
):
    def load(data_dir, dataset, split, storage, progress):
        return coloured(split, seed=split.index("7"))

    monkeypatch.setattr(source, "load_portraits", load)
    # As an experiment is, but for what would take long.
    training = TrainingConfig(
        batch_size=16, warmup_epochs=0.5, averaging=0.0, precision="float32"
    )
    config = ExperimentConfig(
        model=ModelConfig(tasks=("gender",)), training=training
    )
    monkeypatch.setitem(EXPERIMENTS, "demo", ("", config))
    words = ["--experiment", "demo", "--epochs", "8", "--seeds", "0"]
    words += ["--augmentations", "flip", "hue", "--margin", "0.5"]
    words += ["--backbone", TINY_SEPARABLE, "--output_dir", str(tmp_path / "o")]
    run(SafeAugmentations, words)
    said = capsys.readouterr()
    assert "hue, seed 0" in said.err
    assert "These change what the label says: hue." in said.out, said.out
    (settings,) = re.findall(r"^Settings: (.*)$", said.out, re.MULTILINE)
    assert "--flip True" in settings and "--hue 0.0" in settings
    assert f"Page: {tmp_path / 'o'}/safe_augmentations.html" in said.out
    assert (tmp_path / "o" / "safe_augmentations.html").is_file()
    written = {path.name for path in (tmp_path / "o" / "figures").iterdir()}
    assert {"gender.png", "records.jsonl", "table.md"} <= written
    # Groups are of the protected task, here of the label itself.
    for group in ("all", "female", "male"):
        assert f"gender, {group}" in said.out
    # A second time nothing is trained.
    monkeypatch.delattr(trainer_module.Trainer, "_train")
    run(SafeAugmentations, words)
    assert capsys.readouterr().out == said.out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--augmentations", "flip", "shear"], "out of flip, shift, .*shear"),
        (["--augmentations", "flip", "flip"], "each once"),
        (["--augmentations", "hue", "--always", "hue"], "always=hue"),
        (["--experiment", "none"], "out of demo, .*experiment=none"),
        (["--seeds"], "at least one seed"),
        (["--epochs", "0"], "epochs=0"),
    ],
)
def test_what_can_not_be_tried_is_refused(words, expected, capsys):
    said = refusal(capsys, run, SafeAugmentations, words)
    assert re.search(expected, said, re.DOTALL), said
