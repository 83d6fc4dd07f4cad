import re
import zipfile

import pytest

from ..building.bad_items import BadItems
from ..building.errors import DatasetInputError
from . import testing
from .pack_layout import FOLDERS
from .pack_layout import find_layout
from .portrait_files import PortraitFiles

NAME = "Tiny_Portrait_{:06d}.png".format
IMAGES = {NAME(index): testing.make_image(index) for index in range(5)}


def read_all(files):
    return dict(files.read(files.indices))


def find(manual_dir, bad_items):
    return PortraitFiles(find_layout(manual_dir), bad_items)


def write(tmp_path, images, **kwargs):
    return testing.write_pack(tmp_path / "pack", images=images, **kwargs)


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("archives", [0, 1, 3])
@pytest.mark.parametrize("name", [NAME, "Tiny_Portraits_{:06d}.png".format])
def test_every_form_of_a_pack_reads_the_same(tmp_path, folder, archives, name):
    images = {name(i): content for i, content in enumerate(IMAGES.values())}
    pack = write(tmp_path, images, folder=folder, archives=archives)
    found = find(pack, BadItems())
    assert found.folder.name == folder
    assert found.size == sum(map(len, IMAGES.values()))
    assert read_all(found) == dict(enumerate(IMAGES.values()))
    # Nothing is unpacked.
    assert len(list((pack / folder).iterdir())) == (archives or len(images))


def test_images_come_in_the_order_of_the_archives(tmp_path):
    found = find(write(tmp_path, IMAGES, archives=2), BadItems())
    read = [(i, found.describe(i)) for i, _ in found.read([4, 3, 0, 1])]
    first, second = (f"Tiny_Portraits_Archive_00{n}.zip: " for n in (0, 1))
    assert read == [
        (0, first + NAME(0)),
        (4, first + NAME(4)),
        (1, second + NAME(1)),
        (3, second + NAME(3)),
    ]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (f"../{NAME(9)}", "has an absolute path or `..` in its name"),
        (f"a/../../{NAME(9)}", "has an absolute path or `..` in its name"),
        (f"/etc/{NAME(9)}", "has an absolute path or `..` in its name"),
        (f"..\\{NAME(9)}", "has an absolute path or `..` in its name"),
        (f"C:\\{NAME(9)}", "has an absolute path or `..` in its name"),
        ("../note.txt", "has an absolute path or `..` in its name"),
        ("portrait_9.png", "is not named like a portrait"),
        ("Tiny_Portraits_000003.png", "is there a second time: "),
    ],
)
def test_a_bad_entry_is_refused_or_listed(tmp_path, name, reason):
    pack = write(tmp_path, IMAGES | {name: testing.make_image(9)}, archives=1)
    message = f"Tiny_Portraits_Archive_000.zip: {name} {reason}"
    with pytest.raises(DatasetInputError) as error:
        find(pack, BadItems())
    assert str(error.value).startswith(message)
    bad_items = BadItems("skip")
    assert read_all(find(pack, bad_items)) == dict(enumerate(IMAGES.values()))
    [item] = bad_items.items
    assert " ".join(item).startswith(message)


def test_the_same_image_in_two_archives_names_both(tmp_path):
    pack = write(tmp_path, IMAGES, archives=2)
    folder = pack / FOLDERS[0]
    testing.write_archive(folder / "z.zip", {NAME(2): b"other"})
    with pytest.raises(DatasetInputError) as error:
        find(pack, BadItems())
    assert str(error.value).startswith(
        f"z.zip: {NAME(2)} is there a second time: "
        f"Tiny_Portraits_Archive_000.zip: {NAME(2)} is the same portrait"
    )
    bad_items = BadItems("skip")
    # The first one counts.
    assert read_all(find(pack, bad_items))[2] == IMAGES[NAME(2)]
    assert [item.item for item in bad_items.items] == [f"z.zip: {NAME(2)}"]


def test_an_entry_that_claims_to_be_huge_is_not_read(tmp_path):
    pack = write(tmp_path, IMAGES, archives=1)
    [path] = (pack / FOLDERS[0]).iterdir()
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(NAME(9), bytes(2_000_000))
    with pytest.raises(DatasetInputError, match="claims to have 2,000,000"):
        find(pack, BadItems())


@pytest.mark.parametrize("keep", [0, 100, -10])
def test_a_truncated_archive_is_named(tmp_path, keep):
    pack = write(tmp_path, IMAGES, archives=2)
    path = pack / FOLDERS[0] / "Tiny_Portraits_Archive_001.zip"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DatasetInputError) as error:
        find(pack, BadItems())
    assert str(error.value).startswith(f"{path} is not a whole ZIP archive")
    bad_items = BadItems("skip")
    assert sorted(find(pack, bad_items).indices) == [0, 2, 4]
    assert [item.item for item in bad_items.items] == [str(path)]


def test_damage_inside_an_archive_costs_its_entry_alone(tmp_path):
    pack = write(tmp_path, IMAGES, archives=1)
    [path] = (pack / FOLDERS[0]).iterdir()
    content = path.read_bytes()
    position = content.index(IMAGES[NAME(2)]) + 50
    path.write_bytes(content[:position] + b"\0\1\2\3" + content[position + 4 :])
    with pytest.raises(DatasetInputError, match=f"{NAME(2)} can't be read"):
        read_all(find(pack, BadItems()))
    bad_items = BadItems("skip")
    assert sorted(read_all(find(pack, bad_items))) == [0, 1, 3, 4]
    assert len(bad_items.items) == 1


def test_an_encrypted_archive_is_refused(tmp_path):
    pack = write(tmp_path, IMAGES, archives=1)
    [path] = (pack / FOLDERS[0]).iterdir()
    content = bytearray(path.read_bytes())
    # The bit that says so, in both headers of every entry.
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        for match in re.finditer(mark, bytes(content)):
            content[match.start() + offset] |= 1
    path.write_bytes(content)
    with pytest.raises(DatasetInputError, match="can't be read.*encrypted"):
        read_all(find(pack, BadItems()))


def test_an_archive_in_an_archive_is_as_carefully_read(tmp_path):
    pack = write(tmp_path, IMAGES, archives=0)
    inner = tmp_path / "inner.zip"
    testing.write_archive(
        inner, {f"../{NAME(9)}": b"", NAME(8): bytes(2 << 20)}
    )
    files = {"a.zip": inner.read_bytes(), "b.zip": b"PK\5\6"}
    testing.write_archive(pack / FOLDERS[0] / "outer.zip", files)
    bad_items = BadItems("skip")
    assert not find(pack, bad_items).indices
    assert [" ".join(item)[:60] for item in bad_items.items] == [
        "outer.zip: a.zip: ../Tiny_Portrait_000009.png has an absolut",
        "outer.zip: b.zip is not a whole ZIP archive (File is not a z",
        "outer.zip: a.zip: Tiny_Portrait_000008.png claims to have 2,",
    ]


def test_a_name_that_is_there_twice_reads_as_the_first(tmp_path):
    pack = write(tmp_path, IMAGES, archives=1)
    [path] = (pack / FOLDERS[0]).iterdir()
    with (
        pytest.warns(UserWarning, match="Duplicate name"),
        zipfile.ZipFile(path, "a") as archive,
    ):
        archive.writestr(NAME(2), b"other")
    assert read_all(find(pack, BadItems("skip")))[2] == IMAGES[NAME(2)]
