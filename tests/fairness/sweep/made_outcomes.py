"""Outcomes with figures as a test wants them."""

from tests.portrait_factory import HAIR_COLOR
from tp_keras.evaluation.figures import figure
from tp_keras.fairness.sweep.outcome import SPLITS
from tp_keras.fairness.sweep.outcome import Outcome
from tp_keras.fairness.sweep.settings import parse_variant
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
    embedding = "hair_color_embedding"
    fields = [
        figure("accuracy", accuracy, 100),
        figure("worst_group_recall", worst, 20, group="male"),
        figure("equalized_odds_difference_max", odds, 100, null=null),
        # The better one counts, whichever it is.
        *(
            figure(
                "conditional_group_probe",
                None if probe is None else probe - less,
                90,
                variant=f"{kind} {embedding}",
            )
            for kind, less in (("mlp", 0.0), ("linear", 0.1))
        ),
        figure("group_probe", 0.68, 90, variant=f"linear {embedding}"),
        figure("leakage_band_low", 0.6, 100),
        figure("leakage_band_high", 0.7, 100),
        figure("same_group_excess", excess, 100, variant="k=20"),
        figure("neighbor_precision", 0.8, 100, variant="k=20"),
    ]
    if flips is not None:
        fields.append(figure("counterfactual_flips", flips, 100))
    for cell, (recall, count) in (recalls or RECALLS).items():
        where = dict(zip(("class_name", "group"), cell, strict=True))
        where["variant"] = "unsupported" if cell in unsupported else None
        fields.append(figure("group_recall", recall, count, **where))
    own = [("gender", figure("accuracy", gender, 100))]
    own += [("hair_color", item) for item in fields]
    place = {"seed": seed, "split": split, "dataset": "made/synthetic/1.0.0"}
    return [
        Record(task=name, **place, **{"group": "all", **item})
        for name, item in own
    ]


def make_outcome(name, *seeds, costs=None, **figures):
    """An outcome of the same figures on both splits.

    `seeds` are figures of each seed, none of it for a single seed, and
    `figures` those of all; `costs` holds the cost of each seed.
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
