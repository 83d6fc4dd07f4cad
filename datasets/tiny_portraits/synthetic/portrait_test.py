import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from ...building.drawing.hair import COLOR_RANGES
from ...building.drawing.png import encode_png
from ...building.drawing.portrait import draw_portrait
from ...building.drawing.portrait import render
from .. import facts
from . import labels
from .portrait import Appearance
from .portrait import draw_counterfactual


def hair_mask(appearance):
    return render(appearance)[1][1]


def _appearance(index=17, gender="female", color="brown", kind="wavy", **more):
    return Appearance.draw(3, index, gender, color, kind, **more)


def test_a_portrait_is_settled_by_seed_and_index():
    first = draw_portrait(_appearance())
    assert first.shape == facts.IMAGE_SHAPE
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, draw_portrait(_appearance()))
    assert (first != draw_portrait(_appearance(index=18))).mean() > 0.5


@pytest.mark.parametrize("gender", labels.GENDERS)
@pytest.mark.parametrize("color", labels.COLORS)
@pytest.mark.parametrize("kind", labels.TYPES)
def test_every_combination_of_classes_can_be_drawn(gender, color, kind):
    picture = draw_portrait(_appearance(4, gender, color, kind))
    assert picture.std() > 10


def test_hair_has_the_colour_of_its_class():
    # Without tint and noise of the camera, hair is about as bright as the
    # middle of the range of its class, and black is the darkest.
    brightness = {}
    for color in COLOR_RANGES:
        values = []
        for index in range(30):
            picture, regions = render(
                _appearance(index, "female", color, "straight")
            )
            values.append(picture[:, regions[1] > 0.99].mean())
        brightness[color] = np.mean(values)
        middle = np.mean(COLOR_RANGES[color])
        assert 0.7 * middle < brightness[color] < 1.5 * middle
    assert sorted(brightness, key=brightness.get)[:2] == ["black", "brown"]


def test_bald_heads_show_little_hair_and_others_much():
    bald = [
        hair_mask(_appearance(i, "male", "bald", "bald")).mean()
        for i in range(20)
    ]
    hairy = [
        hair_mask(_appearance(i, "male", "black", "straight")).mean()
        for i in range(20)
    ]
    assert max(bald) < 0.05
    assert np.mean(hairy) > 0.09


def test_waves_are_seen_in_the_outline_and_between_the_strands():
    straight = _appearance(5, kind="straight")
    hair = dataclasses.replace(straight.hair, wave=0.9)
    wavy = dataclasses.replace(straight, hair=hair)
    first, regions = render(straight)
    second, waved = render(wavy)
    assert (regions[1] != waved[1]).sum() > 50
    inside = (regions[1] > 0.99) & (waved[1] > 0.99)
    assert np.abs(first - second)[:, inside].mean() > 4


@pytest.mark.parametrize("index", range(12))
@pytest.mark.parametrize("gender", labels.GENDERS)
def test_a_counterfactual_changes_the_cues_and_nothing_else(index, gender):
    other_gender = labels.GENDERS[1 - labels.GENDERS.index(gender)]
    first = _appearance(index, gender, "blond", "wavy")
    other = first.with_cues_of(3, index, other_gender)
    assert other.cues != first.cues
    assert dataclasses.replace(other, cues=first.cues) == first
    picture, changed = draw_counterfactual(first, other)
    np.testing.assert_array_equal(picture, draw_portrait(first))
    mask = hair_mask(first)
    np.testing.assert_array_equal(mask, hair_mask(other))
    touched = (picture != changed).any(axis=2)
    assert not touched[mask > 0].any()
    _, regions = render(first)
    assert not touched[regions.sum(0) == 0].any()
    assert touched.sum() > 100


def test_the_cues_of_one_gender_shift_against_the_other():
    cues = {
        gender: [_appearance(index, gender).cues for index in range(200)]
        for gender in labels.GENDERS
    }
    for name in ("brow", "jaw", "lips", "lashes"):
        women, men = (
            np.array([getattr(cue, name) for cue in cues[gender]])
            for gender in labels.GENDERS
        )
        assert 1 < men.mean() - women.mean() < 2.6
        # They overlap: none of them tells alone.
        assert np.quantile(women, 0.95) > np.quantile(men, 0.05)
    assert sum(cue.beard != "none" for cue in cues["male"]) > 60
    assert sum(cue.beard != "none" for cue in cues["female"]) < 20


def test_a_near_duplicate_shows_the_person_before_it():
    first = _appearance(20)
    second = _appearance(21, source=20)
    assert (second.head, second.hair) == (first.head, first.hair)
    assert second.pose != first.pose
    assert second.camera != first.camera


def test_outliers_are_gray_empty_or_ruined():
    gray = draw_portrait(_appearance(fault="grayscale"))
    np.testing.assert_array_equal(
        draw_portrait(_appearance(6, fault="empty")).shape, facts.IMAGE_SHAPE
    )
    assert hair_mask(_appearance(6, fault="empty")).max() == 0
    spread = gray.max(2).astype(int) - gray.min(2)
    assert spread.max() <= 2  # a JPEG on the way may round
    for index in range(6):
        whole = draw_portrait(_appearance(index))
        ruined = draw_portrait(_appearance(index, fault="ruined"))
        assert (whole != ruined).mean() > 0.2


def test_png_files_hold_the_picture_exactly():
    picture = draw_portrait(_appearance())
    read = Image.open(io.BytesIO(encode_png(picture)))
    assert (read.mode, read.size) == ("RGB", (facts.WIDTH, facts.HEIGHT))
    np.testing.assert_array_equal(np.asarray(read), picture)
