"""Measures a run on the portraits of several data sets, and writes it all."""

import itertools
import os
import pathlib
import zlib
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np
import tqdm

from tp_keras.data import builders
from tp_keras.data import source
from tp_keras.data.portraits import Portraits
from tp_keras.errors import UserError
from tp_keras.evaluation import places
from tp_keras.evaluation.answers import answers_of
from tp_keras.evaluation.generalisation import losses
from tp_keras.evaluation.generalisation import page
from tp_keras.evaluation.generalisation.likeness import AS_IS
from tp_keras.evaluation.generalisation.likeness import find_likeness
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.report import check_folder
from tp_keras.records.report import page_of
from tp_keras.records.report import write_report
from tp_keras.runs.run_folder import RunFolder

# Portraits of the training that framing and colours are read from.
_MOST_PICTURES = 4000

_OWN_SPLIT = "test"


def run_generalisation(
    run_dir: str | os.PathLike,
    datasets: Sequence[str],
    data_dir: str | os.PathLike | None = None,
    split: str = "test",
    output_dir: str | os.PathLike | None = None,
    choose: Callable[[list[Portraits]], Iterable[Portraits]] | None = None,
    chosen: str = "",
) -> tuple[list[Record], pathlib.Path]:
    """Measures a run on other portraits, and what its losses are made of.

    Args:
        run_dir: Folder of the run.
        datasets: Names of prepared data sets that share a task with it, with
            pictures of any size.
        data_dir: Folder of the prepared data sets; None: the run's own.
        split: Split of them, or a slice of one. Of the run's own data it is
            `"test"`, or what it was validated on where there is none.
        output_dir: Folder to write into; None: that of the run.
        choose: Function that returns some portraits of each of a list.
        chosen: What they have in common, in words.

    Returns:
        The records, those of the run's own portraits first, and the folder
        `<output_dir>/generalisation/<split>` in which they lie beside tables
        and plots; with chosen portraits their name follows that of the split.

    Raises:
        UserError: If run, data sets, split or shared tasks are not there.
    """
    run = RunFolder(run_dir).require()
    data, seed = run.config.data.first, run.config.training.seed
    source_dir = data_dir or data.data_dir

    def load(dataset, split):
        return source.load_portraits(
            source_dir, dataset, split, storage=data.storage
        )

    splits = builders.find_builder(source_dir, data.dataset).info.splits
    own_split = _OWN_SPLIT if _OWN_SPLIT in splits else data.part("validation")
    own = load(data.dataset, own_split).seen_as(run.schema)
    learned = set(run.config.model.tasks or run.schema.task_names)
    learned &= set(own.schema.task_names)
    others = [load(name, split) for name in dict.fromkeys(datasets)]
    others = [part for part in others if part.dataset != own.dataset]
    if not others:
        raise UserError(
            "Expected one or more data sets beside that of the run, "
            f"{own.dataset}. Received: datasets={', '.join(datasets)}"
        )
    if choose is not None:
        own, *others = choose([own, *others])
    for part in others:
        if not learned & set(part.schema.task_names):
            raise UserError(
                f"Expected data sets with one or more of the tasks that "
                f"{run.path} learned, {', '.join(sorted(learned))}. Received: "
                f"{', '.join(part.schema.task_names)} of {part.dataset}"
            )
    name = places.file_name("-".join(filter(None, (split, chosen))))
    folder = pathlib.Path(output_dir or run.path, "generalisation", name)
    check_folder(folder)
    train = load(data.dataset, data.part("train")).images
    rows = np.linspace(0, len(train) - 1, min(len(train), _MOST_PICTURES))
    wanted = np.array(train[rows.astype(int)])
    predict = answers_of(run.load_model())
    scores = _score(own, [predict(own.images)])
    records = _records(own, seed, _measure(own, scores, seed))
    faces = {}
    for part in tqdm.tqdm(others, "data sets", delay=2, leave=False):
        found = find_likeness(wanted, part.images)
        faces[part.dataset] = found.faces
        part = part.with_images(found.images[AS_IS]).seen_as(run.schema)
        other = _score(part, map(predict, found.images.values()))
        pictures = {"task": page.PICTURES, "group": ALL}
        measured = [{**pictures, **fields} for fields in found.figures()]
        measured += _measure(part, other, seed, own, scores)
        records += _records(part, seed, measured)
    people = any(part.schema.shows_people for part in (own, *others))
    write_report(
        folder,
        page_of(folder),
        records,
        lambda written: page.make_report(
            written, run.schema, faces, people, chosen
        ),
        {
            "portraits": [places.describe_portraits(p) for p in (own, *others)],
            "chosen": chosen,
        },
    )
    return records, folder


def _score(portraits, answers) -> dict[str, losses.Scores]:
    """Returns task -> scores of the answers of each treatment."""
    answers = list(answers)
    return {
        task.name: losses.score(
            task,
            [found[task.name] for found in answers],
            portraits.labels[task.name],
        )
        for task in portraits.schema.tasks
        if task.name in answers[0]
    }


def _measure(
    portraits, scores, seed, own=None, own_scores=None
) -> Iterator[dict]:
    """Yields the fields of the records of all tasks and groups.

    Beside those of the run's own portraits, if these are others.
    """
    schema = portraits.schema
    names = [name for name in scores if own is None or name in own_scores]
    for name, group in itertools.product(names, (ALL, *schema.groups)):
        pairs = [(portraits, scores)]
        pairs = pairs if own is None else [(own, own_scores), *pairs]
        chosen = []
        for part, found in pairs:
            rows = found[name].inside.any(-1)
            if group != ALL:
                rows &= part.groups == schema.groups.index(group)
            chosen.append(found[name].take(rows))
        # A stream of chance of its own, whatever else is measured.
        stream = zlib.crc32(f"{portraits.dataset} {name} {group}".encode())
        generator = np.random.default_rng([seed, stream])
        pair = chosen if own is not None else (*chosen, None)
        for fields in losses.measure(schema.task(name), *pair, generator):
            yield {"task": name, "group": group, **fields}


def _records(portraits, seed, fields) -> list[Record]:
    where = {"split": portraits.split, "dataset": portraits.dataset}
    return [Record(seed=seed, **where, **own) for own in fields]
