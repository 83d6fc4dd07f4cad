import pytest

from ..building.bad_items import BadItems
from ..building.errors import DatasetInputError
from . import facts
from .labels import Selfie
from .labels import count_repeats
from .labels import count_unclear
from .labels import read_rows
from .labels import row_name
from .labels import tell_tasks
from .table import layout
from .testing import make_row

TEXT = make_row("face_a", "4.25", is_female=1, baby=1) + make_row(
    "face_b", "3", red_hair=1, smiling=0
)


def read(tmp_path, text, bad_items=None):
    path = tmp_path / "selfie_dataset.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_rows(path, bad_items or BadItems())


def selfie(*names, **flags):
    """A row with the flags of these names set, and others as they are given."""
    flags = dict.fromkeys(names, 1) | flags
    return Selfie(4.0, tuple(flags.get(flag, -1) for flag in facts.FLAGS))


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT[:-1],
        "\ufeff" + TEXT,
        TEXT.replace("\n", "\r\n"),
        TEXT.replace(" ", "  ") + "\n \n",
        TEXT.replace("face_a", "face_a.jpg").replace("face_b", "face_b.JPEG"),
    ],
)
def test_cells_are_those_of_the_row(tmp_path, text):
    first, second = (
        Selfie(4.25, selfie("is_female", "baby").flags),
        Selfie(3.0, selfie("red_hair", smiling=0).flags),
    )
    assert read(tmp_path, text) == {
        "face_a": (1, first),
        "face_b": (2, second),
    }
    assert len(first.flags) == 36


def test_what_is_read_here_is_what_the_ranking_takes_for_this_table():
    assert layout(TEXT.split("\n")[0])["names"][2:] == facts.FLAGS


ROW = make_row("face_c").strip()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (ROW.replace(" ", ","), "separates its cells by commas; expected bl"),
        (ROW.replace(" ", "\t"), "separates its cells by tabs; expected bla"),
        (ROW.replace(" ", ";"), "separates its cells by semicolons; expected"),
        (ROW[:-3], "has 35 flags behind name and popularity; expected 36"),
        (ROW + " -1", "has 37 flags behind name and popularity; expected 36"),
        ("face_c 4.25", "has 2 of 38 cells, which blanks separate"),
        (ROW.replace("4.25", "much"), "has the popularity 'much'; expected a"),
        (ROW.replace("4.25", "nan"), "has the popularity 'nan'; expected"),
        (ROW.replace("4.25", "4,25"), "has the popularity '4,25'; expected"),
        (ROW.replace("4.25", "1_0"), "has the popularity '1_0'; expected"),
        (ROW.replace("4.25", "-0.5"), "'-0.5'; expected a number from 0 to 8"),
        (ROW.replace("4.25", "8.01"), "has the popularity '8.01'; expected"),
        (
            make_row("face_c", smiling=2).strip(),
            "has the flag smiling '2'; expected -1, 0 or 1",
        ),
        (ROW[:-2] + "1.0", "has the flag dim_lighting '1.0'; expected -1,"),
        (make_row("face_a").strip(), "repeats face_a"),
        (make_row("face_b.jpg").strip(), "repeats face_b"),
    ],
)
def test_a_bad_row_is_named_or_listed(tmp_path, row, reason):
    text = f"{TEXT}{row}\n{make_row('face_d')}"
    with pytest.raises(DatasetInputError) as error:
        read(tmp_path, text)
    said = str(error.value)
    assert said.startswith("selfie_dataset.txt, line 3 ") and reason in said
    assert "Correct the row, or leave what is bad out" in said
    bad_items = BadItems("skip")
    rows = read(tmp_path, text, bad_items)
    [item] = bad_items.items
    assert item.item == "selfie_dataset.txt, line 3" and reason in item.reason
    good = [name for name, row in rows.items() if row.labels]
    assert good == ["face_a", "face_b", "face_d"]
    assert rows["face_a"].line == 1 and rows["face_d"].line == 4


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "lists no picture. Expected rows of name, popularity and 36 fla"),
        (ROW.replace(" ", ","), "lists no picture.*separated by blanks"),
        (TEXT.encode() + b"\xff", "no UTF-8 text .invalid start byte at byte"),
    ],
)
def test_a_table_of_no_use_says_what_is_expected(tmp_path, text, reason):
    with pytest.raises(DatasetInputError, match=reason):
        read(tmp_path, text, BadItems("skip"))


def test_the_flags_are_shared_out_among_the_tasks():
    told = [flag for names in facts.GROUPS.values() for flag in names.values()]
    told += [facts.GENDER_FLAG, *facts.ATTRIBUTES]
    assert sorted(told) == sorted(facts.FLAGS) and len(set(told)) == 36
    assert len(facts.ATTRIBUTES) == 19


def test_flags_are_classes_or_yes_and_no():
    row = selfie(
        *("is_female", "youth", "asian", "heart_face", "blond_hair", "smiling"),
        braces=0,
    )
    found = tell_tasks(row)
    attributes = dict(
        zip(facts.ATTRIBUTES, found.pop("attributes"), strict=True)
    )
    assert found == {
        "popularity": 4.0,
        "gender": "female",
        "age_group": "youth",
        "race": "asian",
        "face_shape": "heart",
        "hair_color": "blond",
    }
    assert attributes.pop("smiling") == 1 and attributes.pop("braces") == -1
    assert set(attributes.values()) == {0}
    assert tell_tasks(selfie())["gender"] == "male"
    assert tell_tasks(selfie(is_female=0))["gender"] == -1


@pytest.mark.parametrize("task", facts.GROUPS)
def test_every_flag_of_a_group_is_its_class_and_one_alone(task):
    names = facts.GROUPS[task]
    others = {other for other in facts.GROUPS if other != task}
    for name, flag in names.items():
        # What is not known of the others does no harm.
        for unknown in (-1, 0):
            flags = dict.fromkeys(names.values(), unknown) | {flag: 1}
            found = tell_tasks(selfie(**flags))
            assert found[task] == name
            assert {found[other] for other in others} == {-1}
    first, second, *_ = names.values()
    for flags in ({}, {first: 1, second: 1}, dict.fromkeys(names.values(), 1)):
        assert tell_tasks(selfie(**flags))[task] == -1


def test_rows_that_tell_no_class_are_counted():
    rows = [
        selfie("baby", "child", "white", "oval_face", "red_hair"),
        selfie("baby", "oval_face", "red_hair", "black_hair", white=0),
        selfie("senior", "white", "asian", "black"),
    ]
    assert count_unclear(rows) == {
        "age_group: none set": 0,
        "age_group: several set": 1,
        "race: none set": 1,
        "race: several set": 1,
        "face_shape: none set": 1,
        "face_shape: several set": 0,
        "hair_color: none set": 1,
        "hair_color: several set": 1,
    }


def test_equal_rows_are_counted():
    other = Selfie(4.1, selfie("baby").flags)
    rows = [selfie("baby"), other, selfie(), selfie("baby"), selfie("baby")]
    assert count_repeats(rows) == 3
    assert count_repeats([]) == 0


def test_only_the_ending_of_a_picture_is_left_out():
    names = ("a_1.jpg", "a_1.JPEG", "a_1", "a.jpg.png", "a.b.jpg")
    found = [row_name(name) for name in names]
    assert found == ["a_1", "a_1", "a_1", "a.jpg.png", "a.b"]
