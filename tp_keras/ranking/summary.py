"""What a ranking says in plain words."""

from collections.abc import Iterator
from collections.abc import Sequence

from tp_keras.ranking.rank import BY_REGRESSION
from tp_keras.ranking.rank import BY_SCIKIT_LEARN
from tp_keras.ranking.rank import BY_TABLE
from tp_keras.ranking.settings import ONCE
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import find_one
from tp_keras.records.table import format_figure

# Adjusted p-values below it count as found; of attributes that correlate more
# a regression can't say which it is.
_FALSE_SHARE, _ALIKE = 0.05, 0.8

_SHOWN = 3


def by_rank(records: Sequence[Record], way: str = BY_TABLE) -> list[Record]:
    """Returns the records of ranks, the strongest attribute first."""
    found = find(records, metric="rank", variant=way)
    return sorted(found, key=lambda record: record.value)


def unsupported(records: Sequence[Record]) -> list[str]:
    """Returns the attributes of which nothing can be measured."""
    found = find(records, metric=BY_TABLE, value=None)
    return [record.class_name for record in found]


def sentences(records: Sequence[Record]) -> Iterator[str]:
    """Yields what the records mean, the main things first."""
    target, ranked = records[0].task, by_rank(records)
    tested = find(records, metric="adjusted_p_value")
    good = [record for record in tested if record.value < _FALSE_SHARE]
    yield (
        f"{len(good)} of {len(ranked)} attributes go with {target} at a false "
        f"discovery rate of {_FALSE_SHARE:.0%}."
    )
    for record in ranked[:_SHOWN]:
        own = find(records, class_name=record.class_name)
        other = find_one(own, metric="rank", variant=BY_REGRESSION)
        odds = "".join(map(_odds, find(own, metric="odds_ratio")))
        yield (
            f"{record.class_name}: rank {_rank(record)} by itself, "
            f"{_rank(other)} beside all others{odds}."
        )
    for record in find(records, metric="balanced_accuracy"):
        guessed = 1 / int(record.variant.split()[-1])
        yield (
            "Of rows that it has not seen a regression on all attributes tells "
            f"the class with a balanced accuracy of {format_figure(record)}; "
            f"guessing reaches {guessed:.3f}."
        )
    yield from _misread(records)
    yield from _pairs(records)
    yield from _rows(records)


def _rank(record):
    """Returns `2 [1, 4]`."""
    ends = f" [{record.low:.0f}, {record.high:.0f}]"
    return f"{record.value:.0f}" + ends * (record.low is not None)


def _odds(record):
    """Tells an odds ratio in words."""
    return (
        f"; its level {record.variant} has {record.value:.2f} [{record.low:.2f}"
        f", {record.high:.2f}] times the odds of {record.predicted_class}"
    )


def _misread(records):
    """Tells which attribute scikit-learn's column pushes down most."""
    theirs = by_rank(records, BY_SCIKIT_LEARN)
    names = [record.class_name for record in theirs]
    binary = [r.class_name for r in by_rank(records) if r.class_name in names]
    falls = [(names.index(name) - binary.index(name), name) for name in binary]
    fall, name = max(falls, default=(0, ""))
    if fall:
        share = find_one(records, metric="ones", class_name=name).value
        yield (
            "Among attributes of two levels scikit-learn's chi2 puts "
            f"{name} {fall} place{'s' * (fall > 1)} too low: {share:.0%} of "
            "the rows have it."
        )


def _pairs(records):
    """Tells pairs that are nearly the same attribute."""
    pairs = {
        tuple(sorted([record.class_name, record.variant])): record.value
        for record in find(records, metric="nearest_correlation")
        if record.value > _ALIKE
    }
    for (one, other), value in pairs.items():
        yield (
            f"{one} and {other} correlate by {value:.2f}: what the regression "
            "gives to either is shared between them."
        )


def _rows(records):
    """Tells of copies and ties."""
    copies = find_one(records, metric="repeated_rows")
    if copies.value:
        once = "are left out, as a copy is no second witness"
        each = "count here, so that p-values are too small"
        yield (
            f"{copies.value:.0%} of {copies.count:,} rows repeat another one "
            f"in all but names. They {once if copies.variant == ONCE else each}"
            "."
        )
    classes = find(records, metric="class_share", class_name=None)
    for asked in find(records, metric="bins_asked"):
        if asked.value > len(classes):
            yield (
                f"Equal values of {records[0].task} leave {len(classes)} of "
                f"{asked.value:.0f} bins."
            )
