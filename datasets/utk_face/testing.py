"""Makes pictures for tests, named as those of UTKFace."""

from ..building.testing import make_picture

NAME = "{}_{}_{}_{:017d}.jpg.chip.jpg".format


def make_pictures(count: int) -> dict[str, bytes]:
    """Returns pictures by name, with all labels in turn."""
    return {
        NAME(seed % 117, seed % 2, seed % 5, seed): make_picture(seed)
        for seed in range(count)
    }
