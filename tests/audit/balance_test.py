import dataclasses

import numpy as np
import pytest

from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.audit import balance_page
from tp_keras.audit.balance import measure_balance
from tp_keras.audit.portrait_set import PortraitSet
from tp_keras.data.portraits import Portraits
from tp_keras.evaluation import contingency
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import find_one

# Of Tiny Portraits: bald, missing, straight, wavy of each sex and colour.
COLORS = ("bald", "black", "blond", "brown", "gray", "missing")
PUBLISHED = np.array(
    [
        [
            *[(8, 0, 0, 0), (0, 6341, 3440, 6726), (0, 5949, 3848, 9817)],
            *[(0, 6029, 2996, 12245), (1, 358, 58, 413)],
            (0, 10599, 3990, 11414),
        ],
        [
            *[(1803, 0, 10, 4), (29, 8183, 5709, 2149), (1, 381, 299, 235)],
            *[(0, 3772, 2217, 2267), (548, 2203, 800, 299)],
            (0, 12951, 4006, 2636),
        ],
    ]
)


def set_of(labels, schema=SCHEMA, splits=("train",)):
    """A set of labels alone: split after split of the same size."""
    count = len(next(iter(labels.values()))) // len(splits)
    parts = []
    for place, split in enumerate(splits):
        rows = slice(place * count, (place + 1) * count)
        parts.append(
            Portraits(
                images=np.broadcast_to(
                    np.uint8(0), (count, *schema.image_shape)
                ),
                labels={k: np.asarray(v)[rows] for k, v in labels.items()},
                indices=np.arange(count) + place * count,
                dataset="made/here/1.0.0",
                split=split,
                storage="memory",
                fingerprint=split,
                schema=schema,
            )
        )
    return PortraitSet(tuple(parts))


def measured(portraits):
    fields = measure_balance(portraits=portraits, seed=0).records
    return [Record(**one) for one in fields]


def sentences(records, schema=SCHEMA):
    return [one.text for one in balance_page.peculiarities(records, schema)]


@pytest.fixture(scope="module")
def published():
    sex, color, kind = np.indices(PUBLISHED.shape)
    color = np.array([4, 0, 2, 1, 3, -1])[color]
    kind = np.array([2, -1, 0, 1])[kind]
    labels = {"gender": sex, "hair_color": color, "hair_type": kind}
    return measured(
        set_of(
            {
                name: np.repeat(values.ravel(), PUBLISHED.ravel())
                for name, values in labels.items()
            }
        )
    )


@pytest.mark.parametrize(
    ("metric", "variant", "value", "count"),
    [
        ("cramers_v", "hair_color", 0.474, 89138),
        ("mutual_information", "hair_color", 0.186, 89138),
        ("cramers_v", "hair_type", 0.429, 77968),
        ("mutual_information", "hair_type", 0.135, 77968),
        ("balanced_bayes_floor", "hair_color", 0.703, 89138),
        ("balanced_bayes_floor", "hair_type", 0.705, 77968),
        ("balanced_bayes_floor", "hair_color + hair_type", 0.761, 55922),
    ],
)
def test_figures_of_the_published_counts(
    published, metric, variant, value, count
):
    found = find_one(published, metric=metric, task="gender", variant=variant)
    assert found.value == pytest.approx(value, abs=6e-4)
    assert found.count == count
    assert found.low < found.value < found.high < found.value + 0.02
    assert found.null < found.value


def test_shares_of_the_published_counts(published):
    for task, share, name in (
        ("gender", 0.625, "female"),
        ("hair_color", 32577 / 89138, "black"),
        ("hair_type", 0.618, "wavy"),
    ):
        floor = find_one(published, metric="majority_floor", task=task)
        assert floor.value == pytest.approx(share, abs=5e-4)
        assert floor.class_name == name
    of_color = {"metric": "missing_share", "task": "hair_color"}
    missing = find_one(published, **of_color, group="male")
    assert (missing.value, missing.count) == (19593 / 50502, 50502)
    depends = find_one(published, metric="missing_cramers_v", task="hair_color")
    assert depends.value > depends.null
    pair = {"task": "gender", "class_name": "male", "variant": "hair_color"}
    # By chance as many of the labelled men would be gray as of all.
    lift = find_one(published, metric="lift", predicted_class="gray", **pair)
    men, gray, all_of = 50502 - 19593, 4680, 89138
    assert lift.value == pytest.approx(3850 / (men * gray / all_of))
    assert lift.low < lift.value < lift.high
    cell = find_one(
        published, metric="joint_share", predicted_class="missing", **pair
    )
    assert cell.value * cell.count == pytest.approx(19593)


