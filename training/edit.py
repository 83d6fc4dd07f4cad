"""Shows a portrait with other attributes.

python -m training.edit --run_dir runs/vae --image photo.jpg --gender female \
    --hair_color brown --hair_type wavy --output edited.png
python -m training.edit --bundle exported_models/portrait_vae \
    --image photo.jpg --new_hair_color blond --output blond.png
"""

import dataclasses
import pathlib

from .command import run
from .command import start_tensorflow
from .generate import check_picture
from .generate import learned_from
from .generate import open_generator


@dataclasses.dataclass(frozen=True)
class Edit:
    """Draws a photo, its reconstruction, and it with other attributes.

    Without a --new_... each attribute is changed to each of its classes in
    turn.
    """

    image: str
    """Image file of any size. It is turned as its EXIF data say, cropped at
    its centre and resized, as by the served model."""

    output: str
    """PNG file to write."""

    run_dir: str | None = None
    """Folder of the run whose model edits."""

    bundle: str | None = None
    """Instead of a run: folder of a bundle, or of its versions."""

    gender: str | None = None
    """What the photo shows: female or male; unknown if not given, as below.
    The more is given, the more stays as it is."""

    hair_color: str | None = None
    """What the photo shows: black, brown, blond, gray or bald."""

    hair_type: str | None = None
    """What the photo shows: straight, wavy or bald."""

    new_gender: str | None = None
    """What it shall show; as in the photo if not given, as below."""

    new_hair_color: str | None = None
    """What it shall show."""

    new_hair_type: str | None = None
    """What it shall show."""

    def execute(self) -> None:
        """Edits, and writes the picture."""
        from tp_keras.generator.drawing import edits
        from tp_keras.generator.drawing.output import written_aside
        from tp_keras.tasks import TASK_NAMES
        from tp_keras.tasks import complete_labels

        check_picture(self.run_dir, self.bundle, self.output, (".png",))
        labels = complete_labels({n: getattr(self, n) for n in TASK_NAMES})
        new = {name: getattr(self, f"new_{name}") for name in TASK_NAMES}
        complete_labels(new)
        with written_aside(self.output) as aside:
            start_tensorflow()
            from tp_keras.serving import read_portrait

            image = read_portrait(self.image)
            generator = open_generator(self.run_dir, self.bundle)
            strip = edits.make_edits(generator, image, labels, new)
            edits.draw_edits(strip).save(aside, "PNG")
        print(f"Picture: {pathlib.Path(self.output)}")
        print(learned_from(generator.metadata))


if __name__ == "__main__":
    run(Edit)
