"""What chance does to figures by gender: resamples and permutations.

All of it acts on counts [G, K, K] of gender, label and prediction, so a
thousand draws are a few calls of NumPy, whatever the number of portraits.
"""

import numpy as np

from tp_keras.records import intervals

# Quantiles under the null hypothesis: a maximum has to be above, a minimum
# below, to be more than chance.
NULL_OF_MAXIMUM = 0.95
NULL_OF_MINIMUM = 0.05


def resample_within_classes(
    outcomes, num_bootstraps: int, generator: np.random.Generator
) -> np.ndarray:
    """Draws the rows of each gender and class again: [G, K, K] to [B, G, K, K].

    The strata of rates inside a class. Each keeps its number of rows.
    """
    return _resample(
        outcomes,
        outcomes.shape[0] * outcomes.shape[1],
        num_bootstraps,
        generator,
    )


def resample_within_genders(
    outcomes, num_bootstraps: int, generator: np.random.Generator
) -> np.ndarray:
    """Draws the rows of each gender again: [G, K, K] to [B, G, K, K].

    The strata of rates of a whole gender, such as its accuracy: these depend
    on its mix of classes, and the mix is a matter of chance as well.
    """
    return _resample(outcomes, outcomes.shape[0], num_bootstraps, generator)


def permute_genders(
    outcomes, num_permutations: int, generator: np.random.Generator
) -> np.ndarray:
    """Deals the rows of each class to the genders anew.

    Each gender keeps its number of rows of each class, so the counts are what
    they would be if predictions depended on the class and chance alone. To
    shuffle gender inside a class and count the predictions of the women is to
    draw once from the multivariate hypergeometric distribution.

    Args:
        outcomes: Integer array [2, K, K]; gender, label, prediction.
        num_permutations: The number of draws P.
        generator: Source of chance.

    Returns:
        Int64 array [P, 2, K, K].
    """
    outcomes = np.asarray(outcomes)
    permuted = np.zeros((num_permutations, *outcomes.shape), np.int64)
    for label, (women, men) in enumerate(
        zip(outcomes[0], outcomes[1], strict=True)
    ):
        permuted[:, 0, label] = generator.multivariate_hypergeometric(
            women + men,
            women.sum(),
            size=num_permutations,
            method="marginals",
        )
        permuted[:, 1, label] = women + men - permuted[:, 0, label]
    return permuted


def bootstrap_interval(
    value: float, samples, limits: tuple[float, float] = (0.0, 1.0)
) -> tuple[float, float]:
    """Returns a 95 % interval of a difference, a maximum or a minimum.

    Noise adds to a maximum: the resampled ones lie above the one that was
    measured, as that lies above the true one, and their middle 95 % may miss
    both. Mirrored at the measured value they correct for that, but fall short
    at the other end where one rate stands out. So each end is the wider one of
    the two: `low = min(q, 2 value - Q)` and `high = max(Q, 2 value - q)` with
    `q` and `Q` the 2.5 % and 97.5 % quantiles.

    Args:
        value: The figure as measured.
        samples: Float array [B]: the figure of each resample.
        limits: The least and the largest value that the figure can have.

    Returns:
        Lower and upper end; the value lies between them.

    Source:
        Davison and Hinkley, Bootstrap Methods and their Application, 1997,
        sections 5.2 and 5.3.
    """
    low, high = intervals.percentile_interval(samples)
    return (
        max(min(low, 2 * value - high), limits[0]),
        min(max(high, 2 * value - low), limits[1]),
    )


def _resample(outcomes, num_strata, num_bootstraps, generator):
    strata = np.reshape(outcomes, (num_strata, -1))
    drawn = intervals.resample_confusion_matrix(
        strata, num_bootstraps, generator
    )
    return drawn.reshape(num_bootstraps, *np.shape(outcomes))
