import dataclasses

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import make_portraits
from tp_keras.audit import cues_page
from tp_keras.audit.cues import BORDER
from tp_keras.audit.cues import CORNERS
from tp_keras.audit.cues import auc_and_variance
from tp_keras.audit.cues import measure_cues
from tp_keras.audit.cues import region_masks
from tp_keras.audit.looks import STATISTICS
from tp_keras.audit.looks import measure_looks
from tp_keras.audit.portrait_set import PortraitSet
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import find_one


def measured(part):
    portraits = PortraitSet((part,))
    found = measure_cues(portraits=portraits, looks=measure_looks(portraits))
    return [Record(**fields) for fields in found.records], portraits


def framed(told):
    """Noise whose frame is lighter where the label says so, if it is told."""
    generator = np.random.default_rng(3)
    part = make_portraits(300, missing=0.1)
    images = generator.integers(256, size=part.images.shape, dtype=np.uint8)
    shown = part.labels["gender"] if told else generator.integers(2, size=300)
    light = 60 + 40 * shown + generator.integers(40, size=300)
    frame = np.ones(images.shape[1:3], bool)
    frame[14:-14, 12:-12] = False
    images[:, frame] = light[:, None, None]
    return measured(dataclasses.replace(part, images=images))


@pytest.fixture(scope="module")
def told():
    return framed(told=True)


@pytest.fixture(scope="module")
def silent():
    return framed(told=False)


def test_the_area_is_that_of_scikit_learn_with_ties():
    generator = np.random.default_rng(0)
    values = generator.integers(6, size=300).astype(float)
    positive = generator.random(300) < 0.3 + 0.05 * values
    value, _ = auc_and_variance(values, positive)
    assert value == pytest.approx(roc_auc_score(positive, values))


def test_the_variance_is_that_of_delong_by_hand():
    values = np.array([3.0, 2.0, 1.0, 2.0, 0.0])
    positive = np.array([True, True, False, False, False])
    # 3 is above all three; 2 is above two, and half above the other 2.
    value, variance = auc_and_variance(values, positive)
    assert value == pytest.approx((1 + 2.5 / 3) / 2)
    above = np.array([1, 2.5 / 3]).var(ddof=1) / 2
    below = np.array([1, 0.75, 1]).var(ddof=1) / 3
    assert variance == pytest.approx(above + below)


def test_the_interval_is_as_wide_as_areas_of_other_samples_scatter():
    generator = np.random.default_rng(1)
    found = []
    for _ in range(300):
        values = generator.normal(size=120)
        values[:40] += 0.8
        found.append(auc_and_variance(values, np.arange(120) < 40))
    areas, variances = np.transpose(found)
    assert np.sqrt(variances.mean()) == pytest.approx(areas.std(), rel=0.15)


def test_a_frame_that_tells_the_label_is_found(told):
    records, _ = told
    for cue in (BORDER, CORNERS, "border_brightness"):
        own = find_one(records, task="gender", variant=cue)
        assert own.class_name == "male" and own.low > 0.9
    other = find(records, task="hair_type", variant=BORDER)
    assert all(0.4 < record.value < 0.6 for record in other)


def test_a_frame_that_tells_nothing_is_not(silent):
    records, _ = silent
    own = find(records, task="gender")
    assert len(own) == len(STATISTICS) + 2
    assert all(abs(record.value - 0.5) < 0.12 for record in own if record.value)


def test_sentences_differ_as_the_data_do(told, silent):
    first, second = (
        cues_page.peculiarities(records, portraits.schema)
        for records, portraits in (told, silent)
    )
    texts = [one.text for one in first if "male (gender)" in one.text]
    assert any("alone tell" in text for text in texts)
    assert any("male (gender): AUC 0.9" in text for text in texts)
    assert any("goes with more" in text for text in texts)
    assert second == []
    section = cues_page.section(silent[0], {}, {}, silent[1])
    assert section.sentences[0].startswith("No cue beside the face")


def test_a_perfect_cue_still_has_an_interval():
    part = make_portraits(60, missing=0)
    images = part.images.copy()
    images[:] = np.where(part.labels["gender"] == 1, 200, 40).astype(np.uint8)[
        :, None, None, None
    ]
    records, _ = measured(dataclasses.replace(part, images=images))
    own = find_one(records, task="gender", variant="brightness")
    assert own.value == 1.0 and own.low < 0.95 and own.high == 1.0
    assert find_one(records, task="gender", variant="contrast").value is None


def test_every_kind_of_label_is_asked_and_few_rows_are_not():
    part = make_portraits(120, schema=EVERY_KIND)
    labels = part.labels | {"smile": np.full(120, -1, np.int32)}
    records, portraits = measured(dataclasses.replace(part, labels=labels))
    names = {(record.task, record.class_name) for record in records}
    assert ("signs: hat", "yes") in names and ("smile", None) in names
    assert len([name for task, name in names if task == "mood"]) == 4
    (age,) = {name for task, name in names if task == "age"}
    assert age.startswith("above ") and age.endswith(" years")
    assert find_one(records, task="smile").value is None
    section = cues_page.section(records, {}, {}, portraits)
    assert len(section.plots) == 1 and len(section.tables) == 1


def test_regions_lie_outside_and_corners_are_the_upper_ones():
    masks = region_masks((32, 25))
    assert not masks[BORDER][8:24, 6:19].any() and masks[BORDER][31].all()
    assert masks[CORNERS][:8, :5].all() and masks[CORNERS][:8, 20:].all()
    assert not masks[CORNERS][8:].any() and not masks[CORNERS][:, 5:20].any()
    assert all(mask.any() for mask in region_masks((2, 1)).values())
