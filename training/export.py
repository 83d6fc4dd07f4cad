"""Exports the model of a run as a bundle for TensorFlow Serving.

python -m training.export --run_dir runs/demo --output_dir exported_models
python -m training.export --run_dir runs/demo \
    --formats saved_model,litert,litert_int8,onnx,openvino
"""

import dataclasses

from .command import run
from .command import shown
from .command import start_tensorflow
from .predict import Predict


@dataclasses.dataclass(frozen=True)
class Export:
    """Writes OUTPUT_DIR/portrait_attributes/<next version>.

    Batch normalisation is folded into the convolutions and the weights are
    constants of the graph. The version is loaded as TensorFlow Serving does,
    compared with the model, and appears whole or not at all.
    """

    run_dir: str
    """Folder of the run, as training wrote it."""

    output_dir: str = "exported_models"
    """Folder of all exported models."""

    formats: str = "saved_model"
    """File formats with commas between: saved_model, litert, litert_dynamic,
    litert_int8, onnx, openvino. The first belongs to every bundle, named or
    not. Each of several is checked on the test split and measured; all but the
    first need the packages of requirements-formats.txt, or of the extra
    `formats`. Of several data sets all that are there are checked on and
    calibrated with; figures and framing are those of the first."""

    def execute(self) -> None:
        """Exports, and prints size, versions and the next command."""
        start_tensorflow()
        from tp_keras import export
        from tp_keras.export import formats
        from tp_keras.export import run_export
        from tp_keras.serving.server_files import describe_server_files

        bundle = run_export.export_run(
            self.run_dir,
            self.output_dir,
            formats=self.formats.split(","),
        )
        metadata = export.read_metadata(bundle)
        versions, checked = metadata["versions"].items(), metadata["checked"]
        print(
            f"Through TensorFlow's C API, {checked['portraits']} portraits "
            "differ from the model by at most "
            f"{checked['largest_difference']:.1e}."
        )
        print(f"Bundle: {bundle}")
        print(f"Size: {export.bundle_size(bundle) / 1e6:.2f} MB")
        print(f"Parameters: {metadata['parameters']:,}")
        print(f"Signatures: {', '.join(metadata['signatures'])}")
        print(f"Versions: {', '.join(f'{k} {v}' for k, v in versions)}")
        if "formats" in metadata:
            print(formats.describe_formats(metadata))
        print(describe_server_files(bundle.parents[1]))
        predict = Predict(str(bundle.parent), images=("FILE.png",))
        print(f"Next: {shown(predict)}")


if __name__ == "__main__":
    run(Export)
