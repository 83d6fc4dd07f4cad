import keras
import numpy as np
import pytest

from tests import portrait_factory as made
from tp_keras.data.labels import filled
from tp_keras.data.labels import is_known
from tp_keras.errors import UserError
from tp_keras.models.kinds import head_kind
from tp_keras.models.layer_settings import default_policy
from tp_keras.models.task_model import TaskModel

COUNT = 24
TASKS = made.SCHEMA.tasks


class LinearModel(TaskModel):
    """Scores of tasks that are linear in four numbers."""

    number_head = "distribution"

    def __init__(self, tasks=TASKS):
        inputs = keras.Input((4,), name="numbers")
        outputs = {
            task.name: keras.layers.Dense(
                task.num_classes
                or head_kind(task, self.number_head).units(task),
                dtype="float32",
                name=task.name,
            )(inputs)
            for task in tasks
        }
        super().__init__(inputs=inputs, outputs=outputs, name="linear")
        self.tasks = tuple(tasks)


def make_model(tasks=TASKS):
    keras.utils.set_random_seed(0)
    return LinearModel(tasks)


@pytest.fixture(scope="module")
def batch():
    """Inputs, labels partly missing, and weights of the rows."""
    rng = np.random.default_rng(0)
    labels = {
        task.name: rng.integers(-1, task.num_classes, size=COUNT)
        for task in TASKS
    }
    numbers = rng.normal(size=(COUNT, 4)).astype("float32")
    return numbers, labels, rng.uniform(0.5, 2.0, COUNT).astype("float32")


def by_hand(model, task, numbers, labels, weights=None):
    """Accuracy and cross-entropy over the rows that have a label."""
    logits = np.asarray(model(numbers)[task.name])
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    known = labels >= 0
    losses = -np.log(shares[np.arange(COUNT), labels])[known]
    hits = (logits.argmax(axis=1) == labels)[known]
    weights = None if weights is None else weights[known]
    return (np.average(v, weights=weights) for v in (hits, losses))


def crossentropy(**kwargs):
    return keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, **kwargs
    )


def own_function(y_true, y_pred):
    return keras.losses.sparse_categorical_crossentropy(
        y_true, y_pred, from_logits=True
    )


def accuracy_named_plain():
    return keras.metrics.SparseCategoricalAccuracy(name="plain")


def of_each(make):
    return {task.name: make() for task in TASKS}


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"loss": crossentropy()},
        {"loss": own_function},
        {"loss": of_each(crossentropy)},
        {"loss": [crossentropy(reduction="mean_with_sample_weight")] * 3},
        {"metrics": of_each(accuracy_named_plain), "weighted_metrics": None},
        {"metrics": [[accuracy_named_plain()] for _ in TASKS]},
        {"weighted_metrics": [["accuracy"]] * 3},
    ],
    ids=lambda arguments: ",".join(arguments) or "auto",
)
def test_loss_and_metrics_are_those_of_the_labelled_rows(arguments, batch):
    numbers, labels, weights = batch
    model = make_model()
    model.compile(run_eagerly=True, **arguments)
    for given in (None, weights, of_each(lambda: weights)):
        model.reset_metrics()
        logs = model.test_on_batch(numbers, labels, given, return_dict=True)
        own = None if given is None else weights
        for task in TASKS:
            values = labels[task.name]
            accuracy, loss = by_hand(model, task, numbers, values, own)
            unweighted, _ = by_hand(model, task, numbers, values)
            if own is not None and divides_by_rows(arguments.get("loss")):
                loss *= own[values >= 0].mean()
            found = logs.pop(f"{task.name}_loss")
            assert found == pytest.approx(loss, rel=1e-5)
            # `metrics` don't see sample weights, as everywhere in Keras.
            if "metrics" in arguments:
                found = logs.pop(f"{task.name}_plain")
                assert found == pytest.approx(unweighted)
            if arguments.get("weighted_metrics", "auto"):
                found = logs.pop(f"{task.name}_accuracy")
                assert found == pytest.approx(accuracy)
        assert list(logs) == ["loss"]


