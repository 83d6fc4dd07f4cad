"""Embeds a data set of any size, and counts, by a pipeline of Apache Beam.

python -m training.embed --run_dir runs/demo --output_dir embedding
"""

import dataclasses

from .beam_options import pipeline_errors_told
from .beam_options import read_beam_options
from .command import run
from .command import start_tensorflow


@dataclasses.dataclass(frozen=True)
class Embed:
    """Writes what a run sees in each portrait, and figures that add up.

    Into OUTPUT_DIR go features and image indices as numbered arrays, and as
    CSV files the labels, answers against labels, and brightness, by split and
    group. No process holds more than a part of the pixels.
    """

    run_dir: str
    """Folder of the run, as training wrote it."""

    data_dir: str | None = None
    """Folder of the prepared data sets. Default: that of the run."""

    dataset: str | None = None
    """Data set to embed. Default: the first that the run was trained on."""

    splits: tuple[str, ...] = ()
    """Splits to embed, or slices such as 'train[:1000]'. Default: all."""

    output_dir: str = "embedding"
    """Folder to write, new or that of an earlier embedding."""

    beam_options: tuple[str, ...] = ("runner=FnApiRunner",)
    """Options of Apache Beam; docs/scale.md tells more. Default: one process
    here."""

    def execute(self) -> None:
        """Embeds, and prints what lies where."""
        options = read_beam_options(self.beam_options)
        start_tensorflow()
        from tp_keras.pipelines.embed import embed_data_set

        settings = vars(self) | {"beam_options": options}
        with pipeline_errors_told(self.beam_options):
            facts = embed_data_set(**settings)
        counts = [f"{name} {n:,}" for name, n in facts["count"].items()]
        print(f"\n{facts['dataset']}: {', '.join(counts)}")
        print(f"{facts['size']} features each, in {facts['parts']} parts")
        print(f"Arrays and tables: {self.output_dir}")


if __name__ == "__main__":
    run(Embed)
