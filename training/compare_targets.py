"""Measures how a number and attributes are best learned from pictures.

python -m training.compare_targets --task popularity

The same command goes on after a stop.
"""

import dataclasses
import pathlib

from tp_keras.config import check_range
from tp_keras.errors import UserError

from .command import kept
from .command import run
from .command import start_tensorflow
from .configs import find_experiment

_QUESTIONS = ("together", "exclusive", "classes", "auxiliary")


@dataclasses.dataclass(frozen=True)
class CompareTargets:
    """Trains networks that differ in what they are told, and compares them.

    `together`: one network for all against one each; `exclusive`: a softmax
    over classes against flags; `classes`: classes of a number learned against
    the number cut; `auxiliary`: attributes beside the picture, true ones and
    predicted ones. Writes runs, records, tables, plots and a page.
    """

    task: str
    """Name of the task of numbers, such as popularity."""
    questions: tuple[str, ...] = _QUESTIONS
    """What to ask, of together, exclusive, classes and auxiliary."""
    experiment: str = "selfies"
    """Experiment that has all other settings: demo, real, reference, utkface,
    hidden_criterion or selfies."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds to train; `auxiliary` takes the first alone."""
    epochs: int = 6
    """Epochs of a training, as long as those of the experiment."""
    classes: int = 3
    """Into how many classes the number is cut."""
    output_dir: pathlib.Path | None = None
    """Folder to write. Default: runs/targets/EXPERIMENT."""
    data_dir: str | None = None
    """Folder of the prepared data sets. Default: that of the experiment."""
    dataset: str | None = None
    """Name of the data set. Default: that of the experiment."""

    def __post_init__(self):
        check_range(self, epochs=(1, 1000), classes=(2, 10))
        if not self.questions or {*self.questions} - {*_QUESTIONS}:
            raise UserError(
                f"Expected questions out of {', '.join(_QUESTIONS)}. "
                f"Received: questions={', '.join(self.questions) or 'none'}"
            )

    def execute(self) -> None:
        """Trains, compares, and prints tables and sentences."""
        config = self._config()
        start_tensorflow()
        from tp_keras.data.source import load_split
        from tp_keras.ranking import auxiliary
        from tp_keras.ranking import targets
        from tp_keras.ranking import targets_page as page
        from tp_keras.records.record import Record
        from tp_keras.records.report import check_folder
        from tp_keras.records.report import write_report
        from tp_keras.records.table import markdown_table

        ask = {
            "together": targets.ask_together,
            "exclusive": targets.ask_exclusive,
            "classes": targets.ask_classes,
            "auxiliary": auxiliary.ask_auxiliary,
        }
        folder = self.output_dir or (
            pathlib.Path("runs/targets") / self.experiment
        )
        check_folder(folder / "figures")
        portraits = {
            split: load_split(config.data, split)
            for split in ("train", "validation", "test")
        }
        test = portraits["test"]
        networks = targets.Networks(
            config, portraits, self.task, self.seeds, folder, self.classes
        )
        records = [
            Record(
                seed=self.seeds[0],
                split="test",
                dataset=test.dataset,
                **fields
                | {"variant": page.variant(question, fields["variant"])},
            )
            for question in self.questions
            for fields in ask[question](networks)
        ]
        write_report(
            folder / "figures",
            folder / "targets.html",
            records,
            lambda written: page.make_report(written, test.schema.shows_people),
            {"settings": dataclasses.asdict(self) | {"output_dir": None}},
        )
        for question in self.questions:
            title, _ = page.QUESTIONS[question]
            table = page.table_of(records, question)
            print(f"\n{title}\n\n{markdown_table(table)}")
            print("\n".join(page.sentences(records, question)))
        print(f"\nPage: {folder}/targets.html")

    def _config(self):
        config = find_experiment(self.experiment)
        data = {
            name: getattr(self, name)
            for name in ("data_dir", "dataset")
            if getattr(self, name) is not None
        }
        training = dataclasses.replace(config.training, epochs=self.epochs)
        return kept(
            dataclasses.replace(
                config,
                data=dataclasses.replace(config.data, **data),
                training=training,
            )
        )


if __name__ == "__main__":
    run(CompareTargets)
