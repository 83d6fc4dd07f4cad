"""What the templates of the page are filled with."""

import dataclasses

from tp_keras.server.pictures import SHOWN
from tp_keras.server.shelf import Shelved
from tp_keras.server.studio import Studio
from tp_keras.serving.contract import FLAG_SEPARATOR
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION


@dataclasses.dataclass(frozen=True)
class Bar:
    """A class or flag, its probability in percent, and whether it is told."""

    name: str
    percent: float
    chosen: bool


@dataclasses.dataclass(frozen=True)
class TaskView:
    """The answer to a task: a title, and bars or a number."""

    name: str
    title: str
    answer: str
    bars: list[Bar]
    unsure: str | None


@dataclasses.dataclass(frozen=True)
class FaceView:
    """A face, with all that is said of it.

    Attributes:
        similar: Dict of the title of a task to rows of the gallery.
        edits: Dict of a condition to its title and the number and name of each
            other class; None without a generator.
    """

    number: int
    box: tuple[float, float, float, float] | None
    tasks: list[TaskView]
    warnings: list[str]
    similar: dict[str, list[int]]
    edits: dict | None


def title_of(name: str) -> str:
    """Returns the name of a task as it is read: `Some task`."""
    return name.replace("_", " ").capitalize()


def make_photo(shelved: Shelved) -> dict:
    """Returns size, warnings and kind of a photo."""
    height, width, _ = shelved.answer.photo.pixels.shape
    return {
        "width": width,
        "height": height,
        "line": max(width, height) / SHOWN * 4,
        "warnings": shelved.answer.warnings,
        "is_sample": shelved.is_sample,
    }


def make_faces(studio: Studio, shelved: Shelved) -> list[FaceView]:
    """Returns the faces of a photo."""
    generator = studio.generator()
    schema = generator and generator[1]
    tasks, faces = studio.predictor.tasks, []
    for number, face in enumerate(shelved.answer.faces):
        similar = studio.find_similar(shelved, number)
        faces.append(
            FaceView(
                number,
                face.face and face.face.box,
                [_task(task, face.prediction) for task in tasks],
                studio.warn(shelved.answer.photo, face),
                {title_of(name): rows for name, rows in similar.items()},
                schema and _edits(studio, schema, face),
            )
        )
    return faces


def _task(task, prediction):
    unsure, bars = prediction.unsure.get(task.name), []
    if task.kind == REGRESSION:
        answer = f"{prediction.numbers[task.name]:.1f} {task.unit}".rstrip()
    else:
        label = prediction.labels[task.name]
        chosen = [label]
        if task.kind == MULTI_LABEL:
            chosen = label.split(FLAG_SEPARATOR) if label else []
        shares = prediction.probabilities[task.name]
        bars = [Bar(n, 100 * p, n in chosen) for n, p in shares.items()]
        answer = ", ".join(chosen) or "none"
    return TaskView(task.name, title_of(task.name), answer, bars, unsure)


def _edits(studio, schema, face):
    labels = studio.labels(schema, face)
    return {
        task.name: (
            title_of(task.name),
            [
                (i, name)
                for i, name in enumerate(task.classes)
                if name != labels[task.name]
            ],
        )
        for task in schema.condition_tasks
    }
