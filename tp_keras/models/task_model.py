"""A model with an output for each task, trained on labels partly missing."""

import keras
from keras import ops
from keras import tree
from keras.src.backend import set_keras_mask

from tp_keras.errors import UserError
from tp_keras.models.losses import SmoothedCrossentropy
from tp_keras.models.losses import accuracies


class TaskModel(keras.Model):
    """Base of the functional models that have logits for each of their tasks.

    A negative label is a missing one: its row weighs nothing in the loss and
    in the metrics of that task, whichever they are, with sample weights and
    without. So a mean is that over the labelled rows, and 0 where there is
    none.

    Labels and sample weights are dicts by task, where other tasks may be named
    too, or, as everywhere in Keras, a list in the order of the outputs; with
    one task, an array.

    Attributes:
        tasks: Tuple of `Task`, one for each output that is trained on labels.
    """

    @property
    def label_names(self):
        """Dict: the name of each output -> the label it is trained on."""
        return {task.name: task.name for task in self.tasks}

    def compile(
        self,
        optimizer="adamw",
        loss="auto",
        weighted_metrics="auto",
        label_smoothing=0.0,
        **kwargs,
    ):
        """Compiles, with losses and metrics for every output by default.

        Args:
            optimizer: As in `keras.Model.compile`.
            loss: `"auto"` for the cross-entropy of each output, averaged over
                the rows that carry its label.
            weighted_metrics: `"auto"` for the accuracy of each output over the
                rows that carry its label.
            label_smoothing: Float. The share of the target that `"auto"`
                spreads over all classes.
            **kwargs: As in `keras.Model.compile`. On TensorFlow
                `jit_compile` is off by default: on a CPU XLA takes twice the
                time of its kernels for dense convolutions, ten times for
                depthwise ones.
        """
        names = [task.name for task in self.tasks]
        if loss == "auto":
            loss = {
                name: SmoothedCrossentropy(label_smoothing) for name in names
            }
        if weighted_metrics == "auto":
            weighted_metrics = accuracies(names)
        if keras.config.backend() == "tensorflow":
            kwargs.setdefault("jit_compile", False)
        super().compile(
            optimizer=optimizer,
            loss=loss,
            weighted_metrics=weighted_metrics,
            **kwargs,
        )

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
                set_keras_mask(y_pred[name], is_labelled(labels))
            y = tree.map_structure(any_class, y)
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Updates the compiled metrics with the labelled rows."""
        compiled = self._compile_metrics
        if compiled is None or y is None:
            return self.get_metrics_result()
        y, sample_weight = self._of_tasks(y, sample_weight)
        y_pred = {name: y_pred[name] for name in y}
        labels = tree.map_structure(any_class, y)
        if not compiled.built:
            compiled.build(labels, y_pred)
        # Keras would give `metrics` no weights at all, and they need these.
        for metrics, weights in (
            (compiled._flat_metrics, known_weights(y)),
            (compiled._flat_weighted_metrics, known_weights(y, sample_weight)),
        ):
            columns = map(compiled._flatten_y, (labels, y_pred, weights))
            for metric, *batch in zip(metrics, *columns, strict=True):
                if metric:
                    metric.update_state(*batch)
        return self.get_metrics_result()

    def _of_tasks(self, y, sample_weight):
        """Returns labels and sample weights as dicts by task.

        The weights are None where there are none.
        """
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


def is_labelled(labels):
    """Returns which rows have a label, bool `[batch]`.

    Args:
        labels: `[batch]`, `[batch, 1]` or one-hot `[batch, classes]`.
    """
    rows = ops.reshape(labels, (ops.shape(labels)[0], -1))
    return ops.all(rows >= 0, axis=-1)


def any_class(labels):
    """Returns labels that are a class where they were negative, too."""
    return ops.maximum(labels, 0)


def known_weights(labels, sample_weight=None):
    """Returns the weights of the rows, 0 where a label is missing.

    Args:
        labels: Dict of labels.
        sample_weight: Dict of weights `[batch]` or None, None for 1.

    Returns:
        Dict of floats `[batch]`, or of the shape of the weights.
    """
    weights = {}
    for name, values in labels.items():
        weights[name] = ops.cast(is_labelled(values), keras.config.floatx())
        given = (sample_weight or {}).get(name)
        if given is not None:
            known = weights[name]
            given = ops.cast(given, known.dtype)
            rank = len(given.shape)
            weights[name] = given * ops.reshape(
                known, (-1,) + (1,) * (rank - 1)
            )
    return weights
