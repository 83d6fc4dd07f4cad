"""A generator whose training step and whose drawing are timed."""

import keras
import numpy as np
import tensorflow as tf

from benchmarks.plain_vae import PlainVAE
from benchmarks.portraits_schema import PORTRAITS
from benchmarks.train_subject import steps_per_second
from tp_keras.config import BFLOAT16
from tp_keras.generator.conditions import get_conditions
from tp_keras.generator.config import VaeModelConfig
from tp_keras.generator.model import AdversarialDecoder
from tp_keras.generator.model import PortraitVAE
from tp_keras.generator.priors import GaussianMixturePrior
from tp_keras.models import PortraitClassifier
from tp_keras.models import create_backbone
from tp_keras.models.optimizers import FusedAdamW
from tp_keras.runs.precision import layers_in

# Of the prior: a fitted one has as many, within a factor of two, and as much
# to compute.
_COMPONENTS = 8


class VaeSubject:
    """A compiled model, its batch, and what was measured of it.

    Args:
        model: Compiled `keras.Model`.
        inputs: What it is trained on: a batch, in arrays.
        draw: Function without arguments that draws a batch of portraits, of
            noise that is drawn too.
        batch_size: Int. Portraits in either batch.
        parameters: Int. Of encoder and decoder, as far as they are trained at
            this size, be it in a step of another stage.

    Attributes:
        training: Images per second of each measurement.
        drawing: Portraits per second of each.
    """

    def __init__(self, model, inputs, draw, batch_size, parameters):
        self.model = model
        self.batch_size = batch_size
        self.parameters = parameters
        batch = tf.data.Dataset.from_tensors((inputs,))
        # The function that `fit` calls for a step, without its bookkeeping.
        self._batches = iter(batch.cache().repeat())
        model.make_train_function()
        self._draw = tf.function(draw)
        self.training, self.drawing = [], []
        self._train()
        self._draw()

    def measure_training(self, steps: int) -> None:
        """Adds the images per second of a few steps."""
        rate = steps_per_second(self._train, steps)
        self.training.append(rate * self.batch_size)

    def measure_drawing(self, batches: int) -> None:
        """Adds the portraits per second of a few batches."""
        rate = steps_per_second(lambda: self._draw().numpy(), batches)
        self.drawing.append(rate * self.batch_size)

    def _train(self):
        self.model.train_function(self._batches)


def portrait_vae(settings, precision) -> PortraitVAE:
    """Returns an untrained `PortraitVAE`, with a mixture as its prior.

    Args:
        settings: `VaeModelConfig`.
        precision: `"float32"` or `"bfloat16"`.
    """
    with layers_in(precision):
        vae = PortraitVAE(
            PORTRAITS,
            settings.latent_size,
            settings.encoder_channels,
            settings.decoder_channels,
        )
    vae.prior = GaussianMixturePrior(
        settings.latent_size,
        get_conditions(PORTRAITS),
        _COMPONENTS,
        name="prior",
    )
    return vae


def portrait_subject(
    vae: PortraitVAE,
    grown: bool,
    batch_size: int,
    settings: VaeModelConfig,
) -> VaeSubject:
    """Returns a `PortraitVAE` whose decoder is trained, against critics.

    It is looked at by an untrained classifier of the usual size.

    Args:
        vae: The model; it is this subject's from then on.
        grown: Whether it draws at full size, or at half of it.
        batch_size: Int.
        settings: See `AdversarialDecoder`.
    """
    with layers_in(BFLOAT16):
        classifier = PortraitClassifier(
            create_backbone("portrait_s", PORTRAITS.image_shape), PORTRAITS
        )
    vae.set_stage(grown)
    # Before the encoder is put off.
    parameters = parameters_of(vae)
    # Its critics compute as the model does.
    model = AdversarialDecoder(vae, classifier, settings)
    model.set_stage(grown)
    # As `VaeTrainer` has it.
    optimizer = FusedAdamW(
        _schedule(),
        weight_decay=0.0,
        beta_1=0.0,
        beta_2=0.99,
        use_ema=True,
        ema_momentum=0.99,
    )
    model.compile(optimizer, jit_compile=False)
    rng = np.random.default_rng(0)
    labels = {
        task.name: rng.integers(0, task.num_classes, batch_size, np.int32)
        for task in PORTRAITS.condition_tasks
    }
    images = rng.integers(
        0, 256, (batch_size, *PORTRAITS.image_shape), np.uint8
    )
    conditions = {name: tf.constant(each) for name, each in labels.items()}
    latent_size = vae.latent_size

    def draw():
        latents = vae.prior.sample(
            tf.random.normal((batch_size, latent_size)),
            tf.random.uniform((batch_size,)),
            conditions,
            tf.ones(batch_size),
        )
        return vae.draw(latents, conditions, False)

    inputs = {"image": images, **labels}
    return VaeSubject(model, inputs, draw, batch_size, parameters)


def plain_subject(settings, precision, batch_size) -> VaeSubject:
    """Returns the peer as its example trains it.

    Args:
        settings: Dict of arguments of `PlainVAE`.
        precision: `"float32"` or `"bfloat16"`.
        batch_size: Int.
    """
    with layers_in(precision):
        model = PlainVAE(**settings)
    # XLA would compile it on a CPU as well, and be slower.
    model.compile(keras.optimizers.Adam(), jit_compile=False)
    images = np.random.default_rng(0).integers(
        0, 256, (batch_size, *settings["image_shape"]), np.uint8
    )

    def draw():
        noise = tf.random.normal((batch_size, model.latent_size))
        return model.decoder(noise, training=False)

    return VaeSubject(model, images, draw, batch_size, parameters_of(model))


def parameters_of(model) -> int:
    """Returns how many parameters of a model are trained."""
    return sum(
        int(np.prod(variable.shape)) for variable in model.trainable_variables
    )


def _schedule():
    return keras.optimizers.schedules.CosineDecay(
        0.0, decay_steps=10_000, warmup_target=1e-3, warmup_steps=100
    )
