import numpy as np
import pytest
from scipy.special import expit

from tests.portrait_factory import SIGNS
from tests.portrait_factory import SMILE
from tp_keras.explain import evidence
from tp_keras.explain.regions import EVIDENCE
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import find_one

HEIGHT, WIDTH = 36, 28
WANTED = {"hat": (SIGNS, 0), "scarf": (SIGNS, 1), "smile yes": (SMILE, 1)}


def look(images):
    """A hat is bright above, a scarf bright below, a smile either."""
    x = images.astype(np.float64).mean(-1) / 255
    above, below = x[:, :8].mean((1, 2)), x[:, -8:].mean((1, 2))
    smile = expit(9 * above - 3 * below)
    return {
        "signs": expit(np.stack([8 * above - 2, 5 * below - 2], -1)),
        "smile": np.stack([1 - smile, smile], -1),
    }


def make_images(count=12):
    rng = np.random.default_rng(0)
    return rng.integers(0, 255, (count, HEIGHT, WIDTH, 3), np.uint8)


def test_evidence_lies_where_answers_come_from():
    found = evidence.patch_evidence(look, make_images(), WANTED)
    # Patches of four pixels: nine rows of seven.
    assert {name: x.shape for name, x in found.items()} == dict.fromkeys(
        WANTED, (12, 63)
    )
    rows = {name: x.reshape(12, 9, 7).sum(2) for name, x in found.items()}
    for own in rows.values():
        np.testing.assert_allclose(own.sum(1), 1.0)
    np.testing.assert_allclose(rows["hat"][:, :2].sum(1), 1.0)
    np.testing.assert_allclose(rows["scarf"][:, -2:].sum(1), 1.0)
    # Three quarters of a smile are above, as nine is to three.
    assert rows["smile yes"][:, :2].sum(1).mean() == pytest.approx(
        0.75, abs=0.1
    )


def test_nothing_that_changes_is_no_evidence():
    flat = np.full((2, HEIGHT, WIDTH, 3), 90, np.uint8)
    found = evidence.patch_evidence(look, flat, WANTED)
    assert all((values == 0).all() for values in found.values())


def test_a_rule_is_as_alike_as_its_attributes_together():
    found = evidence.patch_evidence(look, make_images(), WANTED)
    label = found.pop("smile yes")
    rules = {
        "hat": ["hat"],
        "scarf": ["scarf"],
        "hat or scarf": ["hat", "scarf"],
        "hat or crown": ["hat", "crown"],
    }
    records = [
        Record(task="smile", **own)
        for own in evidence.likeness(label, found, rules)
    ]
    values = {own.variant: own.value for own in records}
    for name, parts in rules.items():
        if name != "hat or crown":
            mean = sum(found[part].mean(0) for part in parts)
            expected = np.corrcoef(label.mean(0), mean)[0, 1]
            assert values[name] == pytest.approx(expected)
    assert values["hat"] > values["scarf"]
    # What no network tells has no place.
    assert values["hat or crown"] is None
    both = find_one(records, variant="hat or scarf")
    assert both.low < both.value < both.high and both.count == 12


def test_evidence_by_place_adds_up():
    images = make_images()
    found = evidence.patch_evidence(look, images, WANTED)["hat"]
    records = [
        Record(task="smile", **own)
        for own in evidence.evidence_by_place(found, images[0])
    ]
    shares = {r.class_name: r.value for r in find(records, metric=EVIDENCE)}
    assert len(shares) == 9
    assert sum(shares.values()) == pytest.approx(1.0)
    top = sum(value for name, value in shares.items() if "top" in name)
    assert top == pytest.approx(1.0)
