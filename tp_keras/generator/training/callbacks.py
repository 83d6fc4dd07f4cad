"""What watches the training of a generator."""

import keras
import numpy as np
from PIL import Image

from tp_keras import files
from tp_keras.errors import UserError
from tp_keras.generator.model import to_uint8
from tp_keras.runs.callbacks import FiniteLoss
from tp_keras.tasks import MISSING

# Below this many nats the latents tell a portrait as good as nothing.
_LEAST_KL = 1.0

# A hinge loss below this: critics that always know teach nothing.
_LEAST_CRITIC = 0.05

# New portraits that differ by less than this share of what real ones do are
# always the same few. In the first epochs they are still grey.
_LEAST_VARIETY = 0.25
_FIRST_EPOCHS = 3

_MOST_SETBACKS = 3

_COLUMNS = 12


class BalanceGuard(FiniteLoss):
    """Goes back to the last good average where a training loses balance.

    Looked at are the figures of each epoch: latents that tell nothing, critics
    that are never wrong, new portraits that are all alike. Then the state of
    the epoch before comes back, with the averages of its weights as weights,
    and the training goes on with other portraits and noise. The run's facts
    tell of every setback.

    Args:
        run: `VaeRunFolder`, whose backups hold the states.
        say: Is told what happens.
        begin: Int. Epochs before this stage, whose states are of another size.

    Raises:
        UserError: If a loss is not a number, if the stage has no epoch before,
            or after the third time.
    """

    def __init__(self, run, say, begin=0):
        super().__init__()
        self.run = run
        self.say = say
        self.begin = begin

    def on_epoch_end(self, epoch, logs=None):
        """Looks at the figures of the epoch."""
        fault = find_collapse(logs, epoch)
        if fault is None:
            return
        setbacks = [*self.run.facts.get("setbacks", []), [epoch + 1, fault]]
        known = self.run.backups.newest(self.say)
        if known <= self.begin or len(setbacks) > _MOST_SETBACKS:
            raise UserError(
                f"{fault} Begin anew with a smaller --learning_rate, or with "
                "longer --warmup_epochs. "
                f"Received: epoch {epoch + 1}, setback {len(setbacks)}"
            )
        self.say(
            f"{fault} Going back from epoch {epoch + 1} to the averaged "
            f"weights after epoch {known}."
        )
        optimizer = self.model.optimizer
        steps = optimizer.iterations.numpy()
        self.run.backups.restore_weights(self.model, known)
        optimizer.iterations.assign(steps)
        if optimizer.use_ema:
            averages = optimizer._model_variables_moving_average
            for variable, average in zip(
                self.model.trainable_variables, averages, strict=True
            ):
                variable.assign(average)
        # What has been kept after the epoch is what went wrong.
        self.run.save_model(self.model.vae)
        self.run.record(setbacks=setbacks)


def find_collapse(logs: dict, epoch: int) -> str | None:
    """Returns a sentence on what the figures of an epoch end in, or None."""
    if "kl" in logs:
        if logs["kl"] >= _LEAST_KL and logs["active_latents"] >= 1:
            return None
        return (
            f"The posterior has collapsed: {logs['kl']:.2f} nats in "
            f"{logs['active_latents']:.0f} latents tell nothing of a portrait."
        )
    if logs["critic"] < _LEAST_CRITIC:
        return (
            "The critics are never wrong, so that the decoder learns nothing "
            f"from them: their loss is {logs['critic']:.3f}."
        )
    if logs["variety"] < _LEAST_VARIETY and epoch >= _FIRST_EPOCHS:
        return (
            "New portraits are all alike: they differ by "
            f"{logs['variety']:.0%} of what real ones do."
        )
    return None


class EpochPictures(keras.callbacks.Callback):
    """Draws the same portraits after every validation, to see them improve.

    First a row of validation portraits and, once there is an encoder
    (`with_again`), a row of their reconstructions; then new portraits of N(0,
    I): a row for each class of the first condition, through the classes of the
    second one, further ones unknown. A `VaeRunFolder` gets them as
    `pictures/epoch_NNN.png`, and for TensorBoard.
    """

    def __init__(self, run, portraits, seed=0, with_again=True):
        super().__init__()
        self.run = run
        self.with_again = with_again
        self._epoch = 0
        rng = np.random.default_rng(seed)
        # Again from the first where there are fewer portraits than columns.
        rows = np.sort(np.resize(rng.permutation(len(portraits)), _COLUMNS))
        self.images = np.asarray(portraits.images[rows])
        self.labels = {
            name: values[rows] for name, values in portraits.labels.items()
        }
        first, *others = portraits.schema.condition_tasks
        count = first.num_classes * _COLUMNS
        self.noise = rng.normal(size=(count, 1 << 12))
        classes = np.arange(count, dtype=np.int32)
        self.new_labels = {
            task.name: np.full(count, MISSING, np.int32) for task in others
        }
        self.new_labels[first.name] = classes // _COLUMNS
        for second in others[:1]:
            self.new_labels[second.name] = classes % second.num_classes

    def on_epoch_begin(self, epoch, logs=None):
        """Counts from 1."""
        self._epoch = epoch + 1

    def on_test_end(self, logs=None):
        """Draws with averaged weights, where they are swapped in."""
        self.write(self.model.vae, self._epoch)

    def draw(self, vae) -> np.ndarray:
        """Returns the sheet, uint8 `[height, width, 3]`."""
        rows = [self.images]
        if self.with_again:
            rows.append(to_uint8(vae.reconstruct(self.images, self.labels)))
        noise = self.noise[:, : vae.latent_size].astype(np.float32)
        new = to_uint8(vae.decode(noise, self.new_labels))
        rows += np.split(new, len(new) // _COLUMNS)
        return np.concatenate([np.concatenate(list(row), 1) for row in rows])

    def write(self, vae, epoch):
        """Writes the sheet of an epoch, counted from 1, whole or not at all."""
        import tensorflow as tf

        sheet = self.draw(vae)
        name = f"epoch_{epoch:03d}.png"
        with files.replaced(self.run.pictures_path / name) as aside:
            Image.fromarray(sheet).save(aside)
        writer = tf.summary.create_file_writer(
            str(self.run.path / "tensorboard" / "pictures")
        )
        with writer.as_default():
            tf.summary.image("portraits", sheet[None], step=epoch)
        writer.close()
