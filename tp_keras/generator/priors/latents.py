"""The latents of portraits, as the encoder describes them."""

import dataclasses
import itertools

import numpy as np
import tqdm
from keras import ops

from tp_keras.errors import UserError
from tp_keras.generator.conditions import get_conditions
from tp_keras.generator.conditions import pattern_index
from tp_keras.hosts import fill_rows
from tp_keras.tasks import MISSING

# Rows of a portrait: the first with all its labels. What the others lack.
_COPIES = 3
_LEFT_OUT = 0.5
_BATCH_SIZE = 128

_JUDGED_DRAWS = 4
_JUDGED_ROWS = 1024


@dataclasses.dataclass(frozen=True)
class Latents:
    """Posteriors q(z | x, labels) of portraits, one row each, finite.

    A portrait may have several rows, with more or fewer of its labels.

    Attributes:
        means: float32 `[rows, latent_size]`, as `log_variances`.
        log_variances: See above.
        labels: Dict: condition -> int32 `[rows]`, -1 where unknown.
        portraits: int `[rows]`. Which portrait a row is of.
        conditions: Dict: condition -> number of classes.
    """

    means: np.ndarray
    log_variances: np.ndarray
    labels: dict[str, np.ndarray]
    portraits: np.ndarray
    conditions: dict[str, int]

    def __post_init__(self):
        """Takes them as float32."""
        for name in ("means", "log_variances"):
            values = np.asarray(getattr(self, name), np.float32)
            if not np.isfinite(values).all():
                raise UserError(
                    "Expected finite latents: train the model anew with a "
                    "lower learning rate. Received: NaN or infinity from the "
                    "encoder"
                )
            object.__setattr__(self, name, values)

    def __len__(self):
        return len(self.means)

    @property
    def size(self) -> int:
        """The length of a latent."""
        return self.means.shape[1]

    @property
    def patterns(self) -> np.ndarray:
        """The pattern of labels of each row, int `[rows]`."""
        return ops.convert_to_numpy(pattern_index(self.labels, self.conditions))

    @property
    def weights(self) -> np.ndarray:
        """float64 `[rows]`: the rows of a portrait add up to 1."""
        _, inverse, counts = np.unique(
            self.portraits, return_inverse=True, return_counts=True
        )
        return 1.0 / counts[inverse]

    def take(self, rows) -> "Latents":
        """Returns some of the rows, by index or by mask."""
        return dataclasses.replace(
            self,
            means=self.means[rows],
            log_variances=self.log_variances[rows],
            labels={name: values[rows] for name, values in self.labels.items()},
            portraits=self.portraits[rows],
        )

    def split(self, share, seed) -> tuple["Latents", "Latents"]:
        """Returns two parts that share no portrait; `share` is of the last."""
        names = np.unique(self.portraits)
        names = np.random.default_rng(seed).permutation(names)
        chosen = np.isin(self.portraits, names[: round(share * len(names))])
        return self.take(~chosen), self.take(chosen)

    def draw(self, rng) -> np.ndarray:
        """Returns one draw of every posterior, float32 `[rows, size]`."""
        noise = rng.standard_normal(self.means.shape, np.float32)
        return self.means + np.exp(0.5 * self.log_variances) * noise

    def log_densities(self, prior, seed=0) -> np.ndarray:
        """Returns E_q(z|x) log p(z | labels) of every portrait in nats.

        That is float64 `[portraits]`, the mean over draws and rows of each. The
        `Prior` was fitted to others; the seed of the draws is the same for all
        that are to be compared.
        """
        rng = np.random.default_rng((seed, 2))
        values = np.zeros(len(self))
        for _ in range(_JUDGED_DRAWS):
            drawn = self.draw(rng)
            for start in range(0, len(self), _JUDGED_ROWS):
                rows = slice(start, start + _JUDGED_ROWS)
                labels = {k: each[rows] for k, each in self.labels.items()}
                values[rows] += np.asarray(
                    prior.log_density(drawn[rows], labels)
                )
        _, inverse = np.unique(self.portraits, return_inverse=True)
        return np.bincount(inverse, self.weights / _JUDGED_DRAWS * values)


def encode_latents(vae, portraits, seed=0, progress=True) -> Latents:
    """Encodes portraits with their labels, and twice with fewer of them.

    An encoder that isn't told a label must put more into the latents, so what
    follows an unknown label has to be seen, and often enough to be fitted: in
    two of three rows a label is left out with a probability of one half.
    """
    conditions = get_conditions(vae.schema)
    rng = np.random.default_rng(seed)
    parts = []
    starts = range(0, len(portraits), _BATCH_SIZE)
    for copy, start in tqdm.tqdm(
        list(itertools.product(range(_COPIES), starts)),
        "encode portraits",
        delay=2,
        leave=False,
        disable=not progress,
    ):
        rows = np.arange(start, min(start + _BATCH_SIZE, len(portraits)))
        told = {}
        for name in conditions:
            left_out = rng.random(len(rows)) < _LEFT_OUT * (copy > 0)
            known = portraits.labels[name][rows]
            told[name] = np.where(left_out, MISSING, known).astype(np.int32)
        encoded = np.zeros((len(rows), 2, vae.latent_size), np.float32)
        if (own := np.isin(rows, portraits.own_rows)).any():
            pixels = portraits.images[rows[own]]
            known = {name: labels[own] for name, labels in told.items()}
            encoded[own] = np.stack(vae.encode(pixels, known), axis=1)
        parts.append((encoded, told, rows))
    encoded, told, rows = zip(*parts, strict=True)
    rows = np.concatenate(rows)
    own = np.flatnonzero(np.isin(rows, portraits.own_rows))
    encoded = fill_rows(np.concatenate(encoded), own)
    return Latents(
        encoded[:, 0],
        encoded[:, 1],
        {name: np.concatenate([t[name] for t in told]) for name in conditions},
        rows,
        conditions,
    )