def test_what_the_published_counts_say(published):
    said = "\n".join(sentences(published))
    for part in (
        "gender goes with hair_color (Cramer's V 0.474 [",
        "From hair_color + hair_type alone gender is guessed with a balanced "
        "accuracy of 0.761 [",
        "42.1% of the portraits have no hair_type, and it depends on gender: ",
        "hair_color is uneven: black is 36.5% of the labelled portraits, bald "
        "2.0%; its 5 classes count like 3.7 equally frequent ones.",
        "gender female with hair_color bald (8)",
    ):
        assert part in said


def table_of_labels(rng, count):
    """Labels that are even, and depend on nothing."""
    return {
        task.name: rng.integers(task.num_classes, size=count)
        for task in SCHEMA.tasks
    }


def test_even_and_independent_labels_are_called_so():
    labels = table_of_labels(np.random.default_rng(1), 6000)
    records = measured(set_of(labels, splits=("train", "test")))
    said = "\n".join(sentences(records))
    assert "hair_color is balanced" in said
    assert "No label goes with another more than by chance." in said
    assert "All splits have the same shares of labels" in said
    for word in ("depends", "Cramer", "guessed", "differs", "fewer"):
        assert word not in said


def test_opposite_labels_are_called_otherwise():
    rng = np.random.default_rng(0)
    labels = table_of_labels(rng, 6000)
    gender = labels["gender"]
    labels["hair_type"] = np.where(rng.random(6000) < 0.9, gender, 2)
    gone = rng.random(6000) < np.where(gender == 1, 0.6, 0.2)
    labels["hair_color"][gone] = -1
    half = np.arange(6000) >= 3000
    labels["hair_color"][half & (labels["hair_color"] == 0)] = 1
    records = measured(set_of(labels, splits=("train", "test")))
    said = "\n".join(sentences(records))
    for part in (
        "gender goes with hair_type",
        "have no hair_color, and it depends on gender: ",
        "alone gender is guessed",
        "hair_color differs between splits",
    ):
        assert part in said
    assert "No label goes" not in said and "All splits" not in said


def test_missing_labels_that_depend_on_nothing_are_called_so():
    rng = np.random.default_rng(1)
    labels = table_of_labels(rng, 4000)
    labels["hair_color"][rng.random(4000) < 0.3] = -1
    said = "\n".join(sentences(measured(set_of(labels))))
    assert "have no hair_color, whatever their gender." in said


def test_drift_is_the_distance_to_the_other_splits():
    gender = np.repeat([0, 1, 0, 1], [60, 40, 20, 80])
    schema = SCHEMA.restricted_to(["gender"])
    records = measured(set_of({"gender": gender}, schema, ("train", "test")))
    drift = find(records, metric="drift")
    assert [one.value for one in drift] == pytest.approx([0.4, 0.4])
    assert [one.split for one in drift] == ["train", "test"]
    assert drift[0].null < 0.2
    assert find_one(records, metric="drift_p_value").value < 1e-6


def test_rounded_numbers_are_noticed():
    schema = EVERY_KIND.restricted_to(["age"])
    numbers = np.random.default_rng(0).integers(0, 100, 3000)
    for rounded in (False, True):
        if rounded:
            numbers[:1000] = numbers[:1000] // 5 * 5
        values = numbers.astype(np.float32)
        records = measured(set_of({"age": values}, schema))
        share = find_one(records, metric="heaped_share")
        assert share.value == (numbers % 5 == 0).mean()
        said = "\n".join(sentences(records, schema))
        assert ("Numbers of age are rounded" in said) == rounded
        middle = find_one(records, metric="quantile", class_name="50%")
        assert middle.value == np.median(numbers)
        assert middle.low <= middle.value <= middle.high


