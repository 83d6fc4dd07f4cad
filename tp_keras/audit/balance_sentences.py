"""The balance of labels in plain sentences, from records alone."""

import collections
import math
from collections.abc import Iterator
from collections.abc import Sequence

from tp_keras.audit.balance import HEAP
from tp_keras.audit.check import Peculiarity
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.table import format_figure
from tp_keras.tasks import MISSING_NAME
from tp_keras.tasks import Schema

# Of a cell of fewer portraits no figure says much.
FEW = 30

# A sentence says that something depends where chance would do so this rarely.
_RARE = 0.01

# So many pairs of labels are told, those that go together most.
_MOST_PAIRS = 6

# Whose classes are as good as equally frequent.
_BALANCED = 0.02


def peculiarities(
    records: Sequence[Record], schema: Schema
) -> list[Peculiarity]:
    """Says what is unusual about the labels, and what is as one would wish."""
    whole = find(records, split=None)
    found = [*_uneven(whole), *_heaped(whole), *_missing(whole)]
    found += [*_together(whole), *_told(whole), *_few(whole, schema)]
    return [*found, *_drifting(records)]


def _grouped(records, *fields) -> dict[tuple, list[Record]]:
    """Returns records by some of their fields: there may be many."""
    groups = collections.defaultdict(list)
    for record in records:
        groups[tuple(getattr(record, name) for name in fields)].append(record)
    return groups


def _uneven(records) -> Iterator[Peculiarity]:
    by_task = _grouped(records, "task")
    for effective in find(records, metric="effective_classes"):
        own = by_task[effective.task,]
        shares = find(own, metric="class_share")
        if effective.value is None:
            text = f"No portrait has a label of {effective.task}."
            yield Peculiarity(1.0, text)
            continue
        shares = sorted(shares, key=lambda record: record.value)
        least, most, size = shares[0], shares[-1], len(shares)
        weight = min(max((size - effective.value) / (size - 1), 0.0), 1.0)
        ends = (
            f"{most.class_name} is {most.value:.1%} of the labelled "
            f"portraits, {least.class_name} {least.value:.1%}"
        )
        if quantiles := find(own, metric="quantile"):
            numbers = {r.class_name: f"{r.value:g}" for r in quantiles}
            (mode,) = find(own, metric="modal_share")
            text = (
                f"Half of all numbers of {effective.task} lie between "
                f"{numbers['25%']} and {numbers['75%']}, nine tenths between "
                f"{numbers['5%']} and {numbers['95%']}; the most frequent is "
                f"{mode.class_name} ({mode.value:.1%})."
            )
        elif weight < _BALANCED:
            text = f"{effective.task} is balanced: {ends}."
        else:
            text = (
                f"{effective.task} is uneven: {ends}; its {size} classes "
                f"count like {effective.value:.1f} equally frequent ones."
            )
        yield Peculiarity(weight, text)


def _heaped(records) -> Iterator[Peculiarity]:
    for record in find(records, metric="heaped_share"):
        chance = 1 / HEAP
        if record.low > chance and record.value > record.null:
            text = (
                f"Numbers of {record.task} are rounded: {record.value:.1%} of "
                f"them are multiples of {HEAP}; by chance it were {chance:.0%}."
            )
            weight = (record.value - chance) / (1 - chance)
            yield Peculiarity(weight, text)


def _missing(records) -> Iterator[Peculiarity]:
    by_task = _grouped(records, "task")
    for record in find(records, metric="missing_share", group=ALL):
        if not record.value or record.value == 1:
            continue
        few = hits_of(record) < FEW
        amount = f"{hits_of(record)}" if few else f"{record.value:.1%}"
        text = f"{amount} of the portraits have no {record.task}"
        own, gap = by_task[record.task,], 0.0
        shares = find(own, metric="missing_share")[1:]
        shares = [item for item in shares if item.value is not None]
        for found in find(own, metric="missing_p_value"):
            if found.value is None:
                continue
            if found.value >= _RARE:
                text += f", whatever their {found.variant}"
                continue
            (v,) = find(own, metric="missing_cramers_v")
            shares.sort(key=lambda item: item.value)
            gap = shares[-1].value - shares[0].value
            text += (
                f", and it depends on {found.variant}: "
                f"{shares[-1].value:.1%} of {shares[-1].group}, "
                f"{shares[0].value:.1%} of {shares[0].group} (Cramer's V "
                f"{format_figure(v)})"
            )
        yield Peculiarity(min(record.value / 2 + gap, 1.0), f"{text}.")


