"""The figures of a generator that a reader must know."""

from collections.abc import Sequence

from tp_keras.generator.evaluation import candidates
from tp_keras.generator.evaluation.candidates import EIGENFACES
from tp_keras.generator.evaluation.candidates import GENERATED
from tp_keras.generator.evaluation.candidates import REAL
from tp_keras.generator.evaluation.distances import KERNEL_SCORE
from tp_keras.generator.evaluation.independent import INDEPENDENT
from tp_keras.generator.evaluation.measurement import FEATURES
from tp_keras.generator.evaluation.measurement import PIXELS
from tp_keras.generator.evaluation.spectrum import OCTAVE_POWER
from tp_keras.records import page_parts
from tp_keras.records import table
from tp_keras.records.page_parts import SummaryFigure
from tp_keras.records.page_parts import Table
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.tasks import Schema

_TWO_SAMPLE = "two_sample_accuracy"


def summarize(records: Sequence[Record], schema: Schema) -> Table:
    """Returns the figures that a reader must know, in order."""
    return page_parts.summary_table(
        summary_figures(records, schema),
        "Brackets hold 95 % intervals, n is the number of portraits that a "
        "figure rests on; - means not defined, or not measured.",
    )


def summary_figures(
    records: Sequence[Record], schema: Schema
) -> list[SummaryFigure]:
    """Returns them as records; a title means the same in every evaluation.

    The first is the score under the independent judges, without a value where
    there were none.
    """
    items = []

    def add(title, compare, metric, variant=GENERATED, **criteria):
        found = find(records, metric=metric, variant=variant, **criteria)
        items.extend(SummaryFigure(title, one, compare) for one in found)

    def text(metric, variant, **criteria):
        found = find(records, metric=metric, variant=variant, **criteria)
        return table.format_figure(found[0]) if found else table.UNDEFINED

    def both(metric, **criteria):
        return "; ".join(
            f"{name} {text(metric, name, **criteria)}"
            for name in (REAL, EIGENFACES)
        )

    items.append(_headline(records))
    for name, compare in (
        (GENERATED, "0 real portraits, 1 eigenfaces"),
        (candidates.STANDARD_NORMAL, "the same without the fitted prior"),
        (candidates.RECONSTRUCTIONS, "real portraits, encoded and decoded"),
    ):
        add(f"kernel score, {name}", compare, KERNEL_SCORE, f"{name} judge")
    space = "random_network"
    compare = text(KERNEL_SCORE, f"{candidates.RECONSTRUCTIONS} {space}")
    add(
        "kernel score to a random network",
        f"reconstructions {compare}",
        KERNEL_SCORE,
        f"{GENERATED} {space}",
    )
    octaves = find(records, metric=OCTAVE_POWER, variant=GENERATED)
    for octave in octaves[:1]:
        where = {"class_name": octave.class_name}
        blur = text(OCTAVE_POWER, candidates.BLUR_1, **where)
        compare = f"1 as real; {candidates.BLUR_1} {blur}"
        items.append(
            SummaryFigure("power of the highest octave", octave, compare)
        )
    add("told from real", both(_TWO_SAMPLE), _TWO_SAMPLE)
    title = "told from real, matching blur"
    add(title, ".5 as real", "blurred_two_sample_accuracy")
    # By whom is part of the title: figures of others don't compare.
    space, who = "judge", "judge"
    if _independent(records, "coverage"):
        space, who = INDEPENDENT, "independent judges"
    for metric in ("coverage", "density"):
        compare = f"{REAL} {text(metric, f'{REAL} {space}')}"
        title = f"{metric} of test, {who}"
        add(title, compare, metric, f"{GENERATED} {space}")
    lowest = "lowest_cell_diversity"
    for cell in find(records, metric=lowest):
        compare = f"1 as real; {cell.class_name}"
        title = f"lowest diversity in a cell, {who}"
        add(title, compare, lowest, cell.variant)
    title = f"mean diversity in cells, {who}"
    add(title, "1 as real", "mean_cell_diversity", f"{GENERATED} {space}")
    names = [task.name for task in schema.condition_tasks]
    for name in names:
        eigenfaces = text("fidelity", EIGENFACES, task=name)
        compare = f"1 as real; {EIGENFACES} {eigenfaces}"
        add(f"fidelity, {name}", compare, "fidelity", task=name)
    for worst in find(records, metric="worst_cell_fidelity"):
        compare = f"1 as real; {worst.task} of {worst.class_name}"
        add("worst fidelity", compare, worst.metric)
    score = "classification_score"
    for name in names:
        title = f"accuracy trained on it, {name}"
        add(title, both(score, task=name), score, task=name)
    unedited = "only decoded " + text("unedited_kept", None)
    for name in names:
        title = f"edit of {name}, success"
        add(title, "1 always", "edit_success", None, task=name)
        title = f"edit of {name}, others kept"
        add(title, unedited, "edit_kept", None, task=name)
    for space in (PIXELS, FEATURES):
        title = f"nearer to training than 99 % of test, {space}"
        variant = f"{GENERATED} {space}"
        add(title, "0.010 without copying", "nearer_than_1_percent", variant)
    nearer = "nearer_to_training"
    compare = "test " + text(nearer, f"{REAL} {PIXELS}")
    title = "nearer to training than to unseen, pixels"
    add(title, compare, nearer, f"{GENERATED} {PIXELS}")
    return items


def _headline(records):
    """Returns the score under the independent judges, beside that of each."""
    found = _independent(records, KERNEL_SCORE)
    parts = ["0 real portraits, 1 eigenfaces"]
    for record in records:
        start = f"{GENERATED} {INDEPENDENT}_"
        if record.metric == KERNEL_SCORE and record.variant.startswith(start):
            name = record.variant.removeprefix(start)
            parts.append(f"{name} {table.format_figure(record)}")
    if not found:
        parts.append("no independent judge")
        found = [Record(KERNEL_SCORE, ALL, ALL, None, 0)]
    title = "kernel score, independent judges"
    return SummaryFigure(title, found[0], "; ".join(parts))


def _independent(records, metric):
    variant = f"{GENERATED} {INDEPENDENT}"
    return find(records, metric=metric, variant=variant)
