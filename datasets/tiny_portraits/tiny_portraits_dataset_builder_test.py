import pathlib
import pickle

import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from tests import builders

from ..building.build_record import BuildRecord
from ..building.errors import DatasetInputError
from ..building.prepare import prepare
from . import facts
from . import testing
from . import tiny_portraits_dataset_builder


class TinyPortraitsTest(builders.BuilderTestCase):
    DATASET_CLASS = tiny_portraits_dataset_builder.Builder
    BUILDER_CONFIG_NAMES_TO_TEST = ["archives"]
    SPLITS = testing.SPLIT_COUNTS

    @classmethod
    def write_files(cls, folder):
        testing.write_pack(folder)


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    return prepare("tiny_portraits", folder, count=60, seed=5)


def test_metadata_tell_what_features_can_not(synthetic):
    builder = tfds.builder_from_directory(synthetic.data_dir)
    expected = {
        "protected": "gender",
        "guarded": ["hair_color", "hair_type"],
        "conditions": ["gender", "hair_color", "hair_type"],
        "shows_people": False,
    }
    assert dict(builder.info.metadata) == expected
    archives = tiny_portraits_dataset_builder.Builder(
        data_dir=synthetic.data_dir_root, config="archives"
    )
    assert archives.info.metadata["shows_people"] is True


def read(builder, split):
    examples = tfds.as_numpy(builder.as_dataset(split=split))
    return {int(example["image_index"]): example for example in examples}


def test_synthetic_portraits_lie_in_the_ranges_of_their_splits(synthetic):
    assert synthetic.builder_config.name == "synthetic_60_seed5"
    total = 0
    for split in facts.SPLIT_RANGES:
        indices = read(synthetic, split)
        assert all(facts.split_of(index) == split for index in indices)
        total += len(indices)
    assert total == 60


def test_counterfactual_portraits_have_the_other_gender(synthetic):
    test = read(synthetic, "test")
    pairs = read(synthetic, "counterfactual")
    assert pairs.keys() <= test.keys()
    assert len(pairs) >= 4
    for index, example in pairs.items():
        partner = test[index]
        assert example["gender"] == 1 - partner["gender"]
        assert example["hair_color"] == partner["hair_color"]
        assert example["hair_type"] == partner["hair_type"]
        assert (example["image"] != partner["image"]).any()


def test_the_labels_are_counted_without_the_counterfactual_ones(synthetic):
    record = BuildRecord.read(pathlib.Path(synthetic.data_path))
    assert record.counts["counterfactual"] >= 4
    for counts in record.labels.values():
        assert sum(counts.values()) == 60


def test_a_drawn_pack_is_input_of_the_archives(synthetic, tmp_path):
    [pack] = (synthetic.data_dir_root / "downloads" / "tiny_portraits").glob(
        "synthetic_60_seed5-*"
    )
    builder = prepare("tiny_portraits", tmp_path, pack)
    assert builder.builder_config.name == "archives"
    assert sorted(builder.info.splits) == ["test", "train", "validation"]
    for split in facts.SPLIT_RANGES:
        drawn = read(synthetic, split)
        assert str(read(builder, split)) == str(drawn)


def test_a_pickled_builder_remembers_what_to_do_with_bad_items(tmp_path):
    builder = tfds.builder(
        "tiny_portraits/archives",
        data_dir=tmp_path,
        on_bad="skip",
        missing=["", "NaN"],
    )
    again = pickle.loads(pickle.dumps(builder))
    assert (again.on_bad, again.missing) == ("skip", ("", "NaN"))
    with pytest.raises(DatasetInputError, match="Received: on_bad='ignore'"):
        tiny_portraits_dataset_builder.Builder(on_bad="ignore")


def test_the_readme_names_a_missing_label():
    """TFDS calls it as the last class, which is why the README says more."""
    readme = pathlib.Path(tiny_portraits_dataset_builder.__file__).parent
    text = (readme / "README.md").read_text()
    start = text.index("def label_name(")
    scope = {}
    exec(text[start : text.index("```", start)], scope)
    names = list(facts.CLASSES["hair_color"])
    feature = tfds.features.ClassLabel(names=names)
    assert feature.int2str(-1) == "bald"
    assert scope["label_name"](feature, -1) == "missing"
    assert [scope["label_name"](feature, i) for i in range(5)] == names
    one_hot = tf.one_hot(tf.constant([-1, 4]), 5).numpy()
    assert one_hot.tolist() == [[0, 0, 0, 0, 0], [0, 0, 0, 0, 1]]


if __name__ == "__main__":
    tfds.testing.test_main()
