"""Cheap random numbers, many per portrait, settled by (seed, index)."""

import random


class Dice:
    """Draws plain Python numbers.

    NumPy's generators take as long to be seeded as Python's to draw everything
    that a portrait needs.

    Args:
        *key: Integers that settle everything that is drawn.

    Example:
        >>> Dice(0, 17).uniform(2.0, 3.0) == Dice(0, 17).uniform(2.0, 3.0)
        True
    """

    def __init__(self, *key: int):
        generator = random.Random("/".join(map(str, key)))
        self._uniform = generator.random
        self._normal = generator.gauss

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """Draws between `low` and `high`."""
        return low + (high - low) * self._uniform()

    def normal(self, mean=0.0, spread=1.0, limit=2.5) -> float:
        """Draws from a normal distribution cut at `limit` spreads."""
        value = self._normal(0.0, 1.0)
        return mean + spread * max(-limit, min(limit, value))

    def chance(self, probability: float) -> bool:
        """Draws True with `probability`."""
        return self._uniform() < probability

    def integer(self, end: int) -> int:
        """Draws an integer from 0 to `end` - 1."""
        return int(self._uniform() * end)

    def choice(self, options):
        """Draws one of `options`, each as likely."""
        return options[int(self._uniform() * len(options))]

    def weighted(self, weights: dict):
        """Draws one of the keys of `weights`, which need not sum to one."""
        left = self._uniform() * sum(weights.values())
        for option, weight in weights.items():
            left -= weight
            if left < 0:
                return option
        return next(reversed(weights))
