"""What the TFDS builders of all face data sets have in common."""

import abc
import contextlib
import hashlib
import itertools
import pathlib
import shutil
import time
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any
from typing import ClassVar
from typing import NamedTuple

import tensorflow_datasets as tfds
import tqdm

from . import build_record
from . import checksums
from .bad_items import BadItems
from .build_record import BuildRecord
from .build_record import LabelCounts
from .build_record import describe_file
from .drawn_pack import DrawnPack
from .errors import DatasetInputError
from .file_examples import FileExamples
from .record_files import check_disk_space
from .record_files import check_file_format
from .record_files import reproducible_records
from .variants import Variants


class Part(NamedTuple):
    """A split.

    Attributes:
        count: The number of portraits that it may hold.
        examples: Key and example of each that proves usable. Only
            `FileExamples` can be read by a Beam pipeline.
        is_counted: Whether its labels are counted in the record.
    """

    count: int
    examples: Iterable[tuple[int, dict[str, Any]]]
    is_counted: bool = True


class Content(NamedTuple):
    """What a data set is built from.

    Attributes:
        parts: The splits by name.
        size: The bytes that its pictures will have.
        details: What the record is to tell beside, see `BuildRecord`.
    """

    parts: dict[str, Part]
    size: int
    details: dict[str, int] = {}


