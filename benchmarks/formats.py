"""Size, latency and accuracy of a trained run in every file format.

python -m benchmarks.formats --run_dir runs/demo

The files are those of `training.export --formats`, written to a temporary
folder: each in its own runtime, on one thread and on two, a request of each in
turn, and on the whole test split of the run's data.
"""

import dataclasses
import pathlib
import tempfile

from training.command import run
from training.command import start_tensorflow


@dataclasses.dataclass(frozen=True)
class Formats:
    """Prints a table of the formats and one of their accuracy by group."""

    run_dir: pathlib.Path = pathlib.Path("runs/demo")
    """Folder of a finished run."""

    seconds: float = 3.0
    """Time of each measurement of a file at a batch size."""

    def execute(self) -> None:
        """Exports, measures and prints the tables."""
        start_tensorflow()
        from tp_keras import export
        from tp_keras.export import formats
        from tp_keras.export import run_export
        from tp_keras.export.formats import measure
        from tp_keras.fresh_process import FreshProcess

        with tempfile.TemporaryDirectory() as folder:
            bundle = run_export.export_run(
                self.run_dir,
                folder,
                formats=formats.FORMATS,
                latency_seconds=self.seconds,
            )
            metadata = export.read_metadata(bundle)
            paths = {
                name: bundle / item.file
                for name, item in formats.FORMATS.items()
            }
            with FreshProcess() as process:
                on_two = process.call(
                    *(measure.measure_latencies, paths),
                    *(metadata["schema"]["image_shape"], self.seconds, 2),
                )
        model = metadata["settings"]["model"]["backbone"]
        print(
            f"\n{metadata['run']}: {model}, {metadata['parameters']:,} "
            "parameters."
        )
        print(formats.describe_formats(metadata))
        print("\nTwo threads, by the clock:\n")
        print(formats.latency_table(on_two))


if __name__ == "__main__":
    run(Formats)
