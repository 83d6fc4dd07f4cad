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


class OfTask:
    """What reads the scores of a task, and tells both in its config."""

    def _set_task(self, task, number_head):
        self.task = as_task(task)
        self.number_head = number_head
        self.kind = head_kind(self.task, number_head)

    def get_config(self):
        own = {"task": dataclasses.asdict(self.task)}
        return {**super().get_config(), **own, "number_head": self.number_head}


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
        if self.task.kind == MULTI_LABEL:
            right = ops.equal(scores > 0, ops.cast(labels, "bool"))
            return ops.cast(right, self.dtype)
        labels = ops.reshape(labels, (-1,))
        if self.task.has_classes:
            if self.task.kind == ORDINAL:
                places = ops.arange(self.task.num_classes, dtype=scores.dtype)
                mean = ops.sum(ops.softmax(scores) * places, axis=-1)
                found = ops.round(mean)
            else:
                found = ops.argmax(scores, axis=-1)
            right = ops.equal(ops.cast(found, labels.dtype), labels)
            return ops.cast(right, self.dtype)
        error = ops.abs(self.kind.number(self.task, scores) - labels)
        if self.figure == "mae":
            return error
        return ops.cast(error <= self.task.tolerance, self.dtype)

    def get_config(self):
        return {**super().get_config(), "figure": self.figure}


def task_metrics(tasks, number_head="distribution") -> dict:
    """Returns the weighted metrics of outputs: `<name>_accuracy` of each."""
    tasks = list(tasks)
    metrics = {}
    for task in tasks:
        figures = ["accuracy", *["mae"] * (task.kind == REGRESSION)]
        # Else Keras puts the name of the output in front.
        prefix = f"{task.name}_" if len(tasks) == 1 else ""
        metrics[task.name] = [
            TaskMetric(task, figure, number_head, name=f"{prefix}{figure}")
            for figure in figures
        ]
    return metrics


def as_task(task) -> Task:
    """Returns a task that is given as one, or as the dict of its fields."""
    return task if isinstance(task, Task) else Task(**task)
