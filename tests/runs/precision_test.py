import keras
import numpy as np
import pytest

from tests.portrait_factory import SCHEMA
from tp_keras.errors import UserError
from tp_keras.models import PortraitClassifier
from tp_keras.models import create_backbone
from tp_keras.runs import precision as precision_module
from tp_keras.runs.precision import choose_precision
from tp_keras.runs.precision import in_float32
from tp_keras.runs.precision import layers_in
from tp_keras.runs.run_folder import RunFolder

SHAPE = SCHEMA.image_shape
DENSE = (
    "PortraitBackbone(block_type='merged', stem_channels=8, "
    "stages=((16, 1, 4),))"
)


@pytest.mark.parametrize(
    ("name", "able", "obstacle"),
    [
        (DENSE, True, None),
        (DENSE, False, "no instructions"),
        ("mobilenet_025", True, "with a stride"),
        ("MobileNet(alpha=0.25)", True, "of this package"),
    ],
)
def test_bfloat16_is_taken_where_it_is_faster(
    monkeypatch, name, able, obstacle
):
    monkeypatch.setattr(
        precision_module, "has_bfloat16_instructions", lambda: able
    )
    backbone = create_backbone(name, SHAPE)
    assert choose_precision("float32", backbone) == "float32"
    if obstacle is None:
        assert choose_precision("auto", backbone) == "bfloat16"
        assert choose_precision("bfloat16", backbone) == "bfloat16"
    else:
        assert choose_precision("auto", backbone) == "float32"
        with pytest.raises(UserError, match=f"{obstacle}.*Received: precision"):
            choose_precision("bfloat16", backbone)


def test_the_processor_is_asked_and_a_limit_counts(monkeypatch, tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("flags : fpu avx2\n")
    monkeypatch.setattr(precision_module, "_CPU_INFO", cpuinfo)
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    assert not precision_module.has_bfloat16_instructions()
    cpuinfo.write_text("model name\t: Fast 9\nflags : avx512_bf16 amx_bf16\n")
    described = precision_module.describe_processor
    assert described() == "Fast 9, bfloat16 instructions"
    for isa in ("SSE41", "avx2", "AVX2_VNNI", "AVX512_CORE"):
        monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", isa)
        assert not precision_module.has_bfloat16_instructions()
    assert described() == (
        "Fast 9, no bfloat16 instructions, limited to AVX512_CORE"
    )
    for isa in ("AVX512_CORE_BF16", "AVX512_CORE_AMX", "DEFAULT", ""):
        monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", isa)
        assert precision_module.has_bfloat16_instructions()


def test_a_model_in_bfloat16_answers_in_float32_and_stays_as_it_is(tmp_path):
    with layers_in("bfloat16"):
        model = PortraitClassifier(create_backbone(DENSE, SHAPE), SCHEMA)
    assert keras.config.dtype_policy().name == "float32"
    assert model.backbone.output.dtype == "bfloat16"
    assert {v.dtype for v in model.weights} == {"float32"}
    assert {x.dtype for x in model.output.values()} == {"float32"}
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.backbone.output.dtype == "bfloat16"
    # Whoever uses a run computes in float32, however it was trained.
    used = RunFolder(tmp_path).load_model(tmp_path / "model.keras")
    assert used.backbone.output.dtype == "float32"
    images = np.random.default_rng(0).integers(0, 256, (4, *SHAPE), "uint8")
    for name, values in model(images).items():
        np.testing.assert_array_equal(loaded(images)[name], values)


@pytest.mark.parametrize("name", [DENSE, "MobileNet(alpha=0.25)"])
def test_a_copy_in_float32_has_the_same_weights(name):
    with layers_in("bfloat16"):
        model = PortraitClassifier(create_backbone(name, SHAPE), SCHEMA)
    model.backbone.trainable = False
    plain = in_float32(model)
    # One that is plain is no copy.
    assert in_float32(plain) is plain
    assert plain.backbone.output.dtype == "float32"
    policies = {layer.dtype_policy.name for layer in plain._flatten_layers()}
    assert policies == {"float32"}
    assert len(plain.trainable_variables) == len(model.trainable_variables)
    images = np.random.default_rng(0).integers(0, 256, (4, *SHAPE), "uint8")
    found = plain(images)
    for name, values in model(images).items():
        shares = keras.ops.softmax(values)
        np.testing.assert_allclose(
            keras.ops.softmax(found[name]), shares, atol=0.05
        )
    for a, b in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
