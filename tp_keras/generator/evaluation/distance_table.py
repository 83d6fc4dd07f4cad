"""How far the candidates are from real portraits, as tables."""

from collections.abc import Sequence

from tp_keras.generator.evaluation.candidates import CANDIDATES
from tp_keras.generator.evaluation.candidates import GENERATED
from tp_keras.records.page_parts import Table
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.table import format_figure

# What is measured of a candidate: metric, space, and what the column is called.
DISTANCES = (
    ("normalized_kernel_distance", "judge", "kernel score"),
    ("normalized_frechet_distance", "judge", "Frechet score"),
    ("density", "judge", "density"),
    ("coverage", "judge", "coverage"),
    (
        "normalized_kernel_distance",
        "random_network",
        "kernel score, random network",
    ),
    (
        "normalized_frechet_distance",
        "random_network",
        "Frechet score, random network",
    ),
    ("normalized_sliced_wasserstein", "108x84", "Wasserstein score, 108x84"),
    ("normalized_sliced_wasserstein", "54x42", "Wasserstein score, 54x42"),
    ("normalized_sliced_wasserstein", "27x21", "Wasserstein score, 27x21"),
    ("two_sample_accuracy", "", "told from real"),
)
_RAW_DISTANCES = (
    ("kernel_distance", "judge", "kernel"),
    ("frechet_distance", "judge", "Frechet"),
    ("kernel_distance", "random_network", "kernel, random network"),
    ("frechet_distance", "random_network", "Frechet, random network"),
    ("sliced_wasserstein", "108x84", "Wasserstein, 108x84"),
    ("sliced_wasserstein", "54x42", "Wasserstein, 54x42"),
    ("sliced_wasserstein", "27x21", "Wasserstein, 27x21"),
)


def distance_table(records: Sequence[Record]) -> Table:
    """Returns how far each candidate is from real portraits."""
    return _candidate_table(
        records,
        DISTANCES,
        "How far from real portraits",
        "A score is 0 for real portraits and 1 for eigenfaces: smaller is "
        "better. Density and coverage are about 1 and at most 1 for real "
        "portraits. Told from real: the accuracy of a small network, .5 is "
        "guessing. All are held against test portraits, and none is made of "
        "them.",
    )


def raw_distance_table(records: Sequence[Record]) -> Table:
    """Returns the distances that scores are made of."""
    return _candidate_table(
        records,
        _RAW_DISTANCES,
        "Distances",
        "What the scores are made of. They don't compare with those of "
        "another judge or data set.",
    )


def find_distance(records: Sequence[Record], metric, space, candidate):
    """Returns the records of a distance of one candidate, none or one."""
    variant = f"{candidate} {space}".strip()
    return find(records, metric=metric, variant=variant)


def _candidate_table(records, columns, title, note):
    shown = [
        (metric, space, heading)
        for metric, space, heading in columns
        if find_distance(records, metric, space, GENERATED)
    ]
    rows = []
    for name in CANDIDATES:
        found = [
            find_distance(records, metric, space, name)
            for metric, space, _ in shown
        ]
        rows.append(
            [name, *(format_figure(one[0]) if one else "-" for one in found)]
        )
    return Table(
        title, note, ("candidate", *(heading for *_, heading in shown)), rows
    )
