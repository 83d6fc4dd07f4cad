"""Explains a label by attributes that other runs have learned."""

import functools
import os
import pathlib
from collections.abc import Sequence

import numpy as np
import tqdm

from tp_keras.data import source
from tp_keras.data.portraits import Portraits
from tp_keras.errors import UserError
from tp_keras.evaluation import places
from tp_keras.evaluation.generalisation.framing import find_framing
from tp_keras.evaluation.generalisation.framing import frame
from tp_keras.evaluation.generalisation.training_faces import training_faces
from tp_keras.explain import criterion
from tp_keras.explain import criterion_page
from tp_keras.explain.evidence import evidence_by_place
from tp_keras.explain.evidence import likeness
from tp_keras.explain.evidence import patch_evidence
from tp_keras.records.record import Record
from tp_keras.records.report import check_folder
from tp_keras.records.report import write_report
from tp_keras.runs.run_folder import RunFolder
from tp_keras.tasks import Task

# Of what chance makes of the labels.
_SEED = 0

# Portraits in which patches are hidden.
_LOOKED_AT = 64

# Rules that are measured, of each size.
_SHOWN = 10


def explain_criterion(
    attribute_runs: Sequence[str | os.PathLike],
    data_dir: str | os.PathLike,
    dataset: str,
    task: str | None = None,
    rank_split: str = "train",
    split: str = "validation",
    output_dir: str | os.PathLike = "runs/criterion",
    label_run: str | os.PathLike | None = None,
) -> tuple[list[Record], pathlib.Path]:
    """Ranks rules of attributes on one split and measures them on another.

    Args:
        attribute_runs: Folders of runs whose answers are the attributes. Their
            training portraits tell how they want a face framed.
        data_dir: Folder of the prepared data sets.
        dataset: Name of the one with the label.
        task: Name of the label, of two classes; None: the first guarded task.
        rank_split: Split to rank by.
        split: Split to measure on.
        output_dir: Folder to write `figures` and the page into.
        label_run: Folder of a run that has learned the label: whether it is
            told by the same places as a rule. None: not asked.

    Returns:
        The records, and the folder in which they lie beside table and plot.

    Raises:
        UserError: If runs, data or label are not there, or tell nothing.
    """
    folder = pathlib.Path(output_dir, "figures")
    check_folder(folder)
    parts = [
        source.load_portraits(data_dir, dataset, part)
        for part in (rank_split, split)
    ]
    schema = parts[0].schema
    label = _find_label(schema, task)
    parts = [part.take(part.labels[label.name] >= 0) for part in parts]
    for part in parts:
        if len(np.unique(part.labels[label.name])) < 2:
            raise UserError(
                f"Expected portraits of both classes of {label.name}. "
                f"Received: {part.dataset}, split={part.split}"
            )
    teacher = _find_teacher(label_run, label, schema.image_shape)
    shown = parts[1].images[:_LOOKED_AT]
    found = [dict(_known_attributes(part, label)) for part in parts]
    seen_at: dict[str, np.ndarray] = {}
    for path in attribute_runs:
        run = RunFolder(path).require()
        tasks = run.schema.get_tasks(run.config.model.tasks)
        trained_on, predict = _reader(run, parts[0])
        said = [predict(part.images) for part in parts]
        thresholds = criterion.flag_thresholds(said[0], tasks, trained_on)
        columns = criterion.columns_of(tasks, said[0])
        if teacher:
            places_of = patch_evidence(predict, shown, columns, run.path.name)
        for own, answers in zip(found, said, strict=True):
            told = criterion.attributes_of(answers, tasks, thresholds)
            for name, values in told.items():
                known = f"{name} ({run.path.name})" if name in own else name
                own[known] = values
                if teacher and name in places_of:
                    seen_at[known] = places_of[name]
    # What one of the splits hardly has is of no use.
    names = [name for name in found[0] if name in found[1]]
    every = criterion.make_rules(
        {name: np.concatenate([own[name] for own in found]) for name in names}
    )
    first = len(parts[0])
    rules = every.take(slice(first)), every.take(slice(first, None))
    labels = [part.labels[label.name] for part in parts]
    order, negated, null = criterion.rank(rules[0], labels[0], _SEED)
    sizes = np.array(rules[0].sizes)[order]
    numbers = [*order[sizes == 1][:_SHOWN], *order[sizes == 2][:_SHOWN]]
    records = [
        Record(
            task=label.name,
            seed=_SEED,
            split=part.split,
            dataset=part.dataset,
            **fields,
        )
        for part, own, values in zip(parts, rules, labels, strict=True)
        for fields in criterion.measure_rules(
            own,
            numbers,
            negated,
            values,
            part.groups if schema.protected else None,
            schema.groups,
            null if part is parts[0] else None,
        )
    ]
    if teacher:
        named = {
            criterion.rule_name(every, number, negated): every.parts[number]
            for number in numbers
        }
        records += [
            Record(
                task=label.name,
                seed=_SEED,
                split=parts[1].split,
                dataset=parts[1].dataset,
                **fields,
            )
            for fields in _evidence(teacher, label, shown, seen_at, named)
        ]
    write_report(
        folder,
        folder.parent / "criterion.html",
        records,
        criterion_page.make_report,
        places.describe_portraits(parts[1])
        | {"attributes": names, "runs": [str(p) for p in attribute_runs]},
    )
    return records, folder


