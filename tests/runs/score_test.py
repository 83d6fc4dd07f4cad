import dataclasses

import keras
import numpy as np
import pytest

from tests.models.task_model_test import LinearModel
from tests.portrait_factory import AGE
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.errors import UserError
from tp_keras.models.losses import NeutralAccuracy
from tp_keras.runs.score import Score
from tp_keras.runs.score import make_score
from tp_keras.tasks import Task

SKY = Task("sky", "categorical", ("clear", "gray", "dark"))
SIGNS = Task("signs", "multi_label", ("hat", "scarf"))
GUARDED = ("hair_color", "hair_type")


def neutral(task, groups, labels, scores, weights=None, num_groups=2):
    metric = NeutralAccuracy(task, num_groups)
    # In two batches, as Keras does.
    for rows in (slice(0, 2), slice(2, None)):
        metric.update_state(
            np.asarray(labels)[rows],
            np.asarray(scores, "float32")[rows],
            None if weights is None else np.asarray(weights)[rows],
            groups=np.asarray(groups)[rows],
        )
    return float(metric.result())


def test_the_accuracies_of_groups_by_hand():
    # Right, wrong, right, right: a half and all of two groups.
    scores = np.eye(3)[[0, 1, 2, 0]]
    labels = [0, 2, 2, 0]
    assert neutral(SKY, [0, 0, 1, 1], labels, scores) == 0.75 - 0.5
    # Both a half, the sum of all as before.
    assert neutral(SKY, [0, 1, 1, -1], labels, scores) == 0.75 - 0.5
    assert neutral(SKY, [0, 0, 1, 1], labels, scores, [1, 3, 1, 0]) == (
        0.625 - 0.75
    )
    # Of three groups: the best and the worst.
    assert neutral(SKY, [0, 1, 2, 2], labels, scores, None, 3) == (
        pytest.approx(2 / 3 - 1)
    )
    # Always right, and a group of which nothing is known.
    assert neutral(SKY, [0, 0, 1, 1], [0, 1, 2, 0], scores) == 1
    assert neutral(SKY, [0, 0, 0, 0], [0, 1, 2, 0], scores) == 0
    assert neutral(SKY, [0, 0, 1, 1], labels, scores, [1, 1, 0, 0]) == 0


def test_flags_count_each_and_numbers_within_their_tolerance():
    scores = [[1, -1], [1, 1], [-1, -1], [1, 1]]
    labels = [[1, 0], [0, 0], [0, 0], [1, 0]]
    assert neutral(SIGNS, [0, 0, 1, 1], labels, scores) == 0.625 - 0.25
    weights = [[1, 1], [1, 0], [1, 1], [0, 0]]
    assert neutral(SIGNS, [0, 0, 1, 1], labels, scores, weights) == (
        pytest.approx((2 / 3 + 1) / 2 - 1 / 3)
    )
    metric = NeutralAccuracy(AGE, 2, "regression")
    middle = (AGE.low + AGE.high) / 2
    years = np.full(4, middle, np.float32)
    years[1] += 2 * AGE.tolerance
    metric.update_state(years, np.zeros((4, 1)), groups=[0, 0, 1, 1])
    assert float(metric.result()) == 0.75 - 0.5


def test_a_metric_without_groups_says_so_and_comes_back_from_its_config():
    with pytest.raises(ValueError, match="num_groups=1"):
        NeutralAccuracy(SKY, 1)
    metric = NeutralAccuracy(SKY, 3, name="own")
    with pytest.raises(ValueError, match="groups=None"):
        metric.update_state([0], [[1.0, 0.0, 0.0]])
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert again.get_config() == metric.get_config()
    assert again.name == "own" and again.num_groups == 3


def test_groups_come_with_the_labels_of_a_model():
    rng = np.random.default_rng(3)
    numbers = rng.normal(size=(24, 4)).astype("float32")
    labels = {
        task.name: rng.integers(-1, task.num_classes, 24)
        for task in SCHEMA.tasks
    }
    groups = rng.integers(2, size=24)
    unknown = rng.uniform(size=24) < 0.2
    model = LinearModel()
    model.compile(num_groups=2, run_eagerly=True)
    weights = dict.fromkeys(labels, np.ones(24))
    figures = model.evaluate(
        numbers,
        labels | {"protected": groups},
        sample_weight=weights | {"protected": np.where(unknown, 0.0, 1.0)},
        batch_size=7,
        verbose=0,
        return_dict=True,
    )
    for name, values in labels.items():
        right = np.asarray(model(numbers)[name]).argmax(1) == values
        known = (values >= 0) & ~unknown
        found = [right[known & (groups == group)].mean() for group in (0, 1)]
        expected = np.mean(found) - abs(np.subtract(*found))
        assert figures[f"{name}_neutral_accuracy"] == pytest.approx(expected)


def test_scores_are_means_of_tasks_or_figures_by_name():
    portraits = make_portraits(48)

    def figures(name, tasks=SCHEMA.tasks):
        return make_score(name, tasks, portraits)

    names = tuple(f"{task.name}_accuracy" for task in SCHEMA.tasks)
    assert figures("accuracy") == Score(names)
    assert figures("hair_type_accuracy") == Score(("hair_type_accuracy",))
    assert figures("loss") == Score(("loss",), sign=-1)
    # The groups are no more than a mean of themselves.
    neutral = tuple(f"{name}_neutral_accuracy" for name in GUARDED)
    assert figures("neutral_accuracy") == Score(neutral, num_groups=2)
    gender = SCHEMA.tasks[:1]
    name = "gender_neutral_accuracy"
    assert figures("neutral_accuracy", gender) == Score((name,), num_groups=2)
    assert figures("age_mae", (AGE,)) == Score(("age_mae",), sign=-1)


def test_the_value_is_a_mean_and_of_errors_negative():
    logs = {"a": 0.25, "b": 0.75, "loss": 3.0}
    assert Score(("a", "b")).value(logs) == 0.5
    assert Score(("loss",), sign=-1).value(logs) == -3.0


@pytest.mark.parametrize(
    "name", ["hair_colour_accuracy", "age_mae", "hair_type_mae", ""]
)
def test_a_score_that_there_is_not_is_refused(name):
    with pytest.raises(UserError, match=f"neutral_accuracy.*: score={name}$"):
        make_score(name, SCHEMA.tasks, make_portraits(8))


def test_groups_are_compared_only_where_both_have_labels():
    portraits = make_portraits(48)
    labels = portraits.labels
    alone = np.where(labels["gender"] == 1, -1, labels["hair_type"])
    portraits = dataclasses.replace(
        portraits, labels={**labels, "hair_type": alone}
    )
    with pytest.raises(UserError, match=r"hair_type of gender male.*--score"):
        make_score("neutral_accuracy", SCHEMA.tasks, portraits)
    make_score("hair_color_neutral_accuracy", SCHEMA.tasks, portraits)
    # Without groups there is no such score.
    schema = dataclasses.replace(SCHEMA, protected=None)
    portraits = dataclasses.replace(portraits, schema=schema)
    with pytest.raises(UserError, match="out of loss, accuracy, gender_acc"):
        make_score("neutral_accuracy", SCHEMA.tasks, portraits)
