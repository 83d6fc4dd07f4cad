"""Measures which random changes of training portraits leave a label true.

python -m training.safe_augmentations --experiment hidden_criterion \
    --dataset hidden_criterion/synthetic

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


@dataclasses.dataclass(frozen=True)
class SafeAugmentations:
    """Trains with each change alone and without any, and compares.

    What a label is told by is not always known: colours, say. A change that
    takes it away costs accuracy. Writes runs, records, a table, a plot and a
    page, and prints the flags of the changes that cost no group anything.
    """

    experiment: str = "hidden_criterion"
    """Experiment that has all other settings: demo, real, reference, utkface,
    hidden_criterion or selfies."""
    augmentations: tuple[str, ...] = ()
    """What to try, of flip, shift, zoom, rotation, brightness, contrast, blur,
    closeup, erasing, covered_eyes, cast, saturation, hue and grey. Default:
    all."""
    always: tuple[str, ...] = ()
    """Changes that every training has, those with none of the others too: what
    is known to help. Who learns little without them can't tell what harms."""
    seeds: tuple[int, ...] = (0, 1)
    """Seeds to train, all with and without a change."""
    epochs: int = 6
    """Epochs of a training, as long as those of the experiment."""
    backbone: str = "portrait_s"
    """Network to train, such as portrait_xs, portrait_s, portrait_m or
    mobilenet_025; it has to learn the label for anything to be told."""
    train_split: str = "train[:70%]"
    """Portraits to train on."""
    validation_split: str = "train[70%:]"
    """Portraits to judge by, many: they decide how much can be told."""
    margin: float = 0.03
    """What a safe change may cost a group at most, as a share."""
    output_dir: pathlib.Path | None = None
    """Folder to write. Default: runs/safe_augmentations/EXPERIMENT."""
    data_dir: str | None = None
    """Folder of the prepared data sets. Default: that of the experiment."""
    dataset: str | None = None
    """Name of the data set. Default: that of the experiment."""

    def __post_init__(self):
        check_range(self, epochs=(1, 1000), margin=(0.0, 1.0))

    def execute(self) -> None:
        """Trains, compares, and prints what is safe."""
        config = self._config()
        start_tensorflow()
        from tp_keras.data.source import load_split
        from tp_keras.evaluation.paired import compare
        from tp_keras.records.record import Record
        from tp_keras.records.report import check_folder
        from tp_keras.records.report import write_report
        from tp_keras.records.table import markdown_table
        from tp_keras.tuning import augmentation_report as report
        from tp_keras.tuning import safe_augmentations as safe

        names = self.augmentations or tuple(
            name for name in safe.CANDIDATES if name not in self.always
        )
        safe.check_names(names, self.always)
        folder = self.output_dir or (
            pathlib.Path("runs/safe_augmentations") / self.experiment
        )
        figures = folder / "figures"
        check_folder(figures)
        portraits = {
            split: load_split(config.data, split)
            for split in ("train", "validation")
        }
        judged = portraits["validation"]
        right = safe.train_each(
            config, names, self.seeds, portraits, folder, self.always
        )
        protected = judged.schema.protected_task
        records = [
            Record(
                task=task.name,
                seed=self.seeds[0],
                split=self.validation_split,
                dataset=judged.dataset,
                **fields,
            )
            for task in judged.schema.tasks
            if task.name in right
            for fields in compare(
                right[task.name],
                judged.labels[task.name],
                judged.groups if protected else None,
                task,
                protected.classes if protected else (),
                base=safe.NOTHING,
            )
        ]
        write_report(
            figures,
            folder / "safe_augmentations.html",
            records,
            lambda written: report.make_report(
                written, self.margin, judged.schema.shows_people
            ),
            {"settings": dataclasses.asdict(self) | {"output_dir": None}},
        )
        table = report.table_of(records, self.margin)
        print(f"\n{markdown_table(table)}")
        print("\n".join(report.sentences(records, self.margin)))
        found = report.verdicts(records, self.margin)
        chosen = report.chosen_settings(found, self.always)
        flags = " ".join(
            f"--{name} {value}"
            for name, value in dataclasses.asdict(chosen).items()
        )
        print(f"\nSettings: {flags}\nPage: {folder}/safe_augmentations.html")

    def _config(self):
        config = find_experiment(self.experiment)
        if not self.seeds:
            raise UserError("Expected at least one seed. Received: seeds=()")
        data = {
            name: getattr(self, name)
            for name in ("data_dir", "dataset")
            if getattr(self, name) is not None
        }
        splits = {
            name: getattr(self, name)
            for name in ("train_split", "validation_split")
        }
        training = dataclasses.replace(config.training, epochs=self.epochs)
        return kept(
            dataclasses.replace(
                config,
                data=dataclasses.replace(config.data, **data, **splits),
                model=dataclasses.replace(config.model, backbone=self.backbone),
                training=training,
            )
        )


if __name__ == "__main__":
    run(SafeAugmentations)
