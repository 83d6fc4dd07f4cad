import numpy as np
import pytest

from tp_keras.generator.evaluation.candidates import blurred
from tp_keras.generator.evaluation.spectrum import measure_octaves
from tp_keras.generator.evaluation.spectrum import octave_power
from tp_keras.generator.evaluation.spectrum import radial_power
from tp_keras.records.record import Record
from tp_keras.records.record import find_one


def waves(cycles, shape=(64, 48), amplitude=100):
    """A grey sine of so many cycles per pixel, along the rows."""
    wave = np.sin(2 * np.pi * cycles * np.arange(shape[1]))
    image = np.rint(128 + amplitude * wave)[None, :, None]
    return np.broadcast_to(image, (1, *shape, 3)).astype(np.uint8)


def test_the_power_of_a_sine_lies_in_its_ring():
    frequencies, power = radial_power(waves(8 / 48))
    assert frequencies == pytest.approx(np.arange(1, 25) / 48)
    assert power.shape == (1, 24) and power.argmax() == 7
    # All of it: a Hann window moves some to the next rings, and no further.
    assert power[0, 6:9].sum() > 0.99 * power.sum()

    # By hand: the transform of the wave under the window, ring by ring.
    light = waves(8 / 48)[0, :, :, 0] / 255
    window = np.hanning(64)[:, None] * np.hanning(48)
    squares = np.abs(np.fft.fft2((light - light.mean()) * window)) ** 2
    radii = np.hypot(np.fft.fftfreq(64)[:, None], np.fft.fftfreq(48))
    for ring in (1, 8, 9, 23):
        inside = np.rint(radii / (1 / 48)) == ring
        assert power[0, ring - 1] == pytest.approx(squares[inside].mean())


def test_octaves_are_named_and_reach_as_low_as_a_picture_tells():
    found = octave_power(waves(8 / 48))
    assert list(found) == ["0.25 to 0.5", "0.125 to 0.25", "0.0625 to 0.125"]
    values = [value[0] for value in found.values()]
    assert np.argmax(values) == 1 and values[1] > 0.99 * sum(values)
    # Colours weigh as they shine, and level is no power.
    wave = waves(8 / 48) - 128.0
    green = (128 + wave * [0, 1, 0]).astype(np.uint8)
    share = octave_power(green)["0.125 to 0.25"] / values[1]
    assert share == pytest.approx(0.587**2, rel=0.01)
    assert octave_power(np.full((1, 64, 48, 3), 200, np.uint8))[
        "0.25 to 0.5"
    ] == pytest.approx(0)


def noise(count, seed):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, 40, 32, 3)).astype(np.uint8)


def test_blurred_noise_lacks_the_highest_octave():
    real = noise(60, 1)
    made = {"real": noise(50, 2), "blur": blurred(noise(50, 3), 1.0)}
    records = [Record(**one) for one in measure_octaves(real, made, seed=0)]

    def read(name, octave):
        return find_one(records, variant=name, class_name=octave)

    for octave in octave_power(real):
        record = read("real", octave)
        assert record.low < 1 < record.high and record.count == 50
        assert record.high - record.low < 0.3
    # What the transform of the blur leaves: exp(-(2 pi f) ** 2) of power.
    assert read("blur", "0.25 to 0.5").high < 0.06
    middle = read("blur", "0.125 to 0.25")
    assert np.exp(-((np.pi / 2) ** 2)) < middle.value
    assert middle.value < np.exp(-((np.pi / 4) ** 2))
    # Against plain portraits nothing has a share.
    plain = np.full((4, 40, 32, 3), 9, np.uint8)
    assert all(
        one["value"] is None for one in measure_octaves(plain, made, seed=0)
    )
