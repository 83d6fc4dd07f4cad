"""The few figures that answer the question, and what they say in words."""

import dataclasses
from collections.abc import Sequence

from tp_keras import tasks
from tp_keras.fairness import leakage_figures
from tp_keras.fairness.group_metrics import ALL_GROUPS
from tp_keras.fairness.group_sample import UNSUPPORTED
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find

# Of the lists of neighbours that the summary speaks of; if they were not
# measured, the longest ones are.
NEIGHBORS = 20

_PEOPLE = {"female": "women", "male": "men"}


@dataclasses.dataclass(frozen=True)
class SummaryFigure:
    """One figure that answers a part of the question.

    Attributes:
        title: What it is.
        record: The figure.
        aim: What it would be without regard to gender.
        sentence: What it says, in plain words.
    """

    title: str
    record: Record
    aim: str
    sentence: str


def summarize(
    records: Sequence[Record], task: tasks.Task
) -> list[SummaryFigure]:
    """Returns the figures of a task that a reader must know, in order.

    Args:
        records: What a fairness report measured.
        task: A hair task.

    Returns:
        What there is of: accuracy and its gap, smallest recall, equalised
        odds, also with the groups too small to count, conditional and
        unconditional probe of the embedding, same-gender excess among
        neighbours, counterfactual flips.
    """
    found = find(records, task=task.name)
    items = (
        _accuracy(found, task),
        _accuracy_gap(found),
        _worst_group(found),
        _equalized_odds(found),
        _all_groups(found),
        _conditional_probe(found, task),
        _unconditional_probe(found, task),
        _same_gender_excess(found, task),
        _flips(found),
    )
    return [item for item in items if item is not None]


def _accuracy(records, task):
    record = _one(records, "accuracy", group=ALL)
    if record is None:
        return None
    return _item(
        "accuracy",
        record,
        "",
        f"Right is the {plain_name(task)} of {percent(record.value)} of "
        f"{record.count:,} portraits.",
    )


def _accuracy_gap(records):
    record = _one(records, "accuracy_gap")
    if record is None:
        return None
    parts = [
        f"{percent(part.value)} of {part.count:,} {_PEOPLE[group]}"
        for group in tasks.GENDER.classes
        for part in find(records, metric="accuracy", group=group)
    ]
    return _item(
        "accuracy gap",
        record,
        _by_chance(record),
        f"It is right for {' and '.join(parts)}, {points(record.value)} "
        "apart."
        + _if_chance(
            record, " By chance alone it would hardly be more than {}.", points
        ),
    )


def _worst_group(records):
    record = _one(records, "worst_group_recall")
    if record is None:
        return None
    group = _group(record)
    return _item(
        f"worst group recall{f' ({group})' if group else ''}",
        record,
        _by_chance(record, "at least"),
        f"Worst off are {group}: {percent(record.value)} of {record.count:,} "
        "are recognised."
        + _if_chance(
            record,
            " If gender played no role, the worst group would hardly have less "
            "than {}.",
        ),
    )


def _equalized_odds(records):
    record = _one(records, "equalized_odds_difference_max")
    if record is None:
        return None
    return _item(
        f"equalised-odds difference{_of_class(record)}",
        record,
        _by_chance(record),
        f"How often portraits are called {record.class_name}, rightly or "
        f"wrongly, differs between women and men by {points(record.value)}."
        + _if_chance(
            record, " By chance alone it would hardly be more than {}.", points
        ),
    )


def _all_groups(records):
    """Returns what small groups would add, so that they are not forgotten."""
    small = [
        f"{_group(record)} ({record.count:,})"
        for record in find(records, metric="group_recall", variant=UNSUPPORTED)
        if record.count
    ]
    found = find(
        records, metric="equalized_odds_difference_max", variant=ALL_GROUPS
    )
    if not small or not found:
        return None
    (record,) = found
    return _item(
        f"the same with groups too small to count{_of_class(record)}",
        record,
        _by_chance(record),
        f"Too few to count were {', '.join(small)}. With them it would be "
        f"{points(record.value)}"
        + _if_chance(record, ", by chance hardly more than {}", points)
        + ".",
    )


