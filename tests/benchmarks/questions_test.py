import json
from unittest import mock

import numpy as np
import pytest

from benchmarks import questions
from benchmarks.finished_runs import hits
from benchmarks.questions import Network
from benchmarks.questions import Questions
from benchmarks.questions import find_variants
from benchmarks.questions import narrowed
from benchmarks.questions import print_table
from tests import portrait_factory as made
from tp_keras.config import ExperimentConfig
from tp_keras.data import source
from tp_keras.errors import UserError
from tp_keras.models import create_backbone
from tp_keras.runs.run_folder import RunFolder
from tp_keras.runs.trainer import Trainer
from tp_keras.tuning import time_budget

CONFIG = ExperimentConfig()
OTHERS = ("mood", "origin", "signs", "smile")


def settings_of(variants):
    return [
        value
        for networks in variants.values()
        for network in networks
        for value in network.settings.values()
    ]


def test_sharing_parts_the_tasks():
    assert find_variants("sharing", made.EVERY_KIND, CONFIG) == {
        "one network": [Network(made.EVERY_KIND.task_names)],
        "one for each task": [
            Network((x,)) for x in made.EVERY_KIND.task_names
        ],
        "numbers apart": [Network(("age",)), Network(OTHERS)],
    }
    assert list(find_variants("sharing", made.SCHEMA, CONFIG)) == [
        "one network",
        "one for each task",
    ]


def test_networks_that_share_parameters_are_narrower():
    variants = find_variants("sharing_parameters", made.EVERY_KIND, CONFIG)
    whole = create_backbone("portrait_s", made.EVERY_KIND.image_shape)
    for networks in variants.values():
        counts = [
            create_backbone(
                network.settings["backbone"], made.EVERY_KIND.image_shape
            ).count_params()
            for network in networks
        ]
        assert sum(counts) == pytest.approx(whole.count_params(), rel=0.2)
    with pytest.raises(UserError, match="out of mobilenet_025"):
        narrowed("VGG16", 2)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("number_heads", ["distribution", "ordinal", "regression"]),
        ("sizes", ["mobilenet_025", "portrait_xs", "portrait_s", "portrait_m"]),
        ("transfer", ["portrait_s", *map("{}(weights='x')".format,
                                         questions.APPLICATIONS)]),
    ],
)  # fmt: skip
def test_the_others_change_one_setting(question, expected):
    variants = find_variants(question, made.EVERY_KIND, CONFIG, "x")
    assert settings_of(variants) == list(variants) == expected
    assert all(not network.tasks for (network,) in variants.values())


@pytest.mark.parametrize("question", ["luck", "number_heads"])
def test_a_question_without_an_answer_is_refused(question):
    with pytest.raises(UserError, match=f"Received: question={question}"):
        find_variants(question, made.SCHEMA, CONFIG)


def test_what_two_questions_ask_for_has_one_name():
    names = {
        network.name(CONFIG.model, made.EVERY_KIND.task_names)
        for question in ("sharing", "number_heads", "sizes", "transfer")
        for networks in find_variants(
            question, made.EVERY_KIND, CONFIG
        ).values()
        for network in networks
    }
    # 5 tasks alone, 4 together, 2 heads, 3 sizes, 3 of others, and one for all.
    assert len(names) == 5 + 1 + 2 + 3 + 3 + 1
    assert {"as-it-is", "age", "number_head=ordinal"} <= names


def test_hits_by_hand():
    nan = np.nan
    np.testing.assert_array_equal(
        hits(made.AGE, np.float32([20, 20, nan]), np.float32([25, 26, 3])),
        [1, 0, nan],
    )
    # Of classes with an order the expected one: 0.5 * 0 + 0.5 * 2.
    np.testing.assert_array_equal(
        hits(
            made.MOOD, np.array([1, 0, -1]), np.tile([0.5, 0, 0.5, 0], (3, 1))
        ),
        [1, 0, nan],
    )
    np.testing.assert_array_equal(
        hits(
            made.SIGNS,
            np.array([[1, 0], [1, -1], [-1, -1]]),
            np.array([[0.9, 0.6], [0.7, 0.1], [0.1, 0.1]]),
        ),
        [0.5, 1, nan],
    )


def test_table_by_hand(capsys):
    figures = {"parameters": 1000, "passes": 2.44, "mood": 0.5}
    print_table({"one": [figures, {**figures, "mood": 0.7}]})
    *_, row = capsys.readouterr().out.splitlines()
    assert row == "| one | 1,000 | 2.4 | 0.600 (0.500 to 0.700) |"


@pytest.fixture
def command(tmp_path, monkeypatch):
    """A question to portraits of every kind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        source,
        "load_portraits",
        lambda data_dir, dataset, split, storage: made.make_portraits(
            64, split=split, schema=made.EVERY_KIND
        ),
    )
    flags = "--backbone portrait_xs --batch_size 16 --precision float32"
    return Questions("sharing", seconds=1.0, seeds=(0,), flags=flags)


def test_networks_share_the_time_and_add_up(command, monkeypatch, capsys):
    trained = []

    def train_and_test(config, portraits, seconds, timers):
        trained.append((config.model.tasks, seconds))
        figures = dict.fromkeys(config.model.tasks, 0.5)
        return {"parameters": 100, "passes": 3, **figures}

    monkeypatch.setattr(questions, "train_and_test", train_and_test)
    command.execute()
    assert trained == [
        (made.EVERY_KIND.task_names, 1),
        *(((name,), 1 / 5) for name in made.EVERY_KIND.task_names),
        (("age",), 1 / 2),
        (OTHERS, 1 / 2),
    ]
    _, _, *rows = capsys.readouterr().out.splitlines()
    starts = ["one network | 100 | 3.0", "one for each task | 500 | 15.0"]
    starts.append("numbers apart | 200 | 6.0")
    for row, start in zip(rows, starts, strict=True):
        assert row.startswith(f"| {start} |")
        assert row.count("0.500 (0.500 to 0.500)") == 5


def test_a_network_is_trained_once_and_told(
    command, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(
        questions,
        "find_variants",
        lambda *arguments: {"some": [Network(("age", "signs"))]},
    )

    def train(config, portraits, seconds, timer):
        """Leaves a run with the network as it begins."""
        schema = portraits["train"].schema
        model = Trainer(config).build_model(schema)
        run = RunFolder(config.run_dir)
        run.claim(config)
        run.record(
            schema=schema.to_dict(),
            parameters=model.count_params(),
            examples_seen=32,
        )
        run.save_model(model)
        assert timer is timed
        return run, 0.0

    timed = time_budget.StepTimer()
    rehearse = mock.create_autospec(time_budget.rehearse, return_value=timed)
    monkeypatch.setattr(time_budget, "rehearse", rehearse)
    train_for = mock.create_autospec(time_budget.train_for, side_effect=train)
    monkeypatch.setattr(time_budget, "train_for", train_for)
    command.execute()
    told = capsys.readouterr().out
    (path,) = tmp_path.rglob("figures.json")
    figures = json.loads(path.read_text())
    assert f"| some | {figures['parameters']:,} | 0.5 |" in told
    for name in ("age mean error", "age within 5", "signs"):
        assert f"| {figures[name]:.3f} (" in told
    command.execute()
    assert capsys.readouterr().out == told
    train_for.assert_called_once()
