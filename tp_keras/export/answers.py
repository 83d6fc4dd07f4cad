"""A model that answers: probabilities, and numbers in their unit."""

import keras
from keras import ops

from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task


class Answer(keras.layers.Layer):
    """`tp_keras.models.kinds.answer` as the last layer of a graph."""

    def __init__(self, task: Task):
        super().__init__(name=f"{task.name}_answer", dtype="float32")
        self.task = task

    def call(self, values):
        """Returns float32 `[batch, classes]`, of a number `[batch]`."""
        if self.task.kind == REGRESSION:
            return ops.clip(values[..., 0], self.task.low, self.task.high)
        if self.task.kind == MULTI_LABEL:
            return ops.sigmoid(values)
        return ops.softmax(values, axis=-1)


def answer_model(model: keras.Model, tasks: tuple[Task, ...]) -> keras.Model:
    """Returns an `inference_model` that answers what `predict_answers` does.

    Its output is a dict: of each task probabilities `[batch, classes]` or
    numbers `[batch]`, and the embedding where there is one.
    """
    answers = {task.name: Answer(task) for task in tasks}
    outputs = {
        name: answers[name](values) if name in answers else values
        for name, values in model.output.items()
    }
    return keras.Model(model.input, outputs, name=model.name)