def _find_label(schema, name) -> Task:
    """Returns the task to explain, one of two classes."""
    tasks = [task for task in schema.tasks if task.num_classes == 2]
    guarded = [task for task in tasks if task.name in schema.guarded]
    chosen = [task for task in guarded or tasks if name in (None, task.name)]
    if name is not None:
        chosen = [task for task in tasks if task.name == name]
    if not chosen:
        raise UserError(
            "Expected a label of two classes out of "
            f"{', '.join(task.name for task in tasks) or 'none'}. "
            f"Received: task={name}"
        )
    return chosen[0]


def _known_attributes(portraits: Portraits, label: Task):
    """Yields what the data set itself says of all of its portraits."""
    for task in portraits.schema.tasks:
        values = portraits.labels[task.name]
        if task.name == label.name or not task.has_classes:
            continue
        if (values >= 0).all():
            first = 1 if task.num_classes == 2 else 0
            for index, name in [*enumerate(task.classes)][first:]:
                yield f"{task.name} {name}", values == index


def _find_teacher(path, label: Task, image_shape):
    """Returns the classifier of a run that has learned the label, if any."""
    if path is None:
        return None
    run = RunFolder(path).require()
    tasks = run.schema.get_tasks(run.config.model.tasks)
    if label not in tasks or run.schema.image_shape != image_shape:
        raise UserError(
            f"Expected a run that has learned {label.name} from portraits of "
            f"{image_shape}. Received: label_run={path}, of "
            f"{', '.join(task.name for task in tasks)} from "
            f"{run.schema.image_shape}"
        )
    return run.load_model()


def _evidence(teacher, label, shown, seen_at, rules):
    """Yields where a label is told, and how alike that is to where rules are.

    Fields of records; see `likeness` for what the arguments are.
    """
    predict = functools.partial(teacher.predict_answers, verbose=0)
    wanted = {label.name: (label, 1)}
    (told,) = patch_evidence(predict, shown, wanted, label.name).values()
    yield from likeness(told, seen_at, rules)
    yield from evidence_by_place(told, shown[0])


def _reader(run: RunFolder, portraits: Portraits):
    """Returns labels of a run's training, and a function that asks it.

    Pictures are framed like those of its training, by their mean faces; the
    portraits tell how.
    """
    classifier, size = run.load_model(), run.schema.image_shape[:2]
    seen = training_faces(run)
    face = seen.images.mean(0)
    framing, _, correlation = find_framing(face, portraits.images.mean(0))
    tqdm.tqdm.write(
        f"{run.path}: looked at in {framing.scale:.2f} of the view, mean faces "
        f"correlate with {correlation:.2f}"
    )

    def predict(images):
        framed = frame(images, size, framing, title="framing")
        return classifier.predict_answers(framed, verbose=0)

    return seen.labels, predict
