"""From decoded portraits to batches: the order of the steps, and why."""

import dataclasses

import numpy as np
import tensorflow as tf

from tp_keras.config import AugmentConfig
from tp_keras.data.augment import augment
from tp_keras.data.joint import mixed_rows
from tp_keras.data.joint import pass_counts
from tp_keras.data.labels import filled
from tp_keras.data.labels import label_weights
from tp_keras.data.portraits import Portraits
from tp_keras.errors import UserError
from tp_keras.tasks import Task


@dataclasses.dataclass(frozen=True)
class TrainingBatches:
    """Batches for `fit`, shuffled and augmented anew in every epoch.

    What a step sees depends on the seed and on its number alone, so a training
    that resumes sees what it would have seen without the interruption.

    Attributes:
        portraits: `Portraits` to train on.
        targets: Dict: name of a target of the model -> `Task` whose labels
            it has; see `TaskModel.targets`.
        augment_config: `AugmentConfig`, or None for none.
        class_balance: See `label_weights`.
        passes_per_epoch: How often an epoch goes through the portraits.
        row_weights: Dict: name of a target -> array `[count]` that the
            weights of its rows are multiplied by.
        mixing: Of portraits of several data sets what each has of a pass; see
            `pass_counts`.
    """

    portraits: Portraits
    targets: dict[str, Task]
    batch_size: int = 64
    seed: int = 0
    augment_config: AugmentConfig | None = None
    class_balance: float = 0.0
    passes_per_epoch: int = 1
    row_weights: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    mixing: float = 1.0

    def __post_init__(self):
        if self.batch_size > len(self.portraits):
            raise UserError(
                f"Expected a batch size of at most {len(self.portraits)}, the "
                "number of training portraits. "
                f"Received: batch_size={self.batch_size}"
            )

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch."""
        return self._steps_per_pass * self.passes_per_epoch

    @property
    def _steps_per_pass(self) -> int:
        # The rest of a shuffled pass is left.
        return len(self.portraits) // self.batch_size

    def dataset(self, first_epoch: int = 0) -> tf.data.Dataset:
        """Returns endless `(images, labels, weights)` from `first_epoch` on.

        Images are uint8 `[batch, height, width, 3]`; labels and weights are
        dicts by the names of the targets, of what stands in `Portraits` and of
        float32.
        """
        shape = self.portraits.images.shape[1:]
        labels, weights = {}, {}
        for name, task in self.targets.items():
            values = self.portraits.labels[task.name]
            # A row of weight 0 still needs a label that exists.
            labels[name] = tf.constant(filled(task, values))
            weight = label_weights(task, values, self.class_balance)
            factors = self.row_weights.get(name, np.float32(1))
            weights[name] = tf.constant((weight.T * factors).T)

        def make_images(step, rows):
            # NumPy reads memory and mapped files alike, and nothing is copied
            # but the batch.
            images, config = self.portraits.images, self.augment_config
            if config is None:
                return images[rows]
            return augment(images, (self.seed, step), config, rows)

        def gather(step, rows):
            images = tf.numpy_function(make_images, [step, rows], tf.uint8)
            images.set_shape([self.batch_size, *shape])
            return images, _rows_of(labels, rows), _rows_of(weights, rows)

        # Numbers are shuffled, not pictures; the pictures of a batch are
        # gathered when it is due, and augmented as a batch.
        dataset = self.row_batches(first_epoch)
        dataset = dataset.map(gather, num_parallel_calls=2, deterministic=True)
        return without_autotuning(dataset.prefetch(4))

    def row_batches(self, first_epoch: int = 0) -> tf.data.Dataset:
        """Returns endless `(step, rows)` from `first_epoch` on.

        The step is an int64 scalar, the rows are int32 `[batch]`.
        """
        count, steps = len(self.portraits), self._steps_per_pass
        first_pass = first_epoch * self.passes_per_epoch
        parts = self.portraits.parts
        is_mixed = pass_counts(parts, self.mixing) != parts

        def choose_rows(number):
            return mixed_rows(parts, self.mixing, self.seed, number)

        def shuffled_pass(number):
            rows = tf.range(count)
            if is_mixed:
                rows = tf.numpy_function(choose_rows, [number], tf.int32)
                rows.set_shape([count])
            rows = tf.random.experimental.stateless_shuffle(
                rows, seed=[self.seed, number]
            )
            rows = tf.reshape(
                rows[: steps * self.batch_size], [steps, self.batch_size]
            )
            return tf.data.Dataset.from_tensor_slices(rows)

        dataset = tf.data.Dataset.counter(start=first_pass)
        dataset = dataset.flat_map(shuffled_pass)
        return dataset.enumerate(start=first_pass * steps)


def evaluation_batches(portraits, targets, batch_size=256) -> tf.data.Dataset:
    """Returns all portraits once, in order: `(images, labels, weights)`.

    Arguments and batches are as of `TrainingBatches`; weights are 1, and 0
    where the label is missing. The last batch may be smaller.
    """
    labels, weights = {}, {}
    for name, task in targets.items():
        labels[name] = filled(task, portraits.labels[task.name])
        weights[name] = label_weights(task, portraits.labels[task.name])

    def slices(begin):
        end = tf.minimum(begin + batch_size, len(portraits))
        rows = tf.range(begin, end, 1)
        images = tf.numpy_function(
            portraits.images.__getitem__, [rows], tf.uint8
        )
        images.set_shape([None, *portraits.images.shape[1:]])
        return images, _rows_of(labels, rows), _rows_of(weights, rows)

    dataset = tf.data.Dataset.range(0, len(portraits), batch_size)
    dataset = dataset.map(slices, num_parallel_calls=1).prefetch(2)
    return without_autotuning(dataset)


def made_batches(make, count) -> tf.data.Dataset:
    """Returns what `make` returns for 0 to `count - 1`, all of one shape.

    Args:
        make: Callable of an int that returns arrays, nested.
        count: Int, at least 1.

    Example:
        >>> batches = made_batches(lambda step: np.full(2, step), 3)
        >>> [batch.tolist() for batch in batches.as_numpy_iterator()]
        [[0, 0], [1, 1], [2, 2]]
    """
    dataset = tf.data.Dataset.from_generator(
        lambda: map(make, range(count)),
        output_signature=tf.nest.map_structure(
            lambda values: tf.TensorSpec(values.shape, values.dtype), make(0)
        ),
    )
    return without_autotuning(dataset.prefetch(2))


def without_autotuning(dataset) -> tf.data.Dataset:
    """Returns a dataset that nothing is tuned of while it is read.

    There is nothing to tune where numbers of threads and batches are given,
    and the end of a training would wait for the thread that tunes: it sleeps
    for up to a minute, and an iterator goes only when it wakes.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def _rows_of(columns, rows):
    return {name: tf.gather(values, rows) for name, values in columns.items()}
