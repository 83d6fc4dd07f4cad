"""TFDS builder of Tiny Portraits."""

import hashlib
import itertools
import json
import pathlib
import shutil
import time
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
import tqdm
from tensorflow_datasets.core import shuffle
from tensorflow_datasets.core.example_serializer import ExampleSerializer

from . import build_record
from . import facts
from . import portrait_pack
from . import portraits_config
from .bad_items import BadItems
from .build_record import BuildRecord
from .errors import DatasetInputError
from .portrait_pack import PortraitPack
from .synthetic import pack as synthetic_pack

# A split of the synthetic variants: portraits of `test` with the cues of the
# other gender and the hair untouched; `image_index` is that of the partner.
COUNTERFACTUAL = "counterfactual"

_HOMEPAGE = "http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"

# The formats of records that can be written and read.
FILE_FORMATS = ("tfrecord", "array_record")

# TFDS keeps up to 1 GB of a split in memory to shuffle it, and beyond that
# goes through temporary files. Less is as fast: the files stay in the cache
# of the operating system as long as it has memory to spare.
_SHUFFLE_BUFFER_BYTES = 128 << 20

# The temporary files of a split and the finished records, with some room.
_DISK_SPACE_FACTOR = 2.2


class Builder(tfds.core.GeneratorBasedBuilder):
    """Face thumbnails with gender, hair colour and hair type.

    Example:
        >>> import datasets.tiny_portraits  # registers the name
        >>> portraits = tfds.load("tiny_portraits/synthetic", split="train")
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    BUILDER_CONFIGS = list(portraits_config.CONFIGS)
    # The variant that anyone can build: the archives are not downloadable.
    DEFAULT_BUILDER_CONFIG_NAME = portraits_config.SYNTHETIC.name
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"""
    Only the variant `archives` needs this. `manual_dir` holds the file
    `{facts.CSV_NAME}` and one of the folders
    `{facts.ARCHIVE_FOLDERS[0]}` or `{facts.ARCHIVE_FOLDERS[1]}` with the ZIP
    archives, or `{facts.IMAGE_FOLDER}` with the unpacked PNG images.
    """

    def __init__(
        self,
        *,
        on_bad: str = "raise",
        missing: Sequence[str] = (),
        **kwargs: Any,
    ):
        """Creates the builder.

        Args:
            on_bad: `raise` stops at the first row, image or archive that
                can't be used; `skip` leaves it out of the data set and lists
                it in `skipped.csv` beside the records.
            missing: What means `n/a` in the hair columns of the attribute
                file, beside `n/a`: `("", "NaN")` where pandas wrote it.
            **kwargs: See `tfds.core.DatasetBuilder`.

        Raises:
            DatasetInputError: If `on_bad` is neither, or `missing` names a
                class.
        """
        self._bad_items = BadItems(on_bad)
        self._missing = _check_missing(missing)
        self._record: BuildRecord | None = None
        self._progress: tqdm.tqdm | None = None
        super().__init__(**kwargs)
        # What a pickled builder is created from again.
        self._original_state |= {"on_bad": on_bad, "missing": self._missing}

    @property
    def on_bad(self) -> str:
        """What happens to what can't be used: `raise` or `skip`."""
        return self._bad_items.on_bad

    @property
    def missing(self) -> tuple[str, ...]:
        """What means `n/a` in the hair columns, beside `n/a`."""
        return self._missing

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
            homepage=_HOMEPAGE,
        )

    def _download_and_prepare(self, dl_manager, download_config) -> None:
        # TFDS calls this with `data_path` being a temporary folder that it
        # renames at the end: the record appears together with the data set.
        _check_file_format(self.info.file_format)
        start = time.monotonic()
        self._record = None
        self._bad_items = BadItems(self.on_bad)
        try:
            with (
                tfds.core.utils.temporary_assignment(
                    shuffle, "MAX_MEM_BUFFER_SIZE", _SHUFFLE_BUFFER_BYTES
                ),
                tfds.core.utils.temporary_assignment(
                    ExampleSerializer, "serialize_example", _serialize
                ),
            ):
                super()._download_and_prepare(dl_manager, download_config)
        finally:
            if self._progress is not None:
                self._progress.close()
        if self._record is None:  # Nothing but metadata was asked for.
            return
        folder = pathlib.Path(self.data_path)
        self._record.counts = {
            name: split.num_examples for name, split in self.info.splits.items()
        }
        self._record.notes = self._bad_items.notes
        self._record.skipped = len(self._bad_items.items)
        self._record.seconds = round(time.monotonic() - start, 1)
        self._record.write(folder)
        if self._bad_items.items:
            self._bad_items.write(folder / build_record.SKIPPED_NAME)

    def _split_generators(self, dl_manager) -> dict[str, Iterator]:
        if self.builder_config.is_synthetic:
            manual_dir = _draw_pack(
                self.builder_config, pathlib.Path(dl_manager.download_dir)
            )
        else:
            manual_dir = _get_manual_dir(dl_manager)
        self._record = BuildRecord(
            source=str(manual_dir.resolve()),
            inputs=build_record.fingerprint(
                self.builder_config, manual_dir, self.missing
            ),
            found={},
        )
        pack = PortraitPack(manual_dir, self._bad_items, missing=self.missing)
        _check_disk_space(pack, pathlib.Path(self.data_path))
        parts = {
            split: (pack, pack.indices(split)) for split in facts.SPLIT_RANGES
        }
        counterfactual_dir = manual_dir / portrait_pack.COUNTERFACTUAL_FOLDER
        if self.builder_config.is_synthetic and counterfactual_dir.is_dir():
            pairs = PortraitPack(counterfactual_dir, self._bad_items)
            parts[COUNTERFACTUAL] = (pairs, list(pairs.attributes))
        self._progress = tqdm.tqdm(
            total=sum(len(indices) for _, indices in parts.values()),
            unit=" portraits",
            mininterval=0.5,
        )
        self._record.found = {
            split: len(indices) for split, (_, indices) in parts.items()
        }
        generators = {}
        for split, (pack, indices) in parts.items():
            generator = self._generate_examples(split, pack, indices)
            # TFDS can't write a split without an example.
            first = next(generator, None)
            if first is not None:
                generators[split] = itertools.chain([first], generator)
        if not generators:
            raise DatasetInputError(
                f"{manual_dir} holds no usable portrait. To see what is wrong "
                "with the first one, build with --on_bad=raise."
            )
        return generators

    def _generate_examples(
        self, split: str, pack: PortraitPack, indices: list[int]
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        usable = 0
        for index, content in pack.portraits(indices):
            usable += 1
            labels = pack.attributes[index].labels()
            # The counterfactual portraits have the labels of their partners.
            if split != COUNTERFACTUAL:
                self._record.count_labels(labels)
            self._progress.set_description(f"Reading {split}", refresh=False)
            self._progress.update()
            # The bytes enter the records as they are, without a new encoding.
            yield index, {"image": content, "image_index": index, **labels}
        # Reached unless TFDS has cut the split short. Only now is known which
        # images can't be used.
        self._record.found[split] = usable
        self._progress.set_description(f"Writing {split}")


def _serialize(serializer: ExampleSerializer, example: dict) -> bytes:
    """Serialises an example as TFDS does, with the features in fixed order.

    Without it every process writes them in an order of its own, and no build
    gives the bytes of another.
    """
    message = serializer.get_tf_example(example)
    return message.SerializeToString(deterministic=True)


def _check_missing(missing: Sequence[str]) -> tuple[str, ...]:
    """Returns the texts, none of which may be the name of a class."""
    names = set().union(*facts.CLASSES.values())
    if isinstance(missing, str) or names & set(missing):
        raise DatasetInputError(
            "Expected --missing with texts that mean n/a and are no class, as "
            f"in `--missing '' NaN`. Received: missing={missing!r}"
        )
    return tuple(missing)


def _check_file_format(file_format) -> None:
    """Refuses what TFDS doesn't write whole, or can't write here.

    Its Parquet writer leaves out every other batch of 100 examples.
    """
    if file_format.value not in FILE_FORMATS:
        raise DatasetInputError(
            f"Expected a file_format out of {', '.join(FILE_FORMATS)}; TFDS "
            "doesn't keep every portrait in others. "
            f"Received: file_format={file_format.value}"
        )


def _get_manual_dir(dl_manager) -> pathlib.Path:
    """Returns the folder of the archives, which may not be there."""
    try:
        return pathlib.Path(dl_manager.manual_dir)
    except AssertionError as error:
        raise DatasetInputError(
            f"{error} With the command, pass the folder as --manual_dir."
        ) from None


def _check_disk_space(pack: PortraitPack, folder: pathlib.Path) -> None:
    """Refuses to start what would fill the disk."""
    needed = _DISK_SPACE_FACTOR * pack.archives.size
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DatasetInputError(
            f"The data set needs about {needed / 1e9:.2f} GB while it is "
            f"built, and {folder} has {free / 1e9:.2f} GB left. Free some "
            "space or pass another --data_dir."
        )


def _draw_pack(
    config: portraits_config.PortraitsConfig, download_dir: pathlib.Path
) -> pathlib.Path:
    """Draws the pack of a synthetic variant, unless it is there already."""
    settings = synthetic_pack.describe_pack(config.count, config.seed)
    digest = hashlib.sha256(json.dumps(settings).encode()).hexdigest()
    folder = download_dir / Builder.name
    pack_dir = folder / f"{config.name}-{digest[:8]}"
    # What another version of the generator has drawn would stay for ever.
    for outdated in folder.glob(f"{config.name}-*"):
        if outdated != pack_dir:
            shutil.rmtree(outdated)
    return synthetic_pack.draw_pack(pack_dir, config.count, config.seed)
