"""A training step in which the adversaries are ahead; TensorFlow only.

One optimizer with two learning rates needs no step of its own, and is what
other backends use. Here the adversaries have caught up with the embedding of
this very batch before it moves away from them.
"""

import keras
import tensorflow as tf


def alternating_step(model, data):
    """Trains the adversaries a few steps, and then the classifier one.

    All on one forward pass: a second one would move the statistics of the
    batch normalisation twice. Takes a compiled `DebiasedClassifier` and a batch
    `(x, y, sample_weight)`, and returns a dict of metrics.
    """
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    adversaries = model.adversary_variables
    with tf.GradientTape() as tape:
        y_pred = model(x, training=True)
        with tape.stop_recording():
            for _ in range(model.settings.adversary_steps):
                with tf.GradientTape(watch_accessed_variables=False) as inner:
                    inner.watch([v.value for v in adversaries])
                    loss = model.adversary_loss(y, y_pred, sample_weight)
                gradients = inner.gradient(loss, [v.value for v in adversaries])
                model.adversary_optimizer.apply(gradients, adversaries)
        loss = model.compute_loss(x, y, y_pred, sample_weight, training=True)
    rows = tf.shape(next(iter(y_pred.values())))[0]
    model._loss_tracker.update_state(loss, sample_weight=rows)
    others = model.classifier_variables
    gradients = tape.gradient(loss, [v.value for v in others])
    model.optimizer.apply(gradients, others)
    return model.compute_metrics(x, y, y_pred, sample_weight)
