"""Whose portraits are measured: the generator's, real ones, eigenfaces."""

import numpy as np
import scipy.ndimage
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from tp_keras.data.portraits import Portraits
from tp_keras.errors import UserError
from tp_keras.generator.config import GenerationSettings

REAL = "real"
BLUR_1 = "blur 1"
BLUR_2 = "blur 2"
MIXTURES = "mixtures"
RECONSTRUCTIONS = "reconstructions"
GENERATED = "generated"
STANDARD_NORMAL = "standard normal"
EIGENFACES = "eigenfaces"

# Name -> what it is, in the order of tables and plots.
CANDIDATES = {
    REAL: "other real portraits",
    BLUR_1: "other real portraits, blurred with a sigma of 1 pixel",
    BLUR_2: "other real portraits, blurred with a sigma of 2 pixels",
    MIXTURES: "means of two other real portraits, where possible of one cell",
    RECONSTRUCTIONS: "other real portraits, encoded and decoded",
    GENERATED: "generated from the fitted prior",
    STANDARD_NORMAL: "generated from N(0, I)",
    EIGENFACES: "a Gaussian of 64 principal components for each class",
}

# The directions of more portraits than this are the same.
_MOST_ROWS = 6000

# Portraits that a cell needs for a Gaussian of its own.
_MIN_ROWS = 16

_BATCH = 512


def make_candidates(
    sampler,
    eigenfaces: "EigenfaceSampler",
    training: Portraits,
    validation: Portraits,
    test: Portraits,
    settings: GenerationSettings,
) -> dict[str, np.ndarray]:
    """Makes the portraits of all candidates: name -> uint8 images.

    None is made of a test portrait: it would come out too near. Real, blurred
    and mixed ones are training portraits, reconstructed ones validation
    portraits; the others are asked for by the labels of the test portraits.
    """
    generator = np.random.default_rng(settings.seed)
    count = min(len(test), len(training))
    rows = np.sort(generator.choice(len(training), count, replace=False))
    real = np.asarray(training.images[rows])
    asked = test.labels, settings.seed
    return {
        REAL: real,
        BLUR_1: blurred(real, 1.0),
        BLUR_2: blurred(real, 2.0),
        MIXTURES: mixed(training, rows, generator),
        RECONSTRUCTIONS: sampler.reconstruct(
            validation.images, validation.labels
        ),
        GENERATED: sampler.generate(*asked, settings.temperature),
        STANDARD_NORMAL: sampler.generate_standard_normal(*asked),
        EIGENFACES: eigenfaces.sample(*asked),
    }


def blurred(images, sigma) -> np.ndarray:
    """Returns uint8 images after a Gaussian blur of `sigma` pixels."""
    smooth = scipy.ndimage.gaussian_filter(
        images, (0, sigma, sigma, 0), output=np.float32, mode="nearest"
    )
    return np.rint(smooth).clip(0, 255).astype(np.uint8)


def mixed(portraits: Portraits, rows, generator) -> np.ndarray:
    """Returns means of pairs: of each of `rows` and another portrait.

    The other is drawn by a NumPy generator from those with the same labels,
    unknown among them, or from all where there is none. Whatever a classifier
    looks at is likely there, twice.
    """
    cells = _rows_of_labels(portraits.labels, portraits.schema.conditions)
    partners = []
    for row in rows:
        alike = (cells == cells[row]).all(axis=1)
        alike[row] = False
        if not alike.any():
            alike = np.arange(len(cells)) != row
        partners.append(generator.choice(np.flatnonzero(alike)))
    pairs = (portraits.images[np.asarray(own)] for own in (rows, partners))
    first, second = (np.asarray(images, np.uint16) for images in pairs)
    return ((first + second + 1) // 2).astype(np.uint8)


class EigenfaceSampler:
    """Draws portraits from a Gaussian per cell of labels, in eigenfaces.

    The opponent of every generator: fitted in seconds, and each sample is a
    face, if a soft one (Turk and Pentland, 1991). Each cell of the conditions,
    unknown a class of its own, has the mean and covariance of its portraits
    among the principal components, shrunk (Ledoit and Wolf, 2004). A cell of
    few portraits is drawn from that without the last condition, without the
    last two, and so on. It raises a `UserError` if there are not more training
    portraits than components.
    """

    def __init__(self, portraits: Portraits, components=64, seed=0):
        images = portraits.images
        if len(images) <= components:
            raise UserError(
                f"Expected more than {components} portraits to find "
                f"{components} eigenfaces. Received: {len(images)} portraits"
            )
        self._conditions = [
            task.name for task in portraits.schema.condition_tasks
        ]
        self._image_shape = images.shape[1:]
        rows = np.arange(len(images))
        if len(rows) > _MOST_ROWS:
            generator = np.random.default_rng(seed)
            rows = np.sort(generator.choice(rows, _MOST_ROWS, replace=False))
        settings = {"svd_solver": "randomized", "iterated_power": 3}
        self._pca = PCA(components, whiten=True, random_state=seed, **settings)
        self._pca.fit(_flat(images[rows]))
        scores = np.concatenate(
            [
                self._pca.transform(_flat(images[start : start + _BATCH]))
                for start in range(0, len(images), _BATCH)
            ]
        )
        # For matrices this small threads only wait for each other.
        with threadpool_limits(1):
            self._gaussians = _fit_gaussians(
                scores, self._cells(portraits.labels)
            )

    def cell_of(self, labels) -> tuple[int, ...]:
        """Returns the first of the labels, as many as have enough portraits."""
        cell = tuple(int(label) for label in labels)
        while cell not in self._gaussians:
            cell = cell[:-1]
        return cell

    def sample(self, labels, seed) -> np.ndarray:
        """Draws a portrait for each row of labels, -1 where unknown."""
        rows = self._cells(labels)
        count, size = len(rows), self._pca.n_components_
        noise = np.random.default_rng(seed).standard_normal((count, size))
        cells, members = np.unique(rows, axis=0, return_inverse=True)
        scores = np.empty((count, size))
        for index, cell in enumerate(cells):
            inside = members.ravel() == index
            mean, root = self._gaussians[self.cell_of(cell)]
            scores[inside] = mean + noise[inside] @ root.T
        images = np.empty((count, *self._image_shape), np.uint8)
        for start in range(0, count, _BATCH):
            part = slice(start, start + _BATCH)
            pixels = self._pca.inverse_transform(scores[part])
            pixels = np.rint(pixels).clip(0, 255)
            images[part] = pixels.reshape(-1, *self._image_shape)
        return images

    def _cells(self, labels):
        return _rows_of_labels(labels, self._conditions)


def _rows_of_labels(labels, names):
    """Returns labels as rows: integer `[count, names]`."""
    return np.stack([labels[name] for name in names], axis=1)


def _flat(images):
    return np.asarray(images, np.float32).reshape(len(images), -1)


def _fit_gaussians(scores, rows):
    """Returns the mean and a root of the covariance of cells of any length."""
    gaussians = {}
    for depth in range(rows.shape[1] + 1):
        cells, members = np.unique(rows[:, :depth], axis=0, return_inverse=True)
        for index, cell in enumerate(cells):
            inside = scores[members.ravel() == index]
            if len(inside) >= _MIN_ROWS or not depth:
                shrunk = LedoitWolf().fit(inside)
                gaussians[tuple(cell.tolist())] = (
                    shrunk.location_,
                    np.linalg.cholesky(shrunk.covariance_),
                )
    return gaussians
