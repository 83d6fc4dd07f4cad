"""Draws the few portraits of `dummy_data/` that the builder is tested with.

python -m datasets.tiny_portraits.dummy_data_generation
"""

import pathlib
import shutil
import tempfile

from . import facts
from . import testing
from .bad_items import BadItems
from .portrait_pack import PortraitPack
from .synthetic.pack import draw_pack

DUMMY_DATA = pathlib.Path(__file__).parent / "dummy_data"

# Of so many drawn portraits these are kept, to be small in the repository.
DRAWN = 20
KEPT = {"train": 2, "validation": 1, "test": 1}


def main() -> None:
    """Draws the pack anew; it holds what a `manual_dir` has to hold."""
    with tempfile.TemporaryDirectory() as folder:
        drawn = draw_pack(pathlib.Path(folder) / "pack", DRAWN, workers=1)
        pack = PortraitPack(drawn, BadItems())
        kept = []
        for split, count in KEPT.items():
            kept += pack.indices(split)[:count]
        rows = {}
        for index in kept:
            labels = pack.attributes[index].labels().values()
            rows[index] = tuple(
                label if isinstance(label, str) else facts.MISSING_LABEL
                for label in labels
            )
        images = {
            facts.IMAGE_NAME.format(index=index): content
            for index, content in pack.portraits(kept)
        }
    shutil.rmtree(DUMMY_DATA, ignore_errors=True)
    testing.write_pack(DUMMY_DATA, rows, images=images)


if __name__ == "__main__":
    main()
