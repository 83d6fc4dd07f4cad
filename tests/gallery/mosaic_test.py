import dataclasses

import numpy as np
import pytest
from PIL import Image

from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import make_portraits
from tp_keras.gallery.mosaic import draw_mosaic
from tp_keras.gallery.mosaic import draw_photomosaic
from tp_keras.gallery.screen import Screen

HEIGHT, WIDTH, _ = EVERY_KIND.image_shape
# Tiles of the size of the portraits: 4 rows of 6.
SCREEN = Screen(6 * WIDTH, 4 * HEIGHT, columns=6, rows=4)


def plain(colors):
    """Portraits of one colour each."""
    portraits = make_portraits(len(colors), missing=0.0, schema=EVERY_KIND)
    portraits.images[:] = np.asarray(colors, np.uint8)[:, None, None]
    return portraits


def grid(mosaic):
    return mosaic.items.reshape(SCREEN.rows, SCREEN.columns)


def draw(portraits, sort, seed=0, rows=None, by=()):
    rows = np.arange(len(portraits)) if rows is None else rows
    return draw_mosaic(
        portraits, rows, SCREEN, sort, seed, EVERY_KIND.get_tasks(by)
    )


def test_each_place_shows_the_portrait_that_is_told():
    portraits = make_portraits(50, schema=EVERY_KIND)
    for sort in ("none", "random", "hue", "label", "embedding"):
        mosaic = draw(portraits, sort, rows=np.arange(10, 50))
        assert mosaic.pixels.shape == (4 * HEIGHT, 6 * WIDTH, 3)
        assert len(set(mosaic.items)) == 24 and mosaic.repeats == 1
        assert min(mosaic.items) >= 10
        tiles = mosaic.pixels.reshape(4, HEIGHT, 6, WIDTH, 3).swapaxes(1, 2)
        expected = portraits.images[grid(mosaic)]
        np.testing.assert_array_equal(tiles, expected)
    assert draw(portraits, "none").items.tolist() == [*range(24)]


@pytest.mark.parametrize("sort", ["random", "hue", "label", "embedding"])
def test_the_seed_settles_every_pixel(sort):
    portraits = make_portraits(50, schema=EVERY_KIND)
    first, same, other = (draw(portraits, sort, seed) for seed in (1, 1, 2))
    assert (first.pixels == same.pixels).all()
    assert (first.items != other.items).any()


def test_too_few_are_repeated_evenly():
    portraits = make_portraits(9, schema=EVERY_KIND)
    for sort in ("random", "none", "embedding"):
        mosaic = draw(portraits, sort, rows=np.array([0, 2, 4, 6, 8]))
        counts = np.bincount(mosaic.items, minlength=9)
        assert sorted(counts.tolist()) == [0, 0, 0, 0, 4, 5, 5, 5, 5]
        assert mosaic.repeats == 5


