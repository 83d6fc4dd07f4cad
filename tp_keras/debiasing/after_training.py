"""What is done to a trained classifier: its guarded layers trained anew."""

import zlib

import keras
import numpy as np

from tp_keras.data.labels import filled
from tp_keras.data.labels import is_known
from tp_keras.data.labels import num_strata
from tp_keras.data.labels import strata
from tp_keras.data.pipeline import made_batches
from tp_keras.debiasing.debiased_classifier import DebiasedClassifier
from tp_keras.debiasing.groups import choose_level_rows
from tp_keras.debiasing.posthoc import apply_posthoc
from tp_keras.debiasing.trunk_features import TrunkFeatures
from tp_keras.errors import UserError
from tp_keras.models.optimizers import FusedAdamW

_LEARNING_RATE = 2e-3
_WEIGHT_DECAY = 0.05
_AVERAGING = 0.99
# A short part is a bottleneck by itself.
_DROPOUT_RATE = 0.1


def debias_classifier(
    classifier, config, train, held_out, *, features=None, progress=False
):
    """Trains the guarded layers anew, and acts on the result, as settings say.

    Args:
        classifier: A trained `PortraitClassifier`; it is left as it is.
        config: `ExperimentConfig`.
        train: `Portraits` that it was trained on.
        held_out: `Portraits` that it was not trained on, and that no figure
            is measured on.
        features: `TrunkFeatures` of `train`, or None to compute them.
        progress: Whether to show bars.

    Raises:
        UserError: If there is no guarded task, a method lacks labels or groups,
            or the features are those of other portraits.
    """
    if config.debias.trains_branch:
        classifier = _train_branch(
            classifier, config, train, features, progress
        )
    if config.debias.posthoc != "none":
        classifier = apply_posthoc(
            classifier,
            config.debias.posthoc,
            train,
            held_out,
            seed=config.training.seed,
            verbose="auto" if progress else 0,
        )
    return classifier


def _train_branch(classifier, config, train, features, progress):
    """Returns a copy with guarded layers that a method has trained."""
    settings, seed = config.debias, config.training.seed
    keras.utils.set_random_seed(seed)
    branch = classifier.new_guarded_branch(
        settings.branch_embedding_size, _DROPOUT_RATE
    )
    if features is None:
        features = TrunkFeatures.compute(
            classifier, train, config.augment, seed, progress
        )
    elif features.values.shape[1] != len(train):
        raise UserError(
            f"Expected the features of these {len(train)} portraits. "
            f"Received: those of {features.values.shape[1]}"
        )
    steps = settings.branch_steps
    model = DebiasedClassifier(
        branch, train, settings, steps, config.training.label_smoothing
    )
    optimizer = FusedAdamW(
        keras.optimizers.schedules.CosineDecay(_LEARNING_RATE, steps),
        weight_decay=_WEIGHT_DECAY,
        use_ema=True,
        ema_momentum=_AVERAGING,
    )
    model.compile_for_training(optimizer)
    batches = _FeatureBatches(features, train, model, settings, seed)
    model.fit(
        batches.dataset(),
        steps_per_epoch=steps,
        shuffle=False,
        verbose="auto" if progress else 0,
    )
    return classifier.with_guarded_branch(branch)


def chosen_rows(train, tasks, settings, seed) -> dict:
    """Returns the rows of guarded tasks to train on: bool `[count]`, or {}."""
    protected = train.schema.protected_task
    if settings.debias != "subsample" or protected is None:
        return {}
    return {
        task.name: choose_level_rows(
            strata(task, train.labels[task.name]),
            train.groups,
            num_strata(task),
            protected.num_classes,
            np.random.default_rng([seed, zlib.crc32(task.name.encode())]),
        )
        for task in tasks
        if task.name in train.schema.guarded
    }


class _FeatureBatches:
    """One epoch of all steps: each a batch of rows, each of some pass."""

    def __init__(self, features, train, model, settings, seed):
        self.features = features.values
        self.steps = settings.branch_steps
        self.count = len(train)
        self.batch_size = min(settings.branch_batch_size, self.count)
        self.seed = seed
        chosen = chosen_rows(train, model.classifier.tasks, settings, seed)
        self.labels, self.weights = {}, {}
        for name, task in model.targets.items():
            values = train.labels[task.name]
            self.labels[name] = filled(task, values)
            weights = is_known(task, values).T & chosen.get(name, True)
            self.weights[name] = weights.T.astype(np.float32)

    def dataset(self):
        """Returns the batches of all steps, in their order."""
        return made_batches(self._batch, self.steps)

    def _batch(self, step):
        rows = self._rows(step)
        passes = np.random.default_rng([self.seed, 1, step]).integers(
            len(self.features), size=len(rows)
        )
        return (
            self.features[passes, rows].astype(np.float32),
            {name: values[rows] for name, values in self.labels.items()},
            {name: values[rows] for name, values in self.weights.items()},
        )

    def _rows(self, step):
        number, part = divmod(step, self.count // self.batch_size)
        generator = np.random.default_rng([self.seed, 0, number])
        order = generator.permutation(self.count)
        return order[part * self.batch_size : (part + 1) * self.batch_size]
