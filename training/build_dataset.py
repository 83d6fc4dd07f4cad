"""Builds a data set from its archives, or from synthetic portraits.

python -m training.build_dataset --manual_dir ~/tiny_portraits
python -m training.build_dataset --count 12000
python -m training.build_dataset --dataset utk_face --image_size 128x128
"""

import dataclasses
import pathlib
from typing import Literal

from tp_keras.command_line import train_command
from tp_keras.config import DataConfig

from .beam_options import pipeline_errors_told
from .beam_options import read_beam_options
from .command import data_set
from .command import run
from .command import start_tensorflow
from .configs import experiment_of


@dataclasses.dataclass(frozen=True, kw_only=True)
class BuildDataset:
    """Builds a data set, or reuses what is up to date.

    Flags that a data set doesn't have are refused.
    """

    dataset: str = "tiny_portraits"
    """Name of a folder in datasets/, or with it that of a variant, such as
    tiny_portraits/synthetic_500_seed7 or utk_face/128x128."""

    manual_dir: pathlib.Path | None = None
    """Folder with the archives or images, as the README of the data set says.
    Without it, synthetic portraits are drawn."""

    data_dir: pathlib.Path = pathlib.Path("data/tfds")
    """Where TFDS keeps its data sets."""

    count: int | None = None
    """The number of synthetic portraits."""

    seed: int | None = None
    """Seed of the synthetic portraits, 0 by default."""

    image_size: str | None = None
    """Height and width of the portraits, such as 108x84."""

    on_bad: Literal["raise", "skip"] = "raise"
    """At a row, image or archive that can't be used: raise stops and names it,
    skip leaves it out and lists it in skipped.csv."""

    missing: tuple[str, ...] | None = None
    """What means n/a in the hair columns of the attribute file, beside n/a:
    '' NaN where pandas has written it."""

    folder: str | None = None
    """Which folder of pictures is meant, where an archive has several."""

    overwrite: bool = False
    """Build again, whatever is there."""

    verify: bool = False
    """Read every file of what is there, to see damage that has changed neither
    size nor time of a large file. Pixels that were decoded to disk are checked
    when they are next used."""

    beam_options: tuple[str, ...] = ()
    """Build by a pipeline of Apache Beam with these options, such as
    runner=FlinkRunner flink_master=HOST:PORT; docs/scale.md tells more.
    Default: by the processors here."""

    def execute(self) -> None:
        """Builds and says what is there now."""
        beam_options = read_beam_options(self.beam_options)
        start_tensorflow()  # TFDS imports it with the data set.
        from tp_keras.data.decoded_file import doubt_files

        flags = {k: v for k, v in vars(self).items() if v is not None}
        flags["beam_options"] = beam_options
        with pipeline_errors_told(self.beam_options):
            builder = data_set("building.prepare").prepare(**flags)
        record = data_set("building.build_record").BuildRecord
        summary = data_set("building.summary")
        folder = pathlib.Path(builder.data_path)
        if self.verify:
            doubt_files(folder / "decoded")
        name = f"{builder.name}/{builder.builder_config.name}"
        print(f"\n{name} is ready.")
        print(summary.format_summary(record.read(folder), folder))
        data = DataConfig(data_dir=str(self.data_dir), dataset=name)
        print(f"\nNext: {train_command(data, experiment_of(name))}")


if __name__ == "__main__":
    run(BuildDataset)