def test_intervals_hold_the_figure_of_the_population():
    """Rows of a known table are drawn again and again."""
    shares = np.full((4, 3), 1 / 12)
    shares += 0.03 * np.array([[1, -1, 0], [-1, 1, 0], [-1, 0, 1], [1, 0, -1]])
    truth = contingency.cramers_v(shares * 1e6)
    rng, hits = np.random.default_rng(0), 0
    schema = EVERY_KIND.restricted_to(["mood", "origin"])
    for _ in range(100):
        rows = rng.choice(12, size=200, p=shares.ravel())
        labels = {"mood": rows // 3, "origin": rows % 3}
        found = find_one(
            measured(set_of(labels, schema)), metric="cramers_v", split=None
        )
        hits += found.low <= truth <= found.high
    # As they are, those of the resamples held it 74 times.
    assert hits >= 83


def test_figures_of_a_split_are_those_of_its_rows_alone():
    labels = table_of_labels(np.random.default_rng(0), 800)
    both = measured(set_of(labels, splits=("train", "test")))
    first = {name: values[:400] for name, values in labels.items()}
    alone = measured(set_of(first))
    for metric in ("class_share", "cramers_v", "bayes_floor"):
        own = find(both, metric=metric, split="train")
        same = find(alone, metric=metric)
        assert own and [r.value for r in own] == [r.value for r in same]


def test_every_kind_of_task_is_counted_and_shown():
    parts = (
        make_portraits(150, schema=EVERY_KIND),
        make_portraits(60, seed=1, schema=EVERY_KIND, split="test"),
    )
    portraits = PortraitSet(parts)
    records = measured(portraits)
    assert records == measured(portraits)
    found = {one.task for one in find(records, metric="effective_classes")}
    assert found == {
        *("age", "mood", "origin", "signs: hat", "signs: scarf", "smile")
    }
    section = balance_page.section(records, {}, {}, portraits)
    assert len(section.plots) == 3
    titles = [table.title for table in section.tables]
    assert "Numbers" in titles and "Do splits differ?" in titles


def change(**labels):
    part = make_portraits(40, schema=EVERY_KIND)
    labels = part.labels | labels
    return PortraitSet((dataclasses.replace(part, labels=labels),))


@pytest.mark.parametrize(
    ("portraits", "said"),
    [
        (change(smile=np.full(40, -1)), "No portrait has a label of smile."),
        (change(smile=np.zeros(40, int)), "smile is uneven: no is 100.0%"),
        (change(origin=np.full(40, -1)), "No portrait has a label of origin."),
        (change(age=np.full(40, 7, np.float32)), "between 7 and 7"),
        (change(age=np.full(40, np.nan)), "No portrait has a label of age."),
        (change(smile=np.eye(40, dtype=int)[3]), "no is 97.5%"),
        (PortraitSet((make_portraits(1),)), "gender is uneven"),
        (PortraitSet((make_portraits(3, missing=0),)), "hair_color is uneven"),
    ],
    ids=[
        *("no label", "one class", "no group", "one number", "no number"),
        *("a class of one row", "one row", "more classes than rows"),
    ],
)
def test_what_cant_be_measured_is_said_to_be_so(portraits, said):
    records = measured(portraits)
    section = balance_page.section(records, {}, {}, portraits)
    assert said in "\n".join(section.sentences)
    assert "nan" not in "\n".join(section.sentences)
    assert section.summary is not None


def test_without_groups_nothing_is_asked_of_them():
    schema = dataclasses.replace(EVERY_KIND, protected=None)
    portraits = PortraitSet((make_portraits(50, schema=schema),))
    records = measured(portraits)
    assert not find(records, metric="balanced_bayes_floor")
    assert {one.group for one in records} == {"all"}
    assert balance_page.section(records, {}, {}, portraits).sentences
