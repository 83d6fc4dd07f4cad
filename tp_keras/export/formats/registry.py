"""The formats by name."""

from tp_keras.errors import UserError
from tp_keras.export.formats.format import Format
from tp_keras.export.formats.litert import LiteRT
from tp_keras.export.formats.litert import LiteRTDynamic
from tp_keras.export.formats.litert_int8 import LiteRTInt8
from tp_keras.export.formats.onnx import Onnx
from tp_keras.export.formats.openvino import OpenVino
from tp_keras.export.formats.saved_model import SavedModel

_ALL = (
    SavedModel(),
    LiteRT(),
    LiteRTDynamic(),
    LiteRTInt8(),
    Onnx(),
    OpenVino(),
)
FORMATS: dict[str, Format] = {item.name: item for item in _ALL}
INSTALL = "pip install -r requirements-formats.txt"


def get_formats(names) -> tuple[Format, ...]:
    """Returns the formats of the given names, in the order of `FORMATS`.

    Args:
        names: Iterable of names. `saved_model` is always in the result: it is
            the bundle itself.

    Raises:
        UserError: If a name is unknown, or a package that a format needs is
            not installed.

    Example:
        >>> [item.name for item in get_formats(["onnx"])]
        ['saved_model', 'onnx']
    """
    names = list(names)
    if unknown := [name for name in names if name not in FORMATS]:
        raise UserError(
            f"Expected formats out of {', '.join(FORMATS)}. "
            f"Received: formats={','.join(unknown)}"
        )
    wanted = {SavedModel.name, *names}
    formats = tuple(item for item in _ALL if item.name in wanted)
    missing = dict.fromkeys(
        package for item in formats for package in item.missing_packages()
    )
    if missing:
        raise UserError(
            f"Expected {', '.join(missing)} to be installed: `{INSTALL}` does "
            f"it. Received: formats={','.join(names)}"
        )
    return formats
