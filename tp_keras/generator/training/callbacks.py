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

_COLUMNS = 12


class KLWarmup(keras.callbacks.Callback):
    """Lets the weight of the KL grow from 0 to its value, over some steps."""

    def __init__(self, steps, weight, first_step):
        super().__init__()
        self.steps = steps
        self.weight = weight
        self.step = first_step
        self._assigned = None

    def on_train_batch_begin(self, batch, logs=None):
        """Sets the weight of this step."""
        share = min(self.step / self.steps, 1.0) if self.steps else 1.0
        if share != self._assigned:
            self.model.kl_weight.assign(share * self.weight)
            self._assigned = share
        self.step += 1


class CollapseGuard(FiniteLoss):
    """Ends a training that can't come to anything, and says why.

    Raises:
        UserError: If a loss is not a number, or if an epoch ends with less
            than one nat in the latents, or with no latent that is used.
    """

    def on_epoch_end(self, epoch, logs=None):
        """Looks whether the latents hold anything."""
        kl, active = logs["kl"], logs["active_latents"]
        if kl < _LEAST_KL or active < 1:
            raise UserError(
                "The posterior has collapsed: the latents tell nothing of a "
                "portrait, and the decoder draws one face for all. Begin anew "
                "with a smaller --beta, or with longer --warmup_epochs. "
                f"Received: {kl:.2f} nats, {active:.0f} active latents after "
                f"epoch {epoch + 1}"
            )


class EpochPictures(keras.callbacks.Callback):
    """Draws the same portraits after every validation, to see them improve.

    First a row of validation portraits and a row of their reconstructions;
    then new portraits from the running Gaussian of the latents, at temperature
    1: a row for each class of the first condition, through the classes of the
    second one, further ones unknown. A `VaeRunFolder` gets them as
    `pictures/epoch_NNN.png`, and for TensorBoard.
    """

    def __init__(self, run, portraits, seed=0):
        super().__init__()
        self.run = run
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
        self.write(self.model, self._epoch)

    def draw(self, vae) -> np.ndarray:
        """Returns the sheet, uint8 `[height, width, 3]`."""
        again = to_uint8(vae.reconstruct(self.images, self.labels))
        noise = self.noise[:, : vae.latent_size].astype(np.float32)
        latents = vae.draw_latents(noise)
        new = to_uint8(vae.decode(latents, self.new_labels))
        rows = [self.images, again, *np.split(new, len(new) // _COLUMNS)]
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
