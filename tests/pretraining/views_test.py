import numpy as np

from tests.portrait_factory import make_portraits
from tp_keras.config import AugmentConfig
from tp_keras.pretraining.config import ViewConfig
from tp_keras.pretraining.views import ViewBatches
from tp_keras.pretraining.views import local_shape
from tp_keras.pretraining.views import make_views
from tp_keras.tuning.safe_augmentations import NOTHING
from tp_keras.tuning.safe_augmentations import augmentation

ROWS = np.arange(6)


def test_views_are_of_their_portrait_and_differ():
    images = make_portraits(8).images
    whole, parts = make_views(
        images, (0, 3), AugmentConfig(), ViewConfig(), ROWS
    )
    assert whole.shape == (6, 2, 108, 84, 3) and whole.dtype == np.uint8
    assert parts.shape == (6, 2, 54, 42, 3) and parts.dtype == np.uint8
    for views in (whole, parts):
        assert (views[:, 0] != views[:, 1]).any((1, 2, 3)).all()
    again = make_views(images, (0, 3), AugmentConfig(), ViewConfig(), ROWS)
    later = make_views(images, (0, 4), AugmentConfig(), ViewConfig(), ROWS)
    np.testing.assert_array_equal(again[0], whole)
    np.testing.assert_array_equal(again[1], parts)
    assert (later[0] != whole).any() and (later[1] != parts).any()


def test_parts_are_closer_and_whole_views_are_not():
    # A plane of columns: the closer, the fewer there are of them.
    slope = np.broadcast_to(
        np.arange(84, dtype=np.uint8)[:, None], (108, 84, 3)
    )
    images = np.ascontiguousarray(np.stack([slope] * 40))
    whole, parts = make_views(
        images,
        (0, 0),
        augmentation(NOTHING),
        ViewConfig(local_shift=0.0),
        np.arange(40),
    )
    np.testing.assert_array_equal(whole[:, 0], images)
    spans = np.ptp(parts.reshape(80, -1), axis=1)
    assert spans.min() >= 40 and spans.max() <= 83
    assert spans.min() < 50 and spans.max() > 75


def test_batches_hold_views_alone():
    portraits = make_portraits(16)
    batches = ViewBatches(
        portraits, {}, batch_size=8, view_config=ViewConfig(local_views=3)
    )
    assert batches.steps_per_epoch == 2
    first, second = (
        views for (views,) in batches.dataset().take(2).as_numpy_iterator()
    )
    assert {name: view.shape for name, view in first.items()} == {
        "global": (8, 2, 108, 84, 3),
        "local": (8, 3, 54, 42, 3),
    }
    assert (first["global"] != second["global"]).any()
    # Whoever begins at the second epoch sees what would have come then.
    third = list(batches.dataset().take(3).as_numpy_iterator())[2][0]
    (resumed,) = next(iter(batches.dataset(1).as_numpy_iterator()))
    np.testing.assert_array_equal(resumed["local"], third["local"])


def test_the_size_of_parts():
    assert local_shape((64, 48, 3), ViewConfig(local_size=0.25)) == (16, 12, 3)
