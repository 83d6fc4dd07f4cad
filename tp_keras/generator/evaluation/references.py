"""What a generator stands beside: blurred portraits and eigenfaces."""

import numpy as np
import scipy.ndimage
import tqdm
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from tp_keras.errors import UserError
from tp_keras.tasks import TASK_NAMES

# The directions of more portraits than this are the same.
_MOST_ROWS = 6000

_BATCH = 512


def blurred(images, sigma) -> np.ndarray:
    """Returns images after a Gaussian blur of `sigma` pixels.

    Args:
        images: uint8 array `[count, height, width, 3]`.
        sigma: Float above 0.

    Returns:
        uint8 array of the same shape.
    """
    result = np.empty_like(images)
    for row, image in enumerate(images):
        smooth = scipy.ndimage.gaussian_filter(
            image.astype(np.float32), (sigma, sigma, 0), mode="nearest"
        )
        result[row] = np.rint(smooth).clip(0, 255)
    return result


class EigenfaceSampler:
    """Draws portraits from a Gaussian per cell of labels, in eigenfaces.

    Portraits are projected to their first 64 principal components, and each
    cell of (gender, hair_color, hair_type), where unknown counts as a class
    of its own, has the mean and covariance of its portraits there. The
    covariance is shrunk to that of all portraits, the more the fewer the cell
    has (Ledoit and Wolf, 2004).

    A cell of fewer than `min_rows` portraits is drawn from that of the same
    gender and hair_color, of the same gender, or from all portraits, the
    first of them that has enough.

    The opponent of every generator: fitted in seconds, and each sample is a
    face, if a soft one.

    Args:
        images: uint8 array `[count, height, width, 3]`, training portraits.
        labels: Dict: each task -> integer `[count]`, -1 where unknown.
        components: Int. How many principal components.
        min_rows: Int. The portraits that a cell needs for a Gaussian.
        seed: Int. Decides the directions' approximation.
        progress: Whether to show a bar after two seconds.

    Raises:
        UserError: If there are not more portraits than components.

    Source:
        Turk and Pentland, Eigenfaces for recognition, 1991.

    Example:
        >>> sampler = EigenfaceSampler(train.images, train.labels)
        >>> sampler.sample(test.labels, seed=0).shape
        (897, 108, 84, 3)
    """

    name = "eigenfaces"

    def __init__(
        self,
        images,
        labels,
        components=64,
        min_rows=16,
        seed=0,
        progress=True,
    ):
        if len(images) <= components:
            raise UserError(
                f"Expected more than {components} portraits to find "
                f"{components} eigenfaces. Received: {len(images)} portraits"
            )
        self._image_shape = images.shape[1:]
        rows = np.arange(len(images))
        if len(rows) > _MOST_ROWS:
            generator = np.random.default_rng(seed)
            rows = np.sort(generator.choice(rows, _MOST_ROWS, replace=False))
        self._pca = PCA(
            components,
            whiten=True,
            svd_solver="randomized",
            iterated_power=3,
            random_state=seed,
        )
        self._pca.fit(_flat(images[rows]))
        scores = np.concatenate(
            [
                self._pca.transform(_flat(images[start : start + _BATCH]))
                for start in tqdm.tqdm(
                    range(0, len(images), _BATCH),
                    "project to eigenfaces",
                    delay=2,
                    disable=not progress,
                    leave=False,
                )
            ]
        )
        keys = _keys(labels, len(images))
        # For matrices this small threads only wait for each other.
        with threadpool_limits(1):
            self._gaussians = _fit_gaussians(scores, keys, min_rows)

    def cell_of(self, labels) -> tuple[int, ...]:
        """Returns the cell that portraits of `labels` are drawn from.

        Args:
            labels: Sequence of the class of each task, -1 where unknown.

        Returns:
            The first of these labels, as many as have enough portraits.
        """
        cell = tuple(int(label) for label in labels)
        while cell not in self._gaussians:
            cell = cell[:-1]
        return cell

    def sample(self, labels, seed) -> np.ndarray:
        """Draws a portrait for each row of labels.

        Args:
            labels: Dict: each task -> integer `[count]`, -1 where unknown.
            seed: Int.

        Returns:
            uint8 array `[count, height, width, 3]`, rounded and clipped.
        """
        count = len(labels[TASK_NAMES[0]])
        size = self._pca.n_components_
        noise = np.random.default_rng(seed).standard_normal((count, size))
        keys, members = np.unique(
            _keys(labels, count), axis=0, return_inverse=True
        )
        scores = np.empty((count, size))
        for index, key in enumerate(keys):
            inside = members.ravel() == index
            mean, root = self._gaussians[self.cell_of(key)]
            scores[inside] = mean + noise[inside] @ root.T
        images = np.empty((count, *self._image_shape), np.uint8)
        for start in range(0, count, _BATCH):
            rows = slice(start, start + _BATCH)
            pixels = self._pca.inverse_transform(scores[rows])
            pixels = np.rint(pixels).clip(0, 255)
            images[rows] = pixels.reshape(-1, *self._image_shape)
        return images


def _flat(images):
    return np.asarray(images, np.float32).reshape(len(images), -1)


def _keys(labels, count):
    """Returns the labels as rows: integer `[count, tasks]`."""
    keys = np.stack([np.asarray(labels[name]) for name in TASK_NAMES], axis=1)
    if len(keys) != count:
        raise UserError(
            "Expected as many labels as portraits. Received: "
            f"{len(keys)} labels, {count} portraits"
        )
    return keys


def _fit_gaussians(scores, keys, min_rows):
    """Returns dict: cell -> its Gaussian, for cells of any number of tasks."""
    gaussians = {}
    for depth in range(keys.shape[1] + 1):
        cells, members = np.unique(keys[:, :depth], axis=0, return_inverse=True)
        for index, cell in enumerate(cells):
            inside = scores[members.ravel() == index]
            if len(inside) >= min_rows or not depth:
                gaussians[tuple(cell.tolist())] = _fit_gaussian(inside)
    return gaussians


def _fit_gaussian(scores):
    """Returns the mean, and a root of the covariance, of whitened scores."""
    shrunk = LedoitWolf().fit(scores)
    return shrunk.location_, np.linalg.cholesky(shrunk.covariance_)
