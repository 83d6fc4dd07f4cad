import dataclasses
import pathlib

import keras
import numpy as np
import pytest

from benchmarks import option_accuracy
from benchmarks import option_speed
from benchmarks.arithmetic import forward_flops
from benchmarks.option_accuracy import OPTIONS
from benchmarks.option_accuracy import PLAIN
from benchmarks.option_accuracy import PROGRESSIVE
from benchmarks.option_accuracy import OptionAccuracy
from benchmarks.option_accuracy import plain_backbone
from benchmarks.option_accuracy import small_config
from benchmarks.progressive_resolution import PartTrainer
from benchmarks.progressive_resolution import shrink
from benchmarks.tables import median_ratio
from benchmarks.train_subject import StepSettings
from benchmarks.train_subject import Subject
from benchmarks.train_subject import replace_layers
from benchmarks.training_options import steps_of
from tests.benchmarks.made_runs import SPEED
from tests.benchmarks.made_runs import make_run
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.config import ExperimentConfig
from tp_keras.config import ModelConfig
from tp_keras.config import TrainingConfig
from tp_keras.data.augment import warp
from tp_keras.errors import UserError
from tp_keras.models import create_backbone
from tp_keras.models.layers import MergedConvolution2D
from tp_keras.models.presets import BACKBONE_PRESETS
from tp_keras.runs import trainer as trainer_module

# One head alone is quick to trace.
ALONE = SCHEMA.restricted_to(["gender"])
TINY = {"block_type": "merged", "stem_channels": 4, "stages": ((4, 1, 4),)}


@pytest.fixture
def backbone(monkeypatch):
    monkeypatch.setitem(BACKBONE_PRESETS, "tiny", TINY)
    return create_backbone("tiny", SCHEMA.image_shape)


def layers_of(backbone, layer_class):
    return [x for x in backbone.layers if isinstance(x, layer_class)]


# === Arithmetic ===


def test_ratio_is_taken_within_rounds():
    # The medians alone would say 3 / 10.
    assert median_ratio([2, 30, 3], [1, 10, 10]) == 2
    with pytest.raises(ValueError, match="shorter"):
        median_ratio([1, 2], [1])


def test_flops_by_hand():
    image = keras.Input((8, 6, 3))
    inner = keras.Model(
        image, keras.layers.DepthwiseConv2D(3, padding="valid")(image)
    )
    x = keras.layers.BatchNormalization()(inner(inner.input))
    x = keras.layers.Conv2D(5, 3, strides=2, padding="same")(x)
    x = keras.layers.Dense(7)(keras.ops.mean(x, (1, 2)))
    # 6x4 places, 9 weights for each of 3 channels; 3x2 places, 3x3x3 weights
    # for each of 5; 5x7 weights.
    assert forward_flops(keras.Model(inner.input, x)) == 2 * (
        6 * 4 * 9 * 3 + 3 * 2 * 27 * 5 + 5 * 7
    )


# === Speed ===


def test_as_many_portraits_in_other_batches():
    large = StepSettings("any", batch_size=256)
    assert (steps_of(large, 16), steps_of(large, 1)) == (4, 1)
    assert steps_of(StepSettings("any", jit_compile=True), 16) == 1


def test_keras_normalization_computes_the_same(backbone):
    changed = replace_layers(backbone, option_speed.with_keras_normalization)
    changed.set_weights(backbone.get_weights())
    own = keras.layers.BatchNormalization
    assert {type(layer) for layer in layers_of(changed, own)} == {own}
    images = make_portraits(4).images
    np.testing.assert_allclose(
        changed(images, training=True),
        backbone(images, training=True),
        atol=1e-4,
    )


def test_bias_takes_the_place_of_normalization(backbone):
    biased = replace_layers(backbone, option_speed.with_bias)
    assert not layers_of(biased, keras.layers.BatchNormalization)
    assert len(layers_of(biased, MergedConvolution2D)) == 1
    assert all(x.use_bias for x in layers_of(biased, keras.layers.Conv2D))
    # Per channel a bias instead of gamma, beta and the two statistics.
    assert biased.count_params() == backbone.count_params() - 3 * 3 * 4


