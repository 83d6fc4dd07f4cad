import io

import numpy as np
import pytest
from PIL import Image
from PIL import ImageEnhance

from . import near_duplicates
from .near_duplicates import group
from .pictures import look_at as look_at_square
from .testing import make_picture


def look_at(content):
    return look_at_square(content, 200)


def change(content, work, quality=75):
    """Returns another file of the same picture."""
    file = io.BytesIO()
    work(Image.open(io.BytesIO(content))).save(file, "JPEG", quality=quality)
    return file.getvalue()


CHANGES = {
    "equal": lambda content: content,
    "saved again": lambda content: change(content, lambda i: i, 30),
    "brighter": lambda content: change(
        content, lambda i: ImageEnhance.Brightness(i).enhance(1.1)
    ),
    "made smaller": lambda content: change(
        content, lambda i: i.resize((60, 60)).resize((200, 200))
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_near_duplicates_are_one_group_and_others_are_not(name):
    pictures = [make_picture(seed) for seed in range(20)]
    pictures.append(CHANGES[name](pictures[3]))
    looks = [look_at(content) for content in pictures]
    groups = group(looks)
    assert groups[3] == groups[20] == min(looks[3].digest, looks[20].digest)
    assert len(set(groups)) == 20


def test_a_chain_is_one_group_in_any_order():
    chain = [make_picture(0)]
    for _ in range(4):
        chain.append(CHANGES["brighter"](chain[-1]))
    looks = [look_at(content) for content in chain]
    looks += [look_at(make_picture(seed)) for seed in range(1, 100)]
    groups = group(looks)
    assert len(set(groups)) == 100 and len(set(groups[:5])) == 1
    order = np.random.default_rng(0).permutation(len(looks))
    shuffled = group([looks[place] for place in order])
    assert shuffled == [groups[place] for place in order]


def test_equal_gradients_alone_are_no_duplicates():
    first, second = (look_at(make_picture(seed)) for seed in (0, 1))
    second = second._replace(gradients=first.gradients)
    assert len(set(group([first, second]))) == 2


def test_pictures_of_equal_keys_are_one_group_whatever_they_look_like():
    pictures = [make_picture(seed) for seed in range(5)]
    pictures.append(CHANGES["saved again"](pictures[0]))
    looks = [look_at(content) for content in pictures]
    groups = group(looks, ["a", "b", "c", "b", "a", "d"])
    # The first is a near duplicate of the last, and of the fifth by its key.
    first, second = {0, 4, 5}, {1, 3}
    for members in (first, second, {2}):
        name = min(looks[place].digest for place in members)
        assert {groups[place] for place in members} == {name}


def test_plain_pictures_of_different_bytes_do_not_divide_by_zero():
    plain = [
        change(make_picture(0), lambda i: i.point(lambda _: 7), q)
        for q in (30, 90)
    ]
    assert len(set(group([look_at(content) for content in plain]))) == 2
    assert group([]) == []


def test_a_record_tells_groups_and_what_is_in_those_of_several():
    told = near_duplicates.count(["a", "b", "b", "c", "d", "d", "d"])
    assert told == {"groups": 4, "near duplicates": 5}


def test_blocks_do_not_matter(monkeypatch):
    looks = [look_at(make_picture(seed)) for seed in (0, 1, 2, 0, 1)]
    whole = group(looks)
    monkeypatch.setattr(near_duplicates, "_BLOCK", 2)
    assert group(looks) == whole
    assert len(set(whole)) == 3
