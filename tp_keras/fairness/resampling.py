"""What chance does to figures by group: resamples and permutations.

Most of it acts on counts [G, S, C] of group, class and answer, so a thousand
draws are a few calls of NumPy, whatever the number of portraits.
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
    """Draws the rows of each group and class again: [B, G, S, C].

    The strata of rates inside a class. Each keeps its number of rows.
    """
    cells = np.reshape(outcomes, (-1, np.shape(outcomes)[-1]))
    return _resample(cells, outcomes, num_bootstraps, generator)


def resample_within_groups(
    outcomes, num_bootstraps: int, generator: np.random.Generator
) -> np.ndarray:
    """Draws the rows of each group again: [B, G, S, C].

    The strata of rates of a whole group, such as its accuracy: these depend on
    its mix of classes, and the mix is a matter of chance as well.
    """
    groups = np.reshape(outcomes, (len(outcomes), -1))
    return _resample(groups, outcomes, num_bootstraps, generator)


def permute_groups(
    outcomes, num_permutations: int, generator: np.random.Generator
) -> np.ndarray:
    """Deals the rows of each class to the groups anew.

    Each group keeps its number of rows of each class, so the counts [P, G, S,
    C] are what they would be if answers depended on the class and chance alone.
    To shuffle the groups inside a class and count the answers of the first is
    to draw from the multivariate hypergeometric distribution; then of the
    second among what is left, and so on.
    """
    outcomes = np.asarray(outcomes)
    permuted = np.zeros((num_permutations, *outcomes.shape), np.int64)
    sizes = outcomes.sum(-1)
    for label in range(outcomes.shape[1]):
        answers = outcomes[:, label].sum(0)
        permuted[:, 0, label] = generator.multivariate_hypergeometric(
            answers, sizes[0, label], num_permutations, method="marginals"
        )
        left = answers - permuted[:, 0, label]
        for group in range(1, len(outcomes) - 1):
            permuted[:, group, label] = [
                generator.multivariate_hypergeometric(
                    row, sizes[group, label], method="marginals"
                )
                for row in left
            ]
            left = left - permuted[:, group, label]
        permuted[:, -1, label] = left
    return permuted


def permute_within(groups, classes, generator) -> np.ndarray:
    """Returns integer array [N], the groups shuffled inside each class [N]."""
    shuffled = groups.copy()
    for label in np.unique(classes):
        rows = classes == label
        shuffled[rows] = generator.permutation(groups[rows])
    return shuffled


def bootstrap_interval(
    value: float, samples, limits: tuple[float, float] = (0.0, 1.0)
) -> tuple[float, float]:
    """Returns a 95 % interval of a difference, a maximum or a minimum.

    Noise adds to a maximum: the middle 95 % of its resamples may miss both what
    was measured and the truth. Mirrored at the measured value they correct for
    that, but fall short where one rate stands out. So each end is the wider one
    of the two (Davison and Hinkley, Bootstrap Methods and their Application,
    1997, sections 5.2 and 5.3).

    Args:
        value: The figure as measured.
        samples: Float array [B]: the figure of each resample.
        limits: The least and the largest value that the figure can have.
    """
    low, high = intervals.percentile_interval(samples)
    return (
        max(min(low, 2 * value - high), limits[0]),
        min(max(high, 2 * value - low), limits[1]),
    )


def _resample(strata, outcomes, num_bootstraps, generator):
    drawn = intervals.resample_confusion_matrix(
        strata, num_bootstraps, generator
    )
    return drawn.reshape(num_bootstraps, *np.shape(outcomes))
