"""Exports the model of a run as a bundle that makes portraits.

python -m training.export_vae --run_dir runs/vae --output_dir exported_models
"""

import dataclasses

from .command import run
from .command import shown
from .command import start_tensorflow
from .generate import Generate


@dataclasses.dataclass(frozen=True)
class ExportVae:
    """Writes OUTPUT_DIR/portrait_vae/<next version>.

    The weights are constants of the graph, and noise comes from the seed of
    each row. The version appears whole or not at all.
    """

    run_dir: str
    """Folder of the run, as training wrote it."""

    output_dir: str = "exported_models"
    """Folder of all exported models."""

    check: bool = True
    """Before publishing, load the bundle as TensorFlow Serving does and
    compare the answers of every signature with the model's."""

    def execute(self) -> None:
        """Exports, and prints size, versions and the next command."""
        start_tensorflow()
        from tp_keras import export
        from tp_keras.generator.export.bundle import export_vae_run
        from tp_keras.serving.check import check_content
        from tp_keras.serving.check import describe_differences
        from tp_keras.serving.server_files import describe_server_files

        def check(folder):
            found = check_content(folder).require().differences
            print(f"Checked: {describe_differences(found)}")

        bundle = export_vae_run(
            self.run_dir, self.output_dir, check=check if self.check else None
        )
        metadata = export.read_metadata(bundle)
        versions = metadata["versions"].items()
        print(f"Bundle: {bundle}")
        print(f"Size: {export.bundle_size(bundle) / 1e6:.2f} MB")
        print(f"Parameters: {metadata['parameters']:,}")
        print(f"Prior: {metadata['prior']}")
        print(f"Signatures: {', '.join(metadata['signatures'])}")
        print(f"Versions: {', '.join(f'{k} {v}' for k, v in versions)}")
        print(describe_server_files(bundle.parents[1]))
        sheet = Generate(bundle=str(bundle.parent), output="portraits.png")
        print(f"Next: {shown(sheet)}")


if __name__ == "__main__":
    run(ExportVae)
