import dataclasses

import numpy as np
import pytest

from tests.export.networks import make_classifier
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.config import AugmentConfig
from tp_keras.data.augment import augment
from tp_keras.debiasing import trunk_features
from tp_keras.debiasing.trunk_features import TrunkFeatures
from tp_keras.debiasing.trunk_features import count_passes


@pytest.fixture(scope="module")
def classifier():
    return make_classifier(SCHEMA, ["hair_color"])


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(trunk_features, "_BATCH", 8)
    monkeypatch.setattr(trunk_features, "_AUGMENTED_PORTRAITS", 40)


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [
        (4_600, 8_064, 18),  # 80,000 portraits.
        (107_818, 8_064, 1),  # The same.
        (20_000, 40_000, 2),  # 2 GB, and not four passes.
        (100, 8_064, 20),  # Never more.
        (1_000_000, 8_064, 1),  # Never fewer.
    ],
)
def test_how_many_passes_are_kept(monkeypatch, count, size, expected):
    monkeypatch.setattr(trunk_features, "_AUGMENTED_PORTRAITS", 80_000)
    assert count_passes(count, size) == expected


def test_features_are_the_backbones_of_augmented_portraits(classifier):
    portraits = make_portraits(20)
    config = AugmentConfig()
    found = TrunkFeatures.compute(classifier, portraits, config, seed=3).values
    shape = classifier.backbone.output_shape[1:]
    assert found.shape == (2, 20, *shape)
    assert found.dtype == np.float16
    # Each pass has its three batches, and each batch its own changes.
    for step, (number, begin) in enumerate(
        [(0, 0), (0, 8), (0, 16), (1, 0), (1, 8), (1, 16)]
    ):
        rows = np.arange(begin, min(begin + 8, 20))
        images = augment(portraits.images, (3, step), config, rows)
        expected = classifier.backbone(images, training=False)
        np.testing.assert_allclose(
            found[number, rows], expected, rtol=2e-3, atol=1e-3
        )
    assert np.abs(found[0] - found[1]).max() > 0.01
    # The seed decides.
    again, other = (
        TrunkFeatures.compute(classifier, portraits, config, seed).values
        for seed in (3, 4)
    )
    np.testing.assert_array_equal(found, again)
    assert np.abs(found - other).max() > 0.01


def test_hosts_compute_their_rows_of_the_same_features(classifier, monkeypatch):
    portraits = make_portraits(20)
    config = AugmentConfig()
    alone = TrunkFeatures.compute(classifier, portraits, config, seed=3).values
    told = []
    for own in (np.arange(0, 20, 2), np.arange(1, 20, 2)):
        monkeypatch.setattr(
            trunk_features,
            "fill_rows",
            lambda values, rows: told.append((rows, values[rows])) or values,
        )
        part = dataclasses.replace(portraits, own_rows=own)
        TrunkFeatures.compute(classifier, part, config, seed=3)
    for rows, values in told:
        np.testing.assert_allclose(
            values.swapaxes(0, 1), alone[:, rows], rtol=2e-3, atol=1e-3
        )
    assert sorted(np.concatenate([rows for rows, _ in told])) == [*range(20)]
