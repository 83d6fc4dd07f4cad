"""Judges that no training of a generator ever looked through."""

import os
import re
from collections.abc import Sequence

import numpy as np

from tp_keras.errors import UserError
from tp_keras.evaluation.generalisation.training_faces import training_faces
from tp_keras.files import sha256
from tp_keras.generator.evaluation.judge import IndependentJudge
from tp_keras.runs.run_folder import RunFolder

# The space of what all of them say together, and how each of theirs begins.
INDEPENDENT = "independent"


def require_other(paths: Sequence[str | os.PathLike], run) -> list[RunFolder]:
    """Returns the folders of classifiers that judge a generator's run.

    Each is a finished training from nothing, on another data set than the
    generator's. A run is known by its model, so that a copy is the same one.

    Raises:
        UserError: If one is not.
    """
    own = _family(run.config.data.dataset)
    eyes = run.config.model.classifier_run
    looked_through = _models_of(RunFolder(eyes)) if eyes and paths else ()
    folders = {}
    for path in paths:
        folder = RunFolder(path).require()
        data, model = folder.config.data, folder.config.model
        known = f"Received: independent_runs={path}"
        if not folder.is_finished:
            raise UserError(
                "Expected a finished run as an independent judge; the command "
                f"that started it resumes it. {known}, which is "
                f"{folder.facts.get('status')}"
            )
        (digest, *_) = _models_of(folder)
        if digest in looked_through:
            raise UserError(
                "The training of the generator looked through this run, so it "
                "is no independent judge. Expected a run of another data set. "
                f"{known}"
            )
        if own in map(_family, data.datasets):
            raise UserError(
                "Expected independent judges that were trained on another data "
                f"set than the generator's, {own}. {known}, of "
                f"{', '.join(data.datasets)}"
            )
        if model.from_run or model.backbone.endswith(".keras"):
            raise UserError(
                "Expected an independent judge that was trained from nothing, "
                "as other weights may have seen what the generator saw. "
                f"{known}, which began with {model.from_run or model.backbone}"
            )
        if digest in folders:
            raise UserError(
                "Expected each independent judge once. "
                f"{known}, the same run as {folders[digest].path}"
            )
        folders[digest] = folder
    return list(folders.values())


def open_judges(
    folders: Sequence[RunFolder], reference_images: np.ndarray
) -> list[IndependentJudge]:
    """Returns the judges of folders, each with a name of its own.

    Reference images are uint8 `[n, height, width, 3]`, real portraits of the
    generator's data set.

    Raises:
        UserError: If the data that one was trained on is not there.
    """
    judges = []
    for number, folder in enumerate(folders, 1):
        name = re.sub(r"\W+", "_", folder.path.resolve().name)
        name = f"{INDEPENDENT}_{name}"
        if any(judge.name == name for judge in judges):
            name += f"_{number}"
        face = training_faces(folder).images.mean(0)
        judges.append(
            IndependentJudge(name, folder.load_model(), face, reference_images)
        )
    return judges


def _family(dataset):
    """Returns the data set of a variant, whose portraits others may share."""
    return dataset.partition("/")[0]


def _models_of(folder):
    """Returns the hashes of a run's model and of that which it began with."""
    began = folder.facts.get("from_run", {}).get("model")
    own = sha256(folder.require().model_path)
    return dict.fromkeys(filter(None, (own, began)))
