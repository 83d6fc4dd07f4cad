import dataclasses
from unittest import mock

import numpy as np
import pytest
from PIL import Image

from tests.made_runs import make_classifier
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.errors import UserError
from tp_keras.evaluation import similar

GUARDED = list(SCHEMA.guarded)

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


def search(query, portraits, count, by="hair_color", **kwargs):
    kwargs = {"embed": embed, "guarded": GUARDED} | kwargs
    return similar.find_similar(query, portraits, count=count, by=by, **kwargs)


@pytest.mark.parametrize(
    "by, rows, similarities",
    [
        ("hair_color", [1, 2, 0], [0.9999, 0.7071, 0.0]),
        ("hair_type", [0, 2, 3], [1.0, 1.0, 0.7071]),
        ("all", [2, 0, 1], [0.8536, 0.5, 0.49997]),
    ],
)
def test_by_hand(by, rows, similarities, portraits, query):
    found = search(query, portraits, 3, by)
    np.testing.assert_allclose(found.similarities, similarities, atol=1e-4)
    indices = found.portraits.indices
    assert sorted(indices) == sorted(70 + np.array(rows))
    # Equally similar ones may come in any order.
    if by != "hair_type":
        assert indices.tolist() == [70 + row for row in rows]
    np.testing.assert_array_equal(
        found.portraits.images, portraits.images[indices - 70]
    )
    for name, labels in portraits.labels.items():
        own = found.portraits.labels[name]
        np.testing.assert_array_equal(own, labels[indices - 70])


def test_batches_make_no_difference(portraits, query, monkeypatch):
    watched = mock.Mock(wraps=embed)
    monkeypatch.setattr(similar, "_BATCH_SIZE", 3)
    found = search(query, portraits, 4, embed=watched)
    sizes = [len(call.args[0]) for call in watched.call_args_list]
    assert sorted(sizes) == [1, 1, 3]
    assert found.portraits.indices.tolist() == [71, 72, 70, 73]


def test_the_parts_are_those_of_the_classifier():
    # By another seed, all of a part's channels may be dead.
    classifier = make_classifier(EVERY_KIND)
    portraits = make_portraits(9, schema=EVERY_KIND)
    embed = similar.model_embedder(classifier)
    answers = classifier.predict_answers(portraits.images, verbose=0)
    embedding = answers["embedding"]
    np.testing.assert_allclose(embed(portraits.images), embedding, atol=1e-5)
    names = [*classifier.embedding_slices]
    for name, part in classifier.embedding_slices.items():
        found = similar.find_similar(
            portraits.images[4], portraits, embed, names, 9, name
        )
        own = embedding[:, part]
        own = own / np.linalg.norm(own, axis=1, keepdims=True)
        np.testing.assert_allclose(
            found.similarities, np.sort(own @ own[4])[::-1], atol=1e-5
        )
        assert found.portraits.indices[0] == 4


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ({"count": 0}, "from 1 to 4, .*k=0"),
        ({"count": 5}, "from 1 to 4, .*k=5"),
        ({"by": "gender"}, "are: hair_color, hair_type. Received: by=gender"),
        ({"guarded": []}, "none, and so no embedding"),
        ({"query": np.zeros((64, 48, 3), np.uint8)}, r"of \(64, 48, 3\)"),
        ({"embed": lambda images: embed(images) * np.nan}, "NaN or infinity"),
    ],
)
def test_what_cannot_be_searched(arguments, expected, portraits, query):
    usual = {"query": query, "portraits": portraits, "count": 1}
    with pytest.raises(UserError, match=expected):
        search(**usual | arguments)


def test_table(portraits, query):
    found = search(query, portraits, 4)
    assert similar.format_table(found).splitlines() == [
        "| rank | similarity | image_index | gender | hair_color | hair_type |",
        "| ---- | ---------- | ----------- | ------ | ---------- | --------- |",
        "| 1    | 1.000      | 71          | male   | blond      | straight  |",
        "| 2    | 0.707      | 72          | male   | brown      | bald      |",
        "| 3    | 0.000      | 70          | female | black      | missing   |",
        "| 4    | -1.000     | 73          | female | missing    | wavy      |",
        "",
        "gender: male 2, female 2; hair_color: blond 1, brown 1, black 1, "
        "missing 1; hair_type: straight 1, bald 1, missing 1, wavy 1",
    ]


def test_picture_shows_query_and_neighbors(tmp_path):
    portraits = make_portraits(5, schema=EVERY_KIND)
    shape = EVERY_KIND.image_shape
    query = np.random.default_rng(9).integers(256, size=shape, dtype=np.uint8)
    found = similar.SimilarPortraits(query, portraits, np.ones(5), ["age"])
    path = tmp_path / "new" / "picture.png"
    similar.write_picture(path, found)
    pixels = np.asarray(Image.open(path).convert("RGB"))
    windows = np.lib.stride_tricks.sliding_window_view(pixels, shape)[:, :, 0]

    def shown(image):
        """Returns row and column where the portrait lies unchanged."""
        # Few candidates are left by one pixel.
        candidates = np.argwhere((windows[:, :, 0, 1] == image[0, 1]).all(-1))
        places = map(tuple, candidates)
        return [place for place in places if (windows[place] == image).all()]

    (origin,) = shown(query)
    places = [shown(image) for image in portraits.images]
    assert [len(place) for place in places] == [1] * 5
    assert all(place[0][1] > origin[1] + shape[1] for place in places)
    # In the order of reading.
    assert sorted(places) == places


def test_a_long_answer_is_drawn_in_part(portraits, query, monkeypatch):
    found = search(query, portraits, 4)
    drawn = mock.Mock(wraps=similar.draw_sheet)
    monkeypatch.setattr(similar, "draw_sheet", drawn)
    monkeypatch.setattr(similar, "MAX_SHOWN", 1)
    similar.draw_picture(found)
    assert drawn.call_args.args[2] == [
        "query",
        "1: 1.000\nmale\nblond\nstraight",
    ]
    monkeypatch.setattr(similar, "MAX_SHOWN", 4)
    similar.draw_picture(found)
    captions = drawn.call_args.args[2]
    # Each row but the first begins with a gap.
    assert [text[:1] for text in captions] == ["q", "1", "2", "3", "", "4"]