def test_hues_go_round_from_left_to_right_and_light_ones_on_top():
    # All like skin, but to six sides of it, and in four degrees of light.
    wheel = [(2, -1, -1), (1, 1, -2), (-1, 2, -1)]
    wheel = np.concatenate([wheel, np.negative(wheel)])
    light = np.array([45, 15, -15, -45])[:, None]
    colors = 10 * wheel[:, None] + [160, 110, 90] + light
    shuffled = np.random.default_rng(0).permutation(24)
    mosaic = draw(plain(colors.reshape(24, 3)[shuffled]), "hue")
    found = shuffled[grid(mosaic)]
    assert (found % 4 == np.arange(4)[:, None]).all()
    hues = found[0] // 4
    # Once round the wheel, wherever that begins, either way.
    assert set(np.diff(hues) % 6) in ({1}, {5})
    assert (found // 4 == hues).all()


def test_labels_of_every_kind_lie_from_left_to_right():
    portraits = make_portraits(24, missing=0.4, schema=EVERY_KIND)
    for task in EVERY_KIND.tasks:
        items = grid(draw(portraits, "label", by=[task.name])).T
        labels = portraits.labels[task.name].astype(float)
        if task.kind == "multi_label":
            labels = labels @ [-10, -1]
        elif task.kind != "regression":
            labels[labels < 0] = np.nan
        columns = np.sort(labels)[:24].reshape(6, 4)
        # Each column has what it would have in sorted order, NaN at the end.
        np.testing.assert_array_equal(np.sort(labels[items], axis=1), columns)
    pair = grid(draw(portraits, "label", by=["origin", "smile"])).T
    labels = portraits.labels
    smile = np.where(labels["smile"] < 0, 2, labels["smile"])
    keys = labels["origin"] * 3 + smile
    assert np.sort(keys[pair], axis=1).ravel().tolist() == sorted(keys)


def test_neighbours_are_alike_and_the_figure_says_how_far():
    colors = np.random.default_rng(0).integers(256, size=(24, 3))
    mosaic = draw(plain(colors), "embedding")
    assert mosaic.distance < 0.8
    assert draw(plain(colors), "random").distance is None
    # Nothing is nearer than the same.
    assert draw(plain(np.full((24, 3), 99)), "embedding").distance is None


def picture_of(colors):
    """A picture whose parts have colours."""
    picture = np.asarray(colors, np.uint8).reshape(4, 6, 3)
    return picture.repeat(HEIGHT, 0).repeat(WIDTH, 1)


def test_a_picture_is_found_among_portraits_that_show_its_parts():
    colors = np.random.default_rng(0).integers(256, size=(24, 3))
    others = np.random.default_rng(1).integers(256, size=(30, 3))
    portraits = plain(np.concatenate([others, colors[::-1]]))
    target = picture_of(colors)
    rows = np.arange(len(portraits))
    mosaic = draw_photomosaic(portraits, rows, SCREEN, target, 0)
    assert mosaic.items.tolist() == [*range(53, 29, -1)]
    assert mosaic.repeats == 1
    np.testing.assert_array_equal(mosaic.pixels, target)


def test_a_portrait_is_there_as_often_as_allowed():
    portraits = plain(np.repeat([[9, 9, 9], [250, 250, 250]], 30, axis=0))
    target = picture_of(np.full((24, 3), 8))
    # Three are dark enough, and each may be there four times.
    rows = np.arange(27, 60)
    mosaic = draw_photomosaic(portraits, rows, SCREEN, target, 0, repeats=4)
    counts = np.bincount(mosaic.items, minlength=60)
    assert counts[27:30].tolist() == [4, 4, 4] and mosaic.repeats == 4
    # Where there are too few, as often as it takes.
    mosaic = draw_photomosaic(portraits, rows[:5], SCREEN, target, 0)
    counts = np.bincount(mosaic.items)[27:].tolist()
    assert counts[:3] == [5, 5, 5] and sorted(counts[3:]) == [4, 5]
    assert mosaic.repeats == 5


def test_the_tint_moves_mean_colours_to_the_picture():
    portraits = plain(np.full((24, 3), 100))
    target = picture_of(np.random.default_rng(0).integers(256, size=(24, 3)))
    rows = np.arange(24)
    for tint in (0.0, 0.5, 1.0):
        found = draw_photomosaic(
            portraits, rows, SCREEN, target, 0, tint=tint
        ).pixels
        expected = 100 + tint * (target.astype(float) - 100)
        np.testing.assert_allclose(found, expected, atol=1)


def test_a_large_picture_is_recognised_better_than_in_random_order():
    portraits = make_portraits(600, schema=EVERY_KIND)
    portraits = dataclasses.replace(
        portraits,
        images=np.random.default_rng(0)
        .integers(256, size=(600, 1, 1, 3), dtype=np.uint8)
        .repeat(HEIGHT, 1)
        .repeat(WIDTH, 2),
    )
    screen = Screen(300, 200, columns=20, rows=15)
    row, column = np.indices((200, 300))
    target = np.stack([row, column * 0.8, 200 - row], -1).astype(np.uint8)
    rows = np.arange(600)
    found = draw_photomosaic(portraits, rows, screen, target, 0)
    chance = draw_mosaic(portraits, rows, screen, "random", 0)
    distances = [
        np.abs(
            np.asarray(Image.fromarray(pixels).reduce(10), float)
            - np.asarray(Image.fromarray(target).reduce(10), float)
        ).mean()
        for pixels in (found.pixels, chance.pixels)
    ]
    assert distances[0] < 0.4 * distances[1]
