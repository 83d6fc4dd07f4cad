"""When bfloat16 is the faster arithmetic, and how a model gets it."""

import os
import pathlib
import platform
import re

import keras

from tp_keras.config import BFLOAT16
from tp_keras.config import FLOAT32
from tp_keras.errors import UserError
from tp_keras.models.backbone import PortraitBackbone
from tp_keras.models.layer_settings import default_policy

_CPU_INFO = pathlib.Path("/proc/cpuinfo")
# Instructions that multiply bfloat16 in pairs; without them it is emulated.
_CPU_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
# What oneDNN may use of them where the user has set a limit.
_ISA_LIMIT = "ONEDNN_MAX_CPU_ISA"
_ISAS_WITHOUT = re.compile(r"SSE41|AVX|AVX2\w*|AVX512_CORE(_VNNI)?", re.I)


def choose_precision(setting, backbone):
    """Returns the precision to train a backbone in.

    On a CPU with bfloat16 instructions dense convolutions run up to twice as
    fast as in float32. A depthwise convolution with a stride has a backward
    kernel that is twenty times *slower*, and a MobileNet is slower as a whole.

    `setting` is `"float32"`, `"bfloat16"`, or `"auto"` for the faster one.

    Raises:
        UserError: If bfloat16 is asked for where it would be slower.
    """
    if setting == FLOAT32:
        return FLOAT32
    obstacle = _bfloat16_obstacle(backbone)
    if obstacle is None:
        return BFLOAT16
    if setting == BFLOAT16:
        raise UserError(
            f"bfloat16 would be slower than float32 here: {obstacle}. Use "
            f"--precision auto or float32. Received: precision={setting}, "
            f"backbone={backbone.name}"
        )
    return FLOAT32


def layers_in(precision):
    """Builds the layers of the block in a precision; weights are float32."""
    return default_policy(
        "mixed_bfloat16" if precision == BFLOAT16 else FLOAT32
    )


def in_float32(model):
    """Returns a model, or a copy of it, whose layers compute in float32."""
    config = model.get_config()
    plain = _with_float32_policies(config)
    if plain == config:
        return model
    copy = type(model).from_config(plain)
    copy.set_weights(model.get_weights())
    return copy


_FLOAT32_POLICY = keras.dtype_policies.serialize(keras.DTypePolicy(FLOAT32))


def _with_float32_policies(config):
    if isinstance(config, dict):
        # Others are of layers of whole numbers.
        if config.get("class_name") == "DTypePolicy" and (
            "float16" in config["config"]["name"]
        ):
            return _FLOAT32_POLICY
        return {k: _with_float32_policies(v) for k, v in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_with_float32_policies(v) for v in config)
    return config


def _bfloat16_obstacle(backbone):
    if keras.config.backend() != "tensorflow":
        return f"it was not measured on {keras.config.backend()}"
    if not isinstance(backbone, PortraitBackbone):
        return "it was measured for the backbones of this package alone"
    if any(
        isinstance(layer, keras.layers.DepthwiseConv2D)
        and max(layer.strides) > 1
        for layer in backbone.layers
    ):
        return "the backbone has depthwise convolutions with a stride"
    if not has_bfloat16_instructions():
        return "the processor has no instructions for it"
    return None


def has_bfloat16_instructions() -> bool:
    """Says whether this machine multiplies bfloat16 itself."""
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return True
    if _ISAS_WITHOUT.fullmatch(os.environ.get(_ISA_LIMIT, "")):
        return False
    return bool(_CPU_FLAGS & set(_cpu_info().split()))


def _cpu_info():
    return _CPU_INFO.read_text() if _CPU_INFO.exists() else ""


def describe_processor() -> str:
    """Names the processor and whether it multiplies bfloat16 itself.

    Weights differ from processor to processor by far more than rounding: the
    order of sums decides on the last bits, and a training spreads them.
    """
    found = re.search(r"^model name\s*:\s*(.+)$", _cpu_info(), re.M)
    name = found[1].strip() if found else platform.machine()
    kind = "bfloat16" if has_bfloat16_instructions() else "no bfloat16"
    limit = os.environ.get(_ISA_LIMIT)
    limited = f", limited to {limit}" if limit else ""
    return f"{name}, {kind} instructions{limited}"
