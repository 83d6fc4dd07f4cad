import numpy as np
import pytest

from tests.audit.picture_sets import set_of
from tests.made_runs import make_run
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.audit.components import Components
from tp_keras.audit.embedding import embed
from tp_keras.audit.looks import measure_looks
from tp_keras.audit.portrait_set import PortraitSet
from tp_keras.errors import UserError


def test_points_are_whitened_and_errors_are_what_they_leave():
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(3000, 3)) * [30, 10, 3]
    directions = np.linalg.qr(rng.normal(size=(400, 400)))[0][:, :3]
    rows = latent @ directions.T + 100
    odd = rows.copy()
    odd[7] += np.linalg.qr(np.c_[directions, np.ones(400)])[0][:, -1] * 400
    found = Components(odd[np.arange(len(odd)) != 7])
    assert found.points.shape == (2999, 3)
    np.testing.assert_allclose(np.cov(found.points.T), np.eye(3), atol=0.05)
    assert found.errors.max() < 0.05
    # An odd row among many that the components are not found from.
    many = np.concatenate([rows, rows, rows, odd[7:8]])
    errors = Components(many).errors
    assert errors.argmax() == 9000
    assert errors[-1] == pytest.approx(400 / np.sqrt(400), rel=0.05)


def test_many_directions_of_uneven_size_are_found():
    """As those of thumbnails, of which the first holds a third."""
    rng = np.random.default_rng(0)
    sizes = 2000 / np.arange(1, 301) ** 1.2
    rows = rng.normal(size=(2048, 300)) * sizes
    rows = (rows @ np.linalg.qr(rng.normal(size=(300, 300)))[0]).astype("f4")
    found = Components(rows)
    points = found.points - found.points.mean(0)
    assert points.shape == (2048, 64)
    np.testing.assert_allclose(points.T @ points / 2047, np.eye(64), atol=0.02)
    left = np.linalg.svd(rows - rows.mean(0), compute_uv=False)[64:]
    best = np.sqrt(np.square(left).sum() / rows.size)
    error = np.sqrt(np.square(found.errors).mean())
    assert best <= error * 1.001 and error < best * 1.03


@pytest.mark.parametrize("count", [1, 2, 5])
def test_equal_portraits_lie_in_one_point(count):
    portraits = set_of(np.full((count, 40, 40, 3), 90))
    points = embed(portraits, measure_looks(portraits))
    np.testing.assert_array_equal(points, np.zeros((count, 1)))


def test_points_of_a_run_are_its_features(tmp_path):
    """Two portraits of the same pixels are one point, in any split."""
    parts = [make_portraits(30, split=name) for name in ("train", "test")]
    parts.append(make_portraits(30, seed=1, split="validation"))
    portraits = PortraitSet(tuple(parts))
    looks = measure_looks(portraits)
    run = make_run(tmp_path / "run", SCHEMA)
    points = embed(portraits, looks, run.path)
    assert len(points) == 90 and 2 <= points.shape[1] <= 16
    np.testing.assert_allclose(points[:30], points[30:60], atol=1e-3)
    np.testing.assert_allclose(points.var(0), 1, rtol=0.05)
    # Neither those of another network nor those of the pixels.
    other = embed(portraits, looks, make_run(tmp_path / "b", seed=1).path)
    pixels = embed(portraits, looks)
    assert len({found.shape[1] for found in (points, other, pixels)}) > 1


def test_a_run_for_another_size_is_refused(tmp_path):
    run = make_run(tmp_path / "run", EVERY_KIND)
    portraits = PortraitSet((make_portraits(4),))
    with pytest.raises(UserError, match=r"Expected portraits of \(64, 48, 3\)"):
        embed(portraits, measure_looks(portraits), run.path)
