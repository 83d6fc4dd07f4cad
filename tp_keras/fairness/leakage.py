"""How much of the group labels and layers give away, and which probe fails."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import tqdm

from tp_keras.data.labels import num_strata
from tp_keras.data.labels import strata
from tp_keras.evaluation import figures
from tp_keras.evaluation import metrics
from tp_keras.fairness.group_counts import GroupAnswers
from tp_keras.fairness.group_counts import GroupSample
from tp_keras.fairness.group_counts import permute_within
from tp_keras.fairness.probes import KINDS
from tp_keras.fairness.probes import probe_groups
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.records.record import ALL

# The layer that must give the group away: the protected head reads it.
POSITIVE_CONTROL = "backbone"
# How much less than that head, which has learned from more rows, a probe of it
# may find.
POSITIVE_CONTROL_LOSS = 0.05

BROKEN_PROBE = "broken_probe"


def measure_leakage(
    answers: GroupAnswers,
    layers: dict[str, np.ndarray],
    settings: FairnessSettings,
    seed: int,
    head_accuracy: float | None = None,
    controls: bool = True,
) -> Iterator[dict]:
    """Measures what tells the group of a portrait, and how well.

    All of it is the balanced accuracy of a guess of the group out of the G with
    `min_count` labelled rows: 1/G for nothing, 1 for all. A number is told by
    its range.

    * `leakage_band_low` and `leakage_band_high`, the band `[L(Y) - (1 - A),
      L(Y)]` with `L(Y)` that of the best guess from the label alone and `A`
      the mean of the accuracies of the groups. What the head reads can't tell
      less than the lower end (at least 1/G) if it is to predict as it does;
      what knows of the group no more than the class tells, doesn't tell more
      than the upper end. What is above can be removed, what is inside can't
      without loss. Flags have no band.
    * `group_probe` of each layer, with the variant `"<kind> <layer>"` (see
      `probe_groups`), and chance as `null`: trained on all rows, and tested on
      those with a label, as those are what the band is of.
    * `conditional_group_probe` with the class beside the layer; chance where
      nothing is left but the class.
    * `negative_control` and `conditional_negative_control`: the same of the
      layer `"<task>_embedding"`, or the last one, with groups shuffled among
      rows with and without a label, or inside the class.
    * `broken_probe`, a probe that can't be trusted, with the reason in its
      variant, such as `"linear answer, below the band"`, and how far it is off
      in its value: one of the layer `"backbone"` that finds less than the
      protected head finds there by more than 0.05; one of another layer whose
      interval is below the band, less than its predictions tell; a control
      whose interval is off chance.

    Args:
        answers: What was predicted of whom.
        layers: Dict: name -> float array [N, d]; layers that the head is
            computed from, and the backbone.
        settings: How much data a figure needs; how often to draw and to probe.
        seed: Where chance starts.
        head_accuracy: Balanced accuracy of the protected head, if there is one.
        controls: Whether to probe for shuffled groups too.

    Yields:
        The fields of a record, as `measure_groups` does.

    Source:
        Zhao and Gordon, Inherent tradeoffs in learning fair representations,
        2022 (the lower end); Elazar and Goldberg, Adversarial removal of
        demographic attributes from text data, 2018 (probes).
    """
    task, known, low = answers.task, answers.groups >= 0, None
    groups = answers.groups[known]
    classes = strata(task, answers.labels)[known]
    if num_strata(task) > 1:
        guesses = strata(task, answers.predictions)[known]
        right = np.eye(num_strata(task), dtype=bool)
        shape = (answers.protected.num_classes, *right.shape)
        outcomes = np.zeros(shape, np.int64)
        labelled = classes >= 0
        cells = groups[labelled], classes[labelled], guesses[labelled]
        np.add.at(outcomes, cells, 1)
        words = [seed, *task.name.encode()]
        sample = GroupSample(outcomes, right, settings, words)
        band = list(_band(sample))
        low = band[0]["value"]
        yield from band
    layers = {name: values[known] for name, values in layers.items()}
    for metric, name, result in _probe_all(
        task.name, classes, layers, groups, settings, seed, controls
    ):
        yield figures.figure(
            metric,
            result.value,
            result.count,
            result.interval,
            group=ALL,
            variant=name,
            null=None if result.value is None else result.chance,
        )
        if result.value is not None:
            fault, amount = _fault(metric, name, result, low, head_accuracy)
            if fault:
                yield figures.figure(
                    BROKEN_PROBE,
                    amount,
                    result.count,
                    group=ALL,
                    variant=f"{name}, {fault}",
                )


def label_leakage(outcomes) -> np.ndarray:
    """Returns the balanced accuracy of the best guess from the label: [...].

    Of counts [..., G, S, S] of group, class and class of the answer.
    """
    sizes = np.sum(outcomes, -1)
    rates = metrics.ratio(sizes, sizes.sum(-1, keepdims=True))
    return rates.max(-2).sum(-1) / rates.shape[-2]


def lower_band(outcomes) -> np.ndarray:
    """Returns what any layer of these answers gives away at least: [...].

    Who guesses the group from the answer as from the label is right as often
    but for the share of wrong answers. Holds for the counts [..., G, S, S] at
    hand, not on average alone.
    """
    errors = 1 - metrics.accuracy(outcomes).mean(-1)
    least = label_leakage(outcomes) - errors
    return np.maximum(least, 1 / np.shape(outcomes)[-3])


def _band(sample):
    kept = sample.supported_groups
    for metric, value_of in (
        ("leakage_band_low", lower_band),
        ("leakage_band_high", label_leakage),
    ):
        yield sample.figure(
            metric,
            lambda outcomes, of=value_of: of(outcomes[..., kept, :, :]),
            sample.can_compare,
            resampled=sample.by_group,
            limits=(1 / max(kept.sum(), 1), 1.0),
            # Groups permuted inside the class have the same labels.
            tail=None,
        )


def _probe_all(name, classes, layers, groups, settings, seed, controls):
    """Yields metric, kind and layer, and result of each probe of a task."""

    def probe(kind, features, given, **changes):
        rows = {"classes": classes} if given else {"train_only": classes < 0}
        own = {"groups": groups, "settings": settings, "seed": seed}
        return probe_groups(features, kind=kind, **rows, **{**own, **changes})

    def control(kind, features, given):
        # A probe of a shuffle of its own each time: chance in one shuffle is
        # the same for all probes of it.
        once = dataclasses.replace(settings, probe_seeds=1)
        generator = np.random.default_rng([seed, *b"shuffled"])
        inside, results = classes if given else classes < 0, []
        for own in generator.integers(2**31, size=settings.probe_seeds):
            shuffled = permute_within(groups, inside, generator)
            changes = {"groups": shuffled, "settings": once, "seed": own}
            results.append(probe(kind, features, given, **changes))
        hits = np.mean([result.hits for result in results], axis=0)
        return dataclasses.replace(results[0], hits=hits)

    own = f"{name}_embedding"
    controlled = [own] if own in layers else list(layers)[-1:]
    jobs = [
        (metric, measure, given, kind, layer)
        for metric, measure, names in (
            ("group_probe", probe, layers),
            ("negative_control", control, controlled if controls else ()),
        )
        for given in (False, True)
        for layer in names
        for kind in KINDS
    ]
    for metric, measure, given, kind, layer in tqdm.tqdm(
        jobs, f"probes of {name}", delay=2, leave=False
    ):
        result = measure(kind, layers[layer], given)
        yield f"{'conditional_' * given}{metric}", f"{kind} {layer}", result


def _fault(metric, name, result, band_low, head_accuracy):
    """Returns why a probe can't be trusted and by how much, or two Nones."""
    low, high = result.interval
    if metric == "group_probe":
        least, reason = band_low, "below the band"
        if name.endswith(f" {POSITIVE_CONTROL}"):
            least, reason = None, "positive control below the protected head"
            if head_accuracy is not None:
                least = head_accuracy - POSITIVE_CONTROL_LOSS
        if least is not None and high < least:
            return reason, least - high
    elif "control" in metric and not low <= result.chance <= high:
        given = " given the class" if metric.startswith("cond") else ""
        reason = f"negative control{given} off {result.chance:.3g}"
        return reason, abs(result.value - result.chance)
    return None, None
