import dataclasses

import numpy as np
import pytest

from ...building.drawing.portrait import render
from . import people
from .people import Person
from .shots import draw_shot

PERSON = dataclasses.replace(
    Person.draw(0, 0),
    **{"age_group": "youth", "years": 25.0, "race": "white"},
    **{"hair_color": "brown", "attributes": frozenset({"straight_hair"})},
)


def draw_shots(count=30, *added, **shown):
    attributes = PERSON.attributes | {*added}
    person = dataclasses.replace(PERSON, **{"attributes": attributes} | shown)
    return [
        draw_shot(dataclasses.replace(person, source=index), 0, index)
        for index in range(count)
    ]


def pairs(name, **shown):
    """The same pictures with an attribute and without."""
    with_, without = draw_shots(30, name, **shown), draw_shots(30, **shown)
    return [*zip(with_, without, strict=True)]


@pytest.mark.parametrize(
    ("name", "top", "bottom", "side"),
    [
        ("wearing_glasses", -0.6, 0.3, 1.25),
        ("wearing_sunglasses", -0.6, 0.3, 1.25),
        ("wearing_lipstick", 0.5, 1.2, 0.6),
        ("smiling", -0.8, 1.3, 1.0),
    ],
)
def test_an_attribute_changes_its_place_of_the_face_alone(
    name, top, bottom, side
):
    for with_, without in pairs(name):
        assert with_.appearance.pose == without.appearance.pose
        first, _ = render(with_.appearance)
        second, _ = render(without.appearance)
        changed = np.abs(first - second).max(0) > 12
        assert changed.sum() > 5
        x, y = with_.appearance.pose.face_points(np.flatnonzero(changed))
        assert top < y.min() and y.max() < bottom and np.abs(x).max() < side


def test_sunglasses_hide_the_eyes_and_glasses_do_not():
    def darkness(name):
        values = []
        for with_, _ in pairs(name):
            picture, _ = render(with_.appearance)
            pose = with_.appearance.pose
            x, y = pose.face_points(np.arange(80 * 80))
            lens = (np.abs(np.abs(x) - 0.46) < 0.2) & (np.abs(y + 0.2) < 0.12)
            values.append(picture.reshape(3, -1)[:, lens].mean())
        return np.mean(values)

    assert darkness("wearing_sunglasses") < 0.7 * darkness("wearing_glasses")


def test_a_hat_lies_on_the_hair():
    for with_, without in pairs("wearing_hat"):
        assert without.appearance.outfit.hat == "none"
        _, (_, hair, cloth) = render(with_.appearance)
        _, (_, bare_hair, bare_cloth) = render(without.appearance)
        assert hair.sum() < bare_hair.sum()
        assert cloth.sum() > bare_cloth.sum() + 100


def test_partial_faces_are_cut_off_by_the_edge_and_others_are_not():
    left = []
    for with_, without in pairs("partial_faces"):
        pose = with_.appearance.pose
        ends = pose.x - pose.unit, pose.x + pose.unit
        assert ends[0] < 0 < ends[1] or ends[0] < 80 < ends[1]
        assert abs(without.appearance.pose.x - 40) < 7
        first, second = (
            render(shot.appearance)[1][0].sum() for shot in (with_, without)
        )
        left.append(first / second)
    assert max(left) < 0.97 and np.mean(left) < 0.8


def test_dim_pictures_are_darker_and_harsh_ones_have_more_contrast():
    dim = [(a.take().mean(), b.take().mean()) for a, b in pairs("dim_lighting")]
    assert all(first < 0.6 * second for first, second in dim)
    contrast = []
    for harsh, plain in pairs("harsh_lighting"):
        _, (skin, _, _) = render(plain.appearance)
        spreads = [
            shot.take().mean(-1)[skin > 0.99].std() for shot in (harsh, plain)
        ]
        contrast.append(spreads[0] / spreads[1])
    assert np.median(contrast) > 1.3


def test_hair_has_the_colour_and_the_waves_of_its_class():
    def hue(color):
        colors = []
        for shot in draw_shots(30, hair_color=color):
            picture, (_, hair, _) = render(shot.appearance)
            colors.append(picture[:, hair > 0.99].mean(1))
        return np.mean(colors, axis=0)

    red, brown, blond, black = map(hue, ("red", "brown", "blond", "black"))
    assert red[0] / red[1] > 1.25 * brown[0] / brown[1]
    assert blond.mean() > 1.5 * brown.mean() > 1.5 * black.mean()
    curly = {"attributes": frozenset({"curly_hair"})}
    waves = [s.appearance.hair.wave for s in draw_shots(30, **curly)]
    plain = [s.appearance.hair.wave for s in draw_shots(30)]
    assert min(waves) > max(plain)


def test_a_face_has_the_shape_of_its_class():
    def ratio(shape):
        heads = [s.appearance.head for s in draw_shots(40, face_shape=shape)]
        return np.array([head.width / head.height for head in heads])

    oval, round_ = ratio("oval"), ratio("round")
    assert round_.mean() - oval.mean() > 3 * round_.std() / 2
    chins = [
        np.mean(
            [s.appearance.head.chin for s in draw_shots(40, face_shape=shape)]
        )
        for shape in people.FACE_SHAPES
    ]
    assert max(chins) == chins[[*people.FACE_SHAPES].index("heart")]


def test_age_is_seen_in_eyes_and_wrinkles():
    def mean(cue, group):
        years = np.mean(people.YEARS[group])
        shots = draw_shots(40, age_group=group, years=years)
        return np.mean([cue(shot.appearance) for shot in shots])

    groups = [*people.AGES]
    eyes = [mean(lambda a: a.head.eye_size, group) for group in groups[:4]]
    assert sorted(eyes, reverse=True) == eyes and eyes[0] > 1.2 * eyes[3]
    lines = [mean(lambda a: a.head.wrinkles, group) for group in groups[3:]]
    assert sorted(lines) == lines and lines[2] > 0.4


def test_a_second_picture_has_another_camera_and_may_be_mirrored():
    person = dataclasses.replace(PERSON, source=4)
    first, second = draw_shot(person, 0, 4), draw_shot(person, 0, 5)
    assert first == draw_shot(person, 0, 4) and not first.is_mirrored
    assert second.appearance.camera != first.appearance.camera
    assert second.appearance == dataclasses.replace(
        first.appearance, camera=second.appearance.camera
    )
    mirrored = dataclasses.replace(second, is_mirrored=True)
    plain = dataclasses.replace(second, is_mirrored=False)
    np.testing.assert_array_equal(mirrored.take(), plain.take()[:, ::-1])
    shots = [
        draw_shot(dataclasses.replace(PERSON, source=index - 1), 0, index)
        for index in range(1, 101)
    ]
    assert 30 < sum(shot.is_mirrored for shot in shots) < 70
