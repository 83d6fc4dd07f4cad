"""Shows a portrait with other labels.

python -m training.edit --run_dir runs/vae --image photo.jpg \
    --labels gender=female hair_color=brown hair_type=wavy --output edited.png
python -m training.edit --bundle exported_models/portrait_vae \
    --image photo.jpg --new_labels hair_color=blond --output blond.png
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
    """Draws a photo, its reconstruction, and it with other labels."""

    image: str
    """Image file of any size. It is turned as its EXIF data say, cropped at
    its centre and resized, as by the served model."""

    output: str
    """PNG file to write."""

    run_dir: str | None = None
    """Folder of the run whose model edits."""

    bundle: str | None = None
    """Instead of a run: folder of a bundle, or of its versions."""

    labels: tuple[str, ...] = ()
    """What the photo shows, such as gender=female hair_color=brown. The more
    is given, the more stays as it is."""

    new_labels: tuple[str, ...] = ()
    """What it shall show; what isn't named stays. Without any, each label is
    changed to each of its other classes in turn."""

    def execute(self) -> None:
        """Edits, and writes the picture."""
        from tp_keras.generator.drawing import edits
        from tp_keras.generator.drawing.labels import parse_labels
        from tp_keras.generator.drawing.output import written_aside
        from tp_keras.records.sheet import draw_sheet

        check_picture(self.run_dir, self.bundle, self.output, (".png",))
        with written_aside(self.output) as aside:
            start_tensorflow()
            from tp_keras.serving import read_portrait

            generator = open_generator(self.run_dir, self.bundle)
            schema = generator.schema
            images, captions = edits.make_edits(
                generator,
                schema.condition_tasks,
                read_portrait(self.image, schema.image_shape),
                schema.complete_labels(parse_labels(self.labels, schema)),
                parse_labels(self.new_labels, schema),
            )
            captions = [text.replace(", ", "\n") for text in captions]
            sheet = draw_sheet(images, "", captions, columns=len(images))
            sheet.save(aside, "PNG")
        print(f"Picture: {pathlib.Path(self.output)}")
        print(learned_from(generator))


if __name__ == "__main__":
    run(Edit)
