import copy
import json
import pickle

import keras
import numpy as np
import pytest

from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.models import PortraitBackbone
from tp_keras.models import PortraitClassifier
from tp_keras.models import create_backbone
from tp_keras.models.guarded_branch import GuardedBranch
from tp_keras.models.layer_settings import default_policy
from tp_keras.models.optimizers import FusedAdamW

SHAPE = SCHEMA.image_shape


def save_and_load(model, path):
    model.save(path / "model.keras")
    return keras.saving.load_model(path / "model.keras")


ROUND_TRIPS = {
    "file": save_and_load,
    "config": lambda model, path: type(model).from_config(model.get_config()),
    "deepcopy": lambda model, path: copy.deepcopy(model),
    "pickle": lambda model, path: pickle.loads(pickle.dumps(model)),
    "branch": lambda model, path: model.with_guarded_branch(
        model.new_guarded_branch(8, 0.1)
    ),
}


def settings_of(model):
    """Name, trainability and policy of a model and all its layers."""
    return (
        model.name,
        model.trainable,
        model.dtype_policy.name,
        {
            layer.name: settings_of(layer)
            if isinstance(layer, keras.Model)
            else (layer.trainable, layer.dtype_policy.name)
            for layer in model.layers
        },
    )


def make_backbone(**kwargs):
    return PortraitBackbone("separable", 8, ((16, 1, 4),), SHAPE, **kwargs)


def frozen_classifier(make=make_backbone):
    """In bfloat16; but one layer of the trunk frozen, and a guarded one."""
    with default_policy("mixed_bfloat16"):
        classifier = PortraitClassifier(make(), SCHEMA, name="mine")
    classifier.backbone.trainable = False
    classifier.backbone.layers[-1].trainable = True
    classifier.get_layer("hair_type").trainable = False
    return classifier


def make_application():
    return create_backbone("MobileNet(alpha=0.25)", SHAPE)


def oddly_set_classifier():
    """With settings that later ones, of the whole, would have overwritten."""
    classifier = PortraitClassifier(make_backbone(trainable=False), SCHEMA)
    classifier.trainable = False
    classifier.backbone.trainable = True
    classifier.backbone.layers[2].dtype_policy = "mixed_bfloat16"
    return classifier


def make_branch(**kwargs):
    return GuardedBranch((4, 3, 8), SCHEMA.guarded_tasks, 4, 0.0, **kwargs)


def frozen_branch():
    branch = make_branch(dtype="mixed_bfloat16")
    branch.get_layer("guarded_convolution").trainable = False
    return branch


@pytest.mark.parametrize(
    ("make", "way"),
    [
        *((frozen_classifier, way) for way in ROUND_TRIPS),
        (lambda: frozen_classifier(make_application), "file"),
        (oddly_set_classifier, "config"),
        (frozen_branch, "file"),
    ],
    ids=[*ROUND_TRIPS, "application", "odd", "guarded_branch"],
)
def test_every_layer_comes_back_as_it_was_set(make, way, tmp_path):
    model = make()
    with default_policy("mixed_float16"):
        found = ROUND_TRIPS[way](model, tmp_path)
    assert type(found) is type(model)
    assert settings_of(found) == settings_of(model)
    assert paths(found) == paths(model)
    if way != "branch":
        # As it is written: Keras' configs have tuples where a file has lists.
        assert json.dumps(found.get_config()) == json.dumps(model.get_config())


def paths(model):
    return [variable.path for variable in model.trainable_variables]


def test_a_clone_of_keras_keeps_what_is_frozen():
    model = frozen_classifier()
    clone = keras.models.clone_model(model)
    assert paths(clone) == paths(model)
    assert clone.get_layer("backbone").output.dtype == "bfloat16"


@pytest.mark.parametrize(
    "name",
    ["portrait_xs(trainable=False)", "MobileNet(alpha=0.25, trainable=False)"],
)
def test_a_backbone_made_frozen_is_frozen_in_a_classifier(name):
    classifier = PortraitClassifier(create_backbone(name, SHAPE), SCHEMA)
    assert not classifier.backbone.trainable_variables
    trained = {v.path.split("/")[0] for v in classifier.trainable_variables}
    assert trained == {
        *("gender", "guarded_convolution", "guarded_normalization"),
        *("hair_color", "hair_color_projection"),
        *("hair_type", "hair_type_projection"),
    }


def test_a_model_made_frozen_has_frozen_layers():
    for model in (
        PortraitClassifier(make_backbone(), SCHEMA, trainable=False),
        make_branch(trainable=False),
    ):
        assert not any(layer.trainable_variables for layer in model.layers)


def test_losses_and_optimizer_come_back_and_what_is_frozen_stays(tmp_path):
    portraits = make_portraits(16)
    model = PortraitClassifier(
        make_backbone(trainable=False), SCHEMA, dropout_rate=0.0
    )
    before = model.backbone.get_weights()
    model.compile(
        FusedAdamW(1e-2, weight_decay=0.5, use_ema=True),
        label_smoothing=0.1,
        run_eagerly=True,
    )
    model.train_on_batch(portraits.images, portraits.labels)
    loaded = save_and_load(model, tmp_path)
    for name, loss in model.loss.items():
        assert loaded.loss[name].get_config() == loss.get_config()
        assert loss.label_smoothing == 0.1
    for a, b in zip(
        model.optimizer.variables, loaded.optimizer.variables, strict=True
    ):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    for each in (model, loaded):
        each.train_on_batch(portraits.images, portraits.labels)
        each.optimizer.finalize_variable_values(each.trainable_variables)
        for a, b in zip(before, each.backbone.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_policy_is_an_argument_and_leaves_the_global_one():
    backbone = make_backbone(dtype="mixed_bfloat16")
    assert backbone.output.dtype == "bfloat16"
    classifier = PortraitClassifier(backbone, SCHEMA, dtype="mixed_float16")
    assert classifier.get_layer("guarded_relu").output.dtype == "float16"
    assert {x.dtype for x in classifier.output.values()} == {"float32"}
    with pytest.raises(ValueError, match="nonsense"):
        make_backbone(dtype="nonsense")
    assert keras.config.dtype_policy().name == "float32"
