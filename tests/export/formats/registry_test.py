import sys

import pytest

from tp_keras.errors import UserError
from tp_keras.export.formats import FORMATS
from tp_keras.export.formats import get_formats


def names(formats):
    return [item.name for item in formats]


def test_saved_model_belongs_to_every_bundle():
    assert names(get_formats([])) == ["saved_model"]
    both = names(get_formats(["onnx", "litert"]))
    assert both == ["saved_model", "litert", "onnx"]
    assert names(get_formats(FORMATS)) == list(FORMATS)
    # What lies there doesn't disturb a server.
    for item in FORMATS.values():
        if item.name != "saved_model":
            assert item.file.startswith("formats/")
            assert not item.file.endswith("model.tflite")


def test_an_unknown_format():
    with pytest.raises(UserError, match="saved_model, litert.*formats=tflite"):
        get_formats(["onnx", "tflite"])


def test_a_missing_package(monkeypatch):
    for module in ("ai_edge_litert", "onnxruntime"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError) as error:
        get_formats(["onnx", "litert_int8"])
    assert str(error.value) == (
        "Expected ai-edge-litert, onnxruntime to be installed: `pip install -r "
        "requirements-formats.txt` does it. Received: formats=onnx,litert_int8"
    )
    assert names(get_formats(["saved_model"])) == ["saved_model"]
