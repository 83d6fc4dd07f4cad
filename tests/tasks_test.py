import pytest

from tp_keras.errors import UserError
from tp_keras.tasks import GENDER
from tp_keras.tasks import HAIR_TYPE
from tp_keras.tasks import get_tasks


def test_tasks_come_in_one_order():
    assert get_tasks(["hair_type", "gender"]) == (GENDER, HAIR_TYPE)


@pytest.mark.parametrize("names", [[], ["hair"], ["gender", "age"]])
def test_unknown_names_are_refused_with_the_known_ones(names):
    with pytest.raises(UserError, match="gender, hair_color, hair_type"):
        get_tasks(names)
