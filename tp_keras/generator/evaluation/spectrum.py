"""How sharp portraits are: their power by octave of spatial frequency.

Natural pictures have a power that falls with the frequency; blur takes it from
the highest octaves first (Torralba and Oliva, Statistics of natural image
categories, 2003; Durall et al., Watch your up-convolution: CNN based generative
deep neural networks are failing to reproduce spectral distributions,
arXiv:2003.01826).
"""

from collections.abc import Iterator

import numpy as np

from tp_keras.evaluation import figures
from tp_keras.generator.evaluation.variety import resampled_means
from tp_keras.records.record import ALL

OCTAVE_POWER = "octave_power"

# Of red, green and blue: Rec. 601.
_LUMINANCE = (0.299, 0.587, 0.114)

# Up to half a cycle a pixel, the most that pixels can hold.
_HIGHEST = 0.5

# In cycles per picture: in lower frequencies there is hardly one ring.
_LOWEST = 2.0

# Less is rounding: there is no share of what plain portraits have.
_LEAST_POWER = 1e-9

_BLOCK = 256


def radial_power(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns frequencies `[rings]` and the mean power of each ring.

    Of the luminance in 0..1, less its mean, under a Hann window. The rings are
    a cycle per shorter side wide, from the first to half a cycle a pixel.

    Args:
        images: uint8 `[count, height, width, 3]`.

    Returns:
        Cycles per pixel in the middle of the rings, and float64 `[count,
        rings]`.
    """
    height, width = images.shape[1:3]
    window = np.outer(np.hanning(height), np.hanning(width))
    step = 1 / min(height, width)
    radii = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    rings = np.rint(radii / step).astype(int)
    count = int(_HIGHEST / step)
    # The other half of the plane, its mirror image, isn't computed.
    twice = np.full(radii.shape, 2.0)
    twice[:, 0] = 1.0
    if width % 2 == 0:
        twice[:, -1] = 1.0
    members = np.stack(
        [
            (rings == ring).ravel() * twice.ravel()
            for ring in range(1, 1 + count)
        ]
    )
    members /= members.sum(1, keepdims=True)
    power = []
    for start in range(0, len(images), _BLOCK):
        light = images[start : start + _BLOCK] @ np.array(_LUMINANCE) / 255
        light -= light.mean((1, 2), keepdims=True)
        squares = np.abs(np.fft.rfft2(light * window)) ** 2
        power.append(squares.reshape(len(squares), -1) @ members.T)
    return step * np.arange(1, 1 + count), np.concatenate(power)


def octave_power(images: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the power of each octave, the highest first.

    Octave -> float64 `[count]`, of uint8 `[count, height, width, 3]`: the sum
    over its rings, such as those from 0.25 to 0.5 cycles per pixel.
    """
    frequencies, power = radial_power(images)
    octaves, top = {}, _HIGHEST
    while top / 2 >= _LOWEST / min(images.shape[1:3]):
        inside = (frequencies > top / 2) & (frequencies <= top)
        octaves[f"{top / 2:.3g} to {top:.3g}"] = power[:, inside].sum(1)
        top /= 2
    return octaves


def measure_octaves(
    reference: np.ndarray, candidates: dict, seed: int
) -> Iterator[dict]:
    """Yields the power of each candidate over that of real test portraits.

    1 is as sharp and grainy as they are, less is blur, more is noise. Both are
    uint8 `[n, height, width, 3]`, candidates by name; the intervals draw the
    portraits of both again. Yields fields of records `octave_power`, with the
    candidate as `variant` and the octave as `class_name`.
    """
    real = octave_power(reference)
    base = np.stack([*real.values()], axis=1)
    base_draws = resampled_means(base, seed)
    for name, images in candidates.items():
        powers = np.stack([*octave_power(images).values()], axis=1)
        draws = resampled_means(powers, seed + 1)
        for index, octave in enumerate(real):
            ratio = drawn = np.nan
            if base_draws[:, index].min() > _LEAST_POWER:
                ratio = powers[:, index].mean() / base[:, index].mean()
                drawn = draws[:, index] / base_draws[:, index]
            yield figures.resampled(
                OCTAVE_POWER,
                ratio,
                len(images),
                drawn,
                task=ALL,
                group=ALL,
                variant=name,
                class_name=octave,
            )
