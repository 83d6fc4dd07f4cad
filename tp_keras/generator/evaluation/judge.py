"""A trained classifier as the judge of generated portraits."""

import keras
import numpy as np

from tp_keras.generator.evaluation.batches import compute_digest
from tp_keras.generator.evaluation.batches import run_in_batches
from tp_keras.generator.evaluation.whitening import FEATURE_SIZE
from tp_keras.generator.evaluation.whitening import Whitening
from tp_keras.models.hair_branch import pool
from tp_keras.tasks import GENDER

_FEATURES = "features"


class Judge:
    """Describes portraits by features, and says what they show.

    The features are those of the classifier's trunk, averaged over the image
    and whitened. A judge is of use only where it is independent: trained on
    other portraits than the generator, and than any network that the
    generator's loss looks through.

    Args:
        classifier: `PortraitClassifier`.
        reference_images: uint8 array `[count, height, width, 3]` that the
            whitening is fitted on: the judge's own part of the training data.
        batch_size: Int.
        progress: Whether to show a bar after two seconds.

    Raises:
        UserError: If there are not more than 64 reference portraits.

    Example:
        >>> classifier = RunFolder("runs/judge").require().load_model()
        >>> judge = Judge(classifier, own_half.images)
        >>> judge.features(test.images).shape
        (897, 64)
    """

    name = "judge"

    def __init__(
        self, classifier, reference_images, batch_size=256, progress=True
    ):
        self.task_names = tuple(task.name for task in classifier.tasks)
        self._batch_size = batch_size
        self._progress = progress
        self._model = _pooled_model(classifier)
        outputs = self._run(reference_images)
        self.whitening = Whitening.fit(outputs[_FEATURES], FEATURE_SIZE)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of weights and whitening: figures of one judge compare."""
        return compute_digest(
            [
                *self._model.get_weights(),
                self.whitening.mean,
                self.whitening.projection,
            ]
        )

    def features(self, images) -> np.ndarray:
        """Returns whitened features: float32 `[count, 64]`.

        Args:
            images: uint8 array `[count, height, width, 3]`.
        """
        return self.describe(images)[0]

    def probabilities(self, images) -> dict[str, np.ndarray]:
        """Returns task name -> float32 `[count, classes]`."""
        return self.describe(images)[1]

    def predict(self, images) -> dict[str, np.ndarray]:
        """Returns task name -> the class of each image, int32 `[count]`."""
        return {
            name: values.argmax(-1).astype(np.int32)
            for name, values in self.probabilities(images).items()
        }

    def describe(self, images) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Returns features and probabilities, computed in one pass."""
        outputs = self._run(images)
        features = self.whitening(outputs.pop(_FEATURES))
        return features, outputs

    def _run(self, images):
        return run_in_batches(
            self._model, images, self._batch_size, self._progress
        )


def _pooled_model(classifier):
    outputs = {
        task.name: keras.layers.Softmax(dtype="float32")(
            classifier.output[task.name]
        )
        for task in classifier.tasks
    }
    # Found by who reads the trunk: within the classifier it is called on
    # another tensor than it was built with.
    if GENDER in classifier.tasks:
        features = classifier.get_layer("gender_pooling").output
    else:
        trunk = classifier.get_layer("hair_convolution").input
        features = pool(trunk, "trunk_pooling")
    return keras.Model(
        classifier.input, {**outputs, _FEATURES: features}, name="judge"
    )
