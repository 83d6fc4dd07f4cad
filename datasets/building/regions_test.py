import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from ..tiny_portraits import Builder as TinyPortraits
from ..tiny_portraits import facts
from ..utk_face import Builder as UtkFace
from .regions import find_regions

SUM_TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def tiny_pack(tmp_path_factory):
    """Index -> picture of a drawn pack."""
    folder = tmp_path_factory.mktemp("pack") / "tiny"
    TinyPortraits.draw_pack(folder, 40, seed=3, workers=1, progress=False)
    (path,) = (folder / facts.ARCHIVE_FOLDERS[0]).iterdir()
    return {
        int("".join(filter(str.isdigit, name))): pixels
        for name, pixels in read_pictures(path)
    }


def read_pictures(path):
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            file = io.BytesIO(archive.read(name))
            yield name.rpartition("/")[2], np.asarray(Image.open(file))


def check(regions, count, size):
    assert list(regions.shares) == ["face", "hair", "clothes", "background"]
    for plane in regions.shares.values():
        assert plane.shape == (count, *size) and plane.dtype == np.float32
        assert plane.min() >= 0
    total = sum(regions.shares.values())
    np.testing.assert_allclose(total, 1, atol=SUM_TOLERANCE)


def edge_strength(picture, plane):
    """How much brightness changes where a region ends, and elsewhere."""
    gray = picture.astype(float).mean(-1)
    change = np.abs(np.diff(gray, axis=1))
    ends = np.abs(np.diff(plane, axis=1)) > 0.5
    return change[ends].mean(), change[~ends].mean()


def test_regions_of_drawn_portraits_lie_where_they_were_drawn(tiny_pack):
    indices = sorted(tiny_pack)
    regions = find_regions("tiny_portraits/synthetic_40_seed3/1.1.0", indices)
    assert regions.face is None
    check(regions, 40, (facts.HEIGHT, facts.WIDTH))
    at, elsewhere = np.transpose(
        [
            edge_strength(tiny_pack[index], plane)
            for index, plane in zip(
                indices, regions.shares["background"], strict=True
            )
        ]
    )
    assert np.median(at / elsewhere) > 3
    # Another seed draws other portraits.
    wrong = find_regions("tiny_portraits/synthetic_40_seed4", indices)
    lost, _ = np.transpose(
        [
            edge_strength(tiny_pack[index], plane)
            for index, plane in zip(
                indices, wrong.shares["background"], strict=True
            )
        ]
    )
    assert np.median(lost) < 0.7 * np.median(at)


def test_regions_follow_the_order_of_names_and_the_size(tmp_path):
    UtkFace.draw_pack(tmp_path / "p", 12, seed=2, workers=1, progress=False)
    pictures = dict(read_pictures(tmp_path / "p" / "UTKFace.zip"))
    regions = find_regions("utk_face/synthetic_12_seed2_200x200", range(12))
    check(regions, 12, (200, 200))
    for index, name in enumerate(sorted(pictures)):
        at, elsewhere = edge_strength(
            pictures[name], regions.shares["background"][index]
        )
        assert at > 2 * elsewhere
    small = find_regions("utk_face/synthetic_12_seed2", [5, 3])
    check(small, 2, (108, 84))
    middle = regions.shares["hair"][[5, 3]].mean((1, 2))
    assert (np.abs(small.shares["hair"].mean((1, 2)) - middle) < 0.1).all()


def test_of_real_portraits_they_are_the_mean_of_drawn_ones(monkeypatch):
    monkeypatch.setattr("datasets.building.regions._DRAWN", 8)
    regions = find_regions("tiny_portraits/archives/1.1.0", [5, 7])
    assert regions.face.shape == (facts.HEIGHT, facts.WIDTH, 3)
    check(regions, 1, (facts.HEIGHT, facts.WIDTH))
    assert 0 < regions.shares["hair"][0, 28, 42] <= 1
    check(find_regions("utk_face/96x96", range(9)), 1, (96, 96))


def test_what_draws_no_portraits_has_none():
    assert find_regions("my_faces/files", [0]) is None
