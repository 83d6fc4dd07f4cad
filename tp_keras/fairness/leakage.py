"""How much of the group labels and layers give away, and which probe fails."""

import itertools
from collections.abc import Iterator

import numpy as np
import tqdm

from tp_keras.data.labels import num_strata
from tp_keras.data.labels import strata
from tp_keras.evaluation import contingency
from tp_keras.evaluation import figures
from tp_keras.evaluation import metrics
from tp_keras.fairness.group_counts import GroupAnswers
from tp_keras.fairness.group_counts import GroupSample
from tp_keras.fairness.probes import KINDS
from tp_keras.fairness.probes import probe_groups
from tp_keras.fairness.representations import BACKBONE
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.records.record import ALL

# How much less than the protected head, which has learned from more rows, a
# probe of the backbone, which it reads, may find.
POSITIVE_CONTROL_LOSS = 0.05

BROKEN_PROBE = "broken_probe"


def measure_leakage(
    answers: GroupAnswers,
    layers: dict[str, np.ndarray],
    settings: FairnessSettings,
    seed: int,
    head_accuracy: float | None = None,
) -> Iterator[dict]:
    """Measures what tells the group of a portrait, and how well.

    All of it is the balanced accuracy of a guess of the group out of the G with
    `min_count` labelled rows: 1/G for nothing, 1 for all. Yields the fields of
    records, as `measure_groups` does.

    * `leakage_band_low` and `leakage_band_high`, the band `[L(Y) - (1 - A),
      L(Y)]` with `L(Y)` that of the best guess from the label alone and `A`
      the mean of the accuracies of the groups. What the head reads can't tell
      less if it is to predict as it does; what knows of the group no more than
      the class tells, doesn't tell more. Flags have no band.
    * `group_probe` of each layer, with the variant `"<kind> <layer>"` and
      chance as `null`: trained on all rows, tested on those with a label.
    * `conditional_group_probe` with the class beside the layer.
    * `broken_probe`, a probe that can't be trusted, with the reason in its
      variant and how far it is off in its value: one of the layer `"backbone"`
      that finds less than the protected head finds there by more than 0.05, or
      one of another layer whose interval is below the band.

    `layers` are float arrays [N, d] by name. `head_accuracy` is the balanced
    accuracy of the protected head, if there is one.

    Source:
        Zhao and Gordon, Inherent tradeoffs in learning fair representations,
        2022 (the lower end); Elazar and Goldberg, Adversarial removal of
        demographic attributes from text data, 2018 (probes).
    """
    task, groups, low = answers.task, answers.groups, None
    classes = strata(task, answers.labels)
    if (size := num_strata(task)) > 1:
        guesses, counts = strata(task, answers.predictions), []
        for group in range(answers.protected.num_classes):
            pair = classes[groups == group], guesses[groups == group]
            counts.append(metrics.confusion_matrix(*pair, size))
        words, right = [seed, *task.name.encode()], np.eye(size, dtype=bool)
        sample = GroupSample(np.array(counts), right, settings, words)
        lowest = _band_end(sample, "leakage_band_low", lower_band)
        low = lowest["value"]
        yield lowest
        yield _band_end(sample, "leakage_band_high", label_leakage)
    jobs = list(itertools.product((False, True), layers, KINDS))
    for given, name, kind in tqdm.tqdm(
        jobs, f"probes of {task.name}", delay=2, leave=False
    ):
        rows = {"classes": classes} if given else {"train_only": classes < 0}
        rows |= {"kind": kind, "settings": settings, "seed": seed}
        result = probe_groups(layers[name], groups, **rows)
        own = {"count": result.count, "group": ALL, "variant": f"{kind} {name}"}
        about = {"interval": result.interval, "null": result.chance}
        metric = f"{'conditional_' * given}group_probe"
        yield figures.figure(metric, result.value, **own, **about)
        least, reason = low, "below the band"
        if name == BACKBONE:
            reason = "positive control below the protected head"
            least = head_accuracy and head_accuracy - POSITIVE_CONTROL_LOSS
        if given or least is None or result.value is None:
            continue
        if (amount := least - result.interval[1]) > 0:
            own["variant"] += f", {reason}"
            yield figures.figure(BROKEN_PROBE, amount, **own)


def label_leakage(outcomes) -> np.ndarray:
    """Returns the best guess from labels, of counts [..., G, S, S]: [...]."""
    return contingency.best_balanced_guess(np.sum(outcomes, -1))


def lower_band(outcomes) -> np.ndarray:
    """Returns what any layer of these answers gives away at least: [...].

    Of counts [..., G, S, S]: who guesses the group from the answer as from the
    label is right as often but for the share of wrong answers.
    """
    errors = 1 - metrics.accuracy(outcomes).mean(-1)
    least = label_leakage(outcomes) - errors
    return np.maximum(least, 1 / np.shape(outcomes)[-3])


def _band_end(sample, metric, value_of):
    kept = sample.supported_groups
    return sample.figure(
        metric,
        lambda outcomes: value_of(outcomes[..., kept, :, :]),
        sample.can_compare,
        resampled=sample.by_group,
        limits=(1 / max(kept.sum(), 1), 1.0),
        tail=None,  # Groups permuted inside the class have the same labels.
    )
