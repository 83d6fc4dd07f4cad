"""What happens beside the training: the score, the best model, stopping."""

import keras
import numpy as np

from tp_keras import files
from tp_keras.debias_config import DEBIAS_METHODS
from tp_keras.errors import UserError
from tp_keras.runs.backups import KeepBackups
from tp_keras.runs.score import SCORE


class BestModel(keras.callbacks.Callback):
    """Keeps the model of the epoch with the best validation score.

    The score enters the logs as `val_score`, beside the
    examples seen so far, so place this callback before those that log. The
    model is saved at the end of the validation, when a callback that swaps
    averaged weights in has them in place, and without the optimizer.

    Args:
        path: File to save to.
        classifier: What to save of the trained model.
        examples_per_epoch: Int.
        score: `Score` of a validation.
        best_score: That of earlier epochs, when resuming.
        only_last: Whether to save after every epoch, whatever its score.
    """

    def __init__(
        self,
        path,
        classifier,
        examples_per_epoch,
        score,
        best_score=float("-inf"),
        only_last=False,
    ):
        super().__init__()
        self.path = path
        self.classifier = classifier
        self.only_last = only_last
        self.examples_per_epoch = examples_per_epoch
        self.score = score
        self.best_score = best_score
        self._score = None

    def on_test_end(self, logs=None):
        """Scores the validation and saves the model if it is the best."""
        self._score = self.score.value(logs)
        if self.only_last or self._score > self.best_score:
            self.best_score = max(self._score, self.best_score)
            with files.replaced(self.path) as aside:
                self.classifier.save(aside, include_optimizer=False)

    def on_epoch_end(self, epoch, logs=None):
        """Adds score and examples seen to what the other callbacks log."""
        logs[SCORE] = self._score
        logs["examples_seen"] = (epoch + 1) * self.examples_per_epoch


class EpochCurves(keras.callbacks.TensorBoard):
    """TensorBoard's curves with a point for each epoch and none for steps."""

    def on_train_batch_begin(self, batch, logs=None):
        """Does nothing."""

    on_train_batch_end = on_train_batch_begin


class EpochSeeds(keras.callbacks.Callback):
    """Seeds every random layer anew at the beginning of an epoch.

    Saved weights leave out the state of random layers, so a resumed training
    would draw other dropout masks than one without interruption.
    """

    def __init__(self, seed):
        super().__init__()
        self.seed = seed

    def on_epoch_begin(self, epoch, logs=None):
        """Sets the states by seed, layer and epoch alone."""
        generators = [
            layer.seed_generator
            for layer in self.model._flatten_layers()
            if hasattr(layer, "seed_generator")
        ]
        for number, generator in enumerate(generators):
            generator.state.assign([self.seed + number, epoch << 16])


class FiniteLoss(keras.callbacks.Callback):
    """Ends a training whose loss is no number any more.

    Raises:
        UserError: If it is so.
    """

    def on_train_batch_end(self, batch, logs=None):
        """Looks for numbers that are none."""
        if logs and not np.isfinite(logs["loss"]):
            raise UserError(
                "The loss is not a number any more. Begin anew with a smaller "
                "--learning_rate (a third of it, say), or with --precision "
                f"float32. Received: loss={logs['loss']} in step {batch + 1}"
            )


class FrozenTrunk(keras.callbacks.Callback):
    """Leaves a backbone as it is in the first epochs.

    Frozen, its batch normalisation doesn't follow the batches either. The
    optimizer has to be built with its variables before. `compile_again`
    compiles the model anew with the same optimizer: what is trained is settled
    when it is compiled.
    """

    def __init__(self, backbone, epochs, compile_again):
        super().__init__()
        self.epochs = epochs
        self.compile_again = compile_again
        # A layer and what it contains: the outer one first.
        self._trainable = [
            (layer, layer.trainable) for layer in backbone._flatten_layers()
        ]
        self._frozen = False

    def on_epoch_begin(self, epoch, logs=None):
        """Freezes or releases, by the number of the epoch alone."""
        if self._frozen != (epoch < self.epochs):
            self._frozen = not self._frozen
            for layer, trainable in self._trainable:
                layer.trainable = trainable and not self._frozen
            self.compile_again()
            self.model.make_train_function()


def has_stopped(history, patience: int | None) -> bool:
    """Returns whether early stopping has ended a training of this history."""
    scores = [row[SCORE] for row in history]
    if not patience or not scores:
        return False
    return len(scores) - 1 - scores.index(max(scores)) >= patience


class ResumableEarlyStopping(keras.callbacks.EarlyStopping):
    """Early stopping that knows the epochs before a resumption.

    Their logs are the `history`, dicts with an `epoch`.
    """

    def __init__(self, history=(), **kwargs):
        super().__init__(**kwargs)
        self.history = history

    def on_train_begin(self, logs=None):
        """Starts, and replays what was trained before."""
        super().on_train_begin(logs)
        for row in self.history:
            self.on_epoch_end(int(row["epoch"]), row)


def training_callbacks(
    config, run, classifier, score, saved_path, steps, first_epoch
) -> list[keras.callbacks.Callback]:
    """Returns what happens beside a training, in its order.

    `score` is a `Score`, `saved_path` where the classifier is kept, `steps`
    those of an epoch, and `first_epoch` the number of epochs that were trained
    before.
    """
    training = config.training
    history = run.read_history() if first_epoch else []
    best_score = max((row[SCORE] for row in history), default=float("-inf"))
    # The model of the last epoch counts where a strength grows: the most
    # accurate one would be one of before.
    only_last = DEBIAS_METHODS[config.debias.in_training.debias].grows
    examples = steps * training.batch_size
    callbacks = [
        EpochSeeds(training.seed),
        BestModel(
            saved_path, classifier, examples, score, best_score, only_last
        ),
    ]
    if training.averaging:
        callbacks.append(keras.callbacks.SwapEMAWeights())
    callbacks += [
        keras.callbacks.CSVLogger(run.history_path, append=first_epoch > 0),
        EpochCurves(run.path / "tensorboard", write_graph=False),
    ]
    if patience := training.patience:
        options = {"monitor": SCORE, "mode": "max", "patience": patience}
        callbacks.append(ResumableEarlyStopping(history, **options))
    # Last: when it has written, everything before it has.
    return [*callbacks, KeepBackups(run.backups, first_epoch)]