def _conditional_probe(records, task):
    record = leakage_figures.best_probe(records, task, conditional=True)
    if record is None:
        return None
    return _item(
        f"conditional {leakage_figures.kind_name(record)} of the embedding",
        record,
        "0.500",
        f"Among portraits of the same {plain_name(task)}, a probe of the "
        f"embedding gets {percent(record.value)} of women and men right; "
        "guessing gets 50 %.",
    )


def _unconditional_probe(records, task):
    record = leakage_figures.best_probe(records, task, conditional=False)
    band = leakage_figures.band(records, task)
    if record is None:
        return None
    if band is None or record.value is None:
        aim, where = "the band", ""
    else:
        low, high = band
        aim = f"the band {low:.3f} to {high:.3f}"
        where = (
            f" Who knows the true {plain_name(task)} and nothing else gets "
            f"{percent(high)}, and a model of this accuracy can't be below "
            f"{percent(low)}: "
            f"{_place(record, low, high)}"
        )
    return _item(
        f"unconditional {leakage_figures.kind_name(record)} of the embedding",
        record,
        aim,
        f"Among all portraits a probe gets {percent(record.value)} right."
        f"{where}",
    )


def _place(record, low, high):
    if record.high < low:
        return "the probe is below this band, so it is broken."
    if record.value <= high:
        return "the probe is inside this band."
    return (
        f"the probe is {points(record.value - high)} above this band, and that "
        "much could be removed."
    )


def _same_gender_excess(records, task):
    candidates = [
        record
        for record in find(records, metric="same_gender_excess", group=ALL)
        if (record.variant or "").removeprefix("k=").isdigit()
    ]
    if not candidates:
        return None
    record = min(candidates, key=_distance_to_usual)
    length = _length(record)
    return _item(
        f"same-gender excess at {length} neighbours",
        record,
        _by_chance(record),
        f"Among the {length} portraits with the most similar hair, the share "
        f"of the query's own gender is {_above(record.value)} what the "
        f"{plain_name(task)} implies.",
    )


def _above(value):
    if value is None:
        return ""
    side = "above" if value >= 0 else "below"
    return f"{points(abs(value))} {side}"


def _length(record):
    return int(record.variant.removeprefix("k="))


def _distance_to_usual(record):
    return abs(_length(record) - NEIGHBORS)


def _flips(records):
    record = _one(records, "counterfactual_flips", group=ALL)
    if record is None:
        return None
    return _item(
        "counterfactual flips",
        record,
        "0.000",
        "If the hair stays and the portrait is drawn with the cues of the "
        f"other gender, the answer changes in {percent(record.value)} of "
        f"{record.count:,} pairs.",
    )


def _one(records, metric, **criteria):
    """Returns the main record of a metric: the one without a variant."""
    found = find(records, metric=metric, variant=None, **criteria)
    return found[0] if found else None


def _item(title, record, aim, sentence):
    if record.value is None:
        sentence = f"{title.capitalize()}: {not_supported(record)}."
    return SummaryFigure(title, record, aim, sentence)


def plain_name(task: tasks.Task) -> str:
    """Returns how a text calls a hair task."""
    return task.name.replace("_", " ").replace("color", "colour")


def not_supported(record: Record) -> str:
    """Returns what stands in place of a figure with too few portraits."""
    return f"not supported (n = {record.count:,})"


def percent(value) -> str:
    """Returns `85 %`, with a decimal where that tells more."""
    if value is None:
        return "-"
    return f"{value:.1%}".replace("%", " %")


def points(value) -> str:
    """Returns a difference of shares: `12.3 points`."""
    if value is None:
        return "-"
    return f"{100 * value:.1f} points"


def _by_chance(record, bound="at most"):
    """Returns what the figure is where gender plays no role."""
    return "" if record.null is None else f"{bound} {record.null:.3f}"


def _if_chance(record, sentence, form=percent):
    return "" if record.null is None else sentence.format(form(record.null))


def _group(record):
    if record.class_name is None:
        return ""
    return f"{record.class_name} {_PEOPLE.get(record.group, record.group)}"


def _of_class(record):
    return f" ({record.class_name})" if record.class_name else ""
