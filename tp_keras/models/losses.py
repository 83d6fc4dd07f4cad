"""The loss of a task whose labels are partly missing, and its metric."""

import keras

from tp_keras.registration import register


@register
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy of integer labels and logits, with label smoothing.

    The mean over the rows of positive weight, weighted by it:
    `sum(w * loss) / sum(w)`, 0 where all weights are 0. So a task whose labels
    are half missing weighs as much as any other. (Keras' default divides by
    the batch size.)

    With smoothing `e` and `K` classes the target is `1 - e + e / K` for the
    true class and `e / K` for each other (Szegedy et al., arXiv:1512.00567).

    Args:
        label_smoothing: Float, at least 0 and below 1.
        name: Name of the loss.
        **kwargs: Those of `keras.losses.Loss`.
    """

    def __init__(
        self, label_smoothing=0.0, name="smoothed_crossentropy", **kwargs
    ):
        kwargs.setdefault("reduction", "mean_with_sample_weight")
        super().__init__(name=name, **kwargs)
        if not 0.0 <= label_smoothing < 1.0:
            raise ValueError(
                "Expected a label smoothing of at least 0 and below 1. "
                f"Received: label_smoothing={label_smoothing}"
            )
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        """Returns the loss of each row.

        Args:
            y_true: Integer labels `[batch]` or `[batch, 1]`. What stands in
                rows of weight 0 must be a class all the same.
            y_pred: Logits `[batch, classes]`.
        """
        num_classes = y_pred.shape[-1]
        labels = keras.ops.reshape(y_true, (-1,))
        target = keras.ops.one_hot(labels, num_classes, dtype=y_pred.dtype)
        target = (
            1.0 - self.label_smoothing
        ) * target + self.label_smoothing / num_classes
        return -keras.ops.sum(
            target * keras.ops.log_softmax(y_pred, axis=-1), axis=-1
        )

    def get_config(self):
        return {
            **super().get_config(),
            "label_smoothing": self.label_smoothing,
        }


def accuracies(names):
    """Returns the weighted metrics of outputs: `<name>_accuracy` of each.

    Keras puts the name of the output in front of that of the metric, except
    where there is one output alone.

    Args:
        names: Iterable of the names of the outputs.
    """
    names = list(names)
    return {
        name: [
            keras.metrics.SparseCategoricalAccuracy(
                name="accuracy" if len(names) > 1 else f"{name}_accuracy"
            )
        ]
        for name in names
    }