@pytest.mark.parametrize("name", ["relu6", "silu"])
def test_activation_takes_the_place_of_relu(name, backbone):
    changed = replace_layers(backbone, getattr(option_speed, f"with_{name}"))
    assert not layers_of(changed, keras.layers.ReLU)
    found = layers_of(changed, keras.layers.Activation)
    assert [x.activation for x in found] == 3 * [keras.activations.get(name)]


def test_subject_trains_in_what_its_settings_say(backbone):
    subject = Subject(
        StepSettings(
            "tiny",
            precision="bfloat16",
            batch_size=4,
            steps_per_execution=3,
            replace_layer=option_speed.with_silu,
        )
    )
    done = int(subject.model.optimizer.iterations)
    assert done == 3
    subject.measure_training(7)
    # Two executions of three steps on the clock, one before.
    assert int(subject.model.optimizer.iterations) - done == 9
    subject.measure_inference(2)
    assert subject.training[0] > 0
    assert subject.inference[0] > 0
    stem = subject.model.backbone.get_layer("stem_convolution")
    assert stem.compute_dtype == "bfloat16"
    assert not layers_of(subject.model.backbone, keras.layers.ReLU)


def test_both_warps_give_the_same_portraits():
    rows, columns = np.mgrid[:108, :84]
    images = np.stack([rows, columns, rows + columns], -1).astype(np.uint8)
    images = np.repeat(images[None], 8, axis=0)
    maps = option_speed.random_maps(np.random.default_rng(0), 8)
    ours = warp(images, maps).astype(int)
    theirs = option_speed.warp_by_tensorflow(images, maps).astype(int)
    assert np.abs(ours - theirs).max() <= 1
    assert np.abs(ours - images).max() > 20


# === Accuracy after equal time ===


def make_command(**changes):
    arguments = {
        "backbone": "portrait_s",
        "seconds": 46,
        "experiment": "real",
        "options": tuple(OPTIONS),
        "seeds": (0,),
        "rounds": 1,
        "reuse_speeds": True,
        "data_dir": pathlib.Path("data/tfds"),
    }
    return OptionAccuracy(**{**arguments, **changes})


def test_options_change_what_they_say():
    command = make_command()
    base = command.config("base")
    assert base.model.backbone == "portrait_s"
    less = command.config("neither erasing nor contrast").augment
    assert less == dataclasses.replace(base.augment, erasing=0, contrast=0)
    assert less != base.augment
    assert command.config(PROGRESSIVE) == base
    small = small_config(base, EVERY_KIND).model.backbone
    assert small == "portrait_s(image_shape=(32, 24, 3))"


def test_plain_backbone_does_the_same_arithmetic():
    merged, plain = (
        create_backbone(name, SCHEMA.image_shape)
        for name in ("portrait_s", plain_backbone("portrait_s"))
    )
    assert layers_of(merged, MergedConvolution2D)
    assert not layers_of(plain, MergedConvolution2D)
    assert forward_flops(plain) == forward_flops(merged)
    assert plain.output_shape == merged.output_shape


def test_options_that_do_not_exist_are_refused():
    with pytest.raises(UserError, match="options out of 'base'"):
        make_command(options=("bas",)).execute()
    with pytest.raises(UserError, match="backbone=mobilenet_025"):
        make_command(backbone="mobilenet_025").config(PLAIN)


def test_halves_share_the_time(monkeypatch):
    trained = []

    def finish(config, **half):
        trained.append((config.model.backbone, config.training.epochs, half))

    monkeypatch.setattr(option_accuracy, "_finish", finish)
    monkeypatch.setattr(OptionAccuracy, "schema", SCHEMA)
    speeds = {
        "base": SPEED,
        PROGRESSIVE: SPEED,
        f"{PROGRESSIVE}, first half": dataclasses.replace(
            SPEED, first_epoch_seconds=3.0, epoch_seconds=(1.0,)
        ),
    }
    command = make_command()
    command._train("base", 0, speeds)
    command._train(PROGRESSIVE, 0, speeds)
    small = "portrait_s(image_shape=(54, 42, 3))"
    folder = command._folder(f"{PROGRESSIVE}, first half", 0)
    assert trained == [
        ("portrait_s", 10, {}),
        # 23 s each: 21 small epochs after a start of 2 s, 4 after one of 6 s.
        (small, 21, {"half": 1}),
        ("portrait_s", 4, {"half": 2, "first_run": folder}),
    ]


