"""Generates portraits with the attributes that are asked for.

python -m training.generate --run_dir runs/vae --gender female \
    --hair_color blond --hair_type wavy --count 64 --temperature 0.8 \
    --seed 7 --output out.png
python -m training.generate --bundle exported_models/portrait_vae \
    --cells level --count 2000 --output_pack data/generated
"""

import dataclasses
import pathlib
from typing import Literal

from tp_keras.command_line import command_line
from tp_keras.errors import UserError
from tp_keras.tasks import complete_labels

from .command import run
from .command import start_tensorflow


@dataclasses.dataclass(frozen=True)
class Generate:
    """Draws a sheet of new portraits, or writes them as files or as a pack.

    An attribute that is not given is unknown: the model chooses. The same
    seed gives the same portraits, from the run and from its bundle.
    """

    run_dir: str | None = None
    """Folder of the run whose model generates."""

    bundle: str | None = None
    """Instead of a run: folder of a bundle, or of its versions."""

    gender: str | None = None
    """female or male."""

    hair_color: str | None = None
    """black, brown, blond, gray or bald."""

    hair_type: str | None = None
    """straight, wavy or bald."""

    count: int = 64
    """How many portraits."""

    temperature: float = 1.0
    """How various: 1 is as various as the portraits that were learned from,
    less is plainer and safer; above 0."""

    seed: int = 0
    """Settles every portrait."""

    cells: Literal["natural", "balanced", "level"] | None = None
    """Share the portraits out among the combinations of attributes that were
    learned from: natural keeps their shares, balanced makes them equal, level
    fills up the rare ones. Attributes that are given restrict them."""

    output: str | None = None
    """A PNG file for a sheet, or a folder for single PNG files."""

    output_pack: str | None = None
    """Instead: a folder for archives and attribute file in the data set's own
    format, which training.build_dataset reads. Without an attribute given or
    --cells, cells are natural."""

    extends: str | None = None
    """With --output_pack: folder of a pack whose portraits shall be in the
    new one, too."""

    def execute(self) -> None:
        """Generates, and says what lies where."""
        given = self._check()
        output = pathlib.Path(self.output or self.output_pack).expanduser()
        is_sheet = self.output is not None and output.suffix.lower() == ".png"
        from tp_keras.generator.drawing.output import written_aside

        with written_aside(output, folder=not is_sheet) as aside:
            start_tensorflow()
            from tp_keras.generator.export.keyed_noise import row_seeds

            seeds = row_seeds(self.seed, self.count)
            generator = open_generator(self.run_dir, self.bundle)
            labels = self._labels(given, generator.metadata)
            if self.output_pack is not None:
                self._write_pack(generator, labels, seeds, aside)
            elif is_sheet:
                self._write_sheet(generator, labels, seeds, aside)
            else:
                self._write_files(generator, labels, seeds, aside)
        print(f"{self.count:,} portraits: {output}")
        print(learned_from(generator.metadata))
        if self.output_pack is not None:
            # As text: the module of that command starts TFDS.
            build = command_line(
                "training.build_dataset", manual_dir=output, data_dir="FOLDER"
            )
            print(f"Next: {build}")

    def _check(self) -> dict[str, str]:
        """Refuses what needs no model to be refused; returns the labels."""
        from tp_keras.generator.drawing.pack import check_capacity
        from tp_keras.generator.drawing.sheet import check_sheet

        check_model(self.run_dir, self.bundle)
        if (self.output is None) == (self.output_pack is None):
            raise UserError(
                "Expected either --output or --output_pack. Received: "
                f"output={self.output}, output_pack={self.output_pack}"
            )
        if self.extends is not None and self.output_pack is None:
            raise UserError(
                "Only a pack extends another. Expected --output_pack. "
                f"Received: extends={self.extends}, output={self.output}"
            )
        if self.count < 1:
            raise UserError(
                f"Expected one or more portraits. Received: count={self.count}"
            )
        check_temperature(self.temperature)
        if self.output_pack is not None:
            check_capacity(self.count)
        elif (suffix := pathlib.Path(self.output).suffix.lower()) == ".png":
            check_sheet(self.count)
        elif suffix:
            raise UserError(
                "Expected the name of a PNG file, or of a folder. "
                f"Received: output={self.output}"
            )
        return complete_labels(
            {
                "gender": self.gender,
                "hair_color": self.hair_color,
                "hair_type": self.hair_type,
            }
        )

    def _labels(self, given, metadata):
        from tp_keras.generator.drawing import cells as cells_lib

        cells = self.cells
        if (
            cells is None
            and self.output_pack
            and not (self.gender or self.hair_color or self.hair_type)
        ):
            cells = "natural"
        if cells is None:
            labels = cells_lib.same_labels(given, self.count)
        else:
            labels = cells_lib.choose_labels(
                given,
                self.count,
                cells,
                metadata.get("label_counts"),
                self.seed,
            )
        if self.output_pack is not None:
            cells_lib.require_gender(labels)
        return labels

    def _write_sheet(self, generator, labels, seeds, aside):
        import numpy as np

        from tp_keras.generator.drawing.rows import iterate_portraits
        from tp_keras.generator.drawing.sheet import describe_labels
        from tp_keras.generator.drawing.sheet import draw_sheet

        parts = iterate_portraits(
            generator.generate, labels, seeds, self.temperature
        )
        images = np.concatenate([images for _, images in parts])
        title = (
            f"{self.cells} cells" if self.cells else describe_labels(labels, 0)
        )
        title += f"; temperature {self.temperature:g}, seed {self.seed}"
        draw_sheet(images, title).save(aside, "PNG")

    def _write_files(self, generator, labels, seeds, aside):
        from tp_keras.generator.drawing.files import FileWriter
        from tp_keras.generator.drawing.rows import iterate_portraits

        with FileWriter(aside, self.temperature) as files:
            for rows, images in iterate_portraits(
                generator.generate, labels, seeds, self.temperature
            ):
                part = {name: names[rows] for name, names in labels.items()}
                files.add(images, part, seeds[rows])

    def _write_pack(self, generator, labels, seeds, aside):
        from tp_keras.generator.drawing.pack import PackWriter
        from tp_keras.generator.drawing.rows import iterate_portraits

        with PackWriter(aside, self.extends) as pack:
            for rows, images in iterate_portraits(
                generator.generate, labels, seeds, self.temperature
            ):
                part = {name: names[rows] for name, names in labels.items()}
                pack.add(images, part)


