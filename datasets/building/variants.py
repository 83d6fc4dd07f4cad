"""The configurations of a data set, by name or by flags."""

import dataclasses
import re
from collections.abc import Mapping

import tensorflow_datasets as tfds

from .errors import DatasetInputError

_SIZE = re.compile(r"([1-9]\d*)x([1-9]\d*)")


@dataclasses.dataclass(eq=False, kw_only=True)
class FaceConfig(tfds.core.BuilderConfig):
    """A variant of a data set.

    Attributes:
        count: How many synthetic portraits are drawn; None reads the files of
            the `manual_dir` instead.
        seed: Seed of the drawing.
        size: Height and width of the portraits.
    """

    count: int | None = None
    seed: int = 0
    size: tuple[int, int]

    @property
    def is_synthetic(self) -> bool:
        """Whether the portraits are drawn."""
        return self.count is not None


@dataclasses.dataclass(frozen=True)
class Variants:
    """The variants that a data set has.

    Their names are `synthetic_500_seed7`, or that of the variant that reads
    files, followed by the size where it can be chosen: `synthetic_80x80`.

    Attributes:
        files: Name of the variant that reads files; if it is empty, it is
            called after the size.
        counts: The number of synthetic portraits by name; that of
            `"synthetic"` is the default. Empty where none can be drawn.
        most: The largest number of synthetic portraits.
        sizes: Height and width, the default first. With several, any other is
            a variant as well.
        largest: The largest height or width.

    Example:
        >>> variants = Variants("files", {"synthetic": 100}, 1000, ((8, 6),))
        >>> variants.find("synthetic_500_seed7").count
        500
        >>> variants.find(seed=7).name
        'synthetic_100_seed7'
    """

    files: str = "files"
    counts: Mapping[str, int] = dataclasses.field(default_factory=dict)
    most: int = 0
    sizes: tuple[tuple[int, int], ...] = ()
    largest: int = 0

    def list(self) -> list[FaceConfig]:
        """Returns the variants that have a name of their own."""
        return [
            *(self._make(count) for count in self.counts.values()),
            *(self._make(size=size) for size in self.sizes),
        ]

    def find(
        self,
        name: str = "",
        has_files: bool = False,
        count: int | None = None,
        seed: int | None = None,
        image_size: str | None = None,
    ) -> FaceConfig:
        """Returns a variant.

        Args:
            name: Its name; with one, no other argument may be given.
            has_files: Whether there are files to read, if there is no name.
            count: The number of synthetic portraits.
            seed: Seed of the drawing.
            image_size: Height and width, such as `"108x84"`.

        Raises:
            DatasetInputError: If there is no such variant.
        """
        chosen = {"count": count, "seed": seed, "image_size": image_size}
        chosen = {k: v for k, v in chosen.items() if v is not None}
        if name:
            if chosen:
                raise DatasetInputError(
                    f"The name of a variant says it all. Expected {name} "
                    f"without --{' and without --'.join(chosen)}."
                )
            return self._parse(name)
        if image_size is not None and len(self.sizes) == 1:
            raise DatasetInputError(
                "The portraits have one size. Expected no --image_size. "
                f"Received: image_size={image_size}"
            )
        size = self.sizes[0]
        if image_size is not None:
            size = _parse_size(image_size)
        if not has_files:
            if not self.counts:
                raise DatasetInputError(
                    "The data set has no synthetic portraits. Expected "
                    "--manual_dir with the folder of its files."
                )
            count = self.counts["synthetic"] if count is None else count
        elif count is not None or seed is not None:
            raise DatasetInputError(
                "--count and --seed are for synthetic portraits. Expected "
                "them without --manual_dir."
            )
        return self._make(count, seed or 0, size)

    def _parse(self, name: str) -> FaceConfig:
        words = name.split("_")
        size, seed, count = self.sizes[0], 0, None
        if len(self.sizes) > 1 and _SIZE.fullmatch(words[-1]):
            size = _parse_size(words.pop())
        if words and re.fullmatch(r"seed\d+", words[-1]):
            seed = int(words.pop().removeprefix("seed"))
        base = "_".join(words)
        if match := re.fullmatch(r"synthetic_(\d+)", base):
            count = int(match[1])
        elif base in self.counts:
            count = self.counts[base]
        elif base != self.files or seed or not name:
            names = [config.name for config in self.list()]
            raise DatasetInputError(
                f"Expected a variant out of {', '.join(names)}, or one such "
                f"as {names[0]}_500_seed7. Received: {name}"
            )
        config = self._make(count, seed, size)
        # A folder is called after it: found again is only what has one name.
        if config.name != name:
            raise DatasetInputError(
                f"Expected {config.name}, as this variant is called. "
                f"Received: {name}"
            )
        return config

    def _make(
        self,
        count: int | None = None,
        seed: int = 0,
        size: tuple[int, int] | None = None,
    ) -> FaceConfig:
        """Returns a variant under the shortest of its names."""
        size = size or self.sizes[0]
        if count is not None and not 1 <= count <= self.most:
            raise DatasetInputError(
                "The number of synthetic portraits lies between 1 and "
                f"{self.most:,}. Received: count={count}"
            )
        if seed < 0:
            raise DatasetInputError(
                f"A seed is not negative. Received: seed={seed}"
            )
        if size not in self.sizes and not max(size) <= self.largest:
            raise DatasetInputError(
                f"Portraits have at most {self.largest}x{self.largest} "
                f"pixels. Received: image_size={size[0]}x{size[1]}"
            )
        names = {number: name for name, number in self.counts.items()}
        if count is None:
            words, description = [self.files], "The portraits in `manual_dir`."
        elif count in names and not seed:
            words, description = [names[count]], f"{count:,} drawn portraits."
        else:
            words = [f"synthetic_{count}", f"seed{seed}" * bool(seed)]
            description = f"{count:,} drawn portraits, seed {seed}."
        if size != self.sizes[0] or not words[0]:
            words.append(f"{size[0]}x{size[1]}")
        return FaceConfig(
            name="_".join(filter(None, words)),
            description=description,
            count=count,
            seed=seed,
            size=size,
        )


def _parse_size(text: str) -> tuple[int, int]:
    match = _SIZE.fullmatch(text)
    if not match:
        raise DatasetInputError(
            "Expected height and width as in --image_size 108x84. "
            f"Received: image_size={text}"
        )
    return int(match[1]), int(match[2])
