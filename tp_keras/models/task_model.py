"""A model with an output for each task, trained on labels partly missing."""

import keras
from keras import ops
from keras import tree
from keras.src.backend import set_keras_mask

from tp_keras.errors import UserError
from tp_keras.models.losses import NeutralAccuracy
from tp_keras.models.losses import TaskLoss
from tp_keras.models.losses import task_metrics
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import PROTECTED
from tp_keras.tasks import REGRESSION


class TaskModel(keras.Model):
    """Base of the functional models that have scores for each of their tasks.

    A label that is missing, negative or NaN, weighs nothing in the loss and the
    metrics of its task, whichever they are: a mean is that over the labelled
    rows, and 0 where there is none.

    Labels and sample weights are dicts by task, where other tasks may be named
    too, or, as everywhere in Keras, a list in the order of the outputs; with
    one task, an array.

    Attributes:
        tasks: Tuple of `Task`, one for each output that is trained on labels.
        number_head: Name of the head of numbers; see `head_kind`.
    """

    @property
    def targets(self):
        """Dict: name of each target -> the `Task` whose labels it takes."""
        return {task.name: task for task in self.tasks}

    def compile(
        self,
        optimizer="adamw",
        loss="auto",
        weighted_metrics="auto",
        label_smoothing=0.0,
        num_groups=0,
        **kwargs,
    ):
        """Compiles, with losses and metrics for every output by default.

        Args:
            optimizer: As in `keras.Model.compile`.
            loss: `"auto"` for the `TaskLoss` of each output, averaged over
                the rows that carry its label.
            weighted_metrics: `"auto"` for the accuracy of each output over the
                rows that carry its label; see `TaskMetric`.
            label_smoothing: The share of the target that `"auto"` spreads over
                all classes.
            num_groups: Int. With 2 or more there is the `NeutralAccuracy` of
                each output, and labels hold the rows' groups as
                `"protected"`.
            **kwargs: As in `keras.Model.compile`.
        """
        if loss == "auto":
            loss = {
                task.name: TaskLoss(task, self.number_head, label_smoothing)
                for task in self.tasks
            }
        if weighted_metrics == "auto":
            weighted_metrics = task_metrics(
                self.tasks, self.number_head, num_groups
            )
        if keras.config.backend() == "tensorflow":
            # On a CPU XLA takes twice the time of TensorFlow's kernels for
            # dense convolutions, ten times for depthwise ones.
            kwargs.setdefault("jit_compile", False)
        super().compile(
            optimizer=optimizer,
            loss=loss,
            weighted_metrics=weighted_metrics,
            **kwargs,
        )

    def compile_for_training(self, optimizer, label_smoothing, **kwargs):
        """Compiles with a `FusedAdamW`; biases and norms don't decay."""
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        optimizer.build(self.trainable_variables)
        self.compile(optimizer, label_smoothing=label_smoothing, **kwargs)

    # Keras asks whoever overrides `compile` for the way back from a file.
    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Returns the loss of the compiled losses over the labelled rows."""
        if y is not None:
            y, sample_weight = self._of_tasks(y, sample_weight)
            # A mask, unlike a weight of 0, is left out of every kind of mean.
            for name, labels in y.items():
                known = is_labelled(self.targets[name], labels)
                set_keras_mask(y_pred[name], known)
            y = any_labels(self.targets, y)
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Updates the compiled metrics with the labelled rows."""
        compiled = self._compile_metrics
        if compiled is None or y is None:
            return self.get_metrics_result()
        groups = _groups(y, sample_weight)
        y, sample_weight = self._of_tasks(y, sample_weight)
        y_pred = {name: y_pred[name] for name in y}
        labels = any_labels(self.targets, y)
        if not compiled.built:
            compiled.build(labels, y_pred)
        # Keras would give `metrics` no weights at all, and they need these.
        for metrics, given in (
            (compiled._flat_metrics, None),
            (compiled._flat_weighted_metrics, sample_weight),
        ):
            weights = known_weights(self.targets, y, given)
            columns = map(compiled._flatten_y, (labels, y_pred, weights))
            for of_output, *batch in zip(metrics, *columns, strict=True):
                for metric in of_output.metrics if of_output else ():
                    if isinstance(metric, NeutralAccuracy):
                        metric.update_state(*batch, groups=groups)
                    else:
                        metric.update_state(*batch)
        return self.get_metrics_result()

    def _of_tasks(self, y, sample_weight):
        """Returns labels and sample weights, or None, as dicts by task."""
        names = [task.name for task in self.tasks]
        # The order in which Keras flattens a dict.
        order = dict.fromkeys(sorted(names))
        if not isinstance(y, dict):
            y = tree.pack_sequence_as(order, tree.flatten(y))
        if not tree.is_nested(sample_weight):
            sample_weight = dict.fromkeys(names, sample_weight)
        elif not isinstance(sample_weight, dict):
            sample_weight = tree.pack_sequence_as(order, list(sample_weight))
        if not set(names) <= set(y):
            raise UserError(
                f"Expected labels of {', '.join(names)}, -1 where missing. "
                f"Received: labels of {', '.join(map(str, y))}"
            )
        return (
            {name: y[name] for name in names},
            {name: sample_weight.get(name) for name in names},
        )


def _groups(y, sample_weight):
    """Returns the groups of the rows, -1 where they are unknown, or None."""
    groups = y.get(PROTECTED) if isinstance(y, dict) else None
    if groups is not None and isinstance(sample_weight, dict):
        known = sample_weight.get(PROTECTED)
        if known is not None:
            groups = ops.where(known > 0, groups, -ops.ones_like(groups))
    return groups


def is_labelled(task, labels):
    """Returns which labels are there, bool `[batch]`, of flags of each."""
    if task.kind == MULTI_LABEL:
        return labels >= 0
    rows = ops.reshape(labels, (ops.shape(labels)[0], -1))
    # A number that is NaN doesn't equal itself.
    known = rows == rows if task.kind == REGRESSION else rows >= 0
    return ops.all(known, axis=-1)


def any_labels(targets, labels):
    """Returns a dict of labels that exist, where they were missing 0."""
    return {
        name: ops.where(values == values, values, ops.zeros_like(values))
        if targets[name].kind == REGRESSION
        else ops.maximum(values, 0)
        for name, values in labels.items()
    }


def known_weights(targets, labels, sample_weight=None):
    """Returns a dict of the weights of labels, 0 where one is missing.

    Those of flags are `[batch, flags]`; without sample weights all others are
    1.
    """
    weights = {}
    for name, values in labels.items():
        known = is_labelled(targets[name], values)
        weights[name] = ops.cast(known, keras.config.floatx())
        given = (sample_weight or {}).get(name)
        if given is not None:
            given = ops.cast(given, keras.config.floatx())
            weights[name] = _product(given, weights[name])
    return weights


def _product(given, known):
    while len(given.shape) < len(known.shape):
        given = given[..., None]
    while len(known.shape) < len(given.shape):
        known = known[..., None]
    return given * known