def open_generator(run_dir: str | None, bundle: str | None):
    """Returns the `PortraitGenerator` of a run or of a bundle."""
    if bundle is not None:
        from tp_keras.serving import PortraitGenerator

        return PortraitGenerator.load(bundle)
    from tp_keras.generator.export.run_vae_export import run_generator

    return run_generator(run_dir)


def check_model(run_dir, bundle) -> None:
    """Raises unless one of the two is given."""
    if (run_dir is None) == (bundle is None):
        raise UserError(
            "Expected either --run_dir or --bundle. "
            f"Received: run_dir={run_dir}, bundle={bundle}"
        )


def check_picture(run_dir, bundle, output, suffixes) -> None:
    """Raises unless one model and the name of a picture are given."""
    check_model(run_dir, bundle)
    if pathlib.Path(output).suffix.lower() not in suffixes:
        raise UserError(
            f"Expected the name of a file that ends with "
            f"{' or '.join(suffixes)}. Received: output={output}"
        )


def check_temperature(temperature: float) -> None:
    """Raises unless a temperature is above 0 and finite."""
    if not 0 < temperature < float("inf"):
        raise UserError(
            "Expected a temperature above 0, such as 0.8. "
            f"Received: temperature={temperature}"
        )


def learned_from(metadata: dict) -> str:
    """Returns what is to be kept in mind about pictures of a model."""
    dataset = metadata.get("settings", {}).get("data", {}).get("dataset")
    return (
        f"The model learned from {dataset}. Where its portraits are real, "
        "what it makes must not leave this machine."
    )


if __name__ == "__main__":
    run(Generate)
