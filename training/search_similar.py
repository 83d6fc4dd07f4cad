"""Searches a data set for the portraits most similar to an image.

python -m training.search_similar --run_dir runs/demo --image photo.jpg --k 20
python -m training.search_similar --by hair_color --image photo.jpg \
    --bundle exported_models/portrait_attributes
"""

import dataclasses
import functools
import pathlib

from tp_keras.errors import UserError

from .command import run
from .command import start_tensorflow


@dataclasses.dataclass(frozen=True)
class SearchSimilar:
    """Prints the portraits that are most similar, and draws them.

    Portraits are compared by the embedding of a run or of an exported bundle,
    not by their labels. The picture shows portraits of the data set: where
    these are of people, it must not leave this machine.
    """

    image: str
    """Image file of any size. It is turned as its EXIF data say, cropped at
    its centre and resized, as by the served model."""

    run_dir: str | None = None
    """Folder of the run whose model compares."""

    bundle: str | None = None
    """Instead of a run: folder of a bundle, or of its versions."""

    k: int = 20
    """How many portraits to find."""

    by: str = "all"
    """What to compare: a guarded task of the model, or all of them."""

    dataset: str | None = None
    """Data set to search. Default: the one the model was trained on, of several
    the first."""

    split: str = "test"
    """Split to search, or a slice of one such as 'test[:100]'."""

    data_dir: str | None = None
    """Folder of the prepared data sets. Default: that of the run, or
    data/tfds."""

    output: str | None = None
    """PNG file to write. Default: IMAGE-BY.png in RUN_DIR/similar, or in
    runs/similar with a bundle; after BY the data and the split, where it is
    not the test split that belongs to the training."""

    def execute(self) -> None:
        """Searches, prints the table and writes the picture."""
        self._check()
        start_tensorflow()
        from tp_keras.data import source
        from tp_keras.evaluation import places
        from tp_keras.evaluation import similar
        from tp_keras.serving import read_portrait

        embed, schema, guarded, data, fingerprints = self._model()
        similar.compared_tasks(guarded, self.by)
        query = read_portrait(self.image, schema.image_shape)
        load = functools.partial(
            source.load_portraits,
            self.data_dir or data.data_dir,
            self.dataset or data.dataset,
            storage=data.storage,
        )
        portraits = load(self.split)
        found = similar.find_similar(
            query, portraits, embed, guarded, self.k, self.by
        )
        output = self.output
        if output is None:
            folder = pathlib.Path(self.run_dir or "runs") / "similar"
            name = places.name_of_portraits(
                folder / self.split, portraits, data, fingerprints, load
            )
            suffix = "" if name == "test" else f"-{name}"
            stem = pathlib.Path(self.image).stem
            output = folder / f"{stem}-{self.by}{suffix}.png"
        similar.write_picture(output, found)
        print(similar.format_table(found))
        print(f"\nPicture: {output}")
        if portraits.schema.shows_people:
            print("It shows people. It must not leave this machine.")

    def _check(self) -> None:
        """Refuses what needs no model to be refused."""
        if (self.run_dir is None) == (self.bundle is None):
            raise UserError(
                "Expected either --run_dir or --bundle. "
                f"Received: run_dir={self.run_dir}, bundle={self.bundle}"
            )
        if self.k < 1:
            raise UserError(
                f"Expected one or more portraits to find. Received: k={self.k}"
            )
        if self.output is None:
            return
        output = pathlib.Path(self.output)
        if output.suffix.lower() != ".png" or output.is_dir():
            raise UserError(
                "Expected the name of a PNG file for the picture. "
                f"Received: output={self.output}"
            )

    def _model(self):
        """Returns embedding function, schema, guarded tasks, data, hashes."""
        from tp_keras.config import DataConfig
        from tp_keras.evaluation import similar
        from tp_keras.runs.run_folder import RunFolder
        from tp_keras.serving import Predictor

        if self.run_dir is not None:
            folder = RunFolder(self.run_dir).require()
            model = folder.load_model()
            embed = similar.model_embedder(model)
            data = folder.config.data.first
            fingerprints = folder.facts.get("fingerprints", {})
        else:
            model = Predictor(self.bundle)
            embed = model.embed
            facts = model.metadata
            told = facts.get("settings", {}).get("data", {})
            name = told.get("dataset", DataConfig.dataset)
            data = DataConfig(dataset=name).first
            fingerprints = facts.get("data_fingerprints", {})
        guarded = [
            task.name
            for task in model.tasks
            if task.name in model.schema.guarded
        ]
        return embed, model.schema, guarded, data, fingerprints


if __name__ == "__main__":
    run(SearchSimilar)
