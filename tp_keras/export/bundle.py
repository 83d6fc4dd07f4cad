"""Writes the bundle of a classifier."""

import pathlib

import keras
import numpy as np
import tensorflow as tf

from tp_keras.errors import UserError
from tp_keras.export.answers import answer_model
from tp_keras.export.folding import fold_batch_normalization
from tp_keras.export.formats.compare import compare
from tp_keras.export.formats.litert import LiteRT
from tp_keras.export.publishing import describe_export
from tp_keras.export.publishing import publish
from tp_keras.export.publishing import unpublished
from tp_keras.export.publishing import write_metadata
from tp_keras.export.recorded import expected_requests
from tp_keras.export.recorded import write_recorded
from tp_keras.export.signatures import make_signatures
from tp_keras.quiet import no_native_messages
from tp_keras.records.record import find
from tp_keras.serving.answers import check_answers
from tp_keras.serving.check import check_content
from tp_keras.serving.contract import LITERT_FILE
from tp_keras.serving.litert_file import LiteRTFile
from tp_keras.tasks import EMBEDDING
from tp_keras.tasks import REGRESSION

BUNDLE_NAME = "portrait_attributes"

# The greatest difference of a bundle to its model; of numbers in tolerances.
TOLERANCE = 1e-4

# Images to compare with.
CHECK_COUNT = 8


def export_bundle(
    classifier, output_dir, *, metadata=None, name: str = BUNDLE_NAME
) -> pathlib.Path:
    """Exports a classifier as `<output_dir>/<name>/<next version>/`.

    The bundle is a SavedModel with folded batch normalisation and constant
    weights, a LiteRT file of the same, `metadata.json` beside it, and the
    requests that a server warms up with. It is written aside, loaded through
    TensorFlow's C API and compared with the model, and appears under its
    version whole or, on any failure, not at all. Then the files are written,
    beside the models, that a server is started with.

    Args:
        classifier: A trained `PortraitClassifier`.
        output_dir: Folder of all exported models.
        metadata: Dict of what else `metadata.json` shall say.
        name: Name under which the model is served.

    Returns:
        Folder of the version.

    Raises:
        UserError: If a server would refuse the graph, or it answers otherwise
            than the model.

    Example:
        >>> export_bundle(classifier, "exported_models")
        PosixPath('exported_models/portrait_attributes/1')
    """
    with unpublished(output_dir, name) as folder:
        images = noise(classifier.schema.image_shape)
        write_bundle(classifier, folder, images, metadata or {})
        return publish(folder)


def write_bundle(
    classifier, folder, images: np.ndarray, metadata: dict
) -> tuple[keras.Model, dict]:
    """Writes the files of a bundle into `folder`, and checks them by `images`.

    Returns the folded model of answers, and what `metadata.json` says.
    """
    tasks = classifier.tasks
    folded = fold_batch_normalization(classifier.inference_model())
    model = answer_model(folded, tasks)
    signatures = make_signatures(model, tasks)
    # A bare module: one that tracks the model would save its variables.
    tf.saved_model.save(tf.Module(), str(folder), signatures=signatures)
    facts = {
        "schema": classifier.schema.to_dict(),
        "tasks": [task.name for task in tasks],
        "signatures": sorted(signatures),
        "parameters": model.count_params(),
        **describe_export(),
        **metadata,
    }
    write_metadata(folder, facts)
    write_recorded(
        folder,
        signatures,
        expected_requests(classifier),
        classifier.schema.image_shape,
    )
    check_content(folder).require()
    answers = classifier.predict_answers(images, verbose=0)
    differences = _differences(tasks, folder, images, answers)
    _write_litert(classifier, folder, images, answers)
    facts["checked"] = {
        "portraits": len(images),
        "largest_difference": max(differences.values()),
    }
    write_metadata(folder, facts)
    return model, facts


def noise(image_shape) -> np.ndarray:
    """Returns a few images to compare with where there are no portraits."""
    generator = np.random.default_rng(0)
    shape = (CHECK_COUNT, *image_shape)
    return generator.integers(0, 256, shape, dtype=np.uint8)


def _write_litert(classifier, folder, images, answers):
    """Writes the LiteRT file, with features, and compares it with the model."""
    tasks, path = classifier.tasks, folder / LITERT_FILE
    path.parent.mkdir()
    folded = fold_batch_normalization(classifier.inference_model(features=True))
    with no_native_messages():
        LiteRT().convert(answer_model(folded, tasks), tasks, path)
    records = compare(tasks, answers, LiteRTFile(path)(images))
    worst = max(r.value for r in find(records, metric="max_difference"))
    if worst > TOLERANCE:
        raise UserError(
            f"The LiteRT file differs from its model by {worst:.2g}. Expected "
            f"at most {TOLERANCE:g}."
        )


def _differences(tasks, folder, images, answers):
    request, answers = {"image": images}, dict(answers)
    expected = {"serving_default": (request, answers)}
    if EMBEDDING in answers:
        expected["embed"] = request, {EMBEDDING: answers.pop(EMBEDDING)}
    scales = {t.name: t.tolerance for t in tasks if t.kind == REGRESSION}
    return check_answers(folder, expected, TOLERANCE, scales)
