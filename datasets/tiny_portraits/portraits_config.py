"""The variants of the data set."""

import dataclasses

import tensorflow_datasets as tfds

from . import facts
from .errors import DatasetInputError


@dataclasses.dataclass(eq=False, kw_only=True)
class PortraitsConfig(tfds.core.BuilderConfig):
    """A variant of the data set.

    Attributes:
        count: How many synthetic portraits are drawn; None reads the archives
            of the `manual_dir` instead.
        seed: Seed of the drawing.
    """

    count: int | None = None
    seed: int = 0

    @property
    def is_synthetic(self) -> bool:
        """Whether the portraits are drawn."""
        return self.count is not None


ARCHIVES = PortraitsConfig(
    name="archives",
    description="The portraits of the archives in `manual_dir`.",
)
SYNTHETIC = PortraitsConfig(
    name="synthetic",
    count=12_000,
    description="12,000 drawn portraits.",
)
SYNTHETIC_TINY = PortraitsConfig(
    name="synthetic_tiny",
    count=400,
    description="400 drawn portraits, for tests.",
)
SYNTHETIC_FULL = PortraitsConfig(
    name="synthetic_full",
    count=facts.FULL_COUNT,
    description="As many drawn portraits as the archives hold.",
)

CONFIGS = (SYNTHETIC, SYNTHETIC_TINY, SYNTHETIC_FULL, ARCHIVES)


def synthetic_config(count: int, seed: int = 0) -> PortraitsConfig:
    """Returns the variant of `count` drawn portraits.

    Args:
        count: The number of portraits, at most that of the archives.
        seed: Seed of the drawing.

    Returns:
        One of the named variants if it fits, or a variant that is named after
        count and seed, such as `synthetic_500_seed7`.

    Raises:
        DatasetInputError: If there can't be so many portraits.
    """
    if not 1 <= count <= facts.FULL_COUNT:
        raise DatasetInputError(
            "The number of synthetic portraits lies between 1 and "
            f"{facts.FULL_COUNT:,}. Received: count={count}"
        )
    if seed < 0:
        raise DatasetInputError(
            f"A seed is not negative. Received: seed={seed}"
        )
    for config in CONFIGS:
        if (config.count, config.seed) == (count, seed):
            return config
    name = f"synthetic_{count}" + (f"_seed{seed}" if seed else "")
    return PortraitsConfig(
        name=name,
        count=count,
        seed=seed,
        description=f"{count:,} drawn portraits, seed {seed}.",
    )
