"""How much of gender labels, predictions and layers give away."""

from collections.abc import Iterator

import numpy as np

from tp_keras import tasks
from tp_keras.errors import UserError
from tp_keras.fairness import group_counts
from tp_keras.fairness import leakage_counts
from tp_keras.fairness.group_sample import GroupSample
from tp_keras.fairness.leakage_probes import LeakageProbes
from tp_keras.fairness.settings import FairnessSettings


def measure_leakage(
    task: tasks.Task,
    labels,
    probabilities,
    layers: dict[str, np.ndarray],
    genders,
    settings: FairnessSettings,
    seed: int,
    controls: bool = True,
) -> Iterator[dict]:
    """Measures what tells the gender of a portrait, and how well.

    All of it is the balanced accuracy of a guess of gender: 1/2 for nothing, 1
    for all. `L(V) = (1 + TV(P(V | female), P(V | male))) / 2` is that of the
    best guess from V, with the total variation `TV(p, q) = sum |p - q| / 2`.
    Rows without gender do not count. On the rows with a label:

    * `label_leakage`, `L(Y)`: hair alone tells something of gender;
    * `prediction_leakage`, `L(Yhat)`, and `leakage_amplification`, `L(Yhat) -
      L(Y)`, which is no more than 0 for predictions that don't add to it;
    * `conditional_prediction_leakage`, the mean of `L(Yhat | Y = c)` over the
      classes c with `min_count` rows of each gender; 1/2 if odds are equal;
    * `leakage_band_low` and `leakage_band_high`, the band `[L(Y) - (1 - A),
      L(Y)]` with `A` the mean of the accuracies of the genders. What the head
      reads can't tell less than the lower end (at least 1/2) if it is to
      predict as it does; what knows of gender no more than the class tells, Z
      independent of gender given Y, doesn't tell more than the upper end. What
      is above can be removed, what is inside can't without loss.

    These have intervals of a bootstrap of each gender's rows, or of each
    group's for the conditional one, and `null` is the 95 % quantile with
    gender permuted inside each class. The total variation of few rows is more
    than 0 by chance: `null` says how much.

    And for each layer, with the variant `"<kind> <layer>"`, where the kind of
    probe is `linear` or `mlp` (see `probes.probe_gender`):

    * `gender_probe`, trained on all rows, and tested on those with a label, as
      those are what the band is of;
    * `conditional_gender_probe` with the class beside the layer; 1/2 where
      nothing is left but the class.

    Controls tell whether the probes can be trusted:

    * positive: a layer named `"backbone"`, as pooled from the image, has to
      give gender with at least 0.9 in `gender_probe`;
    * `negative_control` and `conditional_negative_control`: genders shuffled,
      among rows with and without a label or inside the class, and probed in
      the layer `"<task>_embedding"`, the last one if there is none; 1/2 must
      lie in the interval.

    `broken_probe` is a probe that fails: it has the probe and the reason in
    its variant, such as `"linear logits, below the band"`, and how far it is
    off in its value. Below the band is a probe of a layer other than the
    backbone if its interval is: it then reads less of gender from the layer
    than the predictions made of that layer tell. There is none where all is
    well.

    Args:
        task: What is predicted.
        labels: Integer array [N], `tasks.MISSING` where there is none.
        probabilities: Float array [N, K] of the classes.
        layers: Dict: name -> float array [N, d]; layers that the head is
            computed from, and the backbone.
        genders: Integer array [N], `tasks.MISSING` where unknown.
        settings: How much data a figure needs; how often to draw and to probe.
        seed: Where chance starts.
        controls: Whether to probe for shuffled genders too.

    Yields:
        The fields of a record, but for task, seed, split and data set. Where
        too few rows count, the value is None and the count is kept.

    Raises:
        UserError: If the arrays don't fit each other or the task, or hold what
            is no finite number.

    Source:
        Zhao and Gordon, Inherent tradeoffs in learning fair representations,
        2022 (the lower end); Wang et al., Balanced datasets are not enough,
        2019 (leakage and amplification); Elazar and Goldberg, Adversarial
        removal of demographic attributes from text data, 2018 (probes).

    Example:
        >>> found = measure_leakage(
        ...     tasks.HAIR_COLOR, labels, probabilities,
        ...     {"hair_color_embedding": embedding}, genders,
        ...     FairnessSettings(), seed=0,
        ... )
        >>> {fields["metric"]: fields["value"] for fields in found}
        {'label_leakage': 0.703, 'prediction_leakage': 0.695, ...}
    """
    labels, probabilities, layers, genders = _check(
        task, labels, probabilities, layers, genders
    )
    known = genders != tasks.MISSING
    labels, genders = labels[known], genders[known]
    sample = GroupSample(
        task,
        group_counts.count_outcomes(
            labels,
            probabilities[known].argmax(-1),
            genders,
            task.num_classes,
        ),
        settings,
        seed,
    )
    found = list(_count_figures(sample))
    yield from found
    band_low = next(
        fields["value"]
        for fields in found
        if fields["metric"] == "leakage_band_low"
    )
    yield from LeakageProbes(
        task,
        labels,
        {name: features[known] for name, features in layers.items()},
        genders,
        settings,
        seed,
    ).figures(band_low, controls)


