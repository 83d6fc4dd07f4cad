"""How balanced the labels are, and how far one tells another.

All of it is counted from labels alone. `variant` of a record names the other
label; `class_name` is the class of the task's own, `predicted_class` that of
the other. Records without a split are of all portraits.
"""

import itertools
from collections.abc import Callable
from collections.abc import Iterator

import numpy as np
from scipy import stats

from tp_keras.audit.check import Measured
from tp_keras.audit.label_columns import LabelColumn
from tp_keras.audit.label_columns import label_columns
from tp_keras.audit.portrait_set import PortraitSet
from tp_keras.evaluation import contingency
from tp_keras.evaluation.figures import figure
from tp_keras.evaluation.figures import share
from tp_keras.records.intervals import percentile_interval
from tp_keras.records.intervals import wilson_interval
from tp_keras.records.record import ALL
from tp_keras.tasks import MISSING_NAME
from tp_keras.tasks import Schema

_DRAWS = 500
_TAIL = 0.95

_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)

# People who tell a number round it to a multiple of this; by chance it is hit
# once in so many times. Asked where there are many numbers.
HEAP = 5
_FEWEST_NUMBERS = 20

# Joint classes beyond so many, the rarest, are taken for one.
_MOST_JOINT_CLASSES = 1000


def measure_balance(portraits: PortraitSet, seed: int = 0) -> Measured:
    """Measures classes, pairs of labels, missing labels and splits.

    * Of a label: `class_share`, `missing_share` (of each group too),
      `effective_classes`, the number of equally frequent classes of the same
      entropy, and `majority_floor`, the accuracy of who always says the same.
      Of a number also `quantile`, `modal_share` (the share of the most
      frequent) and `heaped_share` (of multiples of 5).
    * Of a pair of labels: `joint_share` of all portraits, also of those where
      one is missing; `lift`, how many times as often classes go together as
      if they were independent; `cramers_v`, `mutual_information` in bits,
      `chi_square`, `degrees_of_freedom`, `p_value`; and `bayes_floor`, the
      accuracy of who guesses the one from the other alone, both ways.
    * `balanced_bayes_floor` of the protected task from the guarded ones, each
      and together: the least that leaks of it from what predicts them rightly.
    * `missing_cramers_v` and others: whether it depends on the group if a
      label is missing.
    * `drift`: how far the classes of a split, "missing" among them, are from
      those of all others (total variation), and `drift_p_value` of all.

    All but cells and the drift is measured in every split as well. `null` is
    what stays below in 95 % of the tables with the same margins. Intervals are
    Wilson's for shares (for lifts, of the share of the cell), else those of 500
    resamples, moved so that their median is the figure, as resampling makes
    labels look more dependent.

    Args:
        portraits: The portraits, of which labels are read alone.
        seed: Start of the resampling.
    """
    schema, generator = portraits.schema, np.random.default_rng(seed)
    columns = label_columns(schema, portraits.labels)
    records = [*_measure(columns, schema, generator)]
    for left, right in itertools.combinations(columns, 2):
        records += _cells(left, right)
    names = portraits.split_names
    if len(names) > 1:
        for place, name in enumerate(names):
            rows = portraits.splits == place
            own = [column.take(rows) for column in columns]
            found = _measure(own, schema, generator)
            records += [{**fields, "split": name} for fields in found]
        for column in columns:
            records += _drift(column, portraits.splits, names, generator)
    return Measured(records)