def _together(records) -> Iterator[Peculiarity]:
    pairs, found = find(records, metric="cramers_v"), []
    by_pair = _grouped(records, "task", "variant")
    for record in pairs:
        own = by_pair[record.task, record.variant]
        (p,) = find(own, metric="p_value")
        if p.value is None or p.value >= _RARE:
            continue
        (bits,) = find(own, metric="mutual_information")
        lifts = [r for r in find(own, metric="lift") if r.value is not None]
        most = max(lifts, key=_surprise)
        text = (
            f"{record.task} goes with {record.variant} (Cramer's V "
            f"{format_figure(record)}, {bits.value:.3f} bit): "
            f"{most.class_name} and {most.predicted_class} {_times(most)}."
        )
        found.append(Peculiarity(record.value, text))
    if pairs and not found:
        text = "No label goes with another more than by chance."
        found.append(Peculiarity(0.0, text))
    yield from sorted(found, key=lambda one: -one.weight)[:_MOST_PAIRS]


def _times(lift) -> str:
    if not lift.value:
        return "never come together"
    rarely = lift.value < 1
    times = 1 / lift.value if rarely else lift.value
    number = f"{times:.1f}" if times < 10 else f"{times:,.0f}"
    how = "rarely" if rarely else "often"
    return f"come together {number} times as {how} as by chance"


def _surprise(lift) -> float:
    """Returns how far a lift is from 1 at least, in powers."""
    low, high = max(lift.low, 1e-9), max(lift.high, 1e-9)
    return max(math.log(low), -math.log(high))


def _told(records) -> Iterator[Peculiarity]:
    floors = find(records, metric="balanced_bayes_floor")
    floors = [r for r in floors if r.value is not None and r.low > r.null]
    if not floors:
        return
    most = max(floors, key=lambda record: record.value)
    yield Peculiarity(
        (most.value - most.null) / (1 - most.null),
        f"From {most.variant} alone {most.task} is guessed with a balanced "
        f"accuracy of {format_figure(most)} (by chance {most.null:.3f}): what "
        "predicts these labels rightly tells as much.",
    )


def _few(records, schema) -> Iterator[Peculiarity]:
    cells = [
        (hits_of(record), record)
        for record in find(records, metric="joint_share")
        if schema.protected in (record.task, record.variant)
        and MISSING_NAME not in (record.class_name, record.predicted_class)
    ]
    small = sorted(
        (cell for cell in cells if cell[0] < FEW), key=lambda cell: cell[0]
    )
    if small:
        names = ", ".join(
            f"{record.task} {record.class_name} with {record.variant} "
            f"{record.predicted_class} ({hits:,})"
            for hits, record in small[:3]
        )
        text = (
            f"{len(small)} of {len(cells)} pairs of a class and a group have "
            f"fewer than {FEW} portraits: {names}{', ...' * (len(small) > 3)}."
        )
        yield Peculiarity(0.1 + 0.4 * len(small) / len(cells), text)


def _drifting(records) -> Iterator[Peculiarity]:
    tests, told = find(records, metric="drift_p_value"), False
    for test in tests:
        found = find(records, metric="drift", task=test.task)
        found = [r for r in found if r.value is not None and r.value > r.null]
        # One of many tests is rare by chance.
        if not found or (test.value or 0) * len(tests) >= _RARE:
            continue
        most, told = max(found, key=lambda record: record.value), True
        yield Peculiarity(
            min(3 * most.value, 1.0),
            f"{most.task} differs between splits: {most.value:.1%} of "
            f"{most.split} would have to be others to be like the rest (by "
            f"chance up to {most.null:.1%}).",
        )
    if tests and not told:
        text = "All splits have the same shares of labels, but for chance."
        yield Peculiarity(0.0, text)


def hits_of(record) -> int:
    """Returns of how many rows a share is."""
    return round((record.value or 0) * record.count)
