import numpy as np
import pytest

from tp_keras.errors import UserError
from tp_keras.generator.evaluation.density_coverage import density_coverage
from tp_keras.generator.evaluation.distributions import DistributionSettings
from tp_keras.generator.evaluation.distributions import _choose
from tp_keras.generator.evaluation.distributions import measure_distributions
from tp_keras.generator.evaluation.frechet_distance import frechet_distance
from tp_keras.generator.evaluation.kernel_distance import kernel_distance
from tp_keras.generator.evaluation.sliced_wasserstein import SlicedWasserstein
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import find_one

SETTINGS = DistributionSettings(num_draws=20, subset_size=30, num_subsets=4)


class Corners:
    """A space of features: some pixels."""

    name = "corners"

    def features(self, images):
        return images[:, :2, :2, 0].reshape(len(images), -1) / 64.0


def noise(count, seed, level=0):
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 120, (count, 40, 32, 3))
    return (images + level).astype(np.uint8)


def make_candidates():
    return {
        "real": noise(80, 1),
        "generated": noise(120, 2, level=20),
        "eigenfaces": noise(100, 3, level=40),
    }


@pytest.fixture(scope="module")
def records():
    fields = measure_distributions(
        noise(90, 0), make_candidates(), [Corners()], SETTINGS, progress=False
    )
    return [Record(seed=0, split="test", **one) for one in fields]


def test_measures_each_candidate_in_each_space(records):
    spaces = {"corners", "40x32", "20x16", "10x8"}
    seen = {tuple(record.variant.split()) for record in records}
    assert seen == {
        (name, space) for name in make_candidates() for space in spaces
    }
    by_metric = {
        metric: len(find(records, metric=metric))
        for metric in {record.metric for record in records}
    }
    assert by_metric == {
        "kernel_distance": 3,
        "kernel_distance_subset_mean": 3,
        "kernel_distance_subset_sd": 3,
        "normalized_kernel_distance": 3,
        "frechet_distance": 3,
        "normalized_frechet_distance": 3,
        "density": 3,
        "coverage": 3,
        "sliced_wasserstein": 9,
        "normalized_sliced_wasserstein": 9,
    }


def test_figures_are_those_of_the_functions(records):
    space, candidates = Corners(), make_candidates()
    features = {
        name: space.features(images) for name, images in candidates.items()
    }
    reference = space.features(noise(90, 0))
    for metric, function in (
        ("kernel_distance", kernel_distance),
        ("frechet_distance", frechet_distance),
    ):
        values = {
            name: function(rows, reference, 20).value
            for name, rows in features.items()
        }
        record = find_one(records, metric=metric, variant="generated corners")
        assert record.value == pytest.approx(values["generated"])
        assert record.low < record.value < record.high
        assert record.count == 120
        score = find_one(
            records, metric=f"normalized_{metric}", variant="generated corners"
        )
        assert score.value == pytest.approx(
            (values["generated"] - values["real"])
            / (values["eigenfaces"] - values["real"])
        )
        assert 0 < score.low < score.value < score.high < 1


def test_what_depends_on_the_number_of_rows_uses_as_many(records):
    for metric in ("density", "coverage", "sliced_wasserstein"):
        assert {one.count for one in find(records, metric=metric)} == {80}
    reference = noise(90, 0)
    chosen = make_candidates()["generated"][_choose(120, 80, 0)]
    assert len(np.unique(_choose(120, 80, 0))) == 80
    space = Corners()
    density, _ = density_coverage(
        space.features(chosen), space.features(reference), num_draws=20
    )
    level = SlicedWasserstein(reference, num_draws=20)(chosen)[0]
    for metric, space_name, expected in (
        ("density", "corners", density),
        ("sliced_wasserstein", "40x32", level),
    ):
        record = find_one(
            records, metric=metric, variant=f"generated {space_name}"
        )
        assert record.value == pytest.approx(expected.value)


def test_the_ends_of_the_scale(records):
    for name, value in (("real", 0), ("eigenfaces", 1)):
        scores = [
            record.value
            for record in records
            if record.metric.startswith("normalized_")
            and record.variant.startswith(name)
            and record.value is not None
        ]
        assert scores and scores == pytest.approx([value] * len(scores))


def test_no_score_without_a_scale():
    candidates = make_candidates() | {"eigenfaces": noise(100, 3)}
    found = list(
        measure_distributions(
            noise(90, 0), candidates, [Corners()], SETTINGS, progress=False
        )
    )
    scores = [
        fields["value"]
        for fields in found
        if fields["metric"] == "normalized_kernel_distance"
    ]
    assert scores == [None, None, None]
    assert [Record(**fields) for fields in found]


def test_refuses_what_has_no_ends_or_no_rows():
    candidates = make_candidates()
    del candidates["real"]
    with pytest.raises(UserError, match="Received: candidates 'generated'"):
        next(measure_distributions(noise(90, 0), candidates, []))
    candidates = make_candidates() | {"real": noise(19, 1)}
    with pytest.raises(UserError, match="Received: {'real': 19}"):
        next(measure_distributions(noise(90, 0), candidates, []))


def test_refuses_settings_that_measure_nothing():
    with pytest.raises(UserError, match="Received: num_draws=1"):
        DistributionSettings(num_draws=1)
