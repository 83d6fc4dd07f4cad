import json

import numpy as np
import pytest

from tests import portrait_factory as made
from tp_keras.errors import UserError
from tp_keras.tasks import MISSING
from tp_keras.tasks import Schema
from tp_keras.tasks import Task

SIZE = (8, 6, 3)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("embedding", "binary", ("a", "b")), "not named embedding"),
        (("protected", "binary", ("a", "b")), "not named embedding or prot"),
        (("x", "ranking", ("a", "b")), "out of binary, "),
        (("x", "binary", ("a", "b", "c")), "Expected 2 classes"),
        (("x", "categorical", ("a",)), "Expected 2 or more classes"),
        (("x", "categorical", ("a", "a")), "different names"),
        (("x", "ordinal"), "2 or more classes"),
        (("x", "multi_label", ()), "Expected 1 or more"),
        (("x", "regression", (), "", 0, 9), "Expected low, high and tol"),
        (("x", "regression", (), "", 9, 9, 1), "low below high"),
        (("x", "regression", (), "", 0, 9, 0), "tolerance above 0"),
    ],
)
def test_impossible_tasks_are_refused(arguments, message):
    with pytest.raises(UserError, match=f"{message}.*Received: Task"):
        Task(*arguments)


def test_a_missing_label_is_never_called_as_a_class():
    names = [made.HAIR_COLOR.label_name(label) for label in range(5)]
    assert tuple(names) == made.HAIR_COLOR.classes
    # As an array holds it; Python would take the last class.
    assert made.HAIR_COLOR.label_name(np.int32(MISSING)) == "missing"
    with pytest.raises(IndexError):
        made.HAIR_COLOR.label_name(5)


def test_of_classes_with_an_order_the_expected_one_is_predicted():
    shares = np.array([[0.4, 0.0, 0.3, 0.3], [0.9, 0.1, 0.0, 0.0]])
    # 0.3 * 2 + 0.3 * 3 = 1.5 rounds to the even 2; the likeliest is 0.
    assert made.MOOD.predicted(shares).tolist() == [2, 0]
    assert Task("x", classes="abcd").predicted(shares).tolist() == [0, 0]


def test_tasks_come_in_the_order_of_the_schema():
    assert made.SCHEMA.get_tasks(["hair_type", "gender"]) == (
        made.GENDER,
        made.HAIR_TYPE,
    )
    assert made.SCHEMA.get_tasks() == made.SCHEMA.tasks
    with pytest.raises(UserError, match="gender, hair_color, .*'age'"):
        made.SCHEMA.get_tasks(["gender", "age"])


def test_a_schema_tells_groups_and_roles():
    assert made.EVERY_KIND.groups == ("north", "south", "west")
    assert [t.name for t in made.EVERY_KIND.guarded_tasks] == ["age", "smile"]
    assert [t.name for t in made.EVERY_KIND.condition_tasks] == [
        "origin",
        "smile",
    ]
    plain = Schema(SIZE, (made.AGE,))
    assert plain.groups == () and plain.protected_task is None


@pytest.mark.parametrize(
    "roles, message",
    [
        ({"protected": "region"}, "`protected` out of the tasks mood, origin"),
        # A number makes no groups.
        ({"protected": "age"}, "Received: protected=age"),
        ({"conditions": ("age",)}, "Received: conditions=age"),
        ({"guarded": ("hat",)}, "age, mood, origin. Received: guarded=hat"),
        ({"protected": "mood", "guarded": ("mood",)}, "against itself"),
    ],
)
def test_roles_of_no_such_task_are_refused(roles, message):
    with pytest.raises(UserError, match=message):
        Schema(SIZE, (made.AGE, made.MOOD, made.ORIGIN), **roles)
    with pytest.raises(UserError, match="without a task"):
        Schema(SIZE, ())


def test_a_part_of_a_schema_keeps_what_it_can():
    part = made.EVERY_KIND.restricted_to(["smile", "mood"])
    assert part.task_names == ("mood", "smile")
    assert (part.protected, part.guarded) == (None, ("smile",))
    assert part.conditions == ("smile",)


def test_a_schema_survives_json():
    for schema in (made.SCHEMA, made.EVERY_KIND):
        told = json.loads(json.dumps(schema.to_dict()))
        assert Schema.from_dict(told) == schema
    for broken in ({}, {**told, "tasks": [{"nom": "x"}]}, {**told, "new": 1}):
        with pytest.raises(UserError, match="Expected a schema"):
            Schema.from_dict(broken)


def test_labels_left_out_are_unknown():
    assert made.EVERY_KIND.complete_labels({"smile": "yes"}) == {
        "origin": "unknown",
        "smile": "yes",
    }
    with pytest.raises(UserError, match="labels of origin, smile.*mood"):
        made.EVERY_KIND.complete_labels({"mood": "calm"})
    with pytest.raises(UserError, match="no, yes, or unknown.*smile=maybe"):
        made.EVERY_KIND.complete_labels({"smile": "maybe"})
