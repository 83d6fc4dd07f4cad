"""The multi-task classifier of gender and hair."""

import keras
import numpy as np

from tp_keras.models.layers import FusedBatchNormalization
from tp_keras.models.layers import GradientReversal
from tp_keras.models.losses import SmoothedCrossentropy
from tp_keras.registration import register
from tp_keras.tasks import ADVERSARY
from tp_keras.tasks import GENDER
from tp_keras.tasks import HAIR_EMBEDDING
from tp_keras.tasks import HAIR_TASKS
from tp_keras.tasks import TASK_NAMES
from tp_keras.tasks import get_tasks

# What follows the feature maps costs little and is compared with tolerances:
# it stays in float32 also where the maps are bfloat16.
_DTYPE = "float32"


@register
class PortraitClassifier(keras.Model):
    """Predicts gender, hair colour and hair type of a portrait.

    ```
    image -> backbone -+-> gender
                       +-> hair block -> hair_embedding -+-> hair_color
                                                         +-> hair_type
                                                         +-> -adversary
    ```

    The hair heads see only the `hair_embedding`. An adversary tries to read
    the gender from it; its gradient is reversed on the way back (the minus
    sign, `GradientReversal`), so that the embedding can lose what the gender
    head needs and keeps elsewhere. With strength 0 nothing passes back, and
    the adversary only watches. It exists in training alone: exports and
    `inference_model()` are without it.

    Each vector of the embedding has mean 0 and variance 1, hence length
    `sqrt(embedding_size)`: the inner product orders as the cosine does.

    Args:
        backbone: `keras.Model` from uint8 images `[batch, height, width, 3]`
            to features `[batch, rows, columns, channels]`; a
            `PortraitBackbone` or what `tp_keras.models.create_backbone` gives.
        tasks: Names of the tasks to predict.
        embedding_size: Int. Length of the hair embedding.
        dropout_rate: Float. Dropout before the heads.
        adversary_units: Sequence of ints. The adversary's hidden layers.
        reversal_strength: Float. The initial strength of the reversal.
        **kwargs: Those of `keras.Model`.

    Output: dict of logits `[batch, classes]`, one for each task, and
    `"gender_adversary"` if there is a hair task.

    Example:
        >>> backbone = PortraitBackbone.from_preset("mobilenet_025")
        >>> classifier = PortraitClassifier(backbone)
        >>> sorted(classifier.output)
        ['gender', 'gender_adversary', 'hair_color', 'hair_type']
    """

    def __init__(
        self,
        backbone,
        tasks=TASK_NAMES,
        embedding_size=64,
        dropout_rate=0.2,
        adversary_units=(64, 64),
        reversal_strength=0.0,
        **kwargs,
    ):
        tasks = get_tasks(tasks)
        hair_tasks = [task for task in tasks if task in HAIR_TASKS]

        # === Functional Model ===
        features = backbone(backbone.input)
        logits = {}
        if GENDER in tasks:
            x = _pool(features, "gender_pooling")
            logits[GENDER.name] = _head(x, GENDER, dropout_rate)
        embedding = reversal = None
        if hair_tasks:
            embedding = _hair_block(features, embedding_size)
            for task in hair_tasks:
                logits[task.name] = _head(embedding, task, dropout_rate)
            reversal = GradientReversal(
                reversal_strength, dtype=_DTYPE, name="reversal"
            )
            logits[ADVERSARY] = _adversary(reversal(embedding), adversary_units)
        kwargs.setdefault("name", "portrait_classifier")
        super().__init__(inputs=backbone.input, outputs=logits, **kwargs)

        # === Config ===
        self.backbone = backbone
        self.tasks = tasks
        self.embedding_size = embedding_size
        self.dropout_rate = dropout_rate
        self.adversary_units = tuple(adversary_units)
        self.reversal_strength = reversal_strength
        self.reversal = reversal
        self._embedding = embedding

    @property
    def label_names(self):
        """Dict: the name of each output -> the label it is trained on."""
        names = {task.name: task.name for task in self.tasks}
        if self.reversal is not None:
            names[ADVERSARY] = GENDER.name
        return names

    def compile(
        self,
        optimizer="adamw",
        loss="auto",
        weighted_metrics="auto",
        label_smoothing=0.0,
        **kwargs,
    ):
        """Compiles, with losses and metrics for every output by default.

        Args:
            optimizer: As in `keras.Model.compile`.
            loss: `"auto"` for the cross-entropy of each output, averaged over
                the rows that carry its label.
            weighted_metrics: `"auto"` for the accuracy of each output over the
                rows that carry its label.
            label_smoothing: Float. The share of the target that `"auto"`
                spreads over all classes.
            **kwargs: As in `keras.Model.compile`. On TensorFlow
                `jit_compile` is off by default: on a CPU XLA takes twice the
                time of its kernels for dense convolutions, ten times for
                depthwise ones.
        """
        if loss == "auto":
            loss = {
                name: SmoothedCrossentropy(label_smoothing)
                for name in self.label_names
            }
        if weighted_metrics == "auto":
            weighted_metrics = {
                name: [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
                for name in self.label_names
            }
        if keras.config.backend() == "tensorflow":
            kwargs.setdefault("jit_compile", False)
        super().compile(
            optimizer=optimizer,
            loss=loss,
            weighted_metrics=weighted_metrics,
            **kwargs,
        )

    # Keras asks whoever overrides `compile` for the way back from a file.
    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def inference_model(self):
        """Returns the model without the adversary, sharing these weights.

        Returns:
            A functional `keras.Model` from `image` to a dict of the tasks'
            logits and, with hair tasks, `"hair_embedding"`.
        """
        outputs = {task.name: self.output[task.name] for task in self.tasks}
        if self._embedding is not None:
            outputs[HAIR_EMBEDDING] = self._embedding
        return keras.Model(self.input, outputs, name=self.name)

    def predict_probabilities(self, images, batch_size=256, verbose="auto"):
        """Predicts class probabilities and hair embeddings.

        Args:
            images: uint8 array `[count, height, width, 3]`.
            batch_size: Int.
            verbose: As in `keras.Model.predict`.

        Returns:
            Dict of float32 arrays: the tasks' probabilities
            `[count, classes]`, and `"hair_embedding"` with hair tasks.
        """
        outputs = self.inference_model().predict(
            images, batch_size=batch_size, verbose=verbose
        )
        return {
            name: value if name == HAIR_EMBEDDING else _softmax(value)
            for name, value in outputs.items()
        }

    # Not chained to super: the config of a functional model lists its layers,
    # which the constructor doesn't take.
    def get_config(self):
        return {
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "tasks": [task.name for task in self.tasks],
            "embedding_size": self.embedding_size,
            "dropout_rate": self.dropout_rate,
            "adversary_units": self.adversary_units,
            "reversal_strength": self.reversal_strength,
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config):
        backbone = keras.saving.deserialize_keras_object(config["backbone"])
        return cls(**{**config, "backbone": backbone})


def _pool(features, name):
    return keras.layers.GlobalAveragePooling2D(dtype=_DTYPE, name=name)(
        features
    )


def _head(x, task, dropout_rate):
    x = keras.layers.Dropout(
        dropout_rate, dtype=_DTYPE, name=f"{task.name}_dropout"
    )(x)
    return keras.layers.Dense(task.num_classes, dtype=_DTYPE, name=task.name)(x)


def _hair_block(features, embedding_size):
    channels = features.shape[-1]
    x = keras.layers.Conv2D(
        channels,
        1,
        use_bias=False,
        kernel_initializer="he_normal",
        name="hair_convolution",
    )(features)
    x = FusedBatchNormalization(name="hair_normalization")(x)
    x = keras.layers.ReLU(name="hair_relu")(x)
    x = _pool(x, "hair_pooling")
    x = keras.layers.Dense(
        embedding_size, dtype=_DTYPE, name="hair_projection"
    )(x)
    return keras.layers.LayerNormalization(
        epsilon=1e-8,
        center=False,
        scale=False,
        dtype=_DTYPE,
        name=HAIR_EMBEDDING,
    )(x)


def _adversary(x, units):
    for number, width in enumerate(units, start=1):
        x = keras.layers.Dense(
            width,
            activation="relu",
            dtype=_DTYPE,
            name=f"adversary_hidden{number}",
        )(x)
    return keras.layers.Dense(GENDER.num_classes, dtype=_DTYPE, name=ADVERSARY)(
        x
    )


def _softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)
