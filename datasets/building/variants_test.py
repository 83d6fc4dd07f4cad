import pytest

from .errors import DatasetInputError
from .variants import Variants

COUNTS = {"synthetic": 100, "synthetic_tiny": 10}
ONE_SIZE = Variants("archives", COUNTS, 1000, ((108, 84),))
SIZES = Variants("", COUNTS, 1000, ((108, 84), (80, 80)), largest=200)


@pytest.mark.parametrize(
    ("variants", "name", "flags"),
    [
        (ONE_SIZE, "synthetic", {}),
        (ONE_SIZE, "synthetic", {"count": 100, "seed": 0}),
        (ONE_SIZE, "synthetic_tiny", {"count": 10}),
        (ONE_SIZE, "synthetic_500", {"count": 500}),
        (ONE_SIZE, "synthetic_10_seed7", {"count": 10, "seed": 7}),
        (ONE_SIZE, "archives", {"has_files": True}),
        (SIZES, "synthetic_tiny", {"count": 10, "image_size": "108x84"}),
        (SIZES, "synthetic_80x80", {"image_size": "80x80"}),
        (SIZES, "synthetic_5_seed7_9x200",
         {"count": 5, "seed": 7, "image_size": "9x200"}),
        (SIZES, "108x84", {"has_files": True}),
        (SIZES, "128x96", {"has_files": True, "image_size": "128x96"}),
    ],
)  # fmt: skip
def test_flags_and_the_name_they_lead_to_are_the_same(variants, name, flags):
    config = variants.find(**flags)
    assert config.name == name
    assert config.is_synthetic == ("has_files" not in flags)
    assert vars(variants.find(name)) == vars(config)


def test_some_variants_are_listed():
    names = [config.name for config in SIZES.list()]
    assert names == ["synthetic", "synthetic_tiny", "108x84", "80x80"]


@pytest.mark.parametrize(
    ("variants", "arguments", "message"),
    [
        (ONE_SIZE, {"count": 0}, "between 1 and 1,000. Received: count=0"),
        (ONE_SIZE, {"name": "synthetic_1001"}, "between 1 and 1,000"),
        (ONE_SIZE, {"seed": -1}, "A seed is not negative. Received: seed=-1"),
        (ONE_SIZE, {"image_size": "80x80"}, "Expected no --image_size"),
        (ONE_SIZE, {"name": "synthetic", "seed": 1}, "without --seed"),
        (ONE_SIZE, {"has_files": True, "seed": 1}, "without --manual_dir"),
        (ONE_SIZE, {"name": "archives_seed3"}, "Received: archives_seed3"),
        (ONE_SIZE, {"name": "other"}, "out of synthetic, synthetic_tiny, arch"),
        (ONE_SIZE, {"name": "synthetic_80x80"}, "Received: synthetic_80x80"),
        (ONE_SIZE, {"name": "synthetic_10"}, "Expected synthetic_tiny, as"),
        (SIZES, {"name": "synthetic_108x84"}, "Expected synthetic, as"),
        (SIZES, {"image_size": "80"}, "as in --image_size 108x84"),
        (SIZES, {"image_size": "80x201"}, "at most 200x200 pixels"),
        (SIZES, {"name": "seed7_80x80"}, "Received: seed7_80x80"),
    ],
)
def test_what_is_no_variant_is_refused(variants, arguments, message):
    with pytest.raises(DatasetInputError, match=message):
        variants.find(**arguments)