def _measure(columns, schema: Schema, generator) -> Iterator[dict]:
    """Yields the figures of labels and pairs of them, of some rows."""
    (protected,) = [c for c in columns if c.name == schema.protected] or [None]
    for column in columns:
        yield from _classes(column)
        if column.numbers is not None:
            yield from _numbers(column)
        if column is not protected and protected is not None:
            yield from _missing_by_group(column, protected, generator)
    for left, right in itertools.combinations(columns, 2):
        table = _Table.of(left, right, generator)
        names = {"task": left.name, "variant": right.name}
        yield from table.association("", **names)
        yield table.figure("bayes_floor", contingency.best_guess, **names)
        names = {"task": right.name, "variant": left.name}
        yield table.figure("bayes_floor", _best_guess_of_columns, **names)
    if protected is None:
        return
    guarded = [c for c in columns if c.task.name in schema.guarded]
    together = [_joined(guarded)] if len(guarded) > 1 else []
    for column in (*guarded, *together):
        table = _Table.of(protected, column, generator)
        names = {"task": protected.name, "variant": column.name}
        guess = contingency.best_balanced_guess
        yield table.figure("balanced_bayes_floor", guess, **names)


class _Table:
    """Counts of two labels, and tables like them that chance would give."""

    def __init__(self, counts, generator):
        self.counts = counts
        self.varies = contingency.degrees_of_freedom(counts) > 0
        if self.varies:
            self.resampled = contingency.resampled(counts, _DRAWS, generator)
            self.permuted = contingency.permuted(counts, _DRAWS, generator)

    @classmethod
    def of(cls, rows: LabelColumn, columns: LabelColumn, generator):
        """Counts two labels, where both are there."""
        shape = len(rows.classes), len(columns.classes)
        pair = rows.values, columns.values
        return cls(contingency.count_table(*pair, shape), generator)

    def figure(self, metric, function: Callable, **own) -> dict:
        """Makes a record of a figure, with its interval and null."""
        count = int(self.counts.sum())
        if not self.varies:
            return figure(metric, None, count, group=ALL, **own)
        value = float(function(self.counts))
        draws = function(self.resampled)
        low, high = percentile_interval(draws - np.nanmedian(draws) + value)
        # No figure is below 0, and only bits go beyond 1.
        most = np.inf if metric.endswith("mutual_information") else 1.0
        own["null"] = float(np.quantile(function(self.permuted), _TAIL))
        interval = max(low, 0.0), min(high, most)
        return figure(metric, value, count, interval, group=ALL, **own)

    def association(self, prefix, **own) -> Iterator[dict]:
        """Yields how far the two labels go together."""
        for metric in ("cramers_v", "mutual_information"):
            function = getattr(contingency, metric)
            yield self.figure(f"{prefix}{metric}", function, **own)
        count = self.counts.sum()
        for metric in ("chi_square", "degrees_of_freedom", "p_value"):
            function = getattr(contingency, metric)
            value = function(self.counts) if self.varies else None
            yield figure(f"{prefix}{metric}", value, count, group=ALL, **own)


def _best_guess_of_columns(table):
    return contingency.best_guess(np.swapaxes(table, -1, -2))


def _classes(column: LabelColumn) -> Iterator[dict]:
    """Yields how often each class is there, and what the shares say."""
    own = {"task": column.name, "group": ALL}
    known = column.values[column.values >= 0]
    counts = np.bincount(known, minlength=len(column.classes))
    for name, hits in zip(column.classes, counts, strict=True):
        yield share("class_share", hits, len(known), class_name=name, **own)
    total = len(column.values)
    yield share("missing_share", total - len(known), total, **own)
    effective = 2 ** contingency.entropy(counts)
    yield figure("effective_classes", effective, len(known), **own)
    name = column.classes[counts.argmax()] if len(known) else None
    hits = counts.max()
    yield share("majority_floor", hits, len(known), class_name=name, **own)


