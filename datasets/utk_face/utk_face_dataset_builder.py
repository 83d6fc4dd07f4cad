"""TFDS builder of UTKFace."""

import pathlib
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from ..building import group_splits
from ..building import near_duplicates
from ..building.bad_items import BadItems
from ..building.face_builder import Content
from ..building.face_builder import FaceBuilder
from ..building.face_builder import Part
from ..building.variants import Variants
from . import facts
from .face_files import FaceFiles
from .face_files import describe_inputs
from .synthetic import pack


class Builder(FaceBuilder):
    """Faces that fill the picture, with age, gender and race.

    Args:
        folder: Which folder of pictures is meant, where an archive or the
            `manual_dir` has several.
        **kwargs: See `FaceBuilder`.

    Example:
        >>> import datasets.utk_face  # registers the name
        >>> faces = tfds.load("utk_face/synthetic", split="train")
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    # The first size is that of Tiny Portraits.
    VARIANTS = Variants(
        files="",
        counts={"synthetic": 6_000, "synthetic_tiny": 400},
        most=facts.FULL_COUNT,
        sizes=((108, 84), (80, 80), (128, 128), (facts.SIZE, facts.SIZE)),
        largest=facts.SIZE,
    )
    OWN_FLAGS = ("folder",)
    BUILDER_CONFIGS = VARIANTS.list()
    DEFAULT_BUILDER_CONFIG_NAME = "synthetic"
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"""
    The variants that are not synthetic need this. `manual_dir` holds
    `{facts.ARCHIVE_NAME}` or `UTKFace.tar.gz` (or another archive of the
    pictures), or the pictures themselves.
    """

    def __init__(self, *, folder: str = "", **kwargs: Any):
        self.folder = folder
        super().__init__(**kwargs)
        self._original_state["folder"] = folder

    def _info(self) -> tfds.core.DatasetInfo:
        age = {"unit": "years", "low": 0, "high": facts.OLDEST, "tolerance": 5}
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(
                        shape=(*self.builder_config.size, 3),
                        encoding_format="png",
                    ),
                    "image_index": tfds.features.Scalar(np.int64),
                    "age": tfds.features.Scalar(np.float32),
                    **{
                        name: tfds.features.ClassLabel(names=classes)
                        for name, classes in facts.CLASSES.items()
                    },
                }
            ),
            metadata=tfds.core.MetadataDict(
                protected="race",
                guarded=["gender", "age"],
                conditions=["gender", "race"],
                shows_people=not self.builder_config.is_synthetic,
                numbers={"age": age},
            ),
            homepage="https://susanqq.github.io/UTKFace/",
        )

    def describe_inputs(self, manual_dir: pathlib.Path) -> dict[str, Any]:
        """Returns size and time of change of archives and pictures."""
        return describe_inputs(manual_dir, self.folder)

    def open_content(
        self, manual_dir: pathlib.Path, bad_items: BadItems
    ) -> Content:
        """Compares all pictures, and splits them by groups of duplicates."""
        files = FaceFiles(manual_dir, self.folder, bad_items)
        groups = files.compare(files.faces)
        height, width = self.builder_config.size
        parts = {
            split: Part(len(chosen), files.read(chosen, height, width))
            for split, chosen in group_splits.share_out(groups).items()
        }
        details = near_duplicates.count(groups.values())
        return Content(parts, len(groups) * height * width * 3, details)

    describe_pack = staticmethod(pack.describe_pack)
    write_pack = staticmethod(pack.write_pack)
    draw_samples = staticmethod(pack.draw_samples)
    draw_regions = staticmethod(pack.draw_regions)
