"""Loss and metrics of a task, whatever its kind."""

import dataclasses

import keras
from keras import ops

from tp_keras.models.kinds import head_kind
from tp_keras.registration import register
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import ORDINAL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task

NEUTRAL = "neutral_accuracy"


class OfTask:
    """What reads the scores of a task, and tells both in its config."""

    def _set_task(self, task, number_head):
        self.task = as_task(task)
        self.number_head = number_head
        self.kind = head_kind(self.task, number_head)

    def get_config(self):
        own = {"task": dataclasses.asdict(self.task)}
        return {**super().get_config(), **own, "number_head": self.number_head}

    def _is_right(self, labels, scores):
        """Returns which answers are, bool `[batch]`, of flags of each."""
        if self.task.kind == MULTI_LABEL:
            return ops.equal(scores > 0, ops.cast(labels, "bool"))
        if self.task.kind == REGRESSION:
            return self._errors(labels, scores) <= self.task.tolerance
        if self.task.kind == ORDINAL:
            places = ops.arange(self.task.num_classes, dtype=scores.dtype)
            mean = ops.sum(ops.softmax(scores) * places, axis=-1)
            found = ops.round(mean)
        else:
            found = ops.argmax(scores, axis=-1)
        labels = ops.reshape(labels, (-1,))
        return ops.equal(ops.cast(found, labels.dtype), labels)

    def _errors(self, labels, scores):
        """Returns by how much each number misses its label."""
        number = self.kind.number(self.task, scores)
        return ops.abs(number - ops.reshape(labels, (-1,)))


@register
class TaskLoss(OfTask, keras.losses.Loss):
    """The loss of a task from its scores, as its kind has it.

    The weighted mean, `sum(w * loss) / sum(w)`, 0 where all weights are 0: a
    task whose labels are half missing weighs as much as any other. (Keras'
    default divides by the batch size.)

    Args:
        task: `Task`, or the dict of its fields.
        number_head: Name of the head of numbers; see `head_kind`.
        label_smoothing: Float, at least 0 and below 1: the share of the target
            of classes and flags that is spread over all of them.
        **kwargs: Those of `keras.losses.Loss`.

    Call arguments:
        y_true: Labels `[batch]` or `[batch, flags]` that exist.
        y_pred: Scores `[batch, units]`.
    """

    def __init__(
        self,
        task,
        number_head="distribution",
        label_smoothing=0.0,
        name="task_loss",
        **kwargs,
    ):
        kwargs.setdefault("reduction", "mean_with_sample_weight")
        super().__init__(name=name, **kwargs)
        if not 0.0 <= label_smoothing < 1.0:
            raise ValueError(
                "Expected a label smoothing of at least 0 and below 1. "
                f"Received: label_smoothing={label_smoothing}"
            )
        self._set_task(task, number_head)
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        return self.kind.loss(self.task, y_true, y_pred, self.label_smoothing)

    def get_config(self):
        smoothing = {"label_smoothing": self.label_smoothing}
        return {**super().get_config(), **smoothing}


@register
class TaskMetric(OfTask, keras.metrics.Mean):
    """A mean over the labels of a task: `"accuracy"`, or a number's `"mae"`.

    The accuracy is the share of right classes or flags, and of numbers within
    the task's tolerance; `mae` the mean absolute error of numbers.

    Args:
        task: `Task`, or the dict of its fields.
        figure: `"accuracy"` or `"mae"`.
        number_head: Name of the head of numbers; see `head_kind`.
        **kwargs: Those of `keras.metrics.Metric`.
    """

    def __init__(
        self, task, figure, number_head="distribution", name=None, **kwargs
    ):
        super().__init__(name=name or figure, **kwargs)
        self._set_task(task, number_head)
        self.figure = figure

    def update_state(self, y_true, y_pred, sample_weight=None):
        values = self._values(y_true, y_pred)
        return super().update_state(values, sample_weight)

    def _values(self, labels, scores):
        if self.figure == "mae":
            return self._errors(labels, scores)
        return ops.cast(self._is_right(labels, scores), self.dtype)

    def get_config(self):
        return {**super().get_config(), "figure": self.figure}