def test_shrinking_averages_areas():
    images = np.zeros((300, 4, 4, 1), np.uint8)
    images[:, :2, :2, 0] = [[1, 2], [3, 5]]  # mean 2.75
    images[:, 2:, 2:, 0] = 255
    small = shrink(images, (2, 2, 1))
    assert small.dtype == np.uint8
    assert small.shape == (300, 2, 2, 1)
    assert (small[..., 0] == [[3, 0], [0, 255]]).all()
    assert shrink(images, (4, 4, 1)) is images
    with pytest.raises(ValueError, match="divides"):
        shrink(images, (3, 2, 1))


def half_config(path, backbone):
    return ExperimentConfig(
        run_dir=str(path),
        model=ModelConfig(backbone=backbone),
        training=TrainingConfig(epochs=2, batch_size=16, warmup_epochs=1),
    )


def test_halves_follow_one_schedule(tmp_path):
    config = half_config(tmp_path, "portrait_s")
    whole = PartTrainer(config)._optimizer(20)._learning_rate
    first = PartTrainer(config, half=1)._optimizer(10)._learning_rate
    second = PartTrainer(config, half=2)._optimizer(10)._learning_rate
    for step in (0, 3, 19):
        assert float(first(step)) == float(whole(step))
        assert float(second(step)) == float(whole(20 + step))
    assert float(second(20)) == 0


def test_second_half_goes_on_with_the_weights(tmp_path, backbone, monkeypatch):
    monkeypatch.setattr(
        "tp_keras.data.source.load_portraits",
        lambda *place: make_portraits(48, split=place[2], schema=ALONE),
    )
    monkeypatch.setattr(
        trainer_module, "resolve_splits", lambda data, say: data
    )
    small = half_config(tmp_path / "first", "tiny(image_shape=(54, 42, 3))")
    first = PartTrainer(small, half=1).fit()
    trained = first.load_model()
    assert trained.input_shape == (None, 54, 42, 3)
    second = PartTrainer(
        half_config(tmp_path / "second", "tiny"),
        half=2,
        first_run=first.path,
    )
    begun = second.build_model(ALONE).get_weights()
    for ours, theirs in zip(begun, trained.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    finished = second.fit()
    assert finished.is_finished
    assert finished.load_model().input_shape == (None, 108, 84, 3)


def test_table_of_accuracies(tmp_path, monkeypatch, capsys):
    def made(name, hits, best_epoch):
        facts = {"precision": "float32", "epochs": 2, "best_epoch": best_epoch}
        run = make_run(tmp_path / name, np.tile(hits, 10), **facts)
        run.history_path.write_text(
            "epoch,val_gender_accuracy,val_hair_color_accuracy,"
            "val_hair_type_accuracy\n0,0.5,0.6,0.7\n1,0.1,0.2,0.3\n"
        )
        return run

    monkeypatch.setattr(
        option_accuracy, "_validation_counts", lambda run: [50, 40, 30]
    )
    hits = np.array([[1, 1, 0, 0], [1, 0, np.nan, np.nan], [1, 1, 1, 1.0]])
    better = np.array([[1, 1, 1, 1], [1, 0, np.nan, np.nan], [1, 1, 1, 1.0]])
    runs = {
        "base": [made("a", hits, best_epoch=1)],
        "float32": [made("b", better, best_epoch=2)],
    }
    option_accuracy.print_accuracies(
        "real", 9, runs, dict.fromkeys(runs, SPEED)
    )
    text, *rows = capsys.readouterr().out.split("\n\n")[0:2]
    assert "gender 50 and 40, hair_color 40 and 20, hair_type 30 and 40" in text
    base, other = rows[0].strip().split("\n")[2:]
    assert base == (
        "| base | float32 | 250 | 2 | 14 | 0.500 | 0.600 | 0.700 "
        "| 0.500 | 0.500 | 1.000 | **0.667** |  |"
    )
    # Half the portraits more in one task of three.
    assert other.startswith(
        "| float32 | float32 | 250 | 2 | 14 | 0.100 | 0.200 | 0.300 "
        "| 1.000 | 0.500 | 1.000 | **0.833** | +16.7 ("
    )
