"""Finds what probes read of the group among the records of a report."""

from collections.abc import Sequence

from tp_keras.fairness.leakage import BROKEN_PROBE
from tp_keras.fairness.probe_models import KINDS
from tp_keras.fairness.representations import embedding_name
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.tasks import Task

# How the kinds of probes are called.
KIND_NAMES = {"linear": "linear probe", "mlp": "MLP probe"}


def best_probe(
    records: Sequence[Record], task: Task, conditional: bool
) -> Record | None:
    """Returns the probe that reads most from the embedding of a task.

    What a probe reads is a lower bound of what is there, so the better one
    counts.

    Args:
        records: What was measured.
        task: A guarded task.
        conditional: Whether the class was told to the probe.
    """
    metric = "conditional_group_probe" if conditional else "group_probe"
    found = [
        record
        for kind in KINDS
        for record in find(
            records,
            metric=metric,
            task=task.name,
            variant=f"{kind} {embedding_name(task)}",
        )
    ]
    return max(found, key=lambda item: item.value or 0.0) if found else None


def kind_name(record: Record) -> str:
    """Returns how to call the probe of a record."""
    return KIND_NAMES[record.variant.split(" ")[0]]


def layer(record: Record) -> str:
    """Returns the layer that the probe of a record read."""
    return record.variant.split(" ", 1)[1]


def band(records: Sequence[Record], task: Task) -> tuple[float, float] | None:
    """Returns the ends of what the label gives away, None if not supported."""
    ends = [
        record.value
        for metric in ("leakage_band_low", "leakage_band_high")
        for record in find(records, metric=metric, task=task.name)
    ]
    return tuple(ends) if len(ends) == 2 and None not in ends else None


def broken_probes(records: Sequence[Record], task: Task) -> list[str]:
    """Returns which probes can't be trusted and why, a sentence each."""
    return [
        f"A probe of {task.name} can't be trusted: {record.variant}."
        for record in find(records, metric=BROKEN_PROBE, task=task.name)
    ]
