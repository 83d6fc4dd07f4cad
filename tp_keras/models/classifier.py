"""The multi-task classifier of gender and hair."""

import keras
import numpy as np

from tp_keras.errors import UserError
from tp_keras.models.hair_branch import HairBranch
from tp_keras.models.hair_branch import hair_layers
from tp_keras.models.hair_branch import head
from tp_keras.models.hair_branch import pool
from tp_keras.models.layer_settings import default_policy
from tp_keras.models.layer_settings import from_settings_config
from tp_keras.models.layer_settings import settings_config
from tp_keras.models.own_backbone import check_backbone
from tp_keras.models.task_model import TaskModel
from tp_keras.pixels import check_pixels
from tp_keras.registration import register
from tp_keras.tasks import GENDER
from tp_keras.tasks import HAIR_EMBEDDING
from tp_keras.tasks import HAIR_TASKS
from tp_keras.tasks import IMAGE_SHAPE
from tp_keras.tasks import TASK_NAMES
from tp_keras.tasks import get_tasks


@register
class PortraitClassifier(TaskModel):
    """Predicts gender, hair colour and hair type of a portrait.

    ```
    image -> backbone -+-> gender
                       +-> hair block -+-> hair_color part -> hair_color
                                       +-> hair_type part --> hair_type
    ```

    Each hair head sees only its own part of the `hair_embedding`, which is
    their concatenation. So the part of the colour needn't hold what tells
    straight from wavy hair, and neither holds what the gender head needs:
    what a part knows of gender can be measured, and trained away
    (`tp_keras.debiasing`), without harm to the other heads.

    Each vector of a part has mean 0 and variance 1, hence a length of the
    square root of its size, and so has the whole: the inner product orders as
    the cosine does.

    Args:
        backbone: `keras.Model` from images `[batch, height, width, 3]` to
            features `[batch, rows, columns, channels]`; a `PortraitBackbone`,
            what `tp_keras.models.create_backbone` gives, or a functional model
            of your own, whose input is uint8, or float in 0..255.
        tasks: Names of the tasks to predict.
        embedding_size: Int. Length of the hair embedding; a multiple of the
            number of hair tasks.
        dropout_rate: Float. Dropout before the heads.
        name: Name of the model.
        trainable: Whether any of its weights is trained.
        dtype: Policy of the hair block, None for the global one. What follows
            it is float32 in any.

    Output: dict of logits `[batch, classes]`, one for each task. Labels to
    train on may be -1, see `TaskModel`.

    Example:
        >>> backbone = PortraitBackbone.from_preset("mobilenet_025")
        >>> classifier = PortraitClassifier(backbone)
        >>> sorted(classifier.output)
        ['gender', 'hair_color', 'hair_type']
        >>> classifier.embedding_slices
        {'hair_color': slice(0, 16, None), 'hair_type': slice(16, 32, None)}
    """

    def __init__(
        self,
        backbone,
        tasks=TASK_NAMES,
        embedding_size=32,
        dropout_rate=0.2,
        name="portrait_classifier",
        trainable=True,
        dtype=None,
    ):
        tasks = get_tasks(tasks)
        hair_tasks = [task for task in tasks if task in HAIR_TASKS]

        # === Functional Model ===
        check_backbone(backbone)
        (taken,) = backbone.inputs
        sizes = zip(taken.shape[1:], IMAGE_SHAPE, strict=True)
        image = keras.Input(
            [given or default for given, default in sizes],
            dtype="uint8",
            name="image",
        )
        logits, parts = {}, {}
        with default_policy(dtype):
            x = image
            if taken.dtype != "uint8":
                x = keras.layers.Rescaling(1.0, dtype="float32", name="pixels")(
                    x
                )
            features = backbone(x)
            if GENDER in tasks:
                x = pool(features, "gender_pooling")
                logits[GENDER.name] = head(x, GENDER, dropout_rate)
            if hair_tasks:
                hair_logits, parts = hair_layers(
                    features, hair_tasks, embedding_size, dropout_rate
                )
                logits |= hair_logits
            super().__init__(inputs=image, outputs=logits, name=name)
        if not trainable:
            self.trainable = False

        # === Config ===
        self.backbone = backbone
        self.tasks = tasks
        self.embedding_size = embedding_size
        self.dropout_rate = dropout_rate
        self._parts = parts

    @property
    def embedding_parts(self):
        """Dict: hair task -> the symbolic part of the embedding it reads."""
        return dict(self._parts)

    @property
    def embedding_slices(self):
        """Dict: hair task -> slice of the columns of the embedding it reads."""
        size = self.embedding_size // max(len(self._parts), 1)
        return {
            name: slice(index * size, (index + 1) * size)
            for index, name in enumerate(self._parts)
        }

    # Keras casts floats to the dtype of the input without a word: scaled to
    # 0..1, all portraits would be black.
    def fit(self, x=None, *args, **kwargs):
        check_pixels(x)
        return super().fit(x, *args, **kwargs)

    def evaluate(self, x=None, *args, **kwargs):
        check_pixels(x)
        return super().evaluate(x, *args, **kwargs)

    def predict(self, x, *args, **kwargs):
        check_pixels(x)
        return super().predict(x, *args, **kwargs)

    def inference_model(self):
        """Returns the model with the hair embedding, sharing these weights.

        Returns:
            A functional `keras.Model` from `image` to a dict of the tasks'
            logits and, with hair tasks, `"hair_embedding"`.
        """
        outputs = {task.name: self.output[task.name] for task in self.tasks}
        if self._parts:
            # A layer of its own name also where it has nothing to join.
            outputs[HAIR_EMBEDDING] = _join(list(self._parts.values()))
        return keras.Model(self.input, outputs, name=self.name)

    def predict_probabilities(self, images, batch_size=256, verbose="auto"):
        """Predicts class probabilities and hair embeddings.

        Args:
            images: uint8 array `[count, height, width, 3]`, or float on the
                scale of 0 to 255.
            batch_size: Int.
            verbose: As in `keras.Model.predict`.

        Returns:
            Dict of float32 arrays: the tasks' probabilities
            `[count, classes]`, and `"hair_embedding"` with hair tasks.

        Raises:
            UserError: If the images hold no pixels of 0..255; see
                `check_pixels`.
        """
        check_pixels(images)
        outputs = self.inference_model().predict(
            images, batch_size=batch_size, verbose=verbose
        )
        return {
            name: value if name == HAIR_EMBEDDING else _softmax(value)
            for name, value in outputs.items()
        }

    def new_hair_branch(self, embedding_size, dropout_rate):
        """Returns untrained hair layers of their own, as a model of features.

        Args:
            embedding_size: Int. Length of their hair embedding.
            dropout_rate: Float. Dropout before the heads.

        Returns:
            `HairBranch`, for `with_hair_branch` when it is trained.

        Raises:
            UserError: If the classifier has no hair task.
        """
        if not self._parts:
            raise UserError(
                "Expected hair tasks to train layers of. "
                f"Received: tasks={[task.name for task in self.tasks]}"
            )
        return HairBranch(
            self.get_layer("hair_convolution").input.shape[1:],
            [task for task in self.tasks if task.name in self._parts],
            embedding_size,
            dropout_rate,
        )

    def with_hair_branch(self, branch):
        """Returns a copy with the weights of a `HairBranch` for hair."""
        config = {**self.get_config(), "embedding_size": branch.embedding_size}
        copy = type(self).from_config(config)
        trained = {layer.name: layer for layer in branch.layers}
        for layer in self.layers:
            source = trained.get(layer.name, layer)
            copy.get_layer(layer.name).set_weights(source.get_weights())
        return copy

    # Not chained to super: the config of a functional model lists its layers,
    # which the constructor doesn't take.
    def get_config(self):
        return {
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "tasks": [task.name for task in self.tasks],
            "embedding_size": self.embedding_size,
            "dropout_rate": self.dropout_rate,
            **settings_config(self),
        }

    @classmethod
    def from_config(cls, config):
        backbone = keras.saving.deserialize_keras_object(config["backbone"])
        return from_settings_config(cls, {**config, "backbone": backbone})


def _join(parts):
    if len(parts) == 1:
        return keras.layers.Identity(dtype="float32", name=HAIR_EMBEDDING)(
            parts[0]
        )
    return keras.layers.Concatenate(dtype="float32", name=HAIR_EMBEDDING)(parts)


def _softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)
