import types

import numpy as np
import pytest

from benchmarks.vae_step import _print_table
from benchmarks.vae_subject import portrait_subject
from benchmarks.vae_subject import portrait_vae
from tp_keras.generator.config import VaeModelConfig


def test_ratios_are_those_of_the_rounds(capsys):
    subjects = {
        name: types.SimpleNamespace(
            training=training, drawing=drawing, parameters=1234
        )
        for name, training, drawing in (
            ("tp_keras", [100, 200, 300], [500.0]),
            ("peer", [50, 50, 300], [900.0, 700.0, 800.0]),
        )
    }
    bundle = types.SimpleNamespace(drawing=[321.0])
    _print_table((54, 42), subjects, bundle)
    output = capsys.readouterr().out
    # The median of 2, 4 and 1, not the ratio of the medians.
    assert "| tp_keras | 1,234 | 200 | 2.00 | 500 |" in output
    assert "| peer (1) | 1,234 | 50 | 1.00 | 800 |" in output
    assert "C session, uint8 |  |  |  | 321 |" in output


@pytest.fixture(scope="module")
def tiny():
    settings = VaeModelConfig(
        latent_size=4,
        encoder_channels=(4, 4),
        decoder_channels=(4, 4, 4, 4),
        critic_channels=(4, 4),
    )
    vae = portrait_vae(settings, "float32")
    return portrait_subject(vae, False, 4, settings)


def test_steps_train_and_draw(tiny):
    before = [
        np.array(v) for v in tiny.model.vae.half_decoder.trainable_weights
    ]
    tiny.measure_training(2)
    tiny.measure_drawing(2)
    after = tiny.model.vae.half_decoder.trainable_weights
    assert any(
        not np.array_equal(old, new)
        for old, new in zip(before, after, strict=True)
    )
    assert len(tiny.training) == len(tiny.drawing) == 1
    assert min(*tiny.training, *tiny.drawing) > 0
    assert tiny._draw().shape == (4, 54, 42, 3)


def test_parameters_are_those_of_this_size(tiny):
    outer = {"outer_convolution", "outer_projection"}
    encoder = sum(
        layer.count_params()
        for layer in tiny.model.vae.encoder.layers
        if layer.name not in outer
    )
    decoder = tiny.model.vae.half_decoder
    # What normalises has means and variances that aren't trained.
    statistics = sum(
        int(np.prod(variable.shape))
        for variable in decoder.variables
        if variable.name in ("moving_mean", "moving_variance")
    )
    assert statistics == 2 * 6 * 4
    assert tiny.parameters == encoder + decoder.count_params() - statistics
