"""How long the steps of a training wait for their batch."""

import dataclasses
import statistics
import time

import keras
import tensorflow as tf

from tp_keras.runs.trainer import Trainer

# Steps before the clock starts: the first one traces the graph, and those
# after it find a full buffer.
_SKIPPED_STEPS = 6
_STEPS_ALONE = 20


@dataclasses.dataclass(frozen=True)
class Waiting:
    """What was measured of an epoch.

    Attributes:
        portraits: Training portraits of the epoch.
        epoch_seconds: Of all its training steps, without the validation, at
            the pace of those on the clock.
        cpu_seconds: Processor time of the process in that time.
        share: Share of the time of the steps in which the next batch was
            waited for, beyond what the taking of one that is ready costs.
        slowdown: Time of a step over that of the same step with a batch at
            hand, while nobody makes the next one. What exceeds 1 is what the
            input takes from the processors.
    """

    portraits: int
    epoch_seconds: float
    cpu_seconds: float
    share: float
    slowdown: float


class WaitingTrainer(Trainer):
    """Trains as `Trainer` does, with the taking of the batch on the clock.

    Example:
        >>> trainer = WaitingTrainer(ExperimentConfig(run_dir="runs/waiting"))
        >>> trainer.fit()
        >>> trainer.waiting.share
        0.01
    """

    waiting: Waiting | None = None

    def steps_per_execution(self, steps_per_epoch):
        """Returns 1: each batch is taken on the clock."""
        return 1

    def _callbacks(self, model, score, steps, first_epoch):
        callbacks = super()._callbacks(model, score, steps, first_epoch)
        return [*callbacks, _Clock(self, steps)]


class _Clock(keras.callbacks.Callback):
    """Takes the time of the first epoch."""

    def __init__(self, trainer, steps):
        super().__init__()
        self._trainer = trainer
        self._steps = steps
        self._skipped = min(_SKIPPED_STEPS, steps // 2)
        self._waited = self._begin = self._cpu_begin = 0.0

    def on_train_begin(self, logs=None):
        """Puts the taking of the batch, which `fit` has in its graph, before.

        All else of `fit` stays as it is.
        """
        self._step = tf.function(
            self.model.train_step,
            jit_compile=self.model.jit_compile,
            reduce_retracing=True,
        )

        def train(iterator):
            begin = time.perf_counter()
            self._batch = next(iterator)
            self._waited += time.perf_counter() - begin
            return self._step(self._batch)

        self.model.train_function = train

    def on_train_batch_begin(self, batch, logs=None):
        """Starts the clock after the first steps."""
        if batch == self._skipped:
            self._waited, self._begin = 0.0, time.perf_counter()
            self._cpu_begin = time.process_time()

    def on_test_begin(self, logs=None):
        """Stops the clock: the validation begins."""
        if self._trainer.waiting is None:
            seconds = time.perf_counter() - self._begin
            cpu_seconds = time.process_time() - self._cpu_begin
            whole = self._steps / (self._steps - self._skipped)
            self._trainer.waiting = Waiting(
                portraits=self._steps
                * self._trainer.config.training.batch_size,
                epoch_seconds=seconds * whole,
                cpu_seconds=cpu_seconds * whole,
                share=max(self._waited - self._taking_seconds(), 0.0) / seconds,
                slowdown=0.0,
            )

    def _taking_seconds(self):
        """Returns what taking a ready batch costs in all the steps."""
        ready = iter(tf.data.Dataset.from_tensors(self._batch).repeat())
        times = []
        for _ in range(_STEPS_ALONE):
            begin = time.perf_counter()
            next(ready)
            times.append(time.perf_counter() - begin)
        return statistics.median(times) * (self._steps - self._skipped)

    def on_train_end(self, logs=None):
        """Times the step alone."""
        begin = time.perf_counter()
        for _ in range(_STEPS_ALONE):
            self._step(self._batch)
        alone = (time.perf_counter() - begin) / _STEPS_ALONE
        waiting = self._trainer.waiting
        self._trainer.waiting = dataclasses.replace(
            waiting, slowdown=waiting.epoch_seconds / self._steps / alone
        )