@register
class NeutralAccuracy(OfTask, keras.metrics.Metric):
    """Mean of the groups' accuracies, less what they differ by.

    `mean(accuracies) - (max(accuracies) - min(accuracies))`: of two groups the
    score of the hidden-criterion challenge, `(a + b) / 2 - |a - b|`, which -.5
    is the least of. 0 as long as a group has no labelled row.

    Args:
        task: `Task`, or the dict of its fields.
        num_groups: Int, at least 2.
        number_head: Name of the head of numbers; see `head_kind`.
        **kwargs: Those of `keras.metrics.Metric`.

    Example:
        >>> metric = NeutralAccuracy(Task("hat", "binary", ("no", "yes")), 2)
        >>> scores = [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
        >>> metric.update_state([1, 1, 1], scores, groups=[0, 0, 1])
        >>> float(metric.result())  # Half of one group, all of the other.
        0.25
    """

    def __init__(
        self, task, num_groups, number_head="distribution", name=None, **kwargs
    ):
        super().__init__(name=name or NEUTRAL, **kwargs)
        if num_groups < 2:
            raise ValueError(
                "Expected two groups or more, to compare them. "
                f"Received: num_groups={num_groups}"
            )
        self._set_task(task, number_head)
        self.num_groups = num_groups
        self.hits = self.add_variable((num_groups,), "zeros", name="hits")
        self.sizes = self.add_variable((num_groups,), "zeros", name="sizes")

    def update_state(self, y_true, y_pred, sample_weight=None, groups=None):
        """Counts a batch; `groups` are integers `[batch]`, -1 of no group."""
        if groups is None:
            raise ValueError(
                "Expected the groups of the rows beside their labels. "
                "Received: groups=None"
            )
        scores = ops.cast(y_pred, self.dtype)
        right = self._is_right(ops.convert_to_tensor(y_true), scores)
        right = ops.cast(right, self.dtype)
        weights = ops.ones_like(right)
        if sample_weight is not None:
            weights *= ops.cast(sample_weight, self.dtype)
        # Each flag counts; a row of no group is one of zeros.
        groups = ops.reshape(ops.convert_to_tensor(groups), (-1, 1))
        groups = ops.equal(groups, ops.arange(self.num_groups))
        groups = ops.cast(groups, self.dtype)
        for variable, values in (
            (self.hits, right * weights),
            (self.sizes, weights),
        ):
            values = ops.reshape(values, (ops.shape(groups)[0], -1))
            values = ops.sum(values, axis=-1, keepdims=True)
            variable.assign_add(ops.sum(groups * values, axis=0))

    def result(self):
        accuracies = ops.divide_no_nan(self.hits, self.sizes)
        gap = ops.max(accuracies) - ops.min(accuracies)
        known = ops.all(self.sizes > 0)
        return ops.where(known, ops.mean(accuracies) - gap, 0.0)

    def get_config(self):
        return {**super().get_config(), "num_groups": self.num_groups}


def task_metrics(tasks, number_head="distribution", num_groups=0) -> dict:
    """Returns the weighted metrics of outputs: `<name>_accuracy` of each.

    And with a number of groups a `NeutralAccuracy`.
    """
    tasks = list(tasks)
    metrics = {}
    for task in tasks:
        # Else Keras puts the name of the output in front.
        prefix = f"{task.name}_" if len(tasks) == 1 else ""
        names = ["accuracy", *["mae"] * (task.kind == REGRESSION)]
        metrics[task.name] = [
            TaskMetric(task, name, number_head, name=f"{prefix}{name}")
            for name in names
        ]
        if num_groups:
            own = {"number_head": number_head, "name": f"{prefix}{NEUTRAL}"}
            metrics[task.name].append(NeutralAccuracy(task, num_groups, **own))
    return metrics


def as_task(task) -> Task:
    """Returns a task that is given as one, or as the dict of its fields."""
    return task if isinstance(task, Task) else Task(**task)
