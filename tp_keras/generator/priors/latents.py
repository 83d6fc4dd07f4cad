"""The latents of portraits, as the encoder describes them."""

import dataclasses

import numpy as np
import tqdm

from tp_keras.errors import UserError
from tp_keras.generator.priors.label_patterns import check_labels
from tp_keras.generator.priors.label_patterns import patterns_of
from tp_keras.tasks import MISSING


@dataclasses.dataclass(frozen=True)
class Latents:
    """Posteriors q(z | x, labels) of portraits, one row each.

    A portrait may have several rows, with more or fewer of its labels.

    Attributes:
        means: float32 `[rows, latent_size]`.
        log_variances: float32 `[rows, latent_size]`.
        labels: Dict: task -> int32 `[rows]`, -1 where unknown.
        portraits: int `[rows]`. Which portrait a row is of; None where every
            row is another.

    Raises:
        UserError: If shapes don't fit, or a value is not finite or no class.
    """

    means: np.ndarray
    log_variances: np.ndarray
    labels: dict[str, np.ndarray]
    portraits: np.ndarray | None = None

    def __post_init__(self):
        means = np.asarray(self.means, np.float32)
        log_variances = np.asarray(self.log_variances, np.float32)
        if means.ndim != 2 or means.shape != log_variances.shape:
            raise UserError(
                "Expected means and log variances [rows, latent_size]. "
                f"Received: shapes {means.shape} and {log_variances.shape}"
            )
        if not (np.isfinite(means).all() and np.isfinite(log_variances).all()):
            raise UserError(
                "Expected finite latents: train the model anew with a lower "
                "learning rate. Received: NaN or infinity from the encoder"
            )
        portraits = self.portraits
        portraits = np.asarray(
            np.arange(len(means)) if portraits is None else portraits
        )
        if portraits.shape != (len(means),):
            raise UserError(
                f"Expected the portrait of each of {len(means)} rows. "
                f"Received: shape {portraits.shape}"
            )
        object.__setattr__(self, "means", means)
        object.__setattr__(self, "log_variances", log_variances)
        object.__setattr__(
            self, "labels", check_labels(self.labels, len(means))
        )
        object.__setattr__(self, "portraits", portraits)

    def __len__(self):
        return len(self.means)

    @property
    def size(self) -> int:
        """The length of a latent."""
        return self.means.shape[1]

    @property
    def patterns(self) -> np.ndarray:
        """The pattern of labels of each row, int `[rows]`."""
        return patterns_of(self.labels)

    @property
    def weights(self) -> np.ndarray:
        """float64 `[rows]`: the rows of a portrait add up to 1."""
        _, inverse, counts = np.unique(
            self.portraits, return_inverse=True, return_counts=True
        )
        return 1.0 / counts[inverse]

    def take(self, rows) -> "Latents":
        """Returns some of the rows, by index or by mask."""
        return Latents(
            self.means[rows],
            self.log_variances[rows],
            {name: values[rows] for name, values in self.labels.items()},
            self.portraits[rows],
        )

    def split(self, share, seed) -> tuple["Latents", "Latents"]:
        """Returns two parts that share no portrait.

        Args:
            share: Float. Share of the portraits in the second part.
            seed: Int. Of the choice.
        """
        names = np.unique(self.portraits)
        names = np.random.default_rng(seed).permutation(names)
        chosen = np.isin(self.portraits, names[: round(share * len(names))])
        return self.take(~chosen), self.take(chosen)

    def draw(self, rng) -> np.ndarray:
        """Returns one draw of every posterior, float32 `[rows, size]`."""
        noise = rng.standard_normal(self.means.shape, np.float32)
        return self.means + np.exp(0.5 * self.log_variances) * noise


def encode_latents(
    encode,
    images,
    labels,
    *,
    copies=3,
    dropout_rate=0.5,
    batch_size=128,
    seed=0,
    progress=True,
) -> Latents:
    """Encodes portraits with their labels, and with fewer of them.

    An encoder that isn't told a label must put more into the latents, so what
    follows an unknown label has to be seen, and often enough to be fitted.

    Args:
        encode: Function of uint8 images `[batch, 108, 84, 3]` and a dict of
            int32 labels `[batch]` to means and log variances, float
            `[batch, latent_size]`.
        images: uint8 `[portraits, 108, 84, 3]`.
        labels: Dict: task -> int32 `[portraits]`, -1 where unknown.
        copies: Int, at least 1. Rows of each portrait: the first with its
            labels as they are, the others with labels left out.
        dropout_rate: Float. How often those leave out a label.
        batch_size: Int. Portraits encoded at a time.
        seed: Int. Of what is left out.
        progress: Bool. Whether a bar is shown.

    Returns:
        `Latents` of `copies * portraits` rows.
    """
    count = len(images)
    labels = check_labels(labels, count)
    rng = np.random.default_rng(seed)
    parts = []
    starts = [
        (copy, start)
        for copy in range(copies)
        for start in range(0, count, batch_size)
    ]
    for copy, start in tqdm.tqdm(
        starts, "encode portraits", delay=2, leave=False, disable=not progress
    ):
        rows = np.arange(start, min(start + batch_size, count))
        told = {}
        for name, values in labels.items():
            left_out = rng.random(len(rows)) < dropout_rate * (copy > 0)
            told[name] = np.where(left_out, MISSING, values[rows]).astype(
                np.int32
            )
        means, log_variances = encode(images[rows], told)
        parts.append((np.asarray(means), np.asarray(log_variances), told, rows))
    if not parts:
        raise UserError("Expected portraits to encode. Received: none")
    means, log_variances, told, rows = zip(*parts, strict=True)
    return Latents(
        np.concatenate(means),
        np.concatenate(log_variances),
        {name: np.concatenate([t[name] for t in told]) for name in labels},
        np.concatenate(rows),
    )
