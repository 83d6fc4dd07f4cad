"""Shows the way from one portrait to another.

python -m training.interpolate --run_dir runs/vae --images one.jpg two.jpg \
    --output way.gif
python -m training.interpolate --bundle exported_models/portrait_vae \
    --seeds 3 8 --labels gender=female --output way.png
"""

import dataclasses
import pathlib

import numpy as np

from tp_keras.errors import UserError

from .command import run
from .command import start_tensorflow
from .generate import check_picture
from .generate import check_temperature
from .generate import learned_from
from .generate import open_generator


@dataclasses.dataclass(frozen=True)
class Interpolate:
    """Draws the portraits between two, as an animation or as a strip."""

    output: str
    """A GIF file for an animation, a PNG file for a strip."""

    run_dir: str | None = None
    """Folder of the run whose model interpolates."""

    bundle: str | None = None
    """Instead of a run: folder of a bundle, or of its versions."""

    images: tuple[str, str] | None = None
    """The image files of both ends, of any size."""

    seeds: tuple[int, int] | None = None
    """Instead of files: the seeds of both ends, which are generated."""

    count: int = 16
    """How many portraits, both ends among them."""

    labels: tuple[str, ...] = ()
    """What all portraits show, such as gender=female; unknown where it is not
    given."""

    temperature: float = 1.0
    """How various the ends are that seeds generate; above 0."""

    def execute(self) -> None:
        """Interpolates, and writes the picture."""
        from tp_keras.generator.drawing import animation
        from tp_keras.generator.drawing import paths
        from tp_keras.generator.drawing.labels import parse_labels
        from tp_keras.generator.drawing.output import written_aside
        from tp_keras.records.sheet import draw_sheet

        check_picture(self.run_dir, self.bundle, self.output, (".gif", ".png"))
        if (self.images is None) == (self.seeds is None):
            raise UserError(
                "Expected either --images or --seeds, two of them. "
                f"Received: images={self.images}, seeds={self.seeds}"
            )
        paths.check_count(self.count)
        check_temperature(self.temperature)
        with written_aside(self.output) as aside:
            start_tensorflow()
            from tp_keras.serving import read_portrait

            generator = open_generator(self.run_dir, self.bundle)
            schema = generator.schema
            labels = parse_labels(self.labels, schema)
            if self.images:
                photos = [
                    read_portrait(path, schema.image_shape)
                    for path in self.images
                ]
                ends, _ = generator.encode(np.stack(photos), labels)
            else:
                ends = generator.sample(labels, self.seeds, self.temperature)
            latents = paths.interpolate(*ends, self.count)
            images = generator.decode(latents, labels)
            if self.output.lower().endswith(".gif"):
                animation.write_animation(aside, images)
            else:
                draw_sheet(images, columns=self.count).save(aside, "PNG")
        print(f"Picture: {pathlib.Path(self.output)}")
        print(learned_from(generator))


if __name__ == "__main__":
    run(Interpolate)
