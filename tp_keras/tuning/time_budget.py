"""Training for a number of seconds instead of a number of epochs.

Networks are compared after equal time, so a trial measures what an epoch costs
here and takes as many as fit. The cosine of the learning rate runs over
exactly these: it can't be cut short, nor be continued once it has come to 0.
"""

import dataclasses
import pathlib
import shutil
import statistics
import time

import keras

from tp_keras.config import ExperimentConfig
from tp_keras.runs.trainer import Trainer

_REHEARSAL_STEPS = 12
# The first traces; of the others the median, so that a busy moment of the
# machine doesn't count.
_REHEARSAL_EPOCHS = 4

# Shares of a training. The warm-up of a short one is short, and its average
# of the weights must not remember their initial values.
_LARGEST_WARMUP = 0.1
_AVERAGING_MEMORY = 0.1


class StepTimer(keras.callbacks.Callback):
    """Times training steps, and what else an epoch costs.

    `steps` were timed, each of `step_seconds`, the median over the epochs of
    their means. The first of an epoch is left out: it traces, or waits for the
    first batch. `overhead_seconds` is the median time of an epoch after the
    first beside its steps: validation and keeping the best model. As many
    epochs as `skipped` don't count.
    """

    def __init__(self, skipped=0):
        super().__init__()
        self.skipped, self.steps = skipped, 0
        self._step_seconds, self._overheads = [], []

    @property
    def step_seconds(self):
        """See the class."""
        return statistics.median(self._step_seconds or [0.0])

    @property
    def overhead_seconds(self):
        """See the class."""
        return statistics.median(self._overheads or [0.0])

    def on_epoch_begin(self, epoch, logs=None):
        """Starts the clock of the epoch."""
        self._begin = time.perf_counter()
        self._first = None

    def on_train_batch_end(self, batch, logs=None):
        """Notes the end of a step, or of several in one execution."""
        self._last = (batch, time.perf_counter())
        self._first = self._first or self._last

    def on_epoch_end(self, epoch, logs=None):
        """Adds up the epoch."""
        if epoch < self.skipped:
            return
        steps = self._last[0] - self._first[0]
        seconds = self._last[1] - self._first[1]
        if not steps:
            # One execution holds the whole epoch; the first of all traces.
            if not epoch:
                return
            steps, seconds = self._last[0] + 1, self._last[1] - self._begin
        self.steps += steps
        self._step_seconds.append(seconds / steps)
        if epoch:
            whole = time.perf_counter() - self._begin
            alike = (self._last[0] + 1) * seconds / steps
            self._overheads.append(max(whole - alike, 0.0))


def train_for(
    config: ExperimentConfig,
    portraits: dict,
    seconds: float,
    timer: StepTimer | None = None,
):
    """Trains for about so many seconds of steps and validations.

    Tracing and the rehearsal that measures the steps, if no `timer` has done
    so, come on top. Where not even an epoch fits, one over a part of the
    training portraits is trained. Returns the folder of the finished run, and
    the seconds of a step.
    """
    batch_size = config.training.batch_size
    timer = timer or rehearse(config, portraits)
    train = portraits["train"]
    steps = max(len(train) // batch_size, 1)
    of_epoch = steps * timer.step_seconds + timer.overhead_seconds
    epochs = int(seconds / of_epoch)
    if epochs < 1:
        epochs = 1
        left = max(seconds - timer.overhead_seconds, 0.0)
        steps = max(int(left / timer.step_seconds), 1)
        count = len(train) // (steps * batch_size)
        train = train.take(slice(None, None, max(count, 1)))
    own = StepTimer()
    run = _fit(shorten(config, epochs, steps), portraits, train, own)
    # A training of a few steps knows less of them than the rehearsal.
    best = max(timer, own, key=lambda timer: timer.steps)
    return run, best.step_seconds


def _fit(config, portraits, train, timer):
    portraits, callbacks = {**portraits, "train": train}, [timer]
    trainer = Trainer(
        config, progress=False, portraits=portraits, callbacks=callbacks
    )
    return trainer.fit()


def shorten(config: ExperimentConfig, epochs, steps_per_epoch):
    """Returns the experiment over fewer epochs, each of one pass.

    The warm-up takes a tenth at most, and the averaging remembers at most a
    tenth of the steps.
    """
    training = config.training
    memory = max(_AVERAGING_MEMORY * epochs * steps_per_epoch, 1.0)
    warmup = round(_LARGEST_WARMUP * epochs, 2)
    training = dataclasses.replace(
        training,
        epochs=epochs,
        passes_per_epoch=1,
        warmup_epochs=min(training.warmup_epochs, warmup),
        averaging=min(training.averaging, round(1 - 1 / memory, 5)),
    )
    return dataclasses.replace(config, training=training)


def rehearse(config: ExperimentConfig, portraits: dict) -> StepTimer:
    """Times a few steps of a new model, which leaves nothing behind."""
    path = pathlib.Path(config.run_dir).with_name("rehearsal")
    count = _REHEARSAL_STEPS * config.training.batch_size
    # Spread over all portraits: each label should occur.
    step = max(len(portraits["train"]) // count, 1)
    train = portraits["train"].take(slice(None, step * count, step))
    steps = max(len(train) // config.training.batch_size, 1)
    short = shorten(config, _REHEARSAL_EPOCHS, steps)
    short = dataclasses.replace(short, run_dir=str(path))
    shutil.rmtree(path, ignore_errors=True)
    timer = StepTimer(skipped=1)
    try:
        _fit(short, portraits, train, timer)
    finally:
        shutil.rmtree(path, ignore_errors=True)
    return timer
