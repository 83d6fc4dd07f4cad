"""Shows examples of a data set with their labels.

python -m training.sample --count 40 --output sample.png
python -m training.sample --labels gender=female hair_color=blond,gray \
    --balance hair_color --seed 3 --output women.png
"""

import dataclasses

from tp_keras.config import DataConfig
from tp_keras.errors import UserError

from .command import run
from .command import start_tensorflow

# More rows are looked at in the file.
_PRINTED = 40


@dataclasses.dataclass(frozen=True)
class Sample:
    """Draws portraits by chance, and writes a table of them beside it.

    The picture shows portraits of the data set: where these are of people, it
    must not leave this machine.
    """

    data_dir: str = DataConfig.data_dir
    """Folder of the prepared data sets."""

    dataset: str = DataConfig.dataset
    """Data set to draw from."""

    split: str = "train"
    """Split to draw from, or a slice of one such as 'test[:100]'."""

    count: int = 40
    """How many portraits."""

    labels: tuple[str, ...] = ()
    """What they shall be labelled with: TASK=CLASS, or several classes with
    commas between; of numbers ranges such as age=20-30 or age=60-; missing of
    each, such as hair_color=missing."""

    balance: tuple[str, ...] = ()
    """Tasks whose classes shall be equally frequent, all their combinations of
    several. Default: as frequent as they are."""

    seed: int = 0
    """Settles which portraits are drawn."""

    output: str = "sample.png"
    """PNG or JPEG file to write; the table lies beside it as CSV."""

    def execute(self) -> None:
        """Draws, writes both files and prints the table."""
        from tp_keras.gallery.picture import check_picture_path
        from tp_keras.records.sheet import check_sheet

        check_picture_path(self.output)
        check_sheet(self.count)
        if self.seed < 0:
            raise UserError(
                f"Expected a seed from 0 on. Received: seed={self.seed}"
            )
        start_tensorflow()
        from tp_keras.data import filters
        from tp_keras.data.source import load_portraits
        from tp_keras.evaluation.label_table import format_labels
        from tp_keras.gallery import choose
        from tp_keras.gallery.picture import TERMS
        from tp_keras.gallery.sample import write_sample

        portraits = load_portraits(self.data_dir, self.dataset, self.split)
        schema = portraits.schema
        wanted = filters.parse_filters(self.labels, schema)
        balance = [filters.find_task(name, schema) for name in self.balance]
        matching = filters.matching_rows(portraits, wanted)
        rows = choose.choose_rows(
            matching, self.count, self.seed, portraits.labels, balance
        )
        listed, table = write_sample(
            self.output, portraits.take(rows), seed=self.seed
        )
        print(format_labels(table, schema, _PRINTED))
        print(
            f"\n{len(rows):,} of the {len(matching):,} portraits of "
            f"{portraits.dataset}, {self.split}, that match."
        )
        if len(rows) < self.count:
            print(f"That are all there are: {self.count:,} were asked for.")
        print(f"Picture: {self.output}\nTable:   {listed}")
        if schema.shows_people:
            print(TERMS)


if __name__ == "__main__":
    run(Sample)
