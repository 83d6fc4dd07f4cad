"""The multi-task classifier of portraits."""

import keras
from keras import layers

from tp_keras.data.joint import predict_each
from tp_keras.errors import UserError
from tp_keras.models.guarded_branch import GuardedBranch
from tp_keras.models.guarded_branch import guarded_layers
from tp_keras.models.guarded_branch import head
from tp_keras.models.guarded_branch import pool
from tp_keras.models.kinds import answer
from tp_keras.models.kinds import head_kind
from tp_keras.models.layer_settings import default_policy
from tp_keras.models.layer_settings import from_settings_config
from tp_keras.models.layer_settings import settings_config
from tp_keras.models.losses import OfTask
from tp_keras.models.own_backbone import check_backbone
from tp_keras.models.task_model import TaskModel
from tp_keras.pixels import check_pixels
from tp_keras.registration import register
from tp_keras.tasks import EMBEDDING
from tp_keras.tasks import FEATURES
from tp_keras.tasks import Schema


@register
class Number(OfTask, layers.Layer):
    """The number `[batch, 1]` that the scores of a task's head tell."""

    def __init__(self, task, number_head, name=None, **kwargs):
        kwargs.setdefault("dtype", "float32")
        super().__init__(name=name, **kwargs)
        self._set_task(task, number_head)

    def call(self, scores):
        return self.kind.number(self.task, scores)[..., None]

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 1)


@register
class PortraitClassifier(TaskModel):
    """Predicts the tasks of a schema for a portrait.

    ```
    image -> backbone -+-> pooled ---------> each task that isn't guarded
                       +-> guarded block -+-> part -> guarded task
                                          +-> part -> guarded task
    ```

    Each guarded head sees only its own part of the `embedding`, which is their
    concatenation. So a part needn't hold what another task needs, and what it
    knows of the protected task can be measured, and trained away
    (`tp_keras.debiasing`), without harm to the other heads.

    Each vector of a part has mean 0 and variance 1, so all have one length and
    the inner product orders as the cosine does.

    Args:
        backbone: `keras.Model` from images `[batch, height, width, 3]` to
            features `[batch, rows, columns, channels]`: what
            `tp_keras.models.create_backbone` gives, or a functional model
            of your own, whose input is uint8, or float in 0..255.
        schema: `Schema` of the data set, or its dict.
        tasks: Names of the tasks to predict, all where none is given.
        embedding_size: Length of the embedding; a multiple of the number of
            guarded tasks.
        dropout_rate: Dropout before the heads.
        number_head: Name of the head of numbers; see `head_kind`.
        trainable: Whether any of its weights is trained.
        dtype: Policy of the guarded block, None for the global one. What
            follows it is float32 in any.

    Attributes:
        embedding_parts: Dict: guarded task -> the symbolic part of the
            embedding that it reads.

    Output: dict of scores `[batch, units]`, one for each task. Labels to train
    on may be missing, see `TaskModel`.

    Raises:
        UserError: If the backbone can't be one, or is for another size.
    """

    def __init__(
        self,
        backbone,
        schema,
        tasks=(),
        embedding_size=32,
        dropout_rate=0.2,
        number_head="distribution",
        name="portrait_classifier",
        trainable=True,
        dtype=None,
    ):
        if not isinstance(schema, Schema):
            schema = Schema.from_dict(schema)
        tasks = schema.get_tasks(tasks)
        guarded = [task for task in tasks if task.name in schema.guarded]

        # === Functional Model ===
        check_backbone(backbone, schema.image_shape)
        (taken,) = backbone.inputs
        image = keras.Input(schema.image_shape, dtype="uint8", name="image")
        scores, parts = {}, {}
        with default_policy(dtype):
            x = image
            if taken.dtype != "uint8":
                x = layers.Rescaling(1.0, dtype="float32", name="pixels")(x)
            features = backbone(x)
            for task in tasks:
                if task not in guarded:
                    x = pool(features, f"{task.name}_pooling")
                    scores[task.name] = head(x, task, dropout_rate, number_head)
            if guarded:
                guarded_scores, parts = guarded_layers(
                    features, guarded, embedding_size, dropout_rate, number_head
                )
                scores |= guarded_scores
            super().__init__(inputs=image, outputs=scores, name=name)
        if not trainable:
            self.trainable = False

        # === Config ===
        self.backbone = backbone
        self.schema = schema
        self.tasks = tasks
        self.embedding_size = embedding_size
        self.dropout_rate = dropout_rate
        self.number_head = number_head
        self.embedding_parts = parts
        self.features = features

    @property
    def embedding_slices(self):
        """Dict: guarded task -> slice of the embedding that it reads."""
        size = self.embedding_size // max(len(self.embedding_parts), 1)
        return {
            name: slice(index * size, (index + 1) * size)
            for index, name in enumerate(self.embedding_parts)
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

    def inference_model(self, features=False):
        """Returns the model of answers and embedding, sharing these weights.

        Its output is a dict: of each task logits of classes or flags, or a
        number `[batch, 1]`, with guarded tasks `"embedding"`, and if asked for
        `"features"`, what the backbone sees, averaged over the portrait.
        """
        outputs = {}
        for task in self.tasks:
            values = self.output[task.name]
            if head_kind(task, self.number_head).number is not None:
                values = Number(
                    task, self.number_head, name=f"{task.name}_number"
                )(values)
            outputs[task.name] = values
        if self.embedding_parts:
            first, *others = parts = list(self.embedding_parts.values())
            # A layer of its own name also where it has nothing to join.
            join = layers.Concatenate if others else layers.Identity
            join = join(dtype="float32", name=EMBEDDING)
            outputs[EMBEDDING] = join(parts if others else first)
        if features:
            outputs[FEATURES] = pool(self.features, FEATURES)
        return keras.Model(self.input, outputs, name=self.name)

    def predict_answers(self, images, batch_size=256, verbose="auto"):
        """Predicts all tasks and the embedding.

        Args:
            images: uint8 array `[count, height, width, 3]`, or float in 0..255.
            batch_size: As in `keras.Model.predict`.
            verbose: Likewise.

        Returns:
            Dict of float32 arrays: of each task probabilities
            `[count, classes]` or numbers `[count]`, and `"embedding"` with
            guarded tasks.
        """
        check_pixels(images)
        model = self.inference_model()
        outputs = predict_each(model, images, batch_size, verbose)
        answers = {
            task.name: answer(task, outputs[task.name]) for task in self.tasks
        }
        if EMBEDDING in outputs:
            answers[EMBEDDING] = outputs[EMBEDDING]
        return answers

    def new_guarded_branch(self, embedding_size, dropout_rate):
        """Returns an untrained `GuardedBranch`, for `with_guarded_branch`."""
        if not self.embedding_parts:
            raise UserError(
                "Expected guarded tasks to train layers of. "
                f"Received: tasks={[task.name for task in self.tasks]}"
            )
        return GuardedBranch(
            self.get_layer("guarded_convolution").input.shape[1:],
            [task for task in self.tasks if task.name in self.embedding_parts],
            embedding_size,
            dropout_rate,
            self.number_head,
        )

    def with_guarded_branch(self, branch):
        """Returns a copy with the weights of a `GuardedBranch`."""
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
            "schema": self.schema.to_dict(),
            "tasks": [task.name for task in self.tasks],
            "embedding_size": self.embedding_size,
            "dropout_rate": self.dropout_rate,
            "number_head": self.number_head,
            **settings_config(self),
        }

    @classmethod
    def from_config(cls, config):
        backbone = keras.saving.deserialize_keras_object(config["backbone"])
        return from_settings_config(cls, {**config, "backbone": backbone})
