"""Shows the way from one portrait to another.

python -m training.interpolate --run_dir runs/vae --images one.jpg two.jpg \
    --output way.gif
python -m training.interpolate --bundle exported_models/portrait_vae \
    --seeds 3 8 --gender female --output way.png
"""

import dataclasses
import pathlib
from typing import Literal

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

    path: Literal["spherical", "linear"] = "spherical"
    """The way from one latent to the other."""

    gender: str | None = None
    """female or male, of all portraits; unknown if not given, as below."""

    hair_color: str | None = None
    """black, brown, blond, gray or bald."""

    hair_type: str | None = None
    """straight, wavy or bald."""

    temperature: float = 1.0
    """How various the ends are that seeds generate; above 0."""

    def execute(self) -> None:
        """Interpolates, and writes the picture."""
        from tp_keras.generator.drawing import paths
        from tp_keras.generator.drawing import sheet
        from tp_keras.generator.drawing.output import written_aside
        from tp_keras.tasks import TASK_NAMES
        from tp_keras.tasks import complete_labels

        check_picture(self.run_dir, self.bundle, self.output, (".gif", ".png"))
        if (self.images is None) == (self.seeds is None):
            raise UserError(
                "Expected either --images or --seeds, two of them. "
                f"Received: images={self.images}, seeds={self.seeds}"
            )
        paths.check_count(self.count)
        check_temperature(self.temperature)
        labels = complete_labels({n: getattr(self, n) for n in TASK_NAMES})
        with written_aside(self.output) as aside:
            start_tensorflow()
            ends, generator = self._ends(labels)
            latents = paths.interpolate(*ends, self.count, self.path)
            images = generator.decode(latents, labels)
            if self.output.lower().endswith(".gif"):
                sheet.write_animation(aside, images)
            else:
                sheet.draw_sheet(images, columns=self.count).save(aside, "PNG")
        print(f"Picture: {pathlib.Path(self.output)}")
        print(learned_from(generator.metadata))

    def _ends(self, labels):
        """Returns the latents of both ends, and the generator."""
        import numpy as np

        from tp_keras.serving import read_portrait

        images = [read_portrait(path) for path in self.images or ()]
        generator = open_generator(self.run_dir, self.bundle)
        if images:
            mean, _ = generator.encode(np.stack(images), labels)
            return mean, generator
        ends = generator.sample(labels, self.seeds, self.temperature)
        return ends, generator


if __name__ == "__main__":
    run(Interpolate)
