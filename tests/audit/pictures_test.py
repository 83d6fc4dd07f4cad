import dataclasses
import re

import numpy as np
import pytest

from tests.browser import see
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import make_portraits
from tp_keras.audit import pictures
from tp_keras.audit import pictures_page
from tp_keras.audit.embedding import embed
from tp_keras.audit.label_columns import label_columns
from tp_keras.audit.looks import measure_looks
from tp_keras.audit.portrait_set import PortraitSet
from tp_keras.records.page import make_page
from tp_keras.records.page_parts import Report
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import find_one


def measured(part):
    portraits = PortraitSet((part,))
    looks = measure_looks(portraits)
    found = pictures.measure_pictures(
        portraits=portraits, looks=looks, embedding=embed(portraits, looks)
    )
    return [Record(**fields) for fields in found.records], found, portraits


@pytest.fixture(scope="module")
def every_kind():
    return measured(make_portraits(120, schema=EVERY_KIND))


def test_a_mean_face_is_the_mean_of_its_class_and_group(every_kind):
    _, found, portraits = every_kind
    names = [c.name for c in label_columns(EVERY_KIND, portraits.labels)]
    place = names.index("smile")
    faces = found.drawn[f"mean_faces_{place}"]
    assert faces.shape == (2, 4, 64, 48, 3)
    rows = (portraits.labels["smile"] == 1) & (portraits.groups == 2)
    expected = np.rint(portraits.images(np.flatnonzero(rows)).mean(0))
    np.testing.assert_array_equal(faces[1, 3], expected)
    assert found.drawn[f"mean_counts_{place}"][1, 3] == rows.sum()
    # The groups of the task that makes them are its classes.
    place = names.index("origin")
    assert found.drawn[f"mean_faces_{place}"].shape[1] == 1


def test_colours_are_counted_by_hand():
    part = make_portraits(60, missing=0)
    images = np.zeros_like(part.images)
    images[..., 0] = 200
    images[part.labels["gender"] == 1, ..., 2] = 40
    found = measured(dataclasses.replace(part, images=images))
    records, one, _ = found
    shares = one.drawn["colors_0"]
    assert shares[0, 0, 200 // 8] == shares[1, 2, 40 // 8] == 1
    assert shares[0, 2, 0] == 1 and np.allclose(shares.sum(-1), 1)
    own = find(records, task="gender", class_name="male")
    values = {record.variant: record.value for record in own}
    assert values == {"red": 200, "green": 0, "blue": 40}


def test_who_looks_alike_is_told_beside_chance(every_kind):
    records, _, portraits = every_kind
    smile = portraits.labels["smile"]
    shares = np.bincount(smile[smile >= 0]) / (smile >= 0).sum()
    own = find_one(records, task="smile", metric="nearest_same_class")
    assert own.null == pytest.approx(np.square(shares).sum())
    assert own.count == (smile >= 0).sum()
    generator = np.random.default_rng(0)
    part = make_portraits(120, schema=EVERY_KIND)
    noise = generator.integers(256, size=part.images.shape, dtype=np.uint8)
    blurred, _, _ = measured(dataclasses.replace(part, images=noise))
    other = find_one(blurred, task="smile", metric="nearest_same_class")
    assert own.low > other.high


def test_every_dot_opens_its_card_without_a_script(every_kind, tmp_path):
    records, found, portraits = every_kind
    section = pictures_page.section(records, {}, found.drawn, portraits)
    text = section.text
    assert "<script" not in text and "http" not in text
    targets = re.findall(r'href="#(p\d+)"', text)
    cards = re.findall(r'class="card" id="(p\d+)"', text)
    assert len(cards) == 120 and targets == cards * 2
    index = portraits.indices[found.drawn["map_rows"][7]]
    assert f"train, index {index}<br>" in text
    columns = label_columns(EVERY_KIND, portraits.labels)
    expected = " ".join(
        f"c{place}-{column.values[found.drawn['map_rows'][7]]}"
        for place, column in enumerate(columns)
        if column.values[found.drawn["map_rows"][7]] >= 0
    )
    assert re.findall(r'#p7"[^>]*><circle class="([^"]*)"', text) == (
        [expected] * 2
    )
    report = Report("Audit", [dataclasses.replace(section, plots=())], False)
    page = tmp_path / "page.html"
    page.write_text(make_page(report, "", tmp_path))
    seen = see(
        page,
        tmp_path,
        script="""(() => {
          const style = (query) =>
            page.getComputedStyle(document.querySelector(query));
          const dot = () => style("svg.m0 circle").fill;
          const before = [dot(), style("#p7").display, style(".m1").display];
          document.getElementById("map-label-2").click();
          document.getElementById("map-kind-1").click();
          page.location.hash = "#p7";
          return {before, after: [dot(), style("#p7").display,
            style(".m1").display],
            width: document.documentElement.scrollWidth,
            radio: style(".map input").opacity};
        })()""",
    )
    assert seen["before"][1:] == ["none", "none"]
    assert seen["after"][1:] == ["block", "block"]
    assert seen["before"][0] != seen["after"][0]
    assert seen["width"] <= 400


def test_the_map_is_the_same_again(every_kind):
    _, found, portraits = every_kind
    _, again, _ = measured(portraits.parts[0])
    for name in ("map_rows", "map_pca", "map_tsne"):
        np.testing.assert_array_equal(found.drawn[name], again.drawn[name])
    assert found.drawn["map_tsne"].min() >= 0
    assert found.drawn["map_tsne"].max() <= 1


@pytest.mark.parametrize("count", [1, 5, 9])
def test_few_or_equal_portraits_break_nothing(count):
    part = make_portraits(count, missing=0.5)
    part = dataclasses.replace(part, images=np.full_like(part.images, 7))
    records, found, portraits = measured(part)
    section = pictures_page.section(records, {}, found.drawn, portraits)
    assert ("map-label" in section.text) == (count >= 8)
    assert section.plots
