import dataclasses

import keras_tuner
import pytest

from tp_keras.config import AugmentConfig
from tp_keras.config import ExperimentConfig
from tp_keras.errors import UserError
from tp_keras.models import create_backbone
from tp_keras.models.backbone import BLOCK_TYPES
from tp_keras.tuning.search_space import SearchSpace

SHAPE = (108, 84, 3)
VALUES = {
    "block_type": "residual",
    "stem_stride": 2,
    "stem_channels": 16,
    "width": 32,
    "depth": 2,
    "learning_rate": 0.00312345,
    "augment_strength": 0.5,
    "label_smoothing": 0.1,
    "weight_decay": 0.25,
    "dropout_rate": 0.3,
}


def test_a_choice_is_an_experiment_that_can_be_trained():
    SearchSpace().check(ExperimentConfig(), SHAPE)
    augment = AugmentConfig(shift=0.2, rotation=10.0, flip=False)
    base = ExperimentConfig(augment=augment)
    config = SearchSpace().config(base, VALUES)
    assert config.model.backbone == (
        'PortraitBackbone(block_type="residual", stem_channels=16, '
        "stem_kernel_size=3, stem_stride=2, "
        "stages=((32, 1, 2), (64, 2, 2), (96, 2, 2), (128, 2, 2)))"
    )
    assert config.model.dropout_rate == 0.3
    assert config.training == dataclasses.replace(
        base.training,
        learning_rate=0.00312,
        label_smoothing=0.1,
        weight_decay=0.25,
    )
    assert config.augment == AugmentConfig(
        shift=0.1, zoom=0.05, rotation=5.0, brightness=0.1, flip=False
    )
    assert (config.data, config.run_dir) == (base.data, base.run_dir)


@pytest.mark.parametrize("block_type", BLOCK_TYPES)
@pytest.mark.parametrize("stem_stride", [2, 4])
def test_every_backbone_ends_at_the_same_resolution(block_type, stem_stride):
    values = {**VALUES, "block_type": block_type, "stem_stride": stem_stride}
    backbone = create_backbone(SearchSpace().backbone(values), SHAPE)
    assert backbone.block_type == block_type
    assert backbone.output_shape == (None, 4, 3, 128)
    assert backbone.stages[0][:2] == (32, 1)


def test_backbones_by_name_take_the_place_of_blocks():
    space = SearchSpace(backbones=("MobileNetV2(alpha=0.35)", "mobilenet_025"))
    chosen = keras_tuner.HyperParameters()
    space.declare(chosen)
    assert "width" not in chosen.values
    chosen.values["backbone"] = "mobilenet_025"
    assert space.config(ExperimentConfig(), chosen).model.backbone == (
        "mobilenet_025"
    )


def test_what_is_declared_is_enough_for_an_experiment():
    space = SearchSpace(widths=(16, 48), dropout_rates=(0.2, 0.2))
    chosen = keras_tuner.HyperParameters()
    space.declare(chosen)
    config = space.config(ExperimentConfig(), chosen)
    assert config.model.dropout_rate == 0.2
    by_name = {p.name: p for p in chosen.space}
    assert type(by_name["dropout_rate"]).__name__ == "Fixed"
    assert by_name["block_type"].values == list(BLOCK_TYPES)
    assert by_name["width"].values == [16, 48]
    rate = by_name["learning_rate"]
    assert (rate.min_value, rate.max_value) == space.learning_rates
    assert rate.sampling == "log"


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("widths", ()),
        ("widths", (24,)),
        ("stem_channels", (0,)),
        ("stem_strides", (3,)),
        ("depths", (-1,)),
        ("learning_rates", (0.01, 0.001)),
        ("learning_rates", (0.0, 0.001)),
        ("dropout_rates", (-0.1, 0.5)),
    ],
)
def test_a_space_that_makes_no_sense_is_refused(field, values):
    with pytest.raises(UserError, match=f"Received: {field}="):
        SearchSpace(**{field: values})


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"block_types": ("dense",)}, "Received: block_types=dense"),
        ({"backbones": ("portrait_xxl",)}, "backbone='portrait_xxl'"),
        ({"block_types": ("separable",), "depths": (0, 1)}, "blocks"),
        ({"dropout_rates": (0.0, 0.95)}, "dropout_rate=0.95"),
        ({"augment_strengths": (0.5, 6.0)}, "zoom=0.6"),
        ({"learning_rates": (1e-10, 1e-3)}, "learning_rate=1e-10"),
    ],
)
def test_a_choice_that_cannot_be_trained_is_found_beforehand(space, message):
    with pytest.raises(UserError) as caught:
        SearchSpace(**space).check(ExperimentConfig(), SHAPE)
    assert message in str(caught.value)
