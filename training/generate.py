"""Generates portraits with the labels that are asked for.

python -m training.generate --run_dir runs/vae --count 64 --temperature 0.8 \
    --labels gender=female hair_color=blond --seed 7 --output out.png
python -m training.generate --bundle exported_models/portrait_vae \
    --cells level --count 2000 --extends data/pack --index_end 162770 \
    --output data/extended
python -m training.generate --run_dir runs/vae --turing which.png
"""

import dataclasses
import pathlib
import sys
from typing import Literal

from tp_keras.command_line import command_line
from tp_keras.errors import UserError

from .command import run
from .command import start_tensorflow


@dataclasses.dataclass(frozen=True)
class Generate:
    """Draws a sheet of new portraits, or writes them as files or into a pack.

    With --turing they are hidden among real ones. The same seed gives the same
    portraits, from the run and from its bundle.
    """

    run_dir: str | None = None
    """Folder of the run whose model generates."""

    bundle: str | None = None
    """Instead of a run: folder of a bundle, or of its versions."""

    output: str = "portraits.png"
    """A PNG file for a sheet, or a folder for single PNG files or a pack."""

    labels: tuple[str, ...] = ()
    """What the portraits shall show, such as gender=female hair_color=blond; a
    label that is not given is unknown: the model chooses."""

    count: int | None = None
    """How many portraits. Default: 64; with --turing 100, half of them real."""

    temperature: float = 1.0
    """How various: 1 is as various as the portraits that were learned from,
    less is plainer and safer; above 0."""

    seed: int = 0
    """Settles every portrait."""

    cells: Literal["natural", "balanced", "level"] | None = None
    """Share the portraits out among the combinations of labels that were
    learned from: natural keeps their shares, balanced makes them equal, level
    fills up the rare ones. Labels that are given restrict them."""

    extends: str | None = None
    """Folder of a pack (a CSV file and a folder of ZIP archives): the output
    is a pack of the same format with its portraits and the generated ones,
    which training.build_dataset reads. Without --labels and --cells, cells are
    natural."""

    index_end: int = 0
    """With --extends: image indices of generated portraits stay below it, as
    those from it on are validated and tested on (162770 of Tiny Portraits)."""

    turing: str | None = None
    """A PNG file instead of the output: a numbered sheet of generated portraits
    and of as many real test portraits of the run's data set, of the same
    labels and shuffled. The key lies beside it, FILE.key.csv."""

    marks: str | None = None
    """With --turing, a sheet that is there: a text file of the numbers in it
    that somebody took for real, one a line. Counts how many of either kind
    they are, and draws nothing."""

    @property
    def _number(self) -> int:
        if self.count is None:
            return 100 if self.turing else 64
        return self.count

    def execute(self) -> None:
        """Generates, and says what lies where."""
        if self.turing or self.marks:
            self._hide_among_real()
            return
        self._check()
        output = pathlib.Path(self.output).expanduser()
        is_sheet = output.suffix.lower() == ".png"
        from tp_keras.generator.drawing.output import written_aside

        with written_aside(output, folder=not is_sheet) as aside:
            start_tensorflow()
            from tp_keras.generator.export.keyed_noise import row_seeds

            seeds = row_seeds(self.seed, self._number)
            generator = open_generator(self.run_dir, self.bundle)
            labels = self._labels(generator)
            write = self._write_sheet if is_sheet else self._write_folder
            write(generator, labels, seeds, aside)
        print(f"{self._number:,} portraits: {output}")
        print(learned_from(generator))
        if self.extends:
            # As text: the module of that command starts TFDS.
            build = command_line(
                "training.build_dataset", manual_dir=output, data_dir="FOLDER"
            )
            print(f"Next: {build}")

    def _hide_among_real(self) -> None:
        """Draws the sheet of --turing, or counts the marks on it."""
        if not self.turing or not self.turing.lower().endswith(".png"):
            raise UserError(
                "Expected the name of a PNG file. "
                f"Received: turing={self.turing}"
            )
        sheet = pathlib.Path(self.turing).expanduser()
        if self.marks:
            start_tensorflow()
            from tp_keras.generator.evaluation import turing

            marks = pathlib.Path(self.marks).expanduser()
            counts = turing.count_marks(sheet, marks)
            print(turing.describe_marks(counts))
            return
        given = [
            name
            for name in ("bundle", "labels", "cells", "extends")
            if getattr(self, name)
        ]
        if given or not self.run_dir:
            raise UserError(
                "Real portraits are those of a run's data, and generated ones "
                "get their labels. Expected --run_dir with --turing, and none "
                f"of {', '.join(given) or '--bundle'}. "
                f"Received: run_dir={self.run_dir}"
            )
        self._check()
        start_tensorflow()
        from tp_keras.generator.evaluation import turing
        from tp_keras.generator.training.folder import VaeRunFolder

        run = VaeRunFolder(self.run_dir).require()
        schema = turing.draw_turing(
            run, sheet, self._number, self.seed, self.temperature
        )
        print(f"{self._number:,} portraits: {sheet}")
        print(f"The key, not to be looked at: {turing.key_path(sheet)}")
        counted = command_line(
            "training.generate", turing=sheet, marks="FILE.txt"
        )
        print(
            "To mark: write the numbers that you take for real into a file, "
            f"one a line, and count them with `{counted}`."
        )
        print(_kept_here(run.config.data.dataset, schema))

    def _check(self) -> None:
        """Refuses what needs no model to be refused."""
        from tp_keras.records.sheet import check_sheet

        check_model(self.run_dir, self.bundle)
        check_temperature(self.temperature)
        if self._number < 1:
            raise UserError(
                "Expected one or more portraits. "
                f"Received: count={self._number}"
            )
        suffix = pathlib.Path(self.output).suffix.lower()
        if suffix == ".png":
            check_sheet(self._number)
        elif suffix:
            raise UserError(
                "Expected the name of a PNG file, or of a folder. "
                f"Received: output={self.output}"
            )
        if self.extends and (suffix or self.index_end < 1):
            raise UserError(
                "A pack is a folder, and its generated portraits have indices "
                "that are trained on. Expected --output FOLDER and --index_end "
                f"with --extends. Received: output={self.output}, "
                f"index_end={self.index_end}"
            )

    def _labels(self, generator):
        from tp_keras.generator.drawing import labels

        given = labels.parse_labels(self.labels, generator.schema)
        wanted = generator.schema.complete_labels(given)
        counts = generator.metadata.get("label_counts")
        cells = self.cells
        if cells is None and self.extends and not given:
            cells = "natural"
        unseen = counts and not labels.matching_cells(wanted, counts)
        if cells is None and unseen:
            print(
                "Warning: none of the portraits that the model learned from "
                "has these labels together, so what it draws is a guess. "
                f"Received: labels={' '.join(self.labels)}",
                file=sys.stderr,
            )
        return labels.choose_labels(
            wanted, self._number, cells, counts, self.seed
        )

    def _write_sheet(self, generator, labels, seeds, aside):
        import numpy as np

        from tp_keras.generator.drawing.labels import describe_labels
        from tp_keras.generator.drawing.pack import iterate_portraits
        from tp_keras.records.sheet import draw_sheet

        parts = iterate_portraits(
            generator.generate, labels, seeds, self.temperature
        )
        images = np.concatenate([images for images, *_ in parts])
        title = f"{self.cells} cells"
        if not self.cells:
            title = describe_labels({n: own[0] for n, own in labels.items()})
        title += f"; temperature {self.temperature:g}, seed {self.seed}"
        draw_sheet(images, title).save(aside, "PNG")

    def _write_folder(self, generator, labels, seeds, aside):
        from tp_keras.generator.drawing import pack

        writer = pack.FileWriter(aside, self.temperature)
        if self.extends:
            writer = pack.PackWriter(
                aside, self.extends, generator.schema, self.index_end
            )
            writer.require(labels)
        with writer:
            for part in pack.iterate_portraits(
                generator.generate, labels, seeds, self.temperature
            ):
                writer.add(*part)


def open_generator(run_dir: str | None, bundle: str | None):
    """Returns the `PortraitGenerator` of a run or of a bundle."""
    if bundle is not None:
        from tp_keras.serving import PortraitGenerator

        return PortraitGenerator.load(bundle)
    from tp_keras.generator.export.bundle import run_generator

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


def learned_from(generator) -> str:
    """Returns what is to be kept in mind about pictures of a generator."""
    settings = generator.metadata.get("settings", {})
    return _kept_here(settings.get("data", {}).get("dataset"), generator.schema)


def _kept_here(dataset, schema):
    text = f"The model learned from {dataset}."
    if schema.shows_people:
        text += (
            " Its portraits show people: what it makes must not leave this "
            "machine."
        )
    return text


if __name__ == "__main__":
    run(Generate)
