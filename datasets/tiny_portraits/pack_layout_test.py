import pathlib
import shutil
import zipfile

import pytest

from ..building.bad_items import BadItems
from ..building.errors import DatasetInputError
from . import facts
from . import testing
from .pack_layout import find_layout
from .portrait_pack import PortraitPack

ZIPS, _, PNGS = (*facts.ARCHIVE_FOLDERS, facts.IMAGE_FOLDER)
IMAGES = {index: testing.make_image(index) for index in testing.ROWS}


def read(manual_dir):
    """Returns all that a pack holds, and its notes."""
    bad_items = BadItems()
    pack = PortraitPack(manual_dir, bad_items)
    labels = {i: row.labels() for i, row in pack.attributes.items()}
    return (
        dict(pack.portraits(list(pack.attributes))),
        labels,
        bad_items.notes,
    )


def rename_entries(path, rename):
    with zipfile.ZipFile(path) as archive:
        files = {rename(i): archive.read(i) for i in archive.namelist()}
    testing.write_archive(path, files)


def one_level_too_low(pack):
    return pack / ZIPS


def one_level_too_high(pack):
    (pack.parent / "note.txt").touch()
    return pack.parent


def csv_beside_the_archives(pack):
    (pack / facts.CSV_NAME).rename(pack / ZIPS / facts.CSV_NAME)
    return pack


def csv_one_folder_up(pack):
    (pack / facts.CSV_NAME).rename(pack.parent / facts.CSV_NAME)
    return pack


def all_in_one_folder(pack):
    for path in (pack / ZIPS).iterdir():
        path.rename(pack / path.name)
    (pack / ZIPS).rmdir()
    return pack


def another_name_for_the_folder(pack):
    (pack / ZIPS).rename(pack / "zips")
    return pack


def capitals(pack):
    for path in list((pack / ZIPS).iterdir()):
        rename_entries(path.rename(path.with_suffix(".ZIP")), str.upper)
    return pack


def names_of_a_drive(pack):
    first, second = sorted((pack / ZIPS).iterdir())
    first.rename(first.with_stem("Tiny_Portraits_Archive_000-001"))
    second.rename(second.with_stem("Tiny_Portraits_Archive_001 (1)"))
    return pack


def backslashes(pack):
    for path in (pack / ZIPS).iterdir():
        rename_entries(path, r"a\{}".format)
    return pack


def unpacked_into_folders(pack):
    for path in list((pack / ZIPS).iterdir()):
        with zipfile.ZipFile(path) as archive:
            archive.extractall(path.with_suffix(""))
        path.unlink()
    return pack


def unpacked_beside_the_csv(pack):
    unpacked_into_folders(pack)
    for path in list((pack / ZIPS).iterdir()):
        path.rename(pack / path.name)
    (pack / ZIPS).rmdir()
    return pack


def notes_of_systems(pack):
    for path in (pack / ZIPS).iterdir():
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("Thumbs.db", bytes(2_000_000))
            archive.writestr(".DS_Store", bytes(2_000_000))
            archive.writestr("__MACOSX/._Tiny_Portrait_000000.png", b"")
            archive.writestr("__MACOSX/Tiny_Portrait_000000.png", b"note")
            archive.writestr("desktop.ini", b"")
    (pack / ZIPS / "._Tiny_Portraits_Archive_000.zip").touch()
    (pack / ZIPS / "Thumbs.db").touch()
    (pack / "__MACOSX").mkdir()
    (pack / "__MACOSX" / "._a.zip").touch()
    return pack


def archive_of_all(pack, **kwargs):
    """What a drive sends who downloads a folder."""
    zip_path = pack.parent.with_suffix(".zip")
    with zipfile.ZipFile(zip_path, "w", **kwargs) as archive:
        for file in sorted(pack.parent.rglob("*")):
            archive.write(file, file.relative_to(pack.parent))
    shutil.rmtree(pack)
    pack.mkdir()
    zip_path.rename(pack / "Tiny_Portraits-20240101T000000Z-001.zip")
    return pack


def compressed_archive_of_all(pack):
    return archive_of_all(pack, compression=zipfile.ZIP_DEFLATED)


