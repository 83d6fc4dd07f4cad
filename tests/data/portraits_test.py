import dataclasses

import numpy as np
import pytest

from tests.portrait_factory import AGE
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.data.portraits import compute_fingerprint
from tp_keras.errors import UserError
from tp_keras.tasks import Schema
from tp_keras.tasks import Task

PORTRAITS = make_portraits(12, schema=EVERY_KIND)


def schema_of(*tasks, **roles):
    return Schema(EVERY_KIND.image_shape, tasks, **roles)


def seen(*tasks, **roles):
    return PORTRAITS.seen_as(schema_of(*tasks, **roles))


def test_groups_are_the_protected_labels():
    np.testing.assert_array_equal(PORTRAITS.groups, PORTRAITS.labels["origin"])
    plain = dataclasses.replace(PORTRAITS, schema=schema_of(AGE))
    assert plain.groups.tolist() == [-1] * 12


def test_rows_that_are_taken_have_a_fingerprint_of_their_own():
    rows = np.array([1, 4, 7])
    part = PORTRAITS.take(rows)
    assert len(part) == 3 and part.schema == EVERY_KIND
    for name, values in PORTRAITS.labels.items():
        np.testing.assert_array_equal(part.labels[name], values[rows])
    assert part.fingerprint == compute_fingerprint(
        PORTRAITS.images[rows], part.labels, rows
    )
    assert part.fingerprint != PORTRAITS.fingerprint


def test_a_fingerprint_sees_every_change():
    images, indices = PORTRAITS.images.copy(), PORTRAITS.indices.copy()
    labels = {name: v.copy() for name, v in PORTRAITS.labels.items()}
    found = [compute_fingerprint(images, labels, indices)]
    assert found == [PORTRAITS.fingerprint]
    images[-1, -1, -1, -1] ^= 1
    found.append(compute_fingerprint(images, labels, indices))
    labels["age"][0] += 1
    found.append(compute_fingerprint(images, labels, indices))
    indices[3] += 1
    found.append(compute_fingerprint(images, labels, indices))
    assert len(set(found)) == 4


def test_classes_are_matched_by_their_names():
    # Another order, one more class, and another role.
    origin = Task("origin", "categorical", ("west", "east", "north", "south"))
    found = seen(
        origin,
        AGE,
        Task("smile", "ordinal", ("yes", "maybe", "no")),
        Task("hue", "binary", ("warm", "cold")),
        protected="origin",
        guarded=("age", "hue"),
    )
    assert found.schema.task_names == ("origin", "age", "smile")
    assert found.schema.protected == "origin"
    assert found.schema.guarded == ("age",)
    assert found.schema.task("origin") == origin
    # By hand: north, south, west become the third, fourth and first.
    expected = np.array([2, 3, 0])[PORTRAITS.labels["origin"]]
    np.testing.assert_array_equal(found.labels["origin"], expected)
    # no is the last, yes the first, and a missing one stays so.
    smile = PORTRAITS.labels["smile"]
    assert (smile == -1).any()
    expected = np.select([smile == 0, smile == 1], [2, 0], -1)
    np.testing.assert_array_equal(found.labels["smile"], expected)
    np.testing.assert_array_equal(found.labels["age"], PORTRAITS.labels["age"])
    assert found.images is PORTRAITS.images

    found = seen(Task("signs", "multi_label", ("scarf", "mask", "hat")))
    signs, matched = PORTRAITS.labels["signs"], found.labels["signs"]
    np.testing.assert_array_equal(matched[:, 0], signs[:, 1])
    np.testing.assert_array_equal(matched[:, 2], signs[:, 0])
    assert (matched[:, 1] == -1).all()


def test_the_same_schema_changes_nothing_and_people_stay_people():
    assert PORTRAITS.seen_as(EVERY_KIND) is PORTRAITS
    assert seen(AGE, shows_people=False).schema.shows_people


@pytest.mark.parametrize(
    "tasks, message",
    [
        (
            [Task("smile", "binary", ("no", "grin"))],
            "smile that are binary, of no, grin.*Received: .*of no, yes",
        ),
        ([dataclasses.replace(AGE, unit="months")], "months.*of years"),
        ([Task("age", "binary", ("young", "old"))], "are regression"),
        (
            [Task("signs", "multi_label", ("hat", "mask"))],
            "of hat, mask.*of hat, scarf",
        ),
        ([Task("hue", "binary", ("warm", "cold"))], "out of hue.*age, mood"),
    ],
)
def test_labels_of_another_meaning_are_refused(tasks, message):
    with pytest.raises(UserError, match=message):
        seen(*tasks)


def test_another_size_is_refused():
    with pytest.raises(UserError, match=r"108, 84, 3.*Received: \(64, 48, 3"):
        PORTRAITS.seen_as(SCHEMA)
