"""What acts on a trained classifier: erasers and last layers fitted anew."""

import keras
import numpy as np

from tp_keras.data.joint import predict_each
from tp_keras.debiasing.last_layer import count_level_rows
from tp_keras.debiasing.last_layer import refit_last_layer
from tp_keras.debiasing.leace import fit_leace
from tp_keras.errors import UserError
from tp_keras.hosts import fill_rows
from tp_keras.tasks import BINARY
from tp_keras.tasks import MISSING

# What stands in front of the heads: `tp_keras.models.PortraitClassifier`.
_PROJECTION = "{}_projection"

# Of the weight that rows have in an eraser, all together: what a network hides
# on portraits that it was trained on it shows on others.
_HELD_OUT_SHARE = 0.5

# Of one resample, for a head on the embedding itself.
_ROWS_PER_FEATURE = 10


def apply_posthoc(
    classifier, method, train, held_out, seed=0, *, verbose="auto"
):
    """Returns a copy of a classifier with guarded layers made anew.

    * `"leace"`: the map that erases the group from the task's part of the
      embedding goes into the dense layer that makes the part, and the head is
      fitted to what is left.
    * `"conditional_leace"`: likewise, with the group erased inside each class.
    * `"dfr"`: the head alone, on held-out rows with group and class balanced.
      Where these are few, the head's logits are its features, so that it is
      corrected and not replaced.
    * `"conditional_leace+dfr"`: the map, its head, and then this one.

    Guarded tasks whose labels are no classes stay as they are. The map is
    affine and the layer before it too, so both are one layer. Nothing of the
    group is left in the covariance of the embedding as it is served.

    Args:
        classifier: A trained `PortraitClassifier`; it is left as it is.
        method: One of `tp_keras.debias_config.POSTHOC_METHODS`.
        train: `Portraits` that the classifier was trained on.
        held_out: `Portraits` that it was not trained on, and that no figure
            is measured on.
        seed: Seed of what is drawn for the heads.
        verbose: As in `keras.Model.predict`.

    Raises:
        UserError: If the classifier has no guarded task with classes, or the
            portraits have too few labels.
    """
    copy = type(classifier).from_config(classifier.get_config())
    copy.set_weights(classifier.get_weights())
    protected = train.schema.protected_task
    tasks = [
        task
        for task in copy.tasks
        if task.name in copy.embedding_parts and task.has_classes
    ]
    if not tasks or protected is None:
        raise UserError(
            "There is nothing to erase. Expected a protected task and a "
            "classifier with a guarded one of classes. Received: tasks="
            f"{[task.name for task in copy.tasks]}"
        )
    projections = [
        _project(copy, tasks, portraits, verbose)
        for portraits in (train, held_out)
    ]
    for task in tasks:
        rows = _Rows(
            task.name,
            [projected[task.name] for projected in projections],
            [portraits.labels[task.name] for portraits in (train, held_out)],
            [portraits.groups for portraits in (train, held_out)],
        )
        features = rows.features
        if "leace" in method:
            eraser = _fit_eraser(method, rows)
            features = eraser(features)
            layer = copy.get_layer(_PROJECTION.format(task.name))
            layer.set_weights(eraser.fold(*_centered(*layer.get_weights())))
        layer = copy.get_layer(task.name)
        layer.set_weights(
            _as_units(
                task,
                _fit_head(
                    method, rows, _normalized(features), task, layer, seed
                ),
            )
        )
    return copy


class _Rows:
    """Training and held-out rows of a task, one below the other."""

    def __init__(self, name, features, labels, groups):
        self.name = name
        self.features = np.concatenate(features)
        self.labels = np.concatenate(labels)
        self.groups = np.concatenate(groups)
        self.held_out = np.arange(len(self.labels)) >= len(labels[0])

    def weights(self, chosen):
        """Returns what each row counts; 0 for those not chosen."""
        weights = np.zeros(len(self.labels))
        for rows, share in (
            (chosen & ~self.held_out, 1.0 - _HELD_OUT_SHARE),
            (chosen & self.held_out, _HELD_OUT_SHARE),
        ):
            weights[rows] = share / max(rows.sum(), 1)
        if not weights.any():
            raise UserError(
                f"No portrait tells what of the group is in {self.name}. "
                "Expected some with both labels. Received: 0 of "
                f"{len(weights)} training and held-out portraits"
            )
        return weights


def _fit_eraser(method, rows):
    known, classes = rows.groups != MISSING, None
    if method != "leace":
        known &= rows.labels != MISSING
        classes = np.where(known, rows.labels, MISSING)
    return fit_leace(
        rows.features,
        _concept(rows.groups),
        classes,
        sample_weight=rows.weights(known),
        normalized=True,
    )


def _fit_head(method, rows, embedding, task, layer, seed):
    """Returns kernel and bias of a task's head on an embedding."""
    weights = _as_logits(task, layer.get_weights())
    if "leace" in method:
        every = refit_last_layer(
            embedding,
            rows.labels,
            rows.groups,
            task.num_classes,
            balanced=False,
            seed=seed,
        )
        weights = [every.kernel, every.bias]
    if "dfr" not in method:
        return weights
    labels, groups = rows.labels[rows.held_out], rows.groups[rows.held_out]
    features = embedding[rows.held_out]
    # Few level rows can't place a head among many features, but they can put
    # the logits right of the one that all rows have placed.
    few = count_level_rows(labels, groups) < _ROWS_PER_FEATURE * len(weights[0])
    if few:
        kernel, bias = weights
        features = features @ kernel + bias
    level = refit_last_layer(
        features, labels, groups, task.num_classes, seed=seed
    )
    return level.fold(*weights) if few else (level.kernel, level.bias)


def _as_logits(task, weights):
    """Returns kernel and bias of a head as those of a logit for each class."""
    weights = [values.astype(np.float64) for values in weights]
    if task.kind != BINARY:
        return weights
    return [np.concatenate([0 * v, v], axis=-1) for v in weights]


def _as_units(task, weights):
    """Returns what `_as_logits` took, from what it returned."""
    if task.kind != BINARY:
        return weights
    return [values[..., 1:] - values[..., :1] for values in weights]


def _concept(groups):
    """Returns groups as numbers `[N]`, more than two as columns `[N, G]`."""
    count = int(groups.max(initial=0)) + 1
    if count <= 2:
        return groups
    return (groups[:, None] == np.arange(count)).astype(np.float64)


def _project(classifier, tasks, portraits, verbose):
    """Returns what the normalisations of the parts read, centred."""
    outputs = {
        task.name: classifier.get_layer(_PROJECTION.format(task.name)).output
        for task in tasks
    }
    model = keras.Model(classifier.input, outputs)
    own = portraits.own_rows
    rows = None if len(own) == len(portraits) else own
    found = predict_each(model, portraits.images, 256, verbose, rows)
    projected = {}
    for name, values in found.items():
        values = values.astype(np.float64) - values.mean(1, keepdims=True)
        if rows is not None:
            # The others have the pixels of the rest.
            whole = np.empty((len(portraits), values.shape[1]))
            whole[rows] = values
            values = fill_rows(whole, rows)
        projected[name] = values
    return projected


def _centered(kernel, bias):
    """Returns weights whose outputs have the mean 0, as normalised ones do."""
    kernel, bias = kernel.astype(np.float64), bias.astype(np.float64)
    return kernel - kernel.mean(1, keepdims=True), bias - bias.mean()


def _normalized(features):
    """Returns rows as the embedding's layer normalisation leaves them."""
    return features / np.sqrt(np.mean(features**2, axis=1, keepdims=True))