def _count_figures(sample):
    """Yields what the counts of labels and predictions tell."""
    for metric, value_of, limits, has_null in (
        ("label_leakage", leakage_counts.label_leakage, (0.5, 1.0), False),
        (
            "prediction_leakage",
            leakage_counts.prediction_leakage,
            (0.5, 1.0),
            True,
        ),
        (
            "leakage_amplification",
            leakage_counts.leakage_amplification,
            (-0.5, 0.5),
            True,
        ),
        ("leakage_band_low", leakage_counts.lower_band, (0.5, 1.0), False),
        ("leakage_band_high", leakage_counts.label_leakage, (0.5, 1.0), False),
    ):
        yield sample.figure(
            metric,
            value_of,
            sample.both_genders,
            resampled=sample.by_gender,
            limits=limits,
            # Genders permuted inside the class have the same labels.
            **({} if has_null else {"tail": None}),
        )
    classes = sample.positives
    supported = bool(classes.any())
    yield sample.figure(
        "conditional_prediction_leakage",
        lambda outcomes: leakage_counts.conditional_leakage(
            outcomes[..., classes, :]
        ),
        supported,
        count=sample.sizes[:, classes].sum() if supported else None,
        limits=(0.5, 1.0),
    )


def _check(task, labels, probabilities, layers, genders):
    probabilities = np.asarray(probabilities)
    if probabilities.ndim != 2 or probabilities.shape[1] != task.num_classes:
        raise UserError(
            f"Expected probabilities of {task.name} of the shape [rows, "
            f"{task.num_classes}]. Received: shape {probabilities.shape}"
        )
    count = len(probabilities)
    checked = []
    for name, array, num_classes in (
        ("labels", labels, task.num_classes),
        ("genders", genders, tasks.GENDER.num_classes),
    ):
        array = np.asarray(array)
        if array.shape != (count,) or not np.issubdtype(
            array.dtype, np.integer
        ):
            raise UserError(
                f"Expected integer {name} for {count} rows of probabilities "
                f"of {task.name}. Received: shape {array.shape} of "
                f"{array.dtype}"
            )
        strange = array[(array < tasks.MISSING) | (array >= num_classes)]
        if strange.size:
            raise UserError(
                f"Expected {name} within {tasks.MISSING}..{num_classes - 1}. "
                f"Received: {strange[0]}"
            )
        checked.append(array)
    layers = {name: np.asarray(array) for name, array in layers.items()}
    for name, array in layers.items():
        if array.ndim != 2 or len(array) != count or not array.shape[1]:
            raise UserError(
                f"Expected features of the layer {name} of the shape "
                f"[{count}, columns]. Received: shape {array.shape}"
            )
    for name, array in {"probabilities": probabilities, **layers}.items():
        strange = ~np.isfinite(array).all(-1)
        if strange.any():
            raise UserError(
                f"Expected finite numbers in {name}. Received: NaN or "
                f"infinity in {strange.sum()} of {count} rows"
            )
    return checked[0], probabilities, layers, checked[1]
