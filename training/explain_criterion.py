"""Ranks the rules of attributes that a label may be.

python -m training.explain_criterion --attribute_runs runs/demo \
    --dataset hidden_criterion/synthetic
"""

import dataclasses

from .command import run
from .command import start_tensorflow


@dataclasses.dataclass(frozen=True)
class ExplainCriterion:
    """Holds a label against what other runs see in its portraits.

    Every class and flag that they have learned is an attribute; each is tried
    alone and in pairs by AND, OR and XOR. Writes records, a table, a plot and
    a page.
    """

    attribute_runs: tuple[str, ...]
    """Folders of runs on other data, whose answers are the attributes."""

    dataset: str = "hidden_criterion/synthetic"
    """Name of the data set with the label."""

    task: str | None = None
    """Name of the label. Default: the first of two classes that is guarded."""

    rank_split: str = "train"
    """Split that the rules are ranked by."""

    split: str = "validation"
    """Split that the best are measured on."""

    label_run: str | None = None
    """Folder of a run that has learned the label: whether it looks at the same
    places as a rule."""

    data_dir: str = "data/tfds"
    """Folder of the prepared data sets."""

    output_dir: str = "runs/criterion"
    """Folder to write."""

    def execute(self) -> None:
        """Ranks, and prints table, sentences and where all lies."""
        start_tensorflow()
        from tp_keras.explain import criterion_page
        from tp_keras.explain.run_criterion import explain_criterion
        from tp_keras.records.table import markdown_table

        records, folder = explain_criterion(**vars(self))
        print(f"\n{markdown_table(criterion_page.table_of(records)[:10])}")
        print("\n".join(criterion_page.sentences(records)))
        print(f"\nTable, plot and records: {folder}")
        print(f"Page: {folder.parent / 'criterion.html'}")


if __name__ == "__main__":
    run(ExplainCriterion)
