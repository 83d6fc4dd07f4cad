"""Measures what a training without labels is worth.

python -m training.compare_pretraining --run_dir runs/pretrain/demo

The same command goes on after a stop.
"""

import dataclasses

from tp_keras.config import check_range
from tp_keras.errors import UserError

from .command import kept
from .command import run
from .command import start_tensorflow
from .configs import find_experiment

# Portraits that maps are drawn of.
_SHOWN = 8


@dataclasses.dataclass(frozen=True)
class ComparePretraining:
    """Holds it against trainings from scratch in the same time altogether.

    With some of the labels and with all: fine-tuned, and as it is, by a linear
    probe and by nearest neighbours, which are also asked of an untrained
    network. Writes runs, records, a table, plots and a page.
    """

    run_dir: str
    """Folder of the training without labels."""
    experiment: str = "demo"
    """Experiment that has the settings of the trainings with labels: demo,
    real, reference, utkface, hidden_criterion or selfies."""
    fractions: tuple[float, ...] = (0.01, 0.1, 1.0)
    """Shares of the training portraits that keep their labels."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds of the trainings with labels, and of whose labels are kept."""
    epochs: int = 6
    """Epochs of fine-tuning, as long as those of the experiment."""
    freeze_trunk_epochs: int = 0
    """Of these such in which the heads alone learn."""
    trunk_learning_rate: float = 1.0
    """Learning rate of the backbone afterwards, as a share of the heads'."""

    def __post_init__(self):
        check_range(self, epochs=(1, 1000))
        values = self.fractions
        if not values or min(values) <= 0 or max(values) > 1 or not self.seeds:
            raise UserError(
                "Expected one or more fractions above 0 and at most 1, and one "
                f"or more seeds. Received: fractions={values}, "
                f"seeds={self.seeds}"
            )

    def execute(self) -> None:
        """Trains, compares, and prints table, sentences and page."""
        base = find_experiment(self.experiment)
        start_tensorflow()
        from tp_keras.data.source import load_split
        from tp_keras.evaluation.paired import compare
        from tp_keras.models import create_backbone
        from tp_keras.pretraining import comparison
        from tp_keras.pretraining import report
        from tp_keras.pretraining.folder import PretrainRunFolder
        from tp_keras.pretraining.maps import map_rows
        from tp_keras.records.record import Record
        from tp_keras.records.report import check_folder
        from tp_keras.records.report import write_report
        from tp_keras.records.table import markdown_table

        pretrained = PretrainRunFolder(self.run_dir).require()
        if not pretrained.is_finished:
            raise UserError(
                "Expected a finished training without labels; the command that "
                f"started it resumes it. Received: run_dir={self.run_dir}"
            )
        config, folder = self._config(base, pretrained), pretrained.path
        check_folder(folder / "comparison")
        portraits = {
            split: load_split(config.data, split)
            for split in ("train", "validation", "test")
        }
        parts = [
            comparison.Labelled(fraction, seed)
            for seed in self.seeds
            for fraction in self.fractions
        ]
        found = comparison.right_answers(
            config, pretrained, parts, portraits, folder / "trainings"
        )
        test = portraits["test"]
        protected = test.schema.protected_task
        records = [
            Record(
                task=name,
                seed=self.seeds[0],
                split="test",
                dataset=test.dataset,
                **fields
                | {"variant": report.variant(fields["variant"], fraction)},
            )
            for fraction, tasks in found.items()
            for name, ways in tasks.items()
            for fields in compare(
                ways,
                test.labels[name],
                test.groups if protected else None,
                test.schema.task(name),
                protected.classes if protected else (),
                base=comparison.SCRATCH,
            )
        ]
        backbone = pretrained.load_model()
        untrained = create_backbone(
            pretrained.config.model.backbone, test.schema.image_shape
        )
        maps = map_rows(
            {"untrained": untrained, "trained": backbone}, test.images[:_SHOWN]
        )
        write_report(
            folder / "comparison",
            folder / "comparison.html",
            records,
            lambda written: report.make_report(
                written,
                self.fractions,
                maps,
                pretrained.read_history(),
                test.schema.shows_people,
            ),
            {"settings": dataclasses.asdict(self)},
        )
        table = report.table_of(records, self.fractions)
        print(f"\n{markdown_table(table)}")
        print("\n".join(report.sentences(records, self.fractions)))
        print(f"\nPage: {folder}/comparison.html")

    def _config(self, base, pretrained):
        training = dataclasses.replace(
            base.training,
            epochs=self.epochs,
            freeze_trunk_epochs=self.freeze_trunk_epochs,
            trunk_learning_rate=self.trunk_learning_rate,
        )
        model = dataclasses.replace(
            base.model, backbone=pretrained.config.model.backbone
        )
        return kept(
            dataclasses.replace(
                base,
                data=pretrained.config.data,
                model=model,
                training=training,
            )
        )


if __name__ == "__main__":
    run(ComparePretraining)
