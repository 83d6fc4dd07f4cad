"""Whose portraits are measured: those of the generator, and what is beside."""

import dataclasses

import numpy as np

from tp_keras.data.portraits import Portraits
from tp_keras.generator.evaluation.references import EigenfaceSampler
from tp_keras.generator.evaluation.references import blurred
from tp_keras.generator.evaluation.settings import GenerationSettings

REAL = "real"
BLUR_1 = "blur 1"
BLUR_2 = "blur 2"
RECONSTRUCTIONS = "reconstructions"
GENERATED = "generated"
STANDARD_NORMAL = "standard normal"
EIGENFACES = "eigenfaces"

# Name -> what it is, in the order of tables and plots.
CANDIDATES = {
    REAL: "other real portraits",
    BLUR_1: "other real portraits, blurred with a sigma of 1 pixel",
    BLUR_2: "other real portraits, blurred with a sigma of 2 pixels",
    RECONSTRUCTIONS: "other real portraits, encoded and decoded",
    GENERATED: "generated from the fitted prior",
    STANDARD_NORMAL: "generated from N(0, I)",
    EIGENFACES: "a Gaussian of 64 principal components for each class",
}


@dataclasses.dataclass(frozen=True)
class Candidates:
    """Portraits of each candidate, all held against the test portraits.

    None of them is made of a test portrait: they would come out too near.

    Attributes:
        images: Dict: name -> uint8 `[count, height, width, 3]`.
        eigenfaces: The sampler of the candidate of that name.
    """

    images: dict[str, np.ndarray]
    eigenfaces: EigenfaceSampler


def make_candidates(
    sampler,
    training: Portraits,
    validation: Portraits,
    test: Portraits,
    settings: GenerationSettings,
) -> Candidates:
    """Makes the portraits of all candidates.

    Args:
        sampler: `VaeSampler`, or what has its functions.
        training: What the generator was trained on: the real and the blurred
            candidate are drawn from it, the judge has not seen it.
        validation: Portraits that neither has seen, for the reconstructions.
        test: What all is held against; its labels are the conditions of what
            is generated.
        settings: `GenerationSettings`.
    """
    generator = np.random.default_rng(settings.seed)
    count = min(len(test), len(training))
    rows = np.sort(generator.choice(len(training), count, replace=False))
    real = np.asarray(training.images[rows])
    eigenfaces = EigenfaceSampler(training.images, training.labels)
    images = {
        REAL: real,
        BLUR_1: blurred(real, 1.0),
        BLUR_2: blurred(real, 2.0),
        RECONSTRUCTIONS: sampler.reconstruct(
            validation.images, validation.labels
        ),
        GENERATED: sampler.generate(
            test.labels, settings.seed, settings.temperature
        ),
        STANDARD_NORMAL: sampler.generate_standard_normal(
            test.labels, settings.seed
        ),
        EIGENFACES: eigenfaces.sample(test.labels, settings.seed),
    }
    return Candidates(images, eigenfaces)
