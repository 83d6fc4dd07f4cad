"""What the bundles of each kind take and answer."""

import dataclasses

from tp_keras.tasks import TASK_NAMES

# TF_DataType of what a signature may carry; servers write no half precision
# as JSON.
FLOAT, INT32, UINT8, STRING, INT64, BOOL = 1, 3, 4, 7, 9, 10


@dataclasses.dataclass(frozen=True)
class Contract:
    """What a kind of bundle takes and answers.

    Attributes:
        inputs: For each signature that may be there, the TF_DataType of each
            input.
        required: The signatures that must be there.
        outputs: As `inputs`, where the outputs are the same in every bundle;
            else None.
        output_dtypes: The TF_DataTypes of outputs.
    """

    inputs: dict[str, dict[str, int]]
    required: tuple[str, ...]
    outputs: dict[str, dict[str, int]] | None = None
    output_dtypes: tuple[int, ...] = (STRING, FLOAT, BOOL)


ATTRIBUTES = Contract(
    inputs={
        "serving_default": {"image": UINT8},
        "serve_bytes": {"image_bytes": STRING},
        "embed": {"image": UINT8},
    },
    required=("serving_default", "serve_bytes"),
)

_IMAGE = {"image": UINT8}
_BYTES = {"image_bytes": STRING}
_LATENT = {"latent": FLOAT}
_VALID = {"valid": BOOL}
_LABELS = dict.fromkeys(TASK_NAMES, STRING)
_NEW_LABELS = {f"new_{name}": STRING for name in TASK_NAMES}
_NOISE = {"seed": INT64, "temperature": FLOAT}

_VAE_INPUTS = {
    "serving_default": {**_LABELS, **_NOISE},
    "generate": {**_LABELS, **_NOISE},
    "generate_bytes": {**_LABELS, **_NOISE},
    "encode": {**_IMAGE, **_LABELS},
    "decode": {**_LATENT, **_LABELS},
    "reconstruct": {**_IMAGE, **_LABELS},
    "edit": {**_IMAGE, **_LABELS, **_NEW_LABELS},
    "edit_bytes": {**_BYTES, **_LABELS, **_NEW_LABELS},
}
VAE = Contract(
    inputs=_VAE_INPUTS,
    required=tuple(_VAE_INPUTS),
    outputs={
        "serving_default": {**_IMAGE, **_LATENT, **_VALID},
        "generate": {**_IMAGE, **_LATENT, **_VALID},
        "generate_bytes": {**_BYTES, **_VALID},
        "encode": {"mean": FLOAT, "log_variance": FLOAT, **_VALID},
        "decode": {**_IMAGE, **_VALID},
        "reconstruct": {**_IMAGE, **_VALID},
        "edit": {**_IMAGE, **_VALID},
        "edit_bytes": {**_BYTES, **_VALID},
    },
    output_dtypes=(STRING, FLOAT, BOOL, UINT8),
)


def find_contract(signatures) -> Contract:
    """Returns the contract that most names of signatures belong to.

    Args:
        signatures: Iterable of the names of a bundle's signatures.
    """
    found = set(signatures)
    return max(
        (ATTRIBUTES, VAE), key=lambda kind: len(found & set(kind.inputs))
    )
