"""Going on from a finished run: which weights a new model takes over."""

import os

from tp_keras.errors import UserError
from tp_keras.files import sha256
from tp_keras.runs.run_folder import RunFolder


def take_weights(classifier, run_dir: str | os.PathLike, run, say=print):
    """Copies the weights of a run's model where names and shapes agree.

    The trunk is taken as a whole where its weights have the same shapes in the
    same order, and layer by layer otherwise; of the layers behind it those of
    the same name and shapes. The rest stays as it is.

    Args:
        classifier: An untrained `PortraitClassifier`.
        run_dir: Folder of the finished run to go on from.
        run: `RunFolder` of the new run.
        say: Function that is told what was taken over and what is new.

    Returns:
        Facts for the new run: path of the other, and SHA-256 of its model.

    Raises:
        UserError: If there is no run, it isn't finished, its model has changed
            since the new run began, or nothing of its trunk fits.
    """
    source = RunFolder(run_dir).require()
    if not source.is_finished:
        raise UserError(
            "Expected a finished run to go on from; the command that started "
            f"it resumes it. Received: from_run={run_dir}"
        )
    digest = sha256(source.model_path)
    known = run.facts.get("from_run", {}).get("model", digest)
    if known != digest:
        raise UserError(
            f"The model of {run_dir} is another than when {run.path} began. "
            "Give another --run_dir, or remove the folder. "
            f"Received: {digest}, expected {known}"
        )
    model = source.load_model()
    taken, new = [_take_trunk(model, classifier, source)], []
    for theirs, ours in _pairs(model, classifier):
        (taken if _copy(theirs, ours) else new).append(ours.name)
    say(
        f"Taken over from {run_dir}: {', '.join(taken)}; "
        f"new: {', '.join(new) or 'nothing'}."
    )
    return {"from_run": {"path": str(source.path), "model": digest}}


def _take_trunk(model, classifier, source):
    if _copy(model.backbone, classifier.backbone):
        return "trunk"
    pairs = _pairs(model.backbone, classifier.backbone)
    copied = sum(_copy(theirs, ours) for theirs, ours in pairs)
    if not copied:
        raise UserError(
            "The trunk is another than that of the run to go on from. Expected "
            f'--backbone "{source.config.model.backbone}". '
            f"Received: from_run={source.path}"
        )
    return f"{copied} of {len(pairs)} layers of the trunk"


def _pairs(source, model):
    """Returns the layers with weights, each with its namesake or None."""
    found = {layer.name: layer for layer in _leaves(source)}
    return [(found.get(layer.name), layer) for layer in _leaves(model)]


def _leaves(model):
    """Returns the layers with weights; a nested model's own instead of it."""
    leaves = []
    for layer in model.layers:
        if not layer.weights or layer is getattr(model, "backbone", None):
            continue
        leaves += _leaves(layer) if hasattr(layer, "layers") else [layer]
    return leaves


def _copy(source, target) -> bool:
    """Copies all weights of a layer if they have the same shapes."""
    shapes = [weight.shape for weight in target.weights]
    if source is None or [w.shape for w in source.weights] != shapes:
        return False
    target.set_weights(source.get_weights())
    return True
