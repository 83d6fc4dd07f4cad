import numpy as np
import pytest
from PIL import Image

from datasets.building.bad_items import BadItems
from datasets.tiny_portraits import testing
from datasets.tiny_portraits.portrait_pack import PortraitPack
from tests.picture_factory import exif
from tests.picture_factory import stored
from tests.printed_commands import parse_next
from tp_keras.generator.export.keyed_noise import row_seeds
from tp_keras.serving import PortraitGenerator
from tp_keras.serving import read_portrait
from training import command
from training.edit import Edit
from training.generate import Generate
from training.interpolate import Interpolate


@pytest.fixture(scope="module")
def generator(vae_bundle):
    return PortraitGenerator.load(vae_bundle)


@pytest.fixture
def photo(tmp_path):
    shape = 200, 100, 3
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    path = tmp_path / "photos" / "photo.jpg"
    path.parent.mkdir()
    Image.fromarray(pixels).save(path)
    return path


def execute(command_class, *flags):
    command.run(command_class, [str(flag) for flag in flags])


def fails(capsys, command_class, *flags):
    with pytest.raises(SystemExit) as error:
        execute(command_class, *flags)
    assert error.value.code == command.EXIT_USER_ERROR
    (line,) = [
        line
        for line in capsys.readouterr().err.splitlines()
        if line.startswith("error: ")
    ]
    return line


def stands_in(picture, pixels):
    """Says whether a portrait stands in a picture, but for roundings."""
    with Image.open(picture) as image:
        sheet = np.asarray(image.convert("RGB")).astype(int)
    height, width, _ = pixels.shape
    rows, columns = np.nonzero((abs(sheet - pixels[0, 0]) <= 1).all(axis=-1))
    return any(
        np.allclose(sheet[r : r + height, c : c + width], pixels, atol=1)
        for r, c in zip(rows, columns, strict=True)
        if r + height <= len(sheet) and c + width <= sheet.shape[1]
    )


def test_a_sheet(vae_bundle, generator, tmp_path, capsys):
    output = tmp_path / "new" / "out.png"
    flags = ("--bundle", vae_bundle.parent, "--output", output)
    asked = ("--labels", "gender=female", "hair_color=blond", "--count", 5)
    execute(Generate, *flags, *asked, "--temperature", 0.8, "--seed", 7)
    images = generator.generate(
        {"gender": "female", "hair_color": "blond"}, row_seeds(7, 5), 0.8
    )
    assert all(stands_in(output, pixels) for pixels in images)
    text = capsys.readouterr().out
    assert f"5 portraits: {output}" in text
    assert "learned from tiny_portraits/synthetic" in text
    shows_people = "must not leave this machine" in text
    assert shows_people == generator.schema.shows_people
    first = output.read_bytes()
    execute(Generate, *flags, *asked, "--temperature", 0.8, "--seed", 7)
    assert output.read_bytes() == first


@pytest.mark.parametrize(
    ("labels", "warned"),
    [
        ("hair_color=bald hair_type=wavy", True),
        ("gender=female hair_color=bald", True),
        ("gender=female hair_color=brown", False),
        ("gender=male hair_type=straight", False),
    ],
)
def test_labels_that_never_came_together(
    labels, warned, vae_bundle, tmp_path, capsys
):
    flags = ("--bundle", vae_bundle.parent, "--output", tmp_path / "out.png")
    execute(Generate, *flags, "--count", 1, "--labels", *labels.split())
    said = capsys.readouterr().err
    assert (f"a guess. Received: labels={labels}\n" in said) == warned


def test_single_files(vae_bundle, generator, tmp_path):
    output = tmp_path / "portraits"
    execute(
        *(Generate, "--bundle", vae_bundle, "--output", output),
        *("--count", 3, "--cells", "balanced"),
    )
    names = {f"portrait_00000{n}.png" for n in range(3)}
    assert {path.name for path in output.iterdir()} == {*names, "portraits.csv"}
    rows = (output / "portraits.csv").read_text().splitlines()[1:]
    assert {row.split(",")[1] for row in rows} == {"female", "male"}
    name, gender, color, kind, seed, temperature = rows[1].split(",")
    # What the table says makes the portrait again.
    labels = {"gender": gender, "hair_color": color, "hair_type": kind}
    (pixels,) = generator.generate(labels, [int(seed)], float(temperature))
    with Image.open(output / name) as image:
        np.testing.assert_array_equal(image, pixels)


