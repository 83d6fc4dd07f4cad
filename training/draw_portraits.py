"""Draws a pack of synthetic portraits.

python -m training.draw_portraits --output_dir data/synthetic --count 10000
python -m training.draw_portraits --mosaic docs/synthetic_portraits.png
"""

import dataclasses
import pathlib

from .command import data_set
from .command import run

draw_mosaic = data_set("tiny_portraits.synthetic.mosaic").draw_mosaic
draw_pack = data_set("tiny_portraits.synthetic.pack").draw_pack


@dataclasses.dataclass(frozen=True)
class DrawPortraits:
    """Draws synthetic portraits in the exact format of Tiny Portraits."""

    output_dir: pathlib.Path = pathlib.Path("data/synthetic_pack")
    """The folder that holds the attribute file and the archives."""
    count: int = 10_000
    """The number of portraits, up to 134,734."""
    seed: int = 0
    """Settles every portrait and every label."""
    workers: int | None = None
    """The number of processes; by default one per processor."""
    mosaic: pathlib.Path | None = None
    """Draw no pack but a mosaic of portraits, into this PNG file."""

    def execute(self) -> None:
        """Draws the pack, or the mosaic."""
        if self.mosaic:
            draw_mosaic(self.mosaic, self.seed)
            print(f"A mosaic lies in {self.mosaic}.")
            return
        draw_pack(self.output_dir, self.count, self.seed, workers=self.workers)
        print(f"{self.count} portraits lie in {self.output_dir}.")


if __name__ == "__main__":
    run(DrawPortraits)
