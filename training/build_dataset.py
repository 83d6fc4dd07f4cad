"""Builds the data set from the archives, or from synthetic portraits.

python -m training.build_dataset --manual_dir ~/tiny_portraits
python -m training.build_dataset --count 12000
"""

import dataclasses
import pathlib
from typing import Literal

from tp_keras.command_line import train_command
from tp_keras.config import DataConfig

from .command import data_set
from .command import run
from .command import start_tensorflow

start_tensorflow()  # TFDS imports it with the data set.

portraits_config = data_set("tiny_portraits.portraits_config")
BuildRecord = data_set("tiny_portraits.build_record").BuildRecord
prepare = data_set("tiny_portraits.prepare").prepare
format_summary = data_set("tiny_portraits.summary").format_summary


@dataclasses.dataclass(frozen=True, kw_only=True)
class BuildDataset:
    """Builds the data set Tiny Portraits, or reuses what is up to date."""

    manual_dir: pathlib.Path | None = None
    """Folder with Tiny_Portraits_Attributes.csv and the folder of ZIP
    archives or PNG images. Without it, synthetic portraits are drawn."""

    data_dir: pathlib.Path = pathlib.Path("data/tfds")
    """Where TFDS keeps its data sets."""

    count: int = portraits_config.SYNTHETIC.count
    """The number of synthetic portraits, up to 134734."""

    seed: int = 0
    """Seed of the synthetic portraits."""

    on_bad: Literal["raise", "skip"] = "raise"
    """At a row, image or archive that can't be used: raise stops and names it,
    skip leaves it out and lists it in skipped.csv."""

    missing: tuple[str, ...] = ()
    """What means n/a in the hair columns of the attribute file, beside n/a:
    '' NaN where pandas has written it."""

    overwrite: bool = False
    """Build again, whatever is there."""

    def execute(self) -> None:
        """Builds and says what is there now."""
        builder = prepare(
            self.manual_dir,
            self.data_dir,
            count=self.count,
            seed=self.seed,
            on_bad=self.on_bad,
            missing=self.missing,
            overwrite=self.overwrite,
        )
        folder = pathlib.Path(builder.data_path)
        name = f"{builder.name}/{builder.builder_config.name}"
        print(f"\n{name} is ready.")
        print(format_summary(BuildRecord.read(folder), folder))
        data = DataConfig(data_dir=str(self.data_dir), dataset=name)
        print(f"\nNext: {train_command(data)}")


if __name__ == "__main__":
    run(BuildDataset)
