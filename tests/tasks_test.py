import numpy as np
import pytest

from tp_keras.errors import UserError
from tp_keras.tasks import GENDER
from tp_keras.tasks import HAIR_COLOR
from tp_keras.tasks import HAIR_TYPE
from tp_keras.tasks import MISSING
from tp_keras.tasks import get_tasks


def test_tasks_come_in_one_order():
    assert get_tasks(["hair_type", "gender"]) == (GENDER, HAIR_TYPE)


@pytest.mark.parametrize("names", [[], ["hair"], ["gender", "age"]])
def test_unknown_names_are_refused_with_the_known_ones(names):
    with pytest.raises(UserError, match="gender, hair_color, hair_type"):
        get_tasks(names)


def test_a_missing_label_is_never_called_as_a_class():
    names = [HAIR_COLOR.label_name(label) for label in range(5)]
    assert tuple(names) == HAIR_COLOR.classes
    # As an array holds it; Python would take the last class.
    assert HAIR_COLOR.label_name(np.int32(MISSING)) == "missing"
    assert HAIR_COLOR.label_name(np.int32(2)) == "blond"
    with pytest.raises(IndexError):
        HAIR_COLOR.label_name(5)
