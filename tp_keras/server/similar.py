"""The portraits of a run's data that are most similar to a face."""

import dataclasses

import numpy as np
import tqdm

from tp_keras.data.portraits import Portraits
from tp_keras.evaluation.neighbors import find_neighbors
from tp_keras.evaluation.neighbors import unit_rows
from tp_keras.serving import PhotoPredictor
from tp_keras.tasks import EMBEDDING

_BATCH = 256


@dataclasses.dataclass(frozen=True)
class SimilarPortraits:
    """Portraits, embedded once.

    Attributes:
        portraits: `Portraits`.
        vectors: Dict of a guarded task to unit rows `[count, size]`, its part
            of the embeddings: what it is read from.
    """

    portraits: Portraits
    vectors: dict[str, np.ndarray]

    @classmethod
    def embed(
        cls, portraits: Portraits, predictor: PhotoPredictor
    ) -> "SimilarPortraits | None":
        """Embeds portraits with a progress bar; None without an embedding."""
        names = guarded_tasks(predictor)
        if not names or not len(portraits):
            return None
        starts = range(0, len(portraits), _BATCH)
        batches = [
            predictor.predict(
                np.array(portraits.images[start : start + _BATCH])
            )[EMBEDDING]
            for start in tqdm.tqdm(starts, "embed portraits", leave=False)
        ]
        return cls(portraits, _parts(np.concatenate(batches), names))

    def find(self, embedding: np.ndarray, count: int) -> dict[str, list[int]]:
        """Returns the rows most similar to an embedding, for each task."""
        count = min(count, len(self.portraits))
        queries = _parts(embedding[np.newaxis], list(self.vectors))
        return {
            name: find_neighbors(queries[name], rows, count)[0][0].tolist()
            for name, rows in self.vectors.items()
        }


def guarded_tasks(predictor) -> list[str]:
    """Returns the tasks that read parts of the embedding, in its order."""
    guarded = predictor.schema.guarded
    return [task.name for task in predictor.tasks if task.name in guarded]


def _parts(embeddings, names):
    parts = np.split(embeddings, len(names), axis=1)
    return dict(zip(names, map(unit_rows, parts), strict=True))