def divides_by_rows(loss):
    """Whether a loss is of Keras' default reduction, not of weighted means."""
    losses = loss.values() if isinstance(loss, dict) else [loss]
    return all(
        callable(each)
        and getattr(each, "reduction", "") != "mean_with_sample_weight"
        for each in losses
    )


def test_a_single_task_takes_labels_in_every_form(batch):
    numbers, labels, weights = batch
    model = make_model([made.HAIR_COLOR])
    model.compile(run_eagerly=True)
    own = labels["hair_color"]
    expected = tuple(by_hand(model, made.HAIR_COLOR, numbers, own, weights))
    for y, sample_weight in (
        (own, weights),
        ([own], [weights]),
        (own[:, None], weights[:, None]),
        # Labels of other tasks may come along.
        (labels, {"hair_color": weights}),
    ):
        model.reset_metrics()
        loss, accuracy = model.test_on_batch(numbers, y, sample_weight)
        assert accuracy == pytest.approx(expected[0])
        assert loss == pytest.approx(expected[1], rel=1e-5)
    with pytest.raises(UserError, match="hair_color.*Received: labels of gen"):
        model.test_on_batch(numbers, {"gender": labels["gender"]})


def test_training_is_that_of_weights_of_zero():
    """Of every kind: missing are -1, flags of -1, and NaN."""
    rows = made.make_portraits(COUNT, schema=made.EVERY_KIND).labels
    numbers = np.random.default_rng(0).normal(size=(COUNT, 4))
    tasks = {task.name: task for task in made.EVERY_KIND.tasks}
    given = {name: filled(tasks[name], v) for name, v in rows.items()}
    known = {
        name: is_known(tasks[name], v).astype("float32")
        for name, v in rows.items()
    }
    found = []
    for labels, weights in ((rows, None), (given, known)):
        model = make_model(made.EVERY_KIND.tasks)
        model.compile(keras.optimizers.SGD(0.01), steps_per_execution=3)
        history = model.fit(
            numbers,
            labels,
            sample_weight=weights,
            batch_size=8,
            shuffle=False,
            verbose=0,
        ).history
        found.append([*history.values(), *model.get_weights()])
    assert "age_mae" in history and "signs_accuracy" in history
    for a, b in zip(*found, strict=True):
        assert np.isfinite(a).all()
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "loss",
    ["auto", crossentropy(), crossentropy(reduction="sum")],
    ids=["auto", "mean", "sum"],
)
def test_a_batch_without_a_label_teaches_nothing(loss, batch):
    numbers, labels, _ = batch
    model = make_model()
    model.compile(keras.optimizers.SGD(1.0), loss=loss, run_eagerly=True)
    before = model.get_weights()
    nothing = {name: np.full(COUNT, -1) for name in labels}
    logs = model.train_on_batch(numbers, nothing, return_dict=True)
    assert set(logs.values()) == {0.0}
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_on_labels_partly_missing(policy, batch):
    numbers, labels, _ = batch
    with default_policy(policy):
        model = make_model()
    model.compile(keras.optimizers.SGD(0.5), run_eagerly=True)
    losses = [model.train_on_batch(numbers, labels)[0] for _ in range(8)]
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.9 * losses[0]


def test_class_weights_reach_a_single_task(batch):
    numbers, labels, _ = batch
    model = make_model([made.HAIR_COLOR])
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    values = labels["hair_color"]
    weights = np.where(values == 3, 5.0, 1.0)
    _, loss = by_hand(model, made.HAIR_COLOR, numbers, values, weights)
    history = model.fit(
        numbers, values, class_weight={3: 5.0}, batch_size=COUNT, verbose=0
    ).history
    assert history["loss"][0] == pytest.approx(loss, rel=1e-5)
