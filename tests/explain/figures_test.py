"""Figures of maps: shares by region, hidden regions, deletion, insertion."""

import numpy as np
import pytest

from tests.explain.small_classifier import BANDS
from tests.explain.small_classifier import SCHEMA
from tests.explain.small_classifier import make_pictures
from tests.explain.small_classifier import regions as bands
from tp_keras.explain.faithfulness import CENTRE
from tp_keras.explain.faithfulness import RANDOM
from tp_keras.explain.faithfulness import areas_under_curves
from tp_keras.explain.faithfulness import control_maps
from tp_keras.explain.faithfulness import faithfulness_figures
from tp_keras.explain.regions import Regions
from tp_keras.explain.regions import changed_answers
from tp_keras.explain.regions import evidence_shares
from tp_keras.explain.regions import fit
from tp_keras.explain.regions import places
from tp_keras.explain.regions import region_figures

AGE = SCHEMA.task("age")


def generator():
    return np.random.default_rng(0)


def test_shares_of_evidence_count_for_and_against_alike():
    heats = np.zeros((3, 2, 2))
    heats[0] = [[3, -1], [0, 0]]
    heats[1] = [[1, 1], [1, 1]]
    plane = np.float32([[[1, 0], [0, 0.5]]])
    found = evidence_shares(heats, plane)
    np.testing.assert_allclose(found[:2], [0.75, 0.375])
    assert np.isnan(found[2])
    shares = {"part": plane, "rest": 1 - plane}
    figures = {
        (one["metric"], one["class_name"]): one
        for one in region_figures(heats, Regions(shares, ""), generator())
    }
    part = figures["evidence_share", "part"]
    assert part["value"] == pytest.approx(0.5625) and part["count"] == 2
    assert (part["low"], part["high"]) == pytest.approx((0.375, 0.75))
    assert figures["evidence_share", "rest"]["value"] == pytest.approx(0.4375)
    assert figures["area_share", "part"]["value"] == pytest.approx(0.375)


def test_nine_places_cover_a_picture():
    found = places((32, 24)).shares
    assert len(found) == 9
    total = sum(found.values())
    np.testing.assert_array_equal(total, np.ones((1, 32, 24)))
    assert found["top left"][0, 0, 0] == found["bottom right"][0, 31, 23] == 1


def test_regions_are_moved_to_where_the_faces_are():
    rng = np.random.default_rng(0)
    y, x = np.indices((60, 48))

    def face(dy):
        bell = np.exp(-(((y - 30 - dy) / 9) ** 2 + ((x - 24) / 7) ** 2))
        mouth = np.exp(-(((y - 38 - dy) / 3) ** 2 + ((x - 24) / 4) ** 2))
        noise = rng.normal(0, 0.2, (60, 48))
        return np.repeat(
            (200 * bell - 90 * mouth + noise + 20)[..., None], 3, 2
        )

    plane = np.float32(y < 24)[None]
    moved, correlation = fit(
        {"above": plane, "below": 1 - plane}, face(0), face(-6)
    )
    assert correlation > 0.99
    edge = np.flatnonzero(moved["above"][0, :, 24] > 0.5).max() + 1
    assert edge == pytest.approx(18, abs=1)
    np.testing.assert_allclose(moved["above"] + moved["below"], 1, atol=1e-6)


def look(images):
    """Answers that are the brightness of each band."""
    x = images.astype(np.float64).mean(-1) / 255
    age, mood, signs, smile = (
        x[:, band].mean((1, 2)) for band in BANDS.values()
    )
    yes = np.clip(2 * smile - 0.5, 0.01, 0.99)
    return {
        "age": 100 * age,
        "mood": np.stack([1 - mood, 0 * mood, mood], -1),
        "signs": np.stack([signs, 1 - signs], -1),
        "smile": np.stack([1 - yes, yes], -1),
    }


def test_hiding_a_region_changes_what_rests_on_it():
    images = make_pictures(40)
    images[:20, 24:] //= 3  # Half of them don't smile.
    answers = look(images)
    columns = {"signs": np.zeros(40, int)}
    shares, _ = bands("", range(40))
    fill = np.full((32, 24, 3), 250.0)
    found = {
        (task.name, fields["class_name"]): fields
        for task, fields in changed_answers(
            look,
            images,
            SCHEMA.tasks,
            answers,
            columns,
            Regions(shares, ""),
            fill,
        )
    }
    for task in SCHEMA.task_names:
        for band in SCHEMA.task_names:
            if band != task:
                assert found[task, f"band of {band}"]["value"] == 0
    assert found["age", "band of age"]["value"] == 1
    dark = (answers["smile"].argmax(1) == 0).mean()
    assert found["smile", "band of smile"]["value"] == pytest.approx(dark)
    assert found["smile", "band of smile"]["count"] == 40


def test_deletion_and_insertion_by_hand():
    image = np.zeros((1, 2, 2, 3), np.uint8)
    image[0, 0, 0] = 200

    def bright(images):
        return {"age": images[..., 0].sum((1, 2)).astype(float)}

    def area(heat, insert):
        heats = np.float32([heat])
        return areas_under_curves(bright, image, AGE, [0], heats, 0, insert)[0]

    first, last = [[9, 0], [0, 0]], [[-9, 0], [0, 0]]
    # In ten steps: the pixel is the first of four to go, after one step.
    assert area(first, False) == pytest.approx(200 * 0.5 / 10)
    assert area(first, True) == pytest.approx(200 * 9.5 / 10)
    assert area(last, False) == pytest.approx(200 * 7.5 / 10)
    assert area(last, True) == pytest.approx(200 * 2.5 / 10)


def test_a_right_map_beats_those_that_know_nothing():
    images = make_pictures(30)
    right = np.zeros((30, 32, 24), np.float32)
    right[:, BANDS["age"]] = images[:, BANDS["age"]].mean(-1)
    heats = {"right": right, "wrong": -right}
    figures = list(
        faithfulness_figures(
            look, images, AGE, np.zeros(30, int), heats, 0, generator()
        )
    )
    assert {(f["variant"], f["class_name"]) for f in figures} == {
        (method, control) for method in heats for control in (RANDOM, CENTRE)
    }
    for one in figures:
        if one["variant"] == "right":
            assert one["low"] > 0
        else:
            assert one["high"] < 0
    assert {f["metric"] for f in figures} == {"deletion", "insertion"}


def test_controls_know_nothing_of_the_portrait():
    maps = control_maps(5, (32, 24), generator())
    assert all(x.shape == (5, 32, 24) for x in maps.values())
    assert np.ptp(maps[CENTRE], axis=0).max() == 0
    assert maps[CENTRE][0].argmax() in (15 * 24 + 11, 15 * 24 + 12)
    assert np.ptp(maps[RANDOM], axis=0).max() > 0.1