def read_pack(folder):
    pack = PortraitPack(folder, BadItems())
    portraits = list(pack.portraits(list(pack.attributes)))
    assert len(portraits) == len(pack.attributes)
    return [row.labels() for row in pack.attributes.values()]


def test_a_pack_with_rare_portraits(vae_bundle, tmp_path, capsys):
    old = testing.write_pack(tmp_path / "old")
    output = tmp_path / "my pack"
    flags = ("--bundle", vae_bundle, "--output", output, "--extends", old)
    execute(Generate, *flags, "--index_end", 162770, "--count", 10)
    before, labels = read_pack(old), read_pack(output)
    for row in before:
        labels.remove(row)
    # As frequent as in what the model learned from.
    assert [row["gender"] for row in labels].count("female") == 6
    assert [row["hair_color"] for row in labels].count(-1) == 3
    assert [row["hair_type"] for row in labels].count("bald") == 1
    assert parse_next(capsys.readouterr().out).manual_dir == output
    # One with portraits of one kind.
    output = tmp_path / "new"
    execute(
        *(Generate, "--bundle", vae_bundle, "--output", output),
        *("--count", 4, "--labels", "gender=male", "hair_type=wavy"),
        *("--extends", old, "--index_end", 162770),
    )
    labels = read_pack(output)
    wanted = {"gender": "male", "hair_color": -1, "hair_type": "wavy"}
    assert labels.count(wanted) == 4
    assert len(labels) == len(testing.ROWS) + 4


def test_what_cannot_be_generated_is_told_in_one_sentence(
    vae_bundle, bundle, tmp_path, capsys
):
    place = tmp_path / "here"
    (place / "full" / "folder").mkdir(parents=True)
    before = sorted(place.rglob("*"))
    old = testing.write_pack(tmp_path / "old")
    own = ("--bundle", vae_bundle)
    png = ("--output", place / "out.png")
    pack = ("--output", place / "pack", "--extends", old, "--index_end", 9)
    for flags, expected in (
        (png, "Expected either --run_dir or --bundle"),
        ((*own, "--run_dir", "r", *png), "either --run_dir or --bundle"),
        ((*own, *png, "--extends", place), "Expected --output FOLDER"),
        ((*own, *pack[:4]), "index_end=0"),
        ((*own, "--output", place / "out.jpg"), "Expected the name of a PNG"),
        ((*own, "--output", place / "full"), "not empty"),
        ((*own, *png, "--count", 0), "count=0"),
        ((*own, *png, "--count", 5000), "count=5,000"),
        ((*own, *pack, "--count", 10), "count=10"),
        ((*own, *png, "--temperature", 0), "temperature=0.0"),
        ((*own, *png, "--temperature", "nan"), "temperature=nan"),
        ((*own, *png, "--labels", "gender=man"), "Received: gender=man"),
        ((*own, *png, "--seed", -1), "seed=-1"),
        ((*own, *pack, "--labels", "hair_color=gray"), "has a gender"),
        (
            (*own, *pack, "--cells", "level", "--labels", "hair_color=gray"),
            "None of the portraits",
        ),
        ((*own, *pack[:3], place, *pack[4:]), "Expected a pack to extend"),
        (("--bundle", place, *png), "Expected the folder of a bundle"),
        # Of a classifier.
        (("--bundle", bundle, *png), "training.export_vae"),
    ):
        assert expected in fails(capsys, Generate, *flags), flags
    assert sorted(place.rglob("*")) == before


