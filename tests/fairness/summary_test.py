import dataclasses

import pytest

from tests.portrait_factory import AGE
from tests.portrait_factory import GENDER
from tests.portrait_factory import HAIR_COLOR
from tests.portrait_factory import ORIGIN
from tests.portrait_factory import SCHEMA
from tp_keras.fairness import summary
from tp_keras.records.record import Record


def record(metric, value, count=200, group="all", **fields):
    if value is not None:
        fields = {"low": value - 0.02, "high": value + 0.02} | fields
    return Record(metric, "hair_color", group, value, count, **fields)


BEYOND = {"class_name": "blond"}
RECORDS = [
    record("accuracy", 0.848, count=578),
    record("accuracy", 0.853, count=378, group="female"),
    record("accuracy", 0.841, group="male"),
    record("accuracy_gap", 0.012, null=0.06),
    record("worst_group_recall", 0.32, 53, "male", null=0.71, **BEYOND),
    record("equalized_odds_difference_max", 0.6, null=0.063, **BEYOND),
    record("leakage_band_low", 0.603),
    record("leakage_band_high", 0.703),
    *(
        record(metric, value, variant=variant, null=0.5)
        for metric, variant, value in (
            ("group_probe", "linear hair_color_embedding", 0.941),
            ("group_probe", "mlp hair_color_embedding", 0.93),
            ("group_probe", "mlp backbone", 0.98),
            ("conditional_group_probe", "linear hair_color_embedding", 0.6),
            ("conditional_group_probe", "mlp hair_color_embedding", 0.947),
        )
    ),
    record("same_group_excess", 0.1, variant="k=5"),
    record("same_group_excess", 0.274, variant="k=20", null=0.01),
    record("counterfactual_flips", 0.12, count=1180),
]


def summarize(records):
    return summary.summarize(records, HAIR_COLOR, GENDER)


def text_of(records):
    return " ".join(item.sentence for item in summarize(records))


def replaced(metric, **changes):
    return [
        dataclasses.replace(item, **changes) if item.metric == metric else item
        for item in RECORDS
    ]


def test_figures_and_sentences_are_those_that_count():
    band = "the band 0.603 to 0.703"
    assert [
        (item.title, item.record.value, item.compare)
        for item in summarize(RECORDS)
    ] == [
        ("accuracy", 0.848, ""),
        ("accuracy gap", 0.012, "at most 0.060"),
        ("worst group recall (blond male)", 0.32, "at least 0.710"),
        ("equalised-odds difference (blond)", 0.6, "at most 0.063"),
        ("conditional MLP probe of the embedding", 0.947, "0.500"),
        ("unconditional linear probe of the embedding", 0.941, band),
        ("same-group excess at 20 neighbours", 0.274, "at most 0.010"),
        ("counterfactual flips", 0.12, "0.000"),
    ]
    for words in (
        "hair color of 84.8 % of 578 portraits is right.",
        "85.3 % of 378 female, 84.1 % of 200 male, at most 1.2 points apart",
        "Worst off are blond male: 32.0 % of 53",
        "called blond, rightly or wrongly, differs with gender by 60.0 points",
        "tells gender right in 94.7 %; guessing gets 50.0 %",
        "the probe is 23.8 points above this band",
        "Among the 20 portraits",
        "27.4 points above what the hair color implies",
        "12.0 % of 1,180 pairs",
    ):
        assert words in text_of(RECORDS)


def test_numbers_are_right_within_their_tolerance():
    records = [
        Record("accuracy", "age", "all", 0.5, 90),
        Record("mae", "age", "north", 4.0, 50),
        Record("mae", "age", "west", 5.5, 40),
        Record("mae_gap", "age", "all", 1.5, 90, null=1.25),
    ]
    accuracy, gap = summary.summarize(records, AGE, ORIGIN)
    assert accuracy.sentence == (
        "The age of 50.0 % of 90 portraits is right within 5 years."
    )
    assert gap.compare == "at most 1.250"
    assert "4.00 years of 50 north, 5.50 years of 40 west" in gap.sentence
    assert "at most 1.50 years apart" in gap.sentence


@pytest.mark.parametrize(
    "value, high, words",
    [
        (0.65, 0.67, "the probe is inside this band"),
        (0.60, 0.62, "the probe is inside this band"),
        (0.55, 0.57, "the probe is below this band, so it is broken"),
    ],
)
def test_the_probe_is_told_against_the_band(value, high, words):
    records = replaced("group_probe", value=value, low=0.5, high=high)
    assert words in text_of(records)


def test_what_lacks_support_says_so():
    nothing = {"value": None, "low": None, "high": None, "null": None}
    for metric in {item.metric for item in RECORDS}:
        if metric.startswith("leakage"):
            continue
        records = replaced(metric, **nothing, count=12)
        (item,) = [
            item for item in summarize(records) if item.record.metric == metric
        ]
        assert item.sentence.endswith("not supported (n = 12).")
        text = summary.summary_text(records, SCHEMA)
        assert "not supported (n = 12)" in text


def test_without_the_band_or_a_list_of_twenty():
    records = [item for item in RECORDS if item.variant != "k=20"]
    titles = [item.title for item in summarize(records)]
    assert "same-group excess at 5 neighbours" in titles
    records = [i for i in RECORDS if not i.metric.startswith("leakage")]
    assert "Among all portraits a probe gets 94.1 % right." in text_of(records)
    assert "this band" not in text_of(records)
