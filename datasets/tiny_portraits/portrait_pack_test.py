import pytest

from ..building.bad_items import BadItems
from ..building.errors import DatasetInputError
from . import testing
from .portrait_pack import PortraitPack

NAME = "Tiny_Portrait_{:06d}.png".format
ROWS = testing.ROWS
IMAGES = {NAME(index): testing.make_image(index) for index in ROWS}


def read_all(pack):
    return dict(pack.portraits(list(pack.attributes)))


def test_splits_are_the_index_ranges_of_the_partition(tmp_path):
    pack = PortraitPack(testing.write_pack(tmp_path), BadItems())
    assert pack.indices("train") == [0, 7, 59, 1000, 162_769]
    assert pack.indices("validation") == [162_770, 182_636]
    assert pack.indices("test") == [182_637, 202_598]


def test_a_row_without_image_is_refused_or_listed(tmp_path):
    images = {k: v for k, v in IMAGES.items() if k not in (NAME(7), NAME(59))}
    testing.write_pack(tmp_path, images=images)
    with pytest.raises(DatasetInputError) as error:
        PortraitPack(tmp_path, BadItems())
    assert str(error.value).startswith(
        f"{NAME(7)} (Tiny_Portraits_Attributes.csv, line 3) is nowhere in "
        f"{tmp_path / 'Tiny_Portraits_Zipfiles'} (and 1 more like it). Add"
    )
    bad_items = BadItems("skip")
    pack = PortraitPack(tmp_path, bad_items)
    assert read_all(pack).keys() == ROWS.keys() - {7, 59}
    assert [item.item[:24] for item in bad_items.items] == [NAME(7), NAME(59)]


def test_an_image_without_row_is_refused_or_listed(tmp_path):
    images = IMAGES | {NAME(8): testing.make_image(8)}
    testing.write_pack(tmp_path, images=images)
    with pytest.raises(DatasetInputError) as error:
        PortraitPack(tmp_path, BadItems())
    assert f"{NAME(8)} has no row in Tiny_Portraits_Attr" in str(error.value)
    bad_items = BadItems("skip")
    assert read_all(PortraitPack(tmp_path, bad_items)).keys() == ROWS.keys()
    [item] = bad_items.items
    assert item.item.endswith(NAME(8))


@pytest.mark.parametrize("archives", [0, 2])
@pytest.mark.parametrize(
    ("content", "defect"),
    [
        (IMAGES[NAME(59)][:100], "is a corrupt PNG image"),
        (b"nonsense", "is not a PNG image"),
        (testing.make_image(59, size=(10, 12)), "has 10x12 pixels"),
        (testing.make_image(59, mode="L"), "is 8 bit greyscale"),
    ],
)
def test_a_bad_image_is_refused_or_listed(tmp_path, archives, content, defect):
    images = IMAGES | {NAME(59): content}
    testing.write_pack(tmp_path, images=images, archives=archives)
    with pytest.raises(DatasetInputError) as error:
        read_all(PortraitPack(tmp_path, BadItems()))
    assert f"{NAME(59)} {defect}" in str(error.value)
    bad_items = BadItems("skip")
    portraits = read_all(PortraitPack(tmp_path, bad_items))
    assert portraits.keys() == ROWS.keys() - {59}
    [item] = bad_items.items
    assert item.item.endswith(NAME(59))
    assert item.reason.startswith(defect)


@pytest.mark.parametrize(
    ("rows", "images", "listed"),
    [
        ({7: ("male", "purple", "n/a")}, {}, "Attributes.csv, line 3 has the"),
        ({}, {NAME(7): bytes(2_000_000)}, "claims to have 2,000,000 bytes"),
    ],
)
def test_a_bad_row_or_image_and_the_other_are_one_item(
    tmp_path, rows, images, listed
):
    testing.write_pack(tmp_path, ROWS | rows, images=IMAGES | images)
    bad_items = BadItems("skip")
    pack = PortraitPack(tmp_path, bad_items)
    assert read_all(pack).keys() == ROWS.keys() - {7}
    [item] = bad_items.items
    assert listed in " ".join(item)
