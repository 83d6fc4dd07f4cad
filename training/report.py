"""Makes the cards of a run and its data, and one report of all that was found.

python -m training.report --run_dir runs/demo
"""

import dataclasses

from .command import run
from .command import start_tensorflow


@dataclasses.dataclass(frozen=True)
class Report:
    """Tells what was found, from what other commands have left.

    Writes MODEL_CARD.md, DATASET_CARD.md and report.html, which walks through
    the questions: data, each kind of label, fairness, new portraits. Where
    something was not measured it names the command that does. Of a run on
    several data sets it tells figures of the first.
    """

    run_dir: str
    """Folder of the run, finished and evaluated."""

    audit_dir: str | None = None
    """Folder of an audit of its data. Default: RUN_DIR/audit, if there is
    one."""

    generator_run: str | None = None
    """Folder of a generator's run that was evaluated."""

    sweep_dir: str | None = None
    """Folder of a sweep of methods against the protected task."""

    data_dir: str | None = None
    """Folder of the prepared data sets. Default: that of the run."""

    split: str = "test"
    """Split that was measured."""

    output_dir: str | None = None
    """Folder to write. Default: RUN_DIR/report."""

    def execute(self) -> None:
        """Writes all, and names the files."""
        start_tensorflow()
        from tp_keras.cards.report_page import write_cards
        from tp_keras.cards.sources import read_sources

        fields = dict(vars(self))
        output_dir = fields.pop("output_dir") or f"{self.run_dir}/report"
        sources = read_sources(**fields)
        model_card, dataset_card, page = write_cards(sources, output_dir)
        for kind in sorted(set(sources.commands) - set(sources.found)):
            print(f"Not measured: {kind}. `{sources.commands[kind]}`")
        print(f"Model card: {model_card}")
        print(f"Data set card: {dataset_card}")
        print(f"The report: {page}")


if __name__ == "__main__":
    run(Report)
