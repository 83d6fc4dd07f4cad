"""Cheap random numbers, many per portrait, settled by (seed, index)."""

import numpy as np

_STOCK = 192


class Dice:
    """Draws plain Python numbers; a call costs a tenth of a NumPy draw.

    Args:
        *key: Non-negative integers that settle everything that is drawn.

    Example:
        >>> Dice(0, 17).uniform(2.0, 3.0) == Dice(0, 17).uniform(2.0, 3.0)
        True
    """

    def __init__(self, *key: int):
        generator = np.random.default_rng(key)
        self._uniforms = iter(generator.random(_STOCK).tolist())
        self._normals = iter(generator.standard_normal(_STOCK).tolist())

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """Draws between `low` and `high`."""
        return low + (high - low) * next(self._uniforms)

    def normal(self, mean=0.0, spread=1.0, limit=2.5) -> float:
        """Draws from a normal distribution cut at `limit` spreads."""
        value = next(self._normals)
        return mean + spread * max(-limit, min(limit, value))

    def chance(self, probability: float) -> bool:
        """Draws True with `probability`."""
        return next(self._uniforms) < probability

    def integer(self, end: int) -> int:
        """Draws an integer from 0 to `end` - 1."""
        return int(next(self._uniforms) * end)

    def choice(self, options):
        """Draws one of `options`, each as likely."""
        return options[int(next(self._uniforms) * len(options))]

    def weighted(self, weights: dict):
        """Draws one of the keys of `weights`, which need not sum to one."""
        left = next(self._uniforms) * sum(weights.values())
        for option, weight in weights.items():
            left -= weight
            if left < 0:
                return option
        return next(reversed(weights))
