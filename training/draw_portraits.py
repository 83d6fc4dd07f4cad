"""Draws a pack of synthetic portraits.

python -m training.draw_portraits --output_dir data/synthetic --count 10000
python -m training.draw_portraits --mosaic docs/synthetic_portraits.png
"""

import dataclasses
import pathlib

from .command import data_set
from .command import run

_MOSAIC = 40


@dataclasses.dataclass(frozen=True)
class DrawPortraits:
    """Draws synthetic portraits in the exact format of a data set."""

    dataset: str = "tiny_portraits"
    """Name of a folder in datasets/."""
    output_dir: pathlib.Path = pathlib.Path("data/synthetic_pack")
    """The folder that holds the files, as a manual_dir does."""
    count: int = 10_000
    """The number of portraits, up to that of the real ones."""
    seed: int = 0
    """Settles every portrait and every label."""
    workers: int | None = None
    """The number of processes; by default one per processor."""
    mosaic: pathlib.Path | None = None
    """Draw no pack but a mosaic of portraits, into this PNG file."""

    def execute(self) -> None:
        """Draws the pack, or the mosaic."""
        prepare = data_set("building.prepare")
        builder = prepare.find_builder_class(self.dataset)
        if self.mosaic:
            portraits = builder.draw_samples(_MOSAIC, self.seed)
            mosaic = data_set("building.drawing.mosaic")
            mosaic.save_mosaic(self.mosaic, portraits)
            print(f"A mosaic lies in {self.mosaic}.")
            return
        builder.draw_pack(
            self.output_dir, self.count, self.seed, workers=self.workers
        )
        print(f"{self.count} portraits lie in {self.output_dir}.")


if __name__ == "__main__":
    run(DrawPortraits)
