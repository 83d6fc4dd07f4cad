"""Real and generated portraits side by side, for the eye to tell apart."""

import csv
import io
import os
import pathlib

import numpy as np

from tp_keras import files
from tp_keras.data import source
from tp_keras.errors import UserError
from tp_keras.generator.evaluation.candidates import GENERATED
from tp_keras.generator.evaluation.candidates import REAL
from tp_keras.generator.evaluation.vae_sampler import VaeSampler
from tp_keras.generator.training.folder import VaeRunFolder
from tp_keras.records.intervals import wilson_interval
from tp_keras.records.sheet import draw_sheet
from tp_keras.tasks import Schema

_TITLE = "Which of these are real?"


def key_path(sheet: str | os.PathLike) -> pathlib.Path:
    """Returns where the key of a sheet lies: `FILE.key.csv` of `FILE.png`."""
    return pathlib.Path(sheet).with_suffix(".key.csv")


def draw_turing(
    run: VaeRunFolder,
    sheet: str | os.PathLike,
    count: int,
    seed: int = 0,
    temperature: float = 1.0,
) -> Schema:
    """Writes a sheet of real and generated portraits, and the key beside it.

    One half are real ones of the test split, drawn by chance; the others are
    generated with the labels of the same portraits, so that no label tells one
    kind from the other. All are uint8, shuffled, and only numbered. The key
    says of each number where it comes from, and its labels.

    Args:
        run: Folder of the run whose model generates.
        sheet: PNG file to write.
        count: Portraits of both kinds together, an even number.
        seed: Of all that is drawn.
        temperature: Scale of the noise of the generated ones.

    Returns:
        The `Schema` of the portraits.

    Raises:
        UserError: If the count is odd, or there are too few test portraits.
    """
    half, odd = divmod(count, 2)
    if odd or not half:
        raise UserError(
            "Expected an even number of portraits, half of them real. "
            f"Received: count={count}"
        )
    data, vae = run.config.data, run.load_model()
    test = source.load_portraits(
        data.data_dir, data.dataset, "test", progress=False
    )
    test = test.seen_as(vae.schema)
    if len(test) < half:
        raise UserError(
            f"Expected {half:,} real portraits in the test split of "
            f"{data.dataset}. Received: {len(test):,}"
        )
    generator = np.random.default_rng(seed)
    chosen = test.take(np.sort(generator.choice(len(test), half, False)))
    made = VaeSampler(vae).generate(chosen.labels, seed, temperature)
    images = np.concatenate([np.asarray(chosen.images), made])
    order = generator.permutation(count)
    tasks = chosen.schema.condition_tasks
    rows = [
        [
            number,
            REAL if place < half else GENERATED,
            *(t.label_name(chosen.labels[t.name][place % half]) for t in tasks),
        ]
        for number, place in enumerate(order, 1)
    ]
    captions = [str(number) for number, *_ in rows]
    with files.replaced(sheet) as aside:
        draw_sheet(images[order], _TITLE, captions).save(aside, "PNG")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [task.name for task in tasks]
    writer.writerows([["number", "origin", *names], *rows])
    files.write_text(key_path(sheet), text.getvalue())
    return chosen.schema


def count_marks(
    sheet: str | os.PathLike, marks: str | os.PathLike
) -> dict[str, tuple[int, int]]:
    """Returns how many portraits were taken for real: origin -> hits, count.

    The marks are a text file of the numbers that somebody took for real, one a
    line; the key of the sheet tells which they are.

    Raises:
        UserError: If there is no such key, or a line is no number of it, or one
            that came before.
    """
    path = key_path(sheet)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            origins = {
                int(row["number"]): row["origin"]
                for row in csv.DictReader(file)
            }
        if {*origins.values()} != {REAL, GENERATED}:
            raise ValueError("no real or no generated portrait")
    except (OSError, ValueError, LookupError, TypeError, csv.Error) as error:
        raise UserError(
            "Expected the key of a sheet beside it, as it was written. "
            f"Received: {path} ({error})"
        ) from error
    taken = set()
    try:
        lines = pathlib.Path(marks).read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError) as error:
        raise UserError(
            "Expected a text file with a number of the sheet in each line. "
            f"Received: {marks} ({error})"
        ) from error
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line:
            continue
        mark = int(line) if line.isdecimal() else 0
        if mark not in origins or mark in taken:
            raise UserError(
                f"Expected in each line one of the numbers 1 to {len(origins)} "
                f"of the sheet, each once. Received: {line[:40]!r} in line "
                f"{number} of {marks}"
            )
        taken.add(mark)
    return {
        kind: (
            sum(origins[mark] == kind for mark in taken),
            sum(origin == kind for origin in origins.values()),
        )
        for kind in (GENERATED, REAL)
    }


def describe_marks(counts: dict[str, tuple[int, int]]) -> str:
    """Returns what `count_marks` found as text, with Wilson's intervals."""
    lines = []
    for kind, (hits, count) in counts.items():
        low, high = wilson_interval(hits, count)
        lines.append(
            f"{kind}: {hits} of {count} taken for real, "
            f"{hits / count:.3f} [{low:.3f}, {high:.3f}]"
        )
    return "\n".join(lines)
