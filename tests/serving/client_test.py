"""The client against the server, over a socket."""

import numpy as np
import pytest
from PIL import Image

from tests.export.networks import random_portraits
from tests.portrait_factory import EVERY_KIND
from tests.served import served
from tp_keras.errors import UserError
from tp_keras.server import ModelStore
from tp_keras.server import create_app
from tp_keras.serving import Client
from tp_keras.serving import Predictor
from tp_keras.serving import cut_portraits
from tp_keras.serving import read_metadata

MODEL = "portrait_attributes"


@pytest.fixture(scope="module")
def url(bundle):
    store = ModelStore(bundle.parents[1], labels={MODEL: {"stable": 1}})
    with served(create_app(store)) as url:
        yield url


@pytest.fixture(scope="module")
def portraits():
    return random_portraits(3, schema=EVERY_KIND)


@pytest.mark.parametrize("as_pixels", [False, True], ids=["files", "pixels"])
def test_the_answers_are_those_of_the_bundle(url, bundle, portraits, as_pixels):
    expected = Predictor(bundle).predict(portraits)
    found = Client(url, MODEL).predict(portraits, as_pixels)
    assert found.pop("valid", np.array([True])).all()
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        if values.dtype.kind == "f":
            assert found[name].dtype == np.float32
            np.testing.assert_allclose(found[name], values, atol=1e-5)
        else:
            np.testing.assert_array_equal(found[name], values)


def test_embeddings_versions_and_what_a_model_is(url, bundle, portraits):
    expected = Predictor(bundle).embed(portraits)
    for client in (
        Client(url, MODEL),
        Client(f"{url}/", MODEL, version=1),
        Client(url, MODEL, label="stable"),
    ):
        np.testing.assert_allclose(client.embed(portraits), expected, atol=1e-5)
        assert client.status() == {1: "AVAILABLE"}
    told = Client(url, MODEL).metadata()
    assert told["model_spec"]["name"] == MODEL


def test_what_the_server_refuses_is_told(url, portraits):
    with pytest.raises(UserError, match=r"\(404\): Servable not found"):
        Client(url, "other model/..").predict(portraits)
    with pytest.raises(UserError, match="Could not find version 7"):
        Client(url, MODEL, version=7).status()
    with pytest.raises(UserError, match=r"\(400\): .*not found in signature"):
        Client(url, MODEL).call({"image": portraits}, "other")
    with pytest.raises(UserError, match="not compatible with expected shape"):
        Client(url, MODEL).predict(portraits[:, 1:], as_pixels=True)
    with pytest.raises(UserError, match="can't be asked.*Received: http"):
        Client("http://127.0.0.1:9", MODEL, timeout=1).status()
    with pytest.raises(UserError, match="Received: dtype=float64"):
        Client(url, MODEL).predict(portraits / 255)
    with pytest.raises(UserError, match="Received: none"):
        Client(url, MODEL).predict(portraits[:0])
    with pytest.raises(UserError, match="a version or a label"):
        Client(url, MODEL, version=1, label="stable")
    with pytest.raises(UserError, match="Received: url='localhost'"):
        Client("localhost", MODEL)


def test_a_photo_without_a_face_has_no_portraits(bundle, tmp_path):
    Image.new("RGB", (400, 300), "gray").save(tmp_path / "wall.jpg")
    metadata = read_metadata(bundle)
    portraits = cut_portraits(tmp_path / "wall.jpg", metadata)
    assert portraits.shape == (0, *EVERY_KIND.image_shape)
    assert portraits.dtype == np.uint8
