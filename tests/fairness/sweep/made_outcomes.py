"""Outcomes with figures as a test wants them."""

from tests.portrait_factory import HAIR_COLOR
from tp_keras.evaluation.figures import figure
from tp_keras.fairness.sweep.outcome import Outcome
from tp_keras.fairness.sweep.sweep_folder import SPLITS
from tp_keras.fairness.sweep.variant import parse_variant
from tp_keras.records.record import Record

TASK = HAIR_COLOR
RECALLS = {("blond", "female"): (0.9, 40), ("blond", "male"): (0.5, 20)}


def make_records(
    split="test",
    seed=0,
    *,
    accuracy=0.9,
    probe=0.9,
    recalls=None,
    worst=0.5,
    odds=0.4,
    null=0.1,
    excess=0.2,
    gender=0.95,
    flips=None,
    unsupported=(),
):
    """Records as `measurement.measure` makes them, of hair_color alone."""
    fields = [
        figure("accuracy", accuracy, 100, group="all"),
        figure("worst_group_recall", worst, 20, group="male"),
        figure("equalized_odds_difference_max", odds, 100, null=null),
        # The better one counts, whichever it is.
        figure("conditional_group_probe", probe, 90, variant="mlp X"),
        figure(
            "conditional_group_probe",
            None if probe is None else probe - 0.1,
            90,
            variant="linear X",
        ),
        figure("group_probe", 0.68, 90, variant="linear X"),
        figure("leakage_band_low", 0.6, 100),
        figure("leakage_band_high", 0.7, 100),
        figure("same_group_excess", excess, 100, variant="k=20"),
        figure("neighbor_precision", 0.8, 100, variant="k=20"),
    ]
    if flips is not None:
        fields.append(figure("counterfactual_flips", flips, 100, group="all"))
    for (class_name, group), (recall, count) in (recalls or RECALLS).items():
        small = (class_name, group) in unsupported
        fields.append(
            figure(
                "group_recall",
                recall,
                count,
                class_name=class_name,
                group=group,
                variant="unsupported" if small else None,
            )
        )
    place = {"seed": seed, "split": split, "dataset": "made/synthetic/1.0.0"}
    records = [Record(task="gender", **place, **_all("accuracy", gender))]
    for item in fields:
        item = {"group": "all", **item}
        if "variant" in item and item["variant"]:
            item["variant"] = item["variant"].replace(
                " X", " hair_color_embedding"
            )
        records.append(Record(task="hair_color", **place, **item))
    return records


def make_outcome(name, *seeds, costs=None, **figures):
    """An outcome of the same figures on both splits.

    Args:
        name: Name of the variant.
        *seeds: Figures of each seed; none of it for a single seed.
        costs: Cost of each seed.
        **figures: Figures of all seeds.
    """
    seeds = seeds or ({},)
    return Outcome(
        parse_variant(name),
        {
            split: tuple(
                make_records(split, number, **{**figures, **own})
                for number, own in enumerate(seeds)
            )
            for split in SPLITS
        },
        tuple(costs or [1.0] * len(seeds)),
    )


def _all(metric, value):
    return figure(metric, value, 100, group="all")
