"""Makes a wallpaper of portraits.

python -m training.wallpaper --size 3840x2160 --output wallpaper.png
python -m training.wallpaper --sort label --by hair_color --tile 40
python -m training.wallpaper --target photo.jpg --output photo_of_portraits.jpg
"""

import dataclasses
from typing import Literal

from tp_keras.config import DataConfig
from tp_keras.errors import UserError

from .command import run
from .command import start_tensorflow

# The longer side of a picture of which portraits show no more.
_TARGET_SIDE = 1920


@dataclasses.dataclass(frozen=True)
class Wallpaper:
    """Fills a screen with portraits, in some order or as another picture.

    The picture shows portraits of the data set: where these are of people, it
    must not leave this machine.
    """

    data_dir: str = DataConfig.data_dir
    """Folder of the prepared data sets."""

    dataset: str = DataConfig.dataset
    """Data set to take portraits from."""

    split: str = "train"
    """Split to take them from, or a slice of one such as 'test[:100]'."""

    labels: tuple[str, ...] = ()
    """What they shall be labelled with, such as hair_color=blond,gray or
    age=20-30; see training.sample."""

    size: str = "3840x2160"
    """Width and height of the screen in pixels; it is filled exactly."""

    tile: int = 60
    """About how many pixels wide a portrait is."""

    sort: Literal["embedding", "hue", "label", "random", "none"] = "embedding"
    """How portraits lie: neighbours alike; by colour or by label from left to
    right, with the light ones on top; by chance; as in the data set."""

    by: tuple[str, ...] = ()
    """With --sort label: the tasks to sort by. Default: all of them."""

    run_dir: str | None = None
    """With --sort embedding: a run whose embedding tells who is alike. Default:
    colours tell."""

    target: str | None = None
    """Instead of sorting: a picture of any size that the portraits shall show
    together."""

    repeats: int = 1
    """With --target: how often a portrait may be there, every second time
    mirrored. More often only where there are too few for the screen."""

    tint: float = 0.3
    """With --target: how far colours of portraits are moved to those of the
    picture, from 0, not at all, to 1."""

    seed: int = 0
    """Settles which portraits are taken and how they lie."""

    output: str = "wallpaper.png"
    """PNG or JPEG file to write."""

    def execute(self) -> None:
        """Makes the wallpaper and says what it shows."""
        self._check()
        start_tensorflow()
        from tp_keras.data import filters
        from tp_keras.data.source import load_portraits
        from tp_keras.gallery import mosaic
        from tp_keras.gallery import picture
        from tp_keras.gallery.screen import fit_screen
        from tp_keras.serving.portrait_file import read_portrait

        if self.target:
            target = read_portrait(self.target, _shape_of_target(self.size))
        portraits = load_portraits(self.data_dir, self.dataset, self.split)
        schema = portraits.schema
        wanted = filters.parse_filters(self.labels, schema)
        by = [filters.find_task(name, schema) for name in self.by]
        rows = filters.matching_rows(portraits, wanted)
        screen = fit_screen(self.size, self.tile, schema.image_shape)
        how = {"sort": self.sort}
        if self.target:
            how = {"target": self.target}
            drawn = mosaic.draw_photomosaic(
                *(portraits, rows, screen, target, self.seed),
                *(self.repeats, self.tint),
            )
        else:
            by = by or schema.tasks
            drawn = mosaic.draw_mosaic(
                *(portraits, rows, screen, self.sort, self.seed),
                *(by, self.run_dir),
            )
        picture.write_picture(
            self.output, drawn.pixels, portraits, seed=self.seed, **how
        )
        print(
            f"{len(screen):,} places ({screen.columns} x {screen.rows}), "
            f"{len(rows):,} portraits of {portraits.dataset}, {self.split}."
        )
        if drawn.repeats > max(self.repeats if self.target else 1, 1):
            print(
                f"There are too few portraits for all places: each is there up "
                f"to {drawn.repeats} times. A larger --tile needs fewer."
            )
        if drawn.distance is not None:
            print(
                "Neighbours differ by "
                f"{drawn.distance:.0%} of what they would by chance."
            )
        if self.sort == "label" and not self.target:
            for task in by:
                labels = portraits.labels[task.name][drawn.items]
                print(f"{task.name}: {filters.count_labels(task, labels)}")
        print(f"Wallpaper: {self.output}")
        if schema.shows_people:
            print(picture.TERMS)

    def _check(self) -> None:
        """Refuses what needs no data set to be refused."""
        from tp_keras.gallery.picture import check_picture_path
        from tp_keras.gallery.screen import fit_screen

        check_picture_path(self.output)
        fit_screen(self.size, self.tile, (1, 1))
        if min(self.seed, self.repeats - 1) < 0 or not 0 <= self.tint <= 1:
            raise UserError(
                "Expected a seed from 0 on, repeats from 1 on and a tint from "
                f"0 to 1. Received: seed={self.seed}, repeats={self.repeats}, "
                f"tint={self.tint}"
            )
        for flag, value, sort in (
            ("by", self.by, "label"),
            ("run_dir", self.run_dir, "embedding"),
        ):
            if value and (self.target or self.sort != sort):
                raise UserError(
                    f"Expected --{flag} with --sort {sort} and without a "
                    f"target. Received: {flag}={value}, sort={self.sort}, "
                    f"target={self.target}"
                )


def _shape_of_target(size: str) -> tuple[int, int, int]:
    """Returns a shape in which a picture tells all that portraits show."""
    width, height = map(int, size.split("x"))
    scale = min(1, _TARGET_SIDE / max(width, height))
    return round(height * scale), round(width * scale), 3


if __name__ == "__main__":
    run(Wallpaper)
