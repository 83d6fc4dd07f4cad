"""Synthetic portraits, drawn as the files that a data set is built from."""

import functools
import hashlib
import json
import os
import pathlib
import shutil
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import checksums
from .drawing.folder import draw_folder
from .drawing.folder import draw_in_order
from .variants import FaceConfig


class DrawnPack:
    """What a builder draws whose `VARIANTS` have counts.

    Such a one has `describe_pack`, `write_pack`, `draw_samples` and
    `draw_regions` of its own.
    """

    @classmethod
    def describe_pack(cls, count: int, seed: int) -> dict[str, Any]:
        """Describes all that a drawn pack depends on."""
        raise NotImplementedError

    @classmethod
    def write_pack(
        cls,
        folder: pathlib.Path,
        count: int,
        seed: int,
        draw_in_order: Callable,
    ) -> None:
        """Draws the files of a pack into a folder.

        Args:
            folder: An empty folder.
            count: The number of portraits.
            seed: Settles every byte.
            draw_in_order: The function of that name, of what draws some of the
                items, and the items.
        """
        raise NotImplementedError

    @classmethod
    def draw_pack(
        cls,
        output_dir: str | os.PathLike,
        count: int,
        seed: int = 0,
        *,
        workers: int | None = None,
        progress: bool = True,
    ) -> pathlib.Path:
        """Draws synthetic portraits as files that can be a `manual_dir`.

        Args:
            output_dir: Their folder; one that holds just these is left.
            count: The number of portraits.
            seed: Settles every byte, on any number of workers.
            workers: The number of processes; None takes one per processor.
            progress: Whether a progress bar is shown.

        Returns:
            `output_dir` as a path.

        Raises:
            DatasetInputError: If a number is out of range, or the folder holds
                something else.
        """
        cls.VARIANTS.find(count=count, seed=seed)
        draw = functools.partial(
            draw_in_order, workers=workers, progress=progress
        )
        return draw_folder(
            output_dir,
            cls.describe_pack(count, seed),
            lambda folder: cls.write_pack(folder, count, seed, draw),
        )

    @classmethod
    def draw_samples(cls, count: int, seed: int = 0) -> list[np.ndarray]:
        """Draws a few synthetic portraits, uint8 [height, width, 3] each."""
        raise NotImplementedError

    @classmethod
    def draw_regions(
        cls, config: FaceConfig, indices: Sequence[int]
    ) -> dict[str, np.ndarray]:
        """Draws where the regions of synthetic portraits are; see `Regions`.

        Args:
            config: The variant that they are of.
            indices: Their `image_index`.

        Returns:
            Name -> float32 [count, height, width].
        """
        raise NotImplementedError

    def _draw(self, download_dir: pathlib.Path) -> pathlib.Path:
        """Draws the pack of a synthetic variant, unless it is there already."""
        count, seed = self.builder_config.count, self.builder_config.seed
        settings = json.dumps(self.describe_pack(count, seed)).encode()
        digest = hashlib.sha256(settings).hexdigest()
        folder = download_dir / self.name
        name = f"synthetic_{count}_seed{seed}"
        pack_dir = folder / f"{name}-{digest[:8]}"
        # What another version of the generator has drawn would stay for ever.
        for outdated in folder.glob(f"{name}-*"):
            if outdated != pack_dir:
                shutil.rmtree(outdated)
        if checksums.find_damage(pack_dir):
            shutil.rmtree(pack_dir)
        self.draw_pack(pack_dir, count, seed)
        if not (pack_dir / checksums.CHECKSUMS_NAME).exists():
            checksums.write_checksums(pack_dir)
        return pack_dir