class FaceBuilder(
    DrawnPack, tfds.core.GeneratorBasedBuilder, skip_registration=True
):
    """A data set of face thumbnails: a folder whose `__init__` has a `Builder`.

    That is all a new data set needs: `prepare` and the commands find it by the
    name of the folder. Its features are `image`, `image_index` (unique) and
    one for each task: a class label (-1 where missing), a float32 scalar (NaN)
    or an int8 vector of flags (-1). What features can't tell stands in the
    metadata of the `info`, of these keys those that apply: `protected`,
    `guarded`, `conditions`, `ordinal` (names of tasks), `shows_people`,
    `numbers` (unit, low, high and tolerance by task), `flags` (names by task).

    Args:
        on_bad: `raise` stops at the first row, image or archive that can't be
            used; `skip` leaves it out of the data set and lists it in
            `skipped.csv` beside the records.
        **kwargs: See `tfds.core.DatasetBuilder`.

    Attributes:
        VARIANTS: Its configurations.
        OWN_FLAGS: Names of further arguments of the constructor, which are
            also flags of the command.
        source: The `manual_dir`, where it may be a file; None for TFDS' own.

    Raises:
        DatasetInputError: If `on_bad` is neither.
    """

    MANUAL_DOWNLOAD_INSTRUCTIONS = "`manual_dir` is the folder of the files."
    VARIANTS: ClassVar[Variants]
    OWN_FLAGS: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, on_bad: str = "raise", **kwargs: Any):
        self._bad_items = BadItems(on_bad)
        self.source: pathlib.Path | None = None
        self._record: BuildRecord | None = None
        self._counts: LabelCounts
        self._progress: tqdm.tqdm | None = None
        # The parts that a pipeline reads, and what was reported of each.
        self._shared_out: dict[str, tuple[Part, int]] | None = None
        super().__init__(**kwargs)
        # What a pickled builder is created from again.
        self._original_state["on_bad"] = on_bad

    @property
    def on_bad(self) -> str:
        """What happens to what can't be used: `raise` or `skip`."""
        return self._bad_items.on_bad

    @classmethod
    def find_settings(
        cls, variant: str = "", has_files: bool = False, **flags: Any
    ) -> dict[str, Any]:
        """Returns the arguments of the builder that flags stand for.

        Args:
            variant: Name of a configuration, or an empty text.
            has_files: Whether there is a `manual_dir`.
            **flags: `OWN_FLAGS`, and what `Variants.find` takes.

        Raises:
            DatasetInputError: If a flag is unknown, or there is no such
                configuration.

        Example:
            >>> Builder.find_settings(count=400)
            {'config': 'synthetic_tiny'}
        """
        own = {name: flags.pop(name) for name in cls.OWN_FLAGS if name in flags}
        known = ("count", "seed", "image_size")
        if unknown := flags.keys() - {*known}:
            raise DatasetInputError(
                f"{cls.name} has no --{' and no --'.join(sorted(unknown))}. "
                f"Expected flags out of {', '.join([*known, *cls.OWN_FLAGS])}."
            )
        config = cls.VARIANTS.find(variant, has_files, **flags)
        # TFDS takes those it knows by name alone.
        is_known = config.name in cls.builder_configs
        return own | {"config": config.name if is_known else config}

    def describe_inputs(self, manual_dir: pathlib.Path) -> dict[str, Any]:
        """Describes the files that a data set depends on: all of a folder.

        Raises:
            DatasetInputError: If they are not there.
        """
        if not manual_dir.is_dir():
            raise DatasetInputError(
                f"Expected a folder of files. Received: manual_dir={manual_dir}"
            )
        digest = hashlib.sha256()
        for path in sorted(filter(pathlib.Path.is_file, manual_dir.rglob("*"))):
            name = path.relative_to(manual_dir)
            digest.update(f"{name} {describe_file(path)}\n".encode())
        return {"files": digest.hexdigest()}

    @abc.abstractmethod
    def open_content(
        self, manual_dir: pathlib.Path, bad_items: BadItems
    ) -> Content:
        """Opens what the data set is built from, a drawn pack likewise."""

    def list_inputs(self, manual_dir: pathlib.Path | None) -> dict[str, Any]:
        """Describes all that the data set depends on; equal if nothing changed.

        Args:
            manual_dir: The folder of the files, if the variant reads some.
        """
        config = self.builder_config
        if config.is_synthetic:
            return self.describe_pack(config.count, config.seed)
        return self.describe_inputs(manual_dir)

    def download_and_prepare(self, **kwargs: Any) -> None:
        """Builds the data set unless it is there, and notes what its files are.

        Args:
            **kwargs: See `tfds.core.DatasetBuilder`.
        """
        is_new = not self.data_path.exists()
        super().download_and_prepare(**kwargs)
        if is_new:  # Only now are all files there.
            ignored = [build_record.SKIPPED_NAME]  # Read by people alone.
            checksums.write_checksums(self.data_path, ignored)

    def _download_and_prepare(self, dl_manager, download_config) -> None:
        # TFDS calls this with `data_path` being a temporary folder that it
        # renames at the end: the record appears together with the data set.
        check_file_format(self.info.file_format)
        start = time.monotonic()
        self._record = None
        self._bad_items = BadItems(self.on_bad)
        asked = download_config.beam_options or download_config.beam_runner
        self._shared_out = {} if asked else None
        try:
            with reproducible_records(), _own_beam_writer(asked):
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
        self._record.labels = self._counts.summarize()
        self._record.notes = self._bad_items.notes
        self._record.skipped = len(self._bad_items.items)
        self._record.seconds = round(time.monotonic() - start, 1)
        self._record.write(folder)
        if self._bad_items.items:
            self._bad_items.write(folder / build_record.SKIPPED_NAME)

    def _split_generators(self, dl_manager) -> dict[str, Iterator]:
        if self.builder_config.is_synthetic:
            manual_dir = self._draw(pathlib.Path(dl_manager.download_dir))
        else:
            manual_dir = self.source or _get_manual_dir(dl_manager)
        self._record = BuildRecord(
            source=str(manual_dir.resolve()),
            inputs=self.list_inputs(manual_dir),
        )
        content = self.open_content(manual_dir, self._bad_items)
        check_disk_space(content.size, pathlib.Path(self.data_path))
        parts = content.parts
        self._record.details = content.details
        self._record.found = {name: part.count for name, part in parts.items()}
        self._counts = LabelCounts(
            {
                name: getattr(feature, "names", ())
                for name, feature in self.info.features.items()
                if name not in ("image", "image_index")
            },
            dict(self.info.metadata or {}).get("flags"),
        )
        if self._shared_out is None:
            self._progress = tqdm.tqdm(
                total=sum(part.count for part in parts.values()),
                unit=" portraits",
                mininterval=0.5,
            )
        generators = {}
        for split, part in parts.items():
            if self._shared_out is not None:
                generator = self._share_out(split, part)
            else:
                generator = self._generate_examples(split, part)
                # TFDS can't write a split without an example.
                first = next(generator, None)
                generator = first and itertools.chain([first], generator)
            if generator is not None:
                generators[split] = generator
        if not generators:
            raise DatasetInputError(
                f"{manual_dir} holds no usable portrait. To see what is wrong "
                "with the first one, build with --on_bad=raise."
            )
        return generators

    def _generate_examples(
        self, split: str, part: Part
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        usable = 0
        for key, example in part.examples:
            usable += 1
            if part.is_counted:
                self._counts.add(example)
            self._progress.set_description(f"Reading {split}", refresh=False)
            self._progress.update()
            yield key, example
        # Reached unless TFDS has cut the split short. Only now is known which
        # images can't be used.
        self._record.found[split] = usable
        self._progress.set_description(f"Writing {split}")

    def _share_out(self, split: str, part: Part) -> Any:
        """Returns the transform that reads a split; None if it is empty."""
        from .beam_build import ReadFiles

        if not isinstance(part.examples, FileExamples):
            raise DatasetInputError(
                f"{self.name} yields its examples one by one, which a pipeline "
                "can't share out. Expected `FileExamples`, as other data sets "
                "return, or a build without Beam."
            )
        seen = len(self._bad_items.items)
        with contextlib.closing(iter(part.examples)) as examples:
            first = next(examples, None)
        if first is None:
            self._record.found[split] = 0
            return None
        # Before the first usable file all are bad, and reported.
        self._shared_out[split] = part, len(self._bad_items.items) - seen
        return ReadFiles(part.examples, pathlib.Path(self.data_path), split)

    def _process_pipeline_result(self, pipeline_result: Any) -> None:
        """Notes of what a pipeline has read what is noted without one."""
        from .beam_build import SCRATCH
        from .beam_build import report_bad

        folder = pathlib.Path(self.data_path)
        for split, (part, reported) in self._shared_out.items():
            bad = report_bad(
                part.examples, folder, split, self._bad_items, reported
            )
            rows = part.examples.rows()
            for place, (_, _, labels) in enumerate(rows):
                if part.is_counted and place not in bad:
                    self._counts.add(labels)
            self._record.found[split] = part.count - len(bad)
        shutil.rmtree(folder / SCRATCH)


@contextlib.contextmanager
def _own_beam_writer(is_asked: Any) -> Iterator[None]:
    """Lets TFDS write from a pipeline what it writes without one."""
    if not is_asked:
        yield
        return
    from tensorflow_datasets.core import writer

    from .beam_writer import SortingBeamWriter

    with tfds.core.utils.temporary_assignment(
        writer, "BeamWriter", SortingBeamWriter
    ):
        yield


def _get_manual_dir(dl_manager) -> pathlib.Path:
    """Returns the folder of the files, which may not be there."""
    try:
        return pathlib.Path(dl_manager.manual_dir)
    except AssertionError as error:
        raise DatasetInputError(
            f"{error} With the command, pass the folder as --manual_dir."
        ) from None
