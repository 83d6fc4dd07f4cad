"""What the bundles of each kind take and answer."""

from tp_keras.tasks import EMBEDDING
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Schema
from tp_keras.tasks import Task

# TF_DataType of what a signature may carry; servers write no half precision
# as JSON.
FLOAT, UINT8, STRING, INT64, BOOL = 1, 4, 7, 9, 10

# In the folder of every version of a classifier's bundle.
LITERT_FILE = "formats/portrait_attributes.tflite"

# Mean and whitening of its `features`, where there were training portraits.
FAMILIARITY_FILE = "formats/familiarity.npz"

# Between the names of flags, where they are told as one text.
FLAG_SEPARATOR = "|"

# The feature of a `tf.Example` that holds a picture file.
EXAMPLE_FEATURE = "image_bytes"

# How the constants of a graph begin that are parameters of the model.
WEIGHT = "parameters_of_the_model"

# How the methods of a server are called that take examples: a signature of
# theirs is called `<method>_<task>`.
CLASSIFY, REGRESS, PREDICT = "classify", "regress", "predict"

_IMAGE = {"image": UINT8}
_BYTES = {"image_bytes": STRING}
_LATENT = {"latent": FLOAT}
_VALID = {"valid": BOOL}
_EXAMPLES = {"inputs": STRING}
_EXAMPLE_ANSWERS = {
    CLASSIFY: {"classes": STRING, "scores": FLOAT},
    REGRESS: {"outputs": FLOAT},
}


def example_signature(task: Task) -> str:
    """Returns the name of the signature that answers a task from examples."""
    method = REGRESS if task.kind == REGRESSION else CLASSIFY
    return f"{method}_{task.name}"


def method_of(signature: str) -> str:
    """Returns by which method of a server a signature is called."""
    method = signature.partition("_")[0]
    return method if method in (CLASSIFY, REGRESS) else PREDICT


def find_contract(signatures, metadata: dict) -> dict[str, tuple[dict, dict]]:
    """Returns the TF_DataTypes of the inputs and outputs of every signature.

    The names of a bundle's `signatures` and its metadata tell what they are.
    """
    schema = Schema.from_dict(metadata["schema"])
    if "generate" in signatures:
        return _generator(schema)
    return _classifier(schema, schema.get_tasks(metadata["tasks"]))


def _classifier(schema, tasks):
    answers = {}
    for task in tasks:
        beside = "unit" if task.kind == REGRESSION else "label"
        answers |= {task.name: FLOAT, f"{task.name}_{beside}": STRING}
    contract = {
        "serving_default": (_IMAGE, answers),
        "serve_bytes": (_BYTES, answers | _VALID),
    }
    for task in tasks:
        name = example_signature(task)
        contract[name] = (_EXAMPLES, _EXAMPLE_ANSWERS[method_of(name)])
    if any(task.name in schema.guarded for task in tasks):
        contract["embed"] = (_IMAGE, {EMBEDDING: FLOAT})
    return contract


def _generator(schema):
    labels = dict.fromkeys((t.name for t in schema.condition_tasks), STRING)
    new = labels | {f"new_{name}": STRING for name in labels}
    request = labels | {"seed": INT64, "temperature": FLOAT}
    moments = {"mean": FLOAT, "log_variance": FLOAT}
    generated = _IMAGE | _LATENT | _VALID
    return {
        "serving_default": (request, generated),
        "generate": (request, generated),
        "generate_bytes": (request, _BYTES | _VALID),
        "encode": (_IMAGE | labels, moments | _VALID),
        "decode": (_LATENT | labels, _IMAGE | _VALID),
        "reconstruct": (_IMAGE | labels, _IMAGE | _VALID),
        "edit": (_IMAGE | new, _IMAGE | _VALID),
        "edit_bytes": (_BYTES | new, _BYTES | _VALID),
    }
