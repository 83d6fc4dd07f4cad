"""What describes portraits: a trained classifier, and a random network."""

import keras
import numpy as np
from sklearn.decomposition import PCA

from tp_keras.errors import UserError
from tp_keras.evaluation.generalisation.framing import find_framing
from tp_keras.evaluation.generalisation.framing import frame
from tp_keras.models.guarded_branch import pool
from tp_keras.pixels import check_pixels

FEATURE_SIZE = 64
_BATCH_SIZE = 256

# A direction of less variance, in parts of the largest, is rounding, not
# content: dividing by its deviation would make it count as much as any other.
_LEAST_VARIANCE = 1e-9

# Part of what the random network is: with another number it is another judge.
_RANDOM_SEED = 20_220_819
_RANDOM_CHANNELS = (32, 64, 128)

_FEATURES = "features"


class FeatureSpace:
    """Describes portraits by the whitened features of a model.

    Features are projected to their principal directions, each of variance 1
    among reference portraits, uint8 `[count, height, width, 3]` and more than
    64: a distance then doesn't depend on the scale of a layer, nor on how many
    channels say the same. The model leads from images to a dict with
    `"features"`; the name is that of the space in figures.
    """

    def __init__(self, name, model, reference_images):
        self.name = name
        self._model = model
        features = self._run(reference_images)[_FEATURES]
        self.mean, self.projection = fit_whitening(features)

    def features(self, images) -> np.ndarray:
        """Returns float32 `[count, 64]` of uint8 images."""
        return self._whitened(self._run(images)[_FEATURES])

    def _whitened(self, features):
        return (features - self.mean) @ self.projection

    def _run(self, images):
        """Returns the model's outputs, dict of float32 `[count, ...]`."""
        check_pixels(images)
        batches = []
        size = min(_BATCH_SIZE, len(images))
        for start in range(0, len(images), size):
            batch = np.asarray(images[start : start + size])
            # Filled up: another size would be compiled anew.
            missing = size - len(batch)
            batch = np.pad(batch, [(0, missing), (0, 0), (0, 0), (0, 0)])
            batches.append(self._model.predict_on_batch(batch))
        return {
            name: np.concatenate(
                [np.asarray(batch[name], np.float32) for batch in batches]
            )[: len(images)]
            for name in batches[0]
        }