def csv_in_each_archive(pack):
    for path in (pack / ZIPS).iterdir():
        with zipfile.ZipFile(path, "a") as archive:
            archive.write(pack / facts.CSV_NAME, facts.CSV_NAME)
    (pack / facts.CSV_NAME).unlink()
    return pack


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (one_level_too_low, "attribute file: {pack}"),
        (one_level_too_high, "attribute file: {pack}"),
        (csv_beside_the_archives, "attribute file: {pack}/" + ZIPS),
        (csv_one_folder_up, "attribute file: {pack.parent}/Tiny"),
        (all_in_one_folder, None),
        (another_name_for_the_folder, None),
        (capitals, None),
        (names_of_a_drive, None),
        (backslashes, None),
        (unpacked_into_folders, None),
        (unpacked_beside_the_csv, None),
        (notes_of_systems, None),
        (archive_of_all, "attribute file: Tiny_Portraits-20240101T000000Z"),
        (compressed_archive_of_all, "attribute file: Tiny_Portraits-2024"),
        (csv_in_each_archive, "attribute file: Tiny_Portraits_Archive_000.zip"),
    ],
)
def test_what_is_plainly_meant_reads_the_same(tmp_path, change, note):
    pack = testing.write_pack(tmp_path / "a" / "pack")
    expected = read(pack)
    assert expected[0] == IMAGES and not expected[2]
    manual_dir = change(pack)
    before = sorted(pack.rglob("*"))
    images, labels, notes = read(manual_dir)
    assert (images, labels) == expected[:2]
    assert sorted(pack.rglob("*")) == before  # Nothing is unpacked.
    assert len(notes) == (note is not None)
    assert note is None or notes[0].startswith(note.format(pack=pack))


def test_the_folder_may_be_the_current_one(tmp_path, monkeypatch):
    pack = another_name_for_the_folder(testing.write_pack(tmp_path / "pack"))
    monkeypatch.chdir(pack)
    for folder in (".", "zips"):
        assert read(pathlib.Path(folder))[0] == IMAGES


def test_a_second_copy_is_said_and_read_once(tmp_path):
    pack = testing.write_pack(tmp_path / "pack")
    path = pack / ZIPS / "Tiny_Portraits_Archive_000.zip"
    shutil.copy(path, path.with_stem(f"{path.stem} (1)"))
    for change in (lambda pack: pack, unpacked_into_folders):
        images, _, [note] = read(change(pack))
        assert images == IMAGES
        assert note.startswith("5 images lie there twice with the same conte")


def test_what_differs_is_not_guessed_among(tmp_path):
    for name in ("a", "b"):
        testing.write_pack(tmp_path / name)
    with pytest.raises(DatasetInputError, match=r"several packs: .*/a, .*/b\."):
        find_layout(tmp_path)
    pack = csv_in_each_archive(testing.write_pack(tmp_path / "pack"))
    with zipfile.ZipFile(pack / ZIPS / "b.zip", "w") as archive:
        archive.writestr(facts.CSV_NAME, "other")
    with pytest.raises(DatasetInputError, match="several attribute files: Ti"):
        read(pack)


def test_an_archive_three_levels_deep_says_what_to_do(tmp_path):
    pack = archive_of_all(testing.write_pack(tmp_path / "a" / "pack"))
    pack = archive_of_all(pack)
    with pytest.raises(DatasetInputError, match=r"archive\. Unpack the outer"):
        read(pack)


def test_a_missing_attribute_file_is_named(tmp_path):
    pack = testing.write_pack(tmp_path / "pack")
    (pack / facts.CSV_NAME).unlink()
    path = pack / facts.CSV_NAME
    with pytest.raises(DatasetInputError, match=f"no attribute file {path}"):
        read(pack)
    (pack / "labels.csv").touch()
    with pytest.raises(DatasetInputError, match=r"Or is it labels\.csv\?"):
        read(pack)


def test_a_folder_without_archives_says_what_is_expected(tmp_path):
    with pytest.raises(DatasetInputError, match="There is no folder"):
        find_layout(tmp_path / "missing")
    with pytest.raises(
        DatasetInputError,
        match="none of the folders Tiny_Portraits_Zipfiles, "
        "Tiny_Portraits_Zip, Tiny_Portraits_Images",
    ):
        find_layout(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "plot.png").touch()
    with pytest.raises(DatasetInputError, match="and no ZIP archive"):
        find_layout(tmp_path)
    (tmp_path / ZIPS).mkdir()
    with pytest.raises(DatasetInputError, match="neither a ZIP archive nor"):
        find_layout(tmp_path)


def test_archives_win_over_images_and_empty_folders_do_not_count(tmp_path):
    pack = testing.write_pack(tmp_path / "pack", archives=0, folder=PNGS)
    (pack / ZIPS).mkdir()
    layout = find_layout(pack)
    assert layout.folder.name == PNGS
    assert len(layout.images) == len(IMAGES) and not layout.archives
    testing.write_archive(pack / ZIPS / "a.zip", {})
    layout = find_layout(pack)
    assert layout.folder.name == ZIPS
    assert len(layout.archives) == 1 and not layout.images
