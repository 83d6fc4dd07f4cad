import dataclasses

import keras
import numpy as np
import pytest
from PIL import Image

from tests.portrait_factory import make_portraits
from tp_keras import models
from tp_keras.errors import UserError
from tp_keras.evaluation import similar
from tp_keras.evaluation import similar_plot
from tp_keras.tasks import HAIR_EMBEDDING
from tp_keras.tasks import TASK_NAMES
from tp_keras.tasks import TASKS

# Two columns for hair_color, two for hair_type; the query first.
VECTORS = np.array(
    [
        [1.0, 0.0, 0.0, 2.0],
        [0.0, 1.0, 0.0, 1.0],
        [9.0, 0.1, 1.0, 0.0],
        [1.0, 1.0, 0.0, 1.0],
        [-1.0, 0.0, 1.0, 1.0],
    ],
    np.float32,
)


@pytest.fixture
def portraits():
    """Four portraits that carry their number in a pixel."""
    portraits = make_portraits(4, missing=0.0)
    portraits.images[:, 0, 0, 0] = np.arange(1, 5)
    portraits.labels["hair_color"][:] = [0, 2, 1, -1]
    portraits.labels["hair_type"][:] = [-1, 0, 2, 1]
    portraits.labels["gender"][:] = [0, 1, 1, 0]
    return dataclasses.replace(portraits, indices=np.arange(70, 74))


@pytest.fixture
def query():
    return np.zeros((108, 84, 3), np.uint8)


def embed(images):
    return VECTORS[images[:, 0, 0, 0]]


@pytest.mark.parametrize(
    "by, rows, similarities",
    [
        ("hair_color", [1, 2, 0], [0.9999, 0.7071, 0.0]),
        ("hair_type", [0, 2, 3], [1.0, 1.0, 0.7071]),
        ("both", [2, 0, 1], [0.8536, 0.5, 0.49997]),
    ],
)
def test_by_hand(by, rows, similarities, portraits, query):
    found = similar.find_similar_hair(
        query, portraits, embed, TASK_NAMES, 3, by
    )
    np.testing.assert_allclose(found.similarities, similarities, atol=1e-4)
    assert sorted(found.indices) == sorted(70 + np.array(rows))
    # Equally similar ones may come in any order.
    if by != "hair_type":
        assert found.indices.tolist() == [70 + row for row in rows]
    np.testing.assert_array_equal(
        found.images, portraits.images[found.indices - 70]
    )
    for task in TASKS:
        np.testing.assert_array_equal(
            found.labels[task.name],
            portraits.labels[task.name][found.indices - 70],
        )


def test_batches_make_no_difference(portraits, query, monkeypatch):
    sizes = []

    def watched(images):
        sizes.append(len(images))
        return embed(images)

    monkeypatch.setattr(similar, "_BATCH_SIZE", 3)
    found = similar.find_similar_hair(query, portraits, watched, TASK_NAMES, 4)
    assert sizes == [1, 3, 1]
    assert found.indices.tolist() == [71, 72, 70, 73]


def test_a_model_of_one_hair_task_compares_by_all_it_has(portraits, query):
    found = similar.find_similar_hair(
        query,
        portraits,
        lambda images: embed(images)[:, 2:],
        ["gender", "hair_type"],
        1,
        "hair_type",
    )
    assert found.indices[0] in (70, 72)


@pytest.mark.parametrize(
    "tasks", [("hair_type",), ("gender", "hair_color", "hair_type")]
)
def test_the_parts_are_those_of_the_classifier(tasks):
    # By another seed, all of a part's channels may be dead.
    keras.utils.set_random_seed(0)
    backbone = models.PortraitBackbone("separable", 4, ((8, 1, 4),))
    classifier = models.PortraitClassifier(backbone, tasks, embedding_size=8)
    images = make_portraits(5).images
    embedding = similar.model_embedder(classifier)(images)
    outputs = classifier.predict_answers(images, verbose=0)
    np.testing.assert_allclose(embedding, outputs[HAIR_EMBEDDING], atol=1e-5)
    hair_tasks = list(classifier.embedding_slices)
    for name, part in classifier.embedding_slices.items():
        vectors = similar._vectors(embedding, hair_tasks, [name])
        own = embedding[:, part]
        own = own / np.linalg.norm(own, axis=1, keepdims=True)
        np.testing.assert_allclose(vectors, own, atol=1e-6)


