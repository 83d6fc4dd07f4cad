"""TFDS builder of the Selfie data set."""

import pathlib

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
from . import labels
from .listed_files import open_files
from .synthetic import pack


class Builder(FaceBuilder):
    """Selfies with how popular they were, gender, age and more.

    Args:
        **kwargs: See `FaceBuilder`.

    Example:
        >>> import datasets.selfies  # registers the name
        >>> selfies = tfds.load("selfies/synthetic", split="train")
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    # The first size is that of the hidden criterion, whose drawn faces fill as
    # much of the picture.
    VARIANTS = Variants(
        counts={"synthetic": 6_000, "synthetic_tiny": 400},
        most=facts.FULL_COUNT,
        sizes=((facts.SIZE, facts.SIZE), (64, 64)),
        largest=facts.SIZE,
    )
    BUILDER_CONFIGS = VARIANTS.list()
    DEFAULT_BUILDER_CONFIG_NAME = "synthetic"
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"""
    The variants called `files` need this. `manual_dir` holds
    `{facts.TABLE_NAME}` and `{facts.FOLDER_NAME}.zip`, or instead of it a
    folder `{facts.FOLDER_NAME}`.
    """

    def _info(self) -> tfds.core.DatasetInfo:
        classes = {"gender": facts.GENDERS, **facts.GROUPS}
        popularity = {
            "unit": "points",
            "low": facts.LOWEST,
            "high": facts.HIGHEST,
            "tolerance": facts.TOLERANCE,
        }
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(
                        shape=(*self.builder_config.size, 3),
                        encoding_format="png",
                    ),
                    "image_index": tfds.features.Scalar(np.int64),
                    "popularity": tfds.features.Scalar(np.float32),
                    "attributes": tfds.features.Tensor(
                        shape=(len(facts.ATTRIBUTES),), dtype=np.int8
                    ),
                    **{
                        name: tfds.features.ClassLabel(names=list(names))
                        for name, names in classes.items()
                    },
                }
            ),
            metadata=tfds.core.MetadataDict(
                protected="gender",
                guarded=["hair_color", "popularity"],
                conditions=["gender", "hair_color"],
                ordinal=["age_group"],
                shows_people=not self.builder_config.is_synthetic,
                numbers={"popularity": popularity},
                flags={"attributes": list(facts.ATTRIBUTES)},
            ),
            homepage="https://www.crcv.ucf.edu/data/Selfie/",
        )

    def open_content(
        self, manual_dir: pathlib.Path, bad_items: BadItems
    ) -> Content:
        """Groups what is there again, as a picture or as a row, and splits."""
        files = open_files(manual_dir, bad_items)
        # A picture that was mirrored is no near duplicate; its row tells.
        groups = files.compare(files.faces, key=lambda selfie: selfie)
        # Whom the table repeats dozens of times is of a rare age: were they
        # all of train, a test would know no such age.
        splits = group_splits.share_out(groups, group_splits.even_split_of)
        height, width = self.builder_config.size
        parts = {
            split: Part(
                len(chosen),
                files.read(chosen, height, width, labels.tell_tasks),
            )
            for split, chosen in splits.items()
        }
        selfies = [files.faces[file].labels for file in groups]
        counts = near_duplicates.count(groups.values())
        details = {
            "groups": counts["groups"],
            "in groups of several": counts["near duplicates"],
            "repeated rows": labels.count_repeats(selfies),
            **labels.count_unclear(selfies),
        }
        return Content(parts, len(groups) * height * width * 3, details)

    describe_pack = staticmethod(pack.describe_pack)
    write_pack = staticmethod(pack.write_pack)
    draw_samples = staticmethod(pack.draw_samples)
    draw_regions = staticmethod(pack.draw_regions)