def _numbers(column: LabelColumn) -> Iterator[dict]:
    """Yields quantiles, the most frequent number, and those rounded."""
    own = {"task": column.name, "group": ALL}
    numbers = np.sort(column.numbers[np.isfinite(column.numbers)])
    count = len(numbers)
    if not count:
        return
    for level in _QUANTILES:
        ends = stats.binom.ppf([1 - 0.975, 0.975], count, level).astype(int)
        interval = numbers[np.clip(ends, 0, count - 1)].astype(float)
        value = np.quantile(numbers, level)
        own["class_name"] = f"{level:.0%}"
        inner = 0 < level < 1
        pair = tuple(interval.tolist()) if inner else (None, None)
        yield figure("quantile", value, count, pair, **own)
    values, counts = np.unique(numbers, return_counts=True)
    own["class_name"] = f"{values[counts.argmax()]:g}"
    yield share("modal_share", counts.max(), count, **own)
    whole = (numbers == np.rint(numbers)).all()
    if whole and len(values) >= _FEWEST_NUMBERS:
        hits, own["class_name"] = (numbers % HEAP == 0).sum(), None
        null = float(stats.binom.ppf(_TAIL, count, 1 / HEAP)) / count
        yield share("heaped_share", hits, count, null=null, **own)


def _missing_by_group(column, protected, generator) -> Iterator[dict]:
    """Yields how often a label is missing in each group, and if it depends."""
    missing = (column.values < 0).astype(int)
    shape = 2, len(protected.classes)
    table = contingency.count_table(missing, protected.values, shape)
    for group, counts in zip(protected.classes, table.T, strict=True):
        fields = {"task": column.name, "group": group}
        yield share("missing_share", counts[1], counts.sum(), **fields)
    if missing.any():
        own = {"task": column.name, "variant": protected.name}
        yield from _Table(table, generator).association("missing_", **own)


def _cells(left: LabelColumn, right: LabelColumn) -> Iterator[dict]:
    """Yields how often each pair of classes is there, and its lift."""
    shape = len(left.classes) + 1, len(right.classes) + 1
    # A missing label is the first class here, and the last one told.
    full = contingency.count_table(left.values + 1, right.values + 1, shape)
    full = np.roll(full, -1, (0, 1))
    table, total = full[:-1, :-1], full.sum()
    expected, labelled = contingency.expected_counts(table), table.sum()
    names = (*left.classes, MISSING_NAME), (*right.classes, MISSING_NAME)
    for first, second in np.ndindex(full.shape):
        own = {"task": left.name, "group": ALL, "variant": right.name}
        own |= {"class_name": names[0][first]}
        own |= {"predicted_class": names[1][second]}
        hits = full[first, second]
        yield share("joint_share", hits, total, **own)
        if first == len(left.classes) or second == len(right.classes):
            continue
        likely = expected[first, second]
        if not likely > 0:
            yield figure("lift", None, labelled, **own)
            continue
        ends = np.multiply(wilson_interval(int(hits), int(labelled)), labelled)
        interval = tuple((ends / likely).tolist())
        yield figure("lift", hits / likely, labelled, interval, **own)


def _drift(column, splits, names, generator) -> Iterator[dict]:
    """Yields how far the classes of each split are from those of others."""
    shape = len(names), len(column.classes) + 1
    table = contingency.count_table(splits, column.values + 1, shape)

    def distance(pair):
        return contingency.total_variation(pair[..., 0, :], pair[..., 1, :])

    for place, name in enumerate(names):
        pair = np.array([table[place], table.sum(0) - table[place]])
        own = {"task": column.name, "split": name}
        yield _Table(pair, generator).figure("drift", distance, **own)
    yield from _Table(table, generator).association("drift_", task=column.name)


def _joined(columns: list[LabelColumn]) -> LabelColumn:
    """Returns several labels as one, whose classes are all combinations."""
    values = np.stack([column.values for column in columns], 1)
    known = (values >= 0).all(1)
    _, codes, counts = np.unique(
        values[known], axis=0, return_inverse=True, return_counts=True
    )
    places = np.argsort(np.argsort(-counts, kind="stable"))
    joined = np.full(len(values), -1)
    joined[known] = np.minimum(places[codes], _MOST_JOINT_CLASSES)
    name = " + ".join(column.name for column in columns)
    size = min(len(counts), _MOST_JOINT_CLASSES + 1)
    classes = tuple(map(str, range(max(size, 1))))
    return LabelColumn(name, columns[0].task, classes, joined)
