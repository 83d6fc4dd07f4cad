"""TFDS builder of Tiny Portraits."""

import hashlib
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from ..building.bad_items import BadItems
from ..building.build_record import describe_file
from ..building.errors import DatasetInputError
from ..building.face_builder import Content
from ..building.face_builder import FaceBuilder
from ..building.face_builder import Part
from ..building.variants import Variants
from . import facts
from .pack_layout import find_layout
from .portrait_pack import PortraitPack
from .synthetic import pack as synthetic_pack

# A split of the synthetic variants: portraits of `test` with the cues of the
# other gender and the hair untouched; `image_index` is that of the partner.
COUNTERFACTUAL = "counterfactual"

_HOMEPAGE = "http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"


class Builder(FaceBuilder):
    """Face thumbnails with gender, hair colour and hair type.

    Args:
        missing: What means `n/a` in the hair columns of the attribute file,
            beside `n/a`: `("", "NaN")` where pandas wrote it.
        **kwargs: See `FaceBuilder`.

    Raises:
        DatasetInputError: If `missing` names a class.

    Example:
        >>> import datasets.tiny_portraits  # registers the name
        >>> portraits = tfds.load("tiny_portraits/synthetic", split="train")
    """

    VERSION = tfds.core.Version("1.1.0")
    RELEASE_NOTES = {
        "1.1.0": "Metadata tell which task is protected and which are guarded.",
        "1.0.0": "Initial release.",
    }
    # The default is a variant that anyone can build: the archives are not
    # downloadable.
    VARIANTS = Variants(
        files="archives",
        counts={
            "synthetic": 12_000,
            "synthetic_tiny": 400,
            "synthetic_full": facts.FULL_COUNT,
        },
        most=facts.FULL_COUNT,
        sizes=((facts.HEIGHT, facts.WIDTH),),
    )
    OWN_FLAGS = ("missing",)
    BUILDER_CONFIGS = VARIANTS.list()
    DEFAULT_BUILDER_CONFIG_NAME = "synthetic"
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"""
    Only the variant `archives` needs this. `manual_dir` holds the file
    `{facts.CSV_NAME}` and one of the folders
    `{facts.ARCHIVE_FOLDERS[0]}` or `{facts.ARCHIVE_FOLDERS[1]}` with the ZIP
    archives, or `{facts.IMAGE_FOLDER}` with the unpacked PNG images.
    """

    def __init__(self, *, missing: Sequence[str] = (), **kwargs: Any):
        self.missing = _check_missing(missing)
        super().__init__(**kwargs)
        self._original_state["missing"] = self.missing

    def _info(self) -> tfds.core.DatasetInfo:
        labels = {
            name: tfds.features.ClassLabel(names=classes)
            for name, classes in facts.CLASSES.items()
        }
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(
                        shape=facts.IMAGE_SHAPE, encoding_format="png"
                    ),
                    "image_index": tfds.features.Scalar(np.int64),
                    **labels,
                }
            ),
            metadata=tfds.core.MetadataDict(
                protected="gender",
                guarded=["hair_color", "hair_type"],
                conditions=["gender", "hair_color", "hair_type"],
                shows_people=not self.builder_config.is_synthetic,
            ),
            homepage=_HOMEPAGE,
        )

    def describe_inputs(self, manual_dir: pathlib.Path) -> dict[str, Any]:
        """Returns size and time of archives and images, a hash of the table."""
        layout = find_layout(manual_dir)
        inputs: dict[str, Any] = {"--missing": sorted(self.missing)}
        # One that lies in an archive is described with it; a missing one is
        # reported by whoever reads it.
        if layout.csv_path is not None:
            content = layout.csv_path.read_bytes()
            inputs[facts.CSV_NAME] = hashlib.sha256(content).hexdigest()
        for path in layout.archives:
            name = path.relative_to(layout.folder).as_posix()
            inputs[name] = describe_file(path)
        if layout.images:
            digest = hashlib.sha256()
            for path in layout.images:
                name = path.relative_to(layout.folder).as_posix()
                digest.update(f"{name} {describe_file(path)}\n".encode())
            inputs[layout.folder.name] = digest.hexdigest()
        return inputs

    def open_content(
        self, manual_dir: pathlib.Path, bad_items: BadItems
    ) -> Content:
        """Opens the splits of a pack, and the counterfactual portraits."""
        pack = PortraitPack(manual_dir, bad_items, self.missing)
        indices = {split: pack.indices(split) for split in facts.SPLIT_RANGES}
        parts = {
            split: Part(len(chosen), pack.examples(chosen))
            for split, chosen in indices.items()
        }
        folder = manual_dir / facts.COUNTERFACTUAL_FOLDER
        if self.builder_config.is_synthetic and folder.is_dir():
            pairs = PortraitPack(folder, bad_items)
            chosen = list(pairs.attributes)
            # The labels are those of their partners.
            parts[COUNTERFACTUAL] = Part(
                len(chosen), pairs.examples(chosen), is_counted=False
            )
        return Content(parts, pack.files.size)

    describe_pack = staticmethod(synthetic_pack.describe_pack)
    write_pack = staticmethod(synthetic_pack.write_pack)
    draw_samples = staticmethod(synthetic_pack.draw_samples)
    draw_regions = staticmethod(synthetic_pack.draw_regions)


def _check_missing(missing: Sequence[str]) -> tuple[str, ...]:
    """Returns the texts, none of which may be the name of a class."""
    names = set().union(*facts.CLASSES.values())
    if isinstance(missing, str) or names & set(missing):
        raise DatasetInputError(
            "Expected --missing with texts that mean n/a and are no class, as "
            f"in `--missing '' NaN`. Received: missing={missing!r}"
        )
    return tuple(missing)
