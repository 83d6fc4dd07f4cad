import pathlib

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tp_keras.data.source import load_portraits
from tp_keras.errors import UserError
from tp_keras.tasks import Task

features = tfds.features

FEATURES = {
    "image": features.Image(shape=(8, 6, 3)),
    "image_index": np.int64,
    "mood": features.ClassLabel(names=["sad", "calm", "merry"]),
    "place": features.ClassLabel(names=["sea", "hill", "town"]),
    "smile": features.ClassLabel(names=["no", "yes"]),
    "age": np.float32,
    "weight": np.float32,
    "signs": features.Tensor(shape=(2,), dtype=np.int32),
}
METADATA = {
    "protected": "place",
    "guarded": ["age", "smile"],
    "conditions": ["smile"],
    "ordinal": ["mood"],
    "numbers": {"age": {"unit": "years", "low": 0, "high": 90, "tolerance": 5}},
    "flags": {"signs": ["hat", "scarf"]},
    "shows_people": False,
}
ROWS = [
    # Index, mood, place, smile, age, signs.
    (7, 2, 0, 1, 30.0, (1, 0)),
    (3, -1, 2, 0, np.nan, (-1, 1)),
    (5, 0, 1, -1, 90.0, (0, 0)),
]


class Album(tfds.core.GeneratorBasedBuilder):
    """A data set of three pictures, that others change."""

    VERSION = tfds.core.Version("1.0.0")
    pkg_dir_path = pathlib.Path(__file__).parent
    features, metadata, rows = FEATURES, METADATA, ROWS

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=features.FeaturesDict(self.features),
            metadata=tfds.core.MetadataDict(self.metadata),
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for index, mood, place, smile, age, signs in self.rows:
            row = {
                "image": np.full((8, 6, 3), index, np.uint8),
                "image_index": index,
                "mood": mood,
                "place": place,
                "smile": smile,
                "age": np.float32(age),
                "weight": np.float32(1),
                "signs": np.array(signs, np.int32),
            }
            yield index, {name: row[name] for name in self.features}


def load(folder, left_out=(), rows=ROWS, **metadata):
    Album.features = {k: v for k, v in FEATURES.items() if k not in left_out}
    Album.metadata, Album.rows = {**METADATA, **metadata}, rows
    Album(data_dir=folder).download_and_prepare()
    path = folder / "album" / "1.0.0"
    return load_portraits(path, "", "train", "memory", progress=False)


def test_a_data_set_tells_its_tasks(tmp_path):
    found = load(tmp_path)
    schema = found.schema
    assert schema.image_shape == (8, 6, 3)
    # In alphabetical order; a number that nobody described is no task.
    assert schema.tasks == (
        Task("age", "regression", (), "years", 0, 90, 5),
        Task("mood", "ordinal", ("sad", "calm", "merry")),
        Task("place", "categorical", ("sea", "hill", "town")),
        Task("signs", "multi_label", ("hat", "scarf")),
        Task("smile", "binary", ("no", "yes")),
    )
    assert schema.protected == "place" and schema.guarded == ("age", "smile")
    assert schema.conditions == ("smile",) and not schema.shows_people
    # Rows by their index, each with its labels and pixels.
    assert found.indices.tolist() == [3, 5, 7]
    assert found.images[:, 0, 0, 0].tolist() == [3, 5, 7]
    assert found.labels["mood"].tolist() == [-1, 0, 2]
    assert found.labels["smile"].tolist() == [0, -1, 1]
    np.testing.assert_array_equal(found.labels["age"], [np.nan, 90, 30])
    assert found.labels["signs"].tolist() == [[-1, 1], [0, 0], [1, 0]]
    dtypes = {name: str(v.dtype) for name, v in found.labels.items()}
    assert dtypes == {**dict.fromkeys(dtypes, "int32"), "age": "float32"}


NOTHING = {"numbers": {}, "flags": {}, "ordinal": []}


def test_what_is_not_said_has_a_default(tmp_path):
    roles = {"protected": None, "guarded": [], "conditions": []}
    schema = load(tmp_path, shows_people=True, **NOTHING, **roles).schema
    assert schema.task_names == ("mood", "place", "smile")
    assert schema.task("mood").kind == "categorical"
    assert schema.groups == () and schema.shows_people


@pytest.mark.parametrize(
    "left_out, metadata, message",
    [
        (["image"], {}, "`image` of one size.*Received: .*image_index"),
        (["image_index"], {}, "Received: .*images of .8, 6, 3"),
        (["mood", "place", "smile"], NOTHING, "without a task"),
        (["place"], {}, "`protected` out of .* Received: protected=place"),
        (["age"], {}, "not there.* Received: age"),
        ([], {"flags": {"signs": ["hat"]}}, "of that shape.* Received: signs"),
        ([], {"numbers": {"age": {"low": 1}}}, "high and tolerance"),
        ([], {"ordinal": ["hue"]}, "Received: hue"),
    ],
)
def test_what_cant_be_used_is_one_sentence(
    left_out, metadata, message, tmp_path
):
    with pytest.raises(UserError, match=message):
        load(tmp_path, left_out, **metadata)


def test_a_task_of_one_class_or_a_label_without_a_meaning_is_refused(
    tmp_path, monkeypatch
):
    for name, row, message in (
        ("a", (91.0, (0, 0)), "age between 0 and 90 in .*as 91"),
        ("b", (3.0, (2, 0)), "signs between -1 and 1.*as 2"),
    ):
        with pytest.raises(UserError, match=message):
            load(tmp_path / name, rows=[*ROWS[:2], (5, 0, 1, -1, *row)])
    one = features.ClassLabel(names=["no"])
    monkeypatch.setitem(FEATURES, "smile", one)
    rows = [(*row[:3], 0, *row[4:]) for row in ROWS]
    with pytest.raises(UserError, match="Expected 2 or more classes.*smile"):
        load(tmp_path, rows=rows)
