import dataclasses

import pytest

from tp_keras.fairness.summary import summarize
from tp_keras.fairness.table import summary_text
from tp_keras.records.record import Record
from tp_keras.tasks import HAIR_COLOR


def record(metric, value, count=200, group="all", **fields):
    if value is not None:
        fields = {"low": value - 0.02, "high": value + 0.02} | fields
    return Record(metric, "hair_color", group, value, count, **fields)


RECORDS = [
    record("accuracy", 0.848, count=578),
    record("accuracy", 0.853, count=378, group="female"),
    record("accuracy", 0.841, group="male"),
    record("accuracy_gap", 0.012, null=0.06),
    record(
        "worst_group_recall",
        0.32,
        count=53,
        group="male",
        class_name="blond",
        null=0.71,
    ),
    record(
        "equalized_odds_difference_max", 0.6, class_name="blond", null=0.063
    ),
    record("equalized_odds_difference_max", 0.9, variant="all groups"),
    record("leakage_band_low", 0.603),
    record("leakage_band_high", 0.703),
    *(
        record(metric, value, variant=f"{kind} {layer}")
        for metric, kind, layer, value in (
            ("gender_probe", "linear", "hair_color_embedding", 0.941),
            ("gender_probe", "mlp", "hair_color_embedding", 0.93),
            ("gender_probe", "mlp", "backbone", 0.98),
            ("conditional_gender_probe", "linear", "hair_color_embedding", 0.6),
            ("conditional_gender_probe", "mlp", "hair_color_embedding", 0.947),
        )
    ),
    record("same_gender_excess", 0.1, variant="k=5"),
    record("same_gender_excess", 0.274, variant="k=20", null=0.01),
    record("same_gender_excess", 0.2, variant="k=20, neighbor labels"),
    record("counterfactual_flips", 0.12, count=1180),
]


def replaced(metric, **changes):
    return [
        dataclasses.replace(item, **changes) if item.metric == metric else item
        for item in RECORDS
    ]


def test_the_figures_that_count_are_chosen():
    found = {
        item.title: (item.record.value, item.aim)
        for item in summarize(RECORDS, HAIR_COLOR)
    }
    assert found == {
        "accuracy": (0.848, ""),
        "accuracy gap": (0.012, "at most 0.060"),
        "worst group recall (blond men)": (0.32, "at least 0.710"),
        "equalised-odds difference (blond)": (0.6, "at most 0.063"),
        "conditional MLP probe of the embedding": (0.947, "0.500"),
        "unconditional linear probe of the embedding": (
            0.941,
            "the band 0.603 to 0.703",
        ),
        "same-gender excess at 20 neighbours": (0.274, "at most 0.010"),
        "counterfactual flips": (0.12, "0.000"),
    }


def test_groups_too_small_to_count_are_named():
    small = [
        record(
            "group_recall",
            0.5,
            count=8,
            group="male",
            class_name="gray",
            variant="unsupported",
        ),
        record(
            "group_recall",
            None,
            count=0,
            group="female",
            class_name="bald",
            variant="unsupported",
        ),
    ]
    items = summarize([*RECORDS, *small], HAIR_COLOR)
    (item,) = [item for item in items if item.record.value == 0.9]
    assert item.title == "the same with groups too small to count"
    assert "Too few to count were gray men (8). With them it" in item.sentence
    assert "90.0 points" in item.sentence


def test_sentences_say_the_figures_in_plain_words():
    text = " ".join(item.sentence for item in summarize(RECORDS, HAIR_COLOR))
    for words in (
        "hair colour of 84.8 % of 578 portraits",
        "85.3 % of 378 women and 84.1 % of 200 men, 1.2 points apart",
        "Worst off are blond men: 32.0 % of 53",
        "called blond, rightly or wrongly, differs between women and men by "
        "60.0 points",
        "gets 94.7 % of women and men right; guessing gets 50 %",
        "the probe is 23.8 points above this band",
        "Among the 20 portraits",
        "27.4 points above what the hair colour implies",
        "12.0 % of 1,180 pairs",
    ):
        assert words in text


@pytest.mark.parametrize(
    "value, high, words",
    [
        (0.65, 0.67, "the probe is inside this band"),
        (0.60, 0.62, "the probe is inside this band"),
        (0.55, 0.57, "the probe is below this band, so it is broken"),
    ],
)
def test_the_probe_is_told_against_the_band(value, high, words):
    records = replaced("gender_probe", value=value, low=0.5, high=high)
    text = " ".join(item.sentence for item in summarize(records, HAIR_COLOR))
    assert words in text


def test_without_lists_of_twenty_the_nearest_length_is_told():
    records = [item for item in RECORDS if item.variant != "k=20"]
    titles = [item.title for item in summarize(records, HAIR_COLOR)]
    assert "same-gender excess at 5 neighbours" in titles


def test_what_lacks_support_says_so():
    nothing = {"value": None, "low": None, "high": None, "null": None}
    for metric in {item.metric for item in RECORDS}:
        if metric.startswith("leakage"):
            continue
        records = replaced(metric, **nothing, count=12)
        (item,) = [
            item
            for item in summarize(records, HAIR_COLOR)
            if item.record.metric == metric and item.record.group != "female"
        ]
        assert item.sentence.endswith("not supported (n = 12).")
        assert "not supported (n = 12)" in summary_text(records)


def test_without_the_band_the_probe_stands_alone():
    records = [i for i in RECORDS if not i.metric.startswith("leakage")]
    text = " ".join(item.sentence for item in summarize(records, HAIR_COLOR))
    assert "Among all portraits a probe gets 94.1 % right." in text
    assert "this band" not in text


def test_broken_probes_follow_the_summary():
    fault = record("broken_probe", 0.1, variant="mlp logits, below the band")
    assert "can't be trusted" not in summary_text(RECORDS)
    assert summary_text([*RECORDS, fault]).endswith(
        "A probe of hair_color can't be trusted: mlp logits, below the band.\n"
    )
