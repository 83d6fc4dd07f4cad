"""Portraits after each other, as an animation."""

from PIL import Image

# How long it runs one way, and how much larger than the portraits it is.
_MILLISECONDS = 2000
_ENLARGED = 3


def write_animation(path, images) -> None:
    """Writes uint8 images as an animated GIF that runs to and fro."""
    frames = [
        Image.fromarray(pixels).resize(
            (_ENLARGED * pixels.shape[1], _ENLARGED * pixels.shape[0]),
            Image.Resampling.BICUBIC,
        )
        for pixels in [*images, *images[-2:0:-1]]
    ]
    frames[0].save(
        path,
        "GIF",
        save_all=True,
        append_images=frames[1:],
        duration=max(round(_MILLISECONDS / len(images)), 20),
        loop=0,
    )
