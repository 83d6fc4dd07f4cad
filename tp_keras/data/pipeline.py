"""From decoded portraits to batches: the order of the steps, and why."""

import dataclasses
import math

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
from tp_keras.hosts import place
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
        if self.batch_size % self.num_shards:
            raise UserError(
                f"Expected a batch size that {self.num_shards} shards share "
                f"evenly. Received: batch_size={self.batch_size}"
            )
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
    def num_shards(self) -> int:
        """Shards that the portraits are dealt into."""
        shards = self.portraits.shards
        return 1 if shards is None else int(shards.max()) + 1

    @property
    def own_part(self) -> slice:
        """What of every batch, whose rows come by shards, is this host's."""
        index, count = place()
        each = self.batch_size // count
        return slice(index * each, (index + 1) * each)

    @property
    def _steps_per_pass(self) -> int:
        # The rest of a shuffled pass is left.
        if self.num_shards == 1:
            return len(self.portraits) // self.batch_size
        smallest = np.bincount(self.portraits.shards).min()
        return int(smallest) // (self.batch_size // self.num_shards)

    def dataset(self, first_epoch: int = 0) -> tf.data.Dataset:
        """Returns endless `(images, labels, weights)` from `first_epoch` on.

        Images are uint8 `[batch, height, width, 3]`; labels and weights are
        dicts by the names of the targets, of what stands in `Portraits` and of
        float32. One of several hosts has its part of a batch.
        """
        shape, part = self.portraits.images.shape[1:], self.own_part
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
                return images[rows[part]]
            return augment(images, (self.seed, step), config, rows, part)

        def gather(step, rows):
            images = tf.numpy_function(make_images, [step, rows], tf.uint8)
            rows = rows[part]
            images.set_shape([*rows.shape, *shape])
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
        steps = self._steps_per_pass
        first_pass = first_epoch * self.passes_per_epoch
        shards = [
            _ShardOrder(self, shard, steps) for shard in range(self.num_shards)
        ]

        def shuffled_pass(number):
            rows = tf.concat([shard.rows(number) for shard in shards], axis=1)
            return tf.data.Dataset.from_tensor_slices(rows)

        dataset = tf.data.Dataset.counter(start=first_pass)
        dataset = dataset.flat_map(shuffled_pass)
        return dataset.enumerate(start=first_pass * steps)


class _ShardOrder:
    """In which order a shard's rows come, pass by pass."""

    def __init__(self, batches: TrainingBatches, shard: int, steps: int):
        portraits, self._mixing = batches.portraits, batches.mixing
        self._shape = steps, batches.batch_size // batches.num_shards
        self._own, self._parts = None, portraits.parts
        # The only one has the numbers that it has always had.
        self._seed = batches.seed
        if batches.num_shards > 1:
            self._own = np.flatnonzero(portraits.shards == shard)
            ends = np.cumsum(portraits.parts)
            places = np.searchsorted(ends, self._own, "right")
            self._parts = tuple(
                np.bincount(places, minlength=len(ends)).tolist()
            )
            state = np.random.SeedSequence([batches.seed, shard])
            self._seed = int(state.generate_state(1)[0] >> 1)

    def rows(self, number):
        """Returns the rows of a pass, int32 `[steps, rows of a step]`."""
        count = sum(self._parts)
        rows = tf.range(count)
        if pass_counts(self._parts, self._mixing) != self._parts:
            rows = tf.numpy_function(self._mixed, [number], tf.int32)
            rows.set_shape([count])
        rows = tf.random.experimental.stateless_shuffle(
            rows, seed=[self._seed, number]
        )
        rows = tf.reshape(rows[: math.prod(self._shape)], self._shape)
        return rows if self._own is None else tf.gather(self._own, rows)

    def _mixed(self, number):
        """Returns what a pass over several data sets takes."""
        return mixed_rows(self._parts, self._mixing, self._seed, number)


def evaluation_batches(
    portraits, targets, batch_size=256, multiple_of=1
) -> tf.data.Dataset:
    """Returns all portraits once, in order: `(images, labels, weights)`.

    Arguments and batches are as of `TrainingBatches`; weights are 1, and 0
    where the label is missing. All batches are of a multiple of `multiple_of`
    rows; the last one may be smaller, and is filled to it with portraits that
    weigh nothing. One of several hosts has its part of a batch.
    """
    index, hosts = place()
    batch_size = max(batch_size // multiple_of, 1) * multiple_of
    count = -(-len(portraits) // multiple_of) * multiple_of
    labels, weights = {}, {}
    for name, task in targets.items():
        labels[name] = filled(task, portraits.labels[task.name])
        weights[name] = label_weights(task, portraits.labels[task.name])

    def slices(begin):
        end = tf.minimum(begin + batch_size, count)
        each = (end - begin) // hosts
        rows = begin + index * each + tf.range(each)
        known = tf.cast(rows < len(portraits), tf.float32)
        rows = tf.minimum(rows, len(portraits) - 1)
        images = tf.numpy_function(
            portraits.images.__getitem__, [rows], tf.uint8
        )
        images.set_shape([None, *portraits.images.shape[1:]])
        there = {
            name: tf.transpose(tf.transpose(values) * known)
            for name, values in _rows_of(weights, rows).items()
        }
        return images, _rows_of(labels, rows), there

    dataset = tf.data.Dataset.range(0, count, batch_size)
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
