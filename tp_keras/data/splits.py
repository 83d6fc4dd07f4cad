"""What a run trains and validates on: splits that share no portrait."""

import dataclasses

import tensorflow_datasets as tfds

from tp_keras.config import DataConfig
from tp_keras.data.builders import count_portraits
from tp_keras.data.builders import find_builder
from tp_keras.data.builders import find_builders
from tp_keras.errors import UserError

# What is held out of a data set that has no split for it.
HELD_OUT = "train[90%:]"


def resolve_splits(data: DataConfig, say=print) -> DataConfig:
    """Returns the same data with splits that exist and don't overlap.

    Where the data set has no split `validation`, the last tenth of its training
    portraits takes the place. What is validated on is left out of the training.

    A part of `train` is no match for a split `validation` that keeps people
    apart, where a data set shows one often and doesn't tell who. The scores of
    a part choose an epoch well, and are too good as a measure.

    Of several data sets each has splits of its own.

    Args:
        data: `DataConfig`.
        say: Function that is told, in a sentence, of what was changed.

    Raises:
        UserError: If data set or splits are not there, or nothing is left.
    """
    if len(data.parts) > 1:
        find_builders(data.data_dir, data.datasets)
        parts = [resolve_splits(part, say) for part in data.parts]
        return dataclasses.replace(
            data,
            train_split=tuple(part.train_split for part in parts),
            validation_split=tuple(part.validation_split for part in parts),
        )
    builder = find_builder(data.data_dir, data.dataset)
    validation = data.validation_split
    if validation == "validation" and validation not in builder.info.splits:
        validation = HELD_OUT
        say(
            f"{builder.info.full_name} has no validation portraits, so "
            f"{HELD_OUT} is validated on. The same people are among those "
            "trained on, so the scores are too good for people never seen."
        )
    train = data.train_split
    for split in (train, validation):
        count_portraits(builder, split)
    pieces = pieces_of(builder, train)
    left = _without(pieces, pieces_of(builder, validation))
    if not left:
        raise UserError(
            "Nothing is left to train on. Expected portraits that are not "
            "validated on; give another --train_split or --validation_split. "
            f"Received: train_split={train}, validation_split={validation}"
        )
    if left != pieces:
        train = "+".join(f"{name}[{low}:{high}]" for name, low, high in left)
        say(
            f"{validation} of {builder.info.full_name} is validated on and "
            f"left out of the training: {train} is trained on."
        )
    return dataclasses.replace(
        data, train_split=train, validation_split=validation
    )


def pieces_of(builder, split) -> list[tuple[str, int, int]]:
    """Returns name, first row and end of every piece of a split."""
    splits, pieces = builder.info.splits, []
    spec = tfds.core.ReadInstruction.from_spec(split)
    for piece in spec.to_absolute(splits):
        end = splits[piece.splitname].num_examples
        end = end if piece.to is None else piece.to
        pieces.append((piece.splitname, piece.from_ or 0, end))
    return pieces


def _without(pieces, taken) -> list[tuple[str, int, int]]:
    """Returns the pieces without the rows of those that are taken."""
    for name, low, high in taken:
        pieces = [
            (own, begin, end)
            for own, first, last in pieces
            for begin, end in (
                [(first, min(last, low)), (max(first, high), last)]
                if own == name
                else [(first, last)]
            )
            if begin < end
        ]
    return pieces
