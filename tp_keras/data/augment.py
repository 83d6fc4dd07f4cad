"""Random changes of training portraits that leave their labels true.

Which those are depends on the labels: where some are colours, no hue may turn.
"""

import math

import cv2
import numpy as np

from tp_keras.config import AugmentConfig

# The input pipeline says how many batches are made at once; threads of OpenCV
# would only take the processors from the model.
cv2.setNumThreads(1)

# The longest side of an erased rectangle, as a share of the portrait's.
_ERASED_SIDE = (0.1, 0.4)

# How much is left of a portrait's height and width at the closest.
_CLOSEST = 0.5

# Where eyes are in portraits with all of the head: from and to, as shares of
# height and width.
_EYES = (0.36, 0.56), (0.15, 0.85)

# What the eye sees of red, green and blue (ITU-R BT.601).
_LUMA = np.array([0.299, 0.587, 0.114])

# Standard deviation of a blur, as a share of the portrait's height.
_BLUR = (0.004, 0.016)


def augment(images, seed, config=None, rows=None, part=slice(None)):
    """Changes each image of a batch at random.

    Flip, shift, zoom and rotation are one affine map, so that each pixel is
    interpolated once; what comes from outside repeats the border. OpenCV's
    map takes a ninth of the time of TensorFlow's, which would be a quarter of
    what two processors do in a training step.

    Args:
        images: uint8 array `[count, height, width, 3]`.
        seed: Two ints; the same seed gives the same changes.
        config: `AugmentConfig`.
        rows: int array `[batch]`, the images to take; None for all.
        part: What of the batch is wanted: a slice, or numbers `[n]`.

    Returns:
        New uint8 array `[batch, height, width, 3]`, or the part of it.
    """
    config = config or AugmentConfig()
    rows = np.arange(len(images)) if rows is None else np.asarray(rows)
    rng = np.random.default_rng([int(number) for number in seed])
    height, width = images.shape[1:3]

    def uniform(limit):
        return rng.uniform(-limit, limit, len(rows))

    # Drawn whether used or not, so that one setting never moves another.
    mirror = np.where(uniform(1.0) < 0.0, -1.0, 1.0)
    shift_x = uniform(config.shift) * width
    shift_y = uniform(config.shift) * height
    scale = 1.0 + uniform(config.zoom)
    angle = uniform(math.radians(config.rotation))
    factors = 1.0 + uniform(config.brightness)
    contrasts = 1.0 + uniform(config.contrast)
    boxes = _rectangles(rng, len(rows), height, width)
    erased = rng.uniform(size=len(rows)) < config.erasing
    closer = rng.uniform(size=len(rows)) < config.closeup
    scale = np.where(closer, _CLOSEST ** rng.uniform(size=len(rows)), scale)
    blurred = rng.uniform(size=len(rows)) < config.blur
    deviations = rng.uniform(*_BLUR, len(rows)) * height
    casts = 1.0 + rng.uniform(-config.cast, config.cast, (len(rows), 3))
    hues = uniform(math.radians(config.hue))
    saturations = 1.0 + uniform(config.saturation)
    saturations[rng.uniform(size=len(rows)) < config.grey] = 0.0
    eyeless = rng.uniform(size=len(rows)) < config.covered_eyes
    mirror = mirror if config.flip else np.ones(len(rows))
    moved = mirror, shift_x, shift_y, scale, angle
    transforms = _affine_transforms(height, width, *moved)

    # Drawn for all, so that who makes but a part makes the same.
    batch = images[rows[part]]
    transforms, factors, contrasts = (
        drawn[part] for drawn in (transforms, factors, contrasts)
    )
    blurred, deviations, casts, hues, saturations = (
        drawn[part] for drawn in (blurred, deviations, casts, hues, saturations)
    )
    boxes, erased, eyeless = (drawn[part] for drawn in (boxes, erased, eyeless))

    # A setting of nothing at all costs nothing.
    moves = config.shift, config.zoom, config.rotation, config.closeup
    if config.flip or any(moves):
        batch = warp(batch, transforms)
    for index in np.flatnonzero(blurred):
        image = batch[index]
        cv2.GaussianBlur(image, (0, 0), deviations[index], dst=image)
    if config.brightness or config.contrast:
        changes = zip(batch, factors, contrasts, strict=True)
        for image, factor, contrast in changes:
            # About the mean of all pixels, one for the three channels.
            offset = 0.0
            if config.contrast:
                offset = _mean_color(image).mean() * factor * (1.0 - contrast)
            # It clips at 0, where `convertScaleAbs` takes absolute values.
            factor *= contrast
            cv2.addWeighted(image, factor, image, 0.0, offset, dst=image)
    if config.cast:
        for image, cast in zip(batch, casts, strict=True):
            cv2.multiply(image, (*cast, 1.0), dst=image)
    if config.hue or config.saturation or config.grey:
        colours = zip(batch, hues, saturations, strict=True)
        for image, hue, saturation in colours:
            cv2.transform(image, _colour_matrix(hue, saturation), dst=image)
    boxes[eyeless] = np.multiply(np.transpose(_EYES), [height, width]).ravel()
    for index in np.flatnonzero(erased | eyeless):
        top, left, bottom, right = boxes[index]
        # No colour that means anything: the portrait's own mean.
        batch[index, top:bottom, left:right] = _mean_color(batch[index])
    return batch


def warp(images, transforms):
    """Maps each image by an affine transform, bilinearly; the border repeats.

    Args:
        images: uint8 array `[batch, height, width, channels]`.
        transforms: Float array `[batch, 2, 3]`, from output to input pixels.
    """
    height, width = images.shape[1:3]
    how = {
        "flags": cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        "borderMode": cv2.BORDER_REPLICATE,
    }
    warped = np.empty_like(images)
    for image, transform, out in zip(images, transforms, warped, strict=True):
        cv2.warpAffine(image, transform, (width, height), out, **how)
    return warped


def _mean_color(image):
    """Returns the mean of each channel, in a tenth of the time of NumPy's."""
    return np.array(cv2.mean(image)[: image.shape[-1]])


def _affine_transforms(height, width, mirror, shift_x, shift_y, scale, angle):
    """Returns maps about the centre, `(a0 x + a1 y + a2, b0 x + b1 y + b2)`."""
    cosine, sine = np.cos(angle) * scale, np.sin(angle) * scale
    a0, a1 = cosine * mirror, -sine
    b0, b1 = sine * mirror, cosine
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    a2 = centre_x - a0 * centre_x - a1 * centre_y + shift_x
    b2 = centre_y - b0 * centre_x - b1 * centre_y + shift_y
    rows = np.stack([a0, a1, a2], axis=1), np.stack([b0, b1, b2], axis=1)
    return np.stack(rows, axis=1)


def _colour_matrix(hue, saturation):
    """Returns the matrix that turns colours about grey and draws them to it."""
    luma = np.tile(_LUMA, (3, 1))
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    turn = math.cos(hue) * np.eye(3) + math.sin(hue) * cross
    turn += (1 - math.cos(hue)) / 3
    return (saturation * np.eye(3) + (1 - saturation) * luma) @ turn


def _rectangles(rng, count, height, width):
    """Returns `(top, left, bottom, right)` of random rectangles inside."""
    size = np.array([height, width])
    sides = rng.uniform(*_ERASED_SIDE, (count, 2)) * size
    corner = rng.uniform(size=(count, 2)) * (size - sides)
    return np.concatenate([corner, corner + sides], axis=1).astype(int)