class Judge(FeatureSpace):
    """Describes portraits by a classifier's trunk, and says what they show.

    A judge is of use only where it is independent: trained on other portraits
    than the generator, and than any network that the generator's loss looks
    through. Reference images are its own part of the training data.
    """

    def __init__(self, classifier, reference_images):
        self.tasks = [task for task in classifier.tasks if task.has_classes]
        model = _judge_model(classifier, self.tasks)
        super().__init__("judge", model, reference_images)

    def predict(self, images) -> dict[str, np.ndarray]:
        """Returns task name -> the class of each image, int32 `[count]`."""
        return self.describe(images)[1]

    def describe(self, images) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Returns features and classes, computed in one pass."""
        outputs = self._run(images)
        classes = {
            task.name: task.predicted(outputs[task.name]).astype(np.int32)
            for task in self.tasks
        }
        return self._whitened(outputs[_FEATURES]), classes


class IndependentJudge(FeatureSpace):
    """Describes portraits by the trunk of a classifier of another data set.

    Portraits are shown to it in the size and framing of its own training,
    found by the mean faces of both, the same for all that it describes.

    Args:
        name: Of the space, without blanks.
        classifier: `PortraitClassifier`, of pictures of any size.
        training_face: Float `[h, w, 3]`, the mean portrait of its training.
        reference_images: Real portraits of the generator's data set.
    """

    def __init__(self, name, classifier, training_face, reference_images):
        mean_face = np.asarray(reference_images).mean(0)
        self.framing, *_ = find_framing(training_face, mean_face)
        self._size = training_face.shape[:2]
        features = {_FEATURES: _pooled_trunk(classifier)}
        model = keras.Model(classifier.input, features, name="independent")
        super().__init__(name, model, reference_images)

    def _run(self, images):
        return super()._run(frame(images, self._size, self.framing))


class RandomNetwork(FeatureSpace):
    """Describes portraits by the features of random convolutions.

    Three convolutions of stride 2 with orthogonal kernels, never trained; the
    averages over the image of what each makes are whitened. It knows nothing
    of labels, so it sees also what a classifier learnt to overlook, and nobody
    can have tuned it (Naeem et al., Reliable fidelity and diversity metrics
    for generative models, 2020).
    """

    def __init__(self, reference_images):
        model = _random_model(reference_images.shape[1:])
        super().__init__(model.name, model, reference_images)


def fit_whitening(features, size=FEATURE_SIZE) -> tuple[np.ndarray, np.ndarray]:
    """Fits mean `[channels]` and projection `[channels, size]` of features.

    Projected, they have variance 1 in each of their principal directions.

    Raises:
        UserError: If there are not more rows than directions.
    """
    features = np.asarray(features, np.float64)
    count, channels = features.shape
    if count <= size:
        raise UserError(
            f"Expected more than {size} reference portraits to whiten "
            f"features to {size} directions. Received: {count} portraits"
        )
    pca = PCA(min(size, channels), svd_solver="covariance_eigh")
    variances = pca.fit(features).explained_variance_
    kept = variances > _LEAST_VARIANCE * variances[0]
    projection = pca.components_[kept].T / np.sqrt(variances[kept])
    return pca.mean_.astype(np.float32), projection.astype(np.float32)


def _judge_model(classifier, tasks):
    """Returns a model of probabilities of classes, and the pooled trunk."""
    outputs = {
        task.name: keras.layers.Softmax(dtype="float32")(
            classifier.output[task.name]
        )
        for task in tasks
    }
    outputs[_FEATURES] = _pooled_trunk(classifier)
    return keras.Model(classifier.input, outputs, name="judge")


def _pooled_trunk(classifier):
    """Returns the averages of the trunk's maps over the image."""
    # Found by who reads the trunk: within the classifier it is called on
    # another tensor than it was built with.
    unguarded = [
        task.name
        for task in classifier.tasks
        if task.name not in classifier.embedding_parts
    ]
    if unguarded:
        return classifier.get_layer(f"{unguarded[0]}_pooling").output
    trunk = classifier.get_layer("guarded_convolution").input
    return pool(trunk, "trunk_pooling")


def _random_model(image_shape):
    """Returns a model of the averages of three convolutions."""
    image = keras.Input(image_shape, dtype="uint8", name="image")
    x = keras.layers.Rescaling(1 / 64.0, -2.0, dtype="float32")(image)
    pooled = []
    settings = {"strides": 2, "padding": "same", "use_bias": False}
    settings |= {"activation": "relu", "dtype": "float32"}
    for index, channels in enumerate(_RANDOM_CHANNELS):
        x = keras.layers.Conv2D(
            channels, 3, name=f"convolution_{index}", **settings
        )(x)
        pooled.append(keras.layers.GlobalAveragePooling2D(dtype="float32")(x))
    features = keras.layers.Concatenate(dtype="float32")(pooled)
    model = keras.Model(image, {_FEATURES: features}, name="random_network")
    # NumPy's numbers: those of Keras differ between its backends.
    generator = np.random.default_rng(_RANDOM_SEED)
    model.set_weights(
        [_orthogonal(weight.shape, generator) for weight in model.weights]
    )
    return model


def _orthogonal(shape, generator):
    """Returns a kernel whose filters, as far as they can, are orthogonal."""
    rows, columns = int(np.prod(shape[:-1])), shape[-1]
    size = max(rows, columns), min(rows, columns)
    basis, _ = np.linalg.qr(generator.standard_normal(size))
    if rows < columns:
        basis = basis.T
    # Half of the variance is lost at each ReLU.
    return np.sqrt(2.0) * basis.reshape(shape)