def test_a_photo_is_edited(vae_bundle, generator, photo, tmp_path, capsys):
    output = tmp_path / "edited.png"
    image = read_portrait(photo, generator.schema.image_shape)
    # As a camera stores it that was held otherwise.
    photo = photo.with_name("turned.png")
    stored(Image.fromarray(image), 8).save(photo, exif=exif(8))
    own = ("--bundle", vae_bundle, "--image", photo, "--output", output)
    changed = ("--labels", "gender=male", "--new_labels", "hair_color=gray")
    execute(Edit, *own, *changed)
    expected = generator.edit(
        image[np.newaxis].repeat(2, axis=0),
        {"gender": "male"},
        {"gender": "male", "hair_color": [None, "gray"]},
    )
    for pixels in (image, *expected):
        assert stands_in(output, pixels)
    assert f"Picture: {output}" in capsys.readouterr().out
    with Image.open(output) as narrow:
        width = narrow.width
    execute(Edit, *own)
    with Image.open(output) as wide:
        # The photo, its reconstruction, and nine other classes.
        assert wide.width > 3 * width


def test_what_cannot_be_edited(vae_bundle, photo, tmp_path, capsys):
    notes = photo.with_name("notes.txt")
    notes.write_text("no image")
    output = tmp_path / "new" / "out.png"
    rest = ("--output", output, "--bundle", vae_bundle)
    for flags, expected in (
        (("--image", notes, *rest), "no picture"),
        (("--image", tmp_path / "gone.png", *rest), "can't be read"),
        (("--image", photo, *rest, "--new_labels", "gender=x"), "gender=x"),
        (("--image", photo, *rest, "--labels", "hair_type=x"), "hair_type=x"),
        (("--image", photo, *rest[:2]), "either --run_dir or --bundle"),
        (("--image", photo, "--output", "a.gif", *rest[2:]), "ends with .png"),
    ):
        assert expected in fails(capsys, Edit, *flags)
    assert not output.parent.exists()


def test_the_way_between_two_photos(vae_bundle, generator, photo, tmp_path):
    portrait = read_portrait(photo, generator.schema.image_shape)
    other = photo.with_name("other.png")
    mirrored = np.ascontiguousarray(portrait[::-1])
    # As a camera stores it that was held otherwise.
    stored(Image.fromarray(mirrored), 6).save(other, exif=exif(6))
    output = tmp_path / "way.png"
    execute(
        *(Interpolate, "--bundle", vae_bundle, "--output", output),
        *("--images", photo, other, "--count", 4),
        *("--labels", "gender=female"),
    )
    ends = np.stack([portrait, mirrored])
    for pixels in generator.reconstruct(ends, {"gender": "female"}):
        assert stands_in(output, pixels)


def test_the_way_between_two_seeds(vae_bundle, generator, tmp_path):
    flags = ("--seeds", 3, 8, "--count", 5, "--temperature", 0.5)
    output, strip = tmp_path / "way.gif", tmp_path / "way.png"
    for path in (output, strip):
        own = ("--bundle", vae_bundle, "--output", path)
        execute(Interpolate, *own, *flags)
    with Image.open(output) as animation:
        assert animation.n_frames == 8
    for pixels in generator.generate({}, [3, 8], 0.5):
        assert stands_in(strip, pixels)


def test_what_is_no_way(vae_bundle, photo, tmp_path, capsys):
    output = tmp_path / "new" / "way.gif"
    own = ("--bundle", vae_bundle, "--output", output)
    seeds = ("--seeds", 1, 2)
    notes = photo.with_name("notes.txt")
    notes.write_text("no image")
    for flags, expected in (
        (own, "Expected either --images or --seeds"),
        ((*own, *seeds, "--images", photo, photo), "--images or --seeds"),
        ((*own, *seeds, "--count", 1), "count=1"),
        ((*own, *seeds, "--temperature", 0), "temperature=0.0"),
        ((*own, *seeds, "--labels", "gender=x"), "gender=x"),
        ((*own, "--images", photo, notes), "no picture"),
        ((*own[:3], "way.mp4", *seeds), "ends with .gif or .png"),
    ):
        assert expected in fails(capsys, Interpolate, *flags)
    assert not output.parent.exists()
