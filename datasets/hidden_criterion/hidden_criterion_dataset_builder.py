"""TFDS builder of the hidden criterion."""

import pathlib

import numpy as np
import tensorflow_datasets as tfds

from ..building import near_duplicates
from ..building.bad_items import BadItems
from ..building.face_builder import Content
from ..building.face_builder import FaceBuilder
from ..building.face_builder import Part
from ..building.variants import Variants
from . import facts
from . import stratify
from .listed_files import has_list
from .listed_files import open_part
from .synthetic import pack


class Builder(FaceBuilder):
    """Faces with a criterion that nobody tells, and gender.

    Args:
        **kwargs: See `FaceBuilder`.

    Example:
        >>> import datasets.hidden_criterion  # registers the name
        >>> faces = tfds.load("hidden_criterion/synthetic", split="train")
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    VARIANTS = Variants(
        counts={"synthetic": 6_000, "synthetic_tiny": 400},
        most=facts.FULL_COUNT,
        sizes=((facts.SIZE, facts.SIZE), (64, 64)),
        largest=facts.SIZE,
    )
    BUILDER_CONFIGS = VARIANTS.list()
    DEFAULT_BUILDER_CONFIG_NAME = "synthetic"
    MANUAL_DOWNLOAD_INSTRUCTIONS = """
    The variants called `files` need this. `manual_dir` holds `train.txt` and
    `train.zip`, maybe `test.txt` and `test.zip`; instead of an archive it may
    hold a folder of that name.
    """

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(
                        shape=(*self.builder_config.size, 3),
                        encoding_format="png",
                    ),
                    "image_index": tfds.features.Scalar(np.int64),
                    **{
                        name: tfds.features.ClassLabel(names=classes)
                        for name, classes in facts.CLASSES.items()
                    },
                }
            ),
            metadata=tfds.core.MetadataDict(
                protected="gender",
                guarded=["criterion"],
                conditions=["gender", "criterion"],
                shows_people=not self.builder_config.is_synthetic,
            ),
            homepage="http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
        )

    def open_content(
        self, manual_dir: pathlib.Path, bad_items: BadItems
    ) -> Content:
        """Splits the first list by cells; the second one is the test."""
        files = open_part(manual_dir, facts.TRAIN, bad_items)
        groups = files.compare(files.faces)
        chosen = stratify.choose(
            list(groups.values()),
            [files.faces[file].labels for file in groups],
            facts.VALIDATION_SHARE,
        )
        splits = {"train": (files, []), "validation": (files, [])}
        for place, file in enumerate(groups):
            split = "validation" if place in chosen else "train"
            splits[split][1].append(file)
        if has_list(manual_dir, facts.TEST):
            test = open_part(manual_dir, facts.TEST, bad_items, files.end)
            splits["test"] = (test, list(test.faces))
        height, width = self.builder_config.size
        parts = {
            split: Part(len(members), source.read(members, height, width))
            for split, (source, members) in splits.items()
        }
        count = sum(part.count for part in parts.values())
        details = near_duplicates.count(groups.values())
        return Content(parts, count * height * width * 3, details)

    describe_pack = staticmethod(pack.describe_pack)
    write_pack = staticmethod(pack.write_pack)
    draw_samples = staticmethod(pack.draw_samples)
    draw_regions = staticmethod(pack.draw_regions)