@pytest.mark.parametrize("count", [0, 5])
def test_more_than_there_are(count, portraits, query):
    with pytest.raises(UserError, match=rf"from 1 to 4, .*k={count}"):
        similar.find_similar_hair(query, portraits, embed, TASK_NAMES, count)


@pytest.mark.parametrize(
    "tasks, by, expected",
    [
        (["gender"], "hair_color", "trained without a hair task"),
        (["gender", "hair_type"], "hair_color", "one of hair_type, the hair"),
        (["hair_color"], "both", "one of hair_color, the hair tasks of the"),
        (TASK_NAMES, "gender", "hair_color, hair_type, .* or both. Received"),
    ],
)
def test_what_cannot_be_compared(tasks, by, expected, portraits, query):
    with pytest.raises(UserError, match=expected):
        similar.find_similar_hair(query, portraits, embed, tasks, 1, by)


def test_an_embedding_that_is_not_finite(portraits, query):
    with pytest.raises(UserError, match="NaN or infinity"):
        similar.find_similar_hair(
            query,
            portraits,
            lambda images: embed(images) * np.nan,
            TASK_NAMES,
            1,
        )


def test_table(portraits, query):
    found = similar.find_similar_hair(query, portraits, embed, TASK_NAMES, 4)
    assert similar.format_table(found).splitlines() == [
        "rank  similarity  image_index  gender  hair_color  hair_type",
        "1     1.000       71           male    blond       straight",
        "2     0.707       72           male    brown       bald",
        "3     0.000       70           female  black       missing",
        "4     -1.000      73           female  missing     wavy",
        "",
        "gender: male 2, female 2; hair_color: blond 1, brown 1, black 1, "
        "missing 1; hair_type: straight 1, bald 1, missing 1, wavy 1",
    ]


def test_picture_shows_query_and_neighbors(portraits, query, tmp_path):
    query[:] = 200
    query[0, 0] = 0
    found = similar.find_similar_hair(query, portraits, embed, TASK_NAMES, 4)
    path = tmp_path / "new" / "picture.png"
    similar_plot.write_picture(path, found)
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)

    def shown(image):
        """Returns row and column where the portrait lies unchanged."""
        windows = np.lib.stride_tricks.sliding_window_view(
            pixels, (108, 84, 3)
        )[:, :, 0]
        # Far fewer candidates by two pixels than by all.
        candidates = np.argwhere(
            (windows[:, :, 0, 1] == image[0, 1]).all(-1)
            & (windows[:, :, 107, 83] == image[107, 83]).all(-1)
        )
        return [
            (row, column)
            for row, column in candidates
            if (windows[row, column] == image).all()
        ]

    (origin,) = shown(found.query)
    places = [shown(image) for image in found.images]
    assert [len(place) for place in places] == [1, 1, 1, 1]
    rows, columns = np.array(places)[:, 0].T
    assert (columns > origin[1] + 84).all()
    # In the order of reading.
    assert sorted(zip(rows, columns, strict=True)) == list(
        zip(rows, columns, strict=True)
    )


def test_a_picture_that_cannot_be_written_leaves_the_old_one(
    portraits, query, tmp_path, monkeypatch
):
    found = similar.find_similar_hair(query, portraits, embed, TASK_NAMES, 1)
    path = tmp_path / "picture.png"
    path.write_text("old")

    def fail(*args):
        raise OSError("full")

    monkeypatch.setattr(similar_plot.os, "replace", fail)
    with pytest.raises(OSError, match="full"):
        similar_plot.write_picture(path, found)
    assert [p.name for p in tmp_path.iterdir()] == ["picture.png"]
    assert path.read_text() == "old"


def test_a_long_answer_is_drawn_in_part(portraits, query, monkeypatch):
    found = similar.find_similar_hair(query, portraits, embed, TASK_NAMES, 4)
    heights = []
    for limit in (1, 4):
        monkeypatch.setattr(similar_plot, "MAX_SHOWN", limit)
        figure = similar_plot.draw_picture(found)
        heights.append(figure.get_size_inches()[1])
        # The query and the portraits have a text each.
        assert len(figure.axes[0].texts) == limit + 1
    assert heights[1] > heights[0]
