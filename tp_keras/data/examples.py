"""From a row of the data set to what `fit` and `evaluate` take."""

from tp_keras.tasks import Schema


def labelled_image(row, schema: Schema):
    """Returns the image and the labels of a row, for `Dataset.map`.

    `compile` and `fit` of a `PortraitClassifier` need nothing else: a label of
    -1, and a number that is NaN, is a missing one there.

    Args:
        row: Dict of `image` and the labels by task, as `tfds.load` gives it;
            a row or a batch.
        schema: `Schema` of the data set, as `read_schema` tells it.

    Example:
        >>> rows = builder.as_dataset(split="train")
        >>> pairs = rows.map(lambda row: labelled_image(row, schema))
    """
    return row["image"], {name: row[name] for name in schema.task_names}
