"""The page as a client without JavaScript gets it."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from tests.export.networks import make_classifier
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.explain import occlusion
from tp_keras.explain import overlay
from tp_keras.export import export_bundle
from tp_keras.server import ModelStore
from tp_keras.server import SimilarPortraits
from tp_keras.server import Studio
from tp_keras.server import create_app
from tp_keras.server.page import MOST_BYTES
from tp_keras.serving import PhotoPredictor

PORTRAITS = make_portraits(12)


def as_file(pixels, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def as_pixels(response):
    assert response.headers["content-type"] == "image/png"
    return np.asarray(Image.open(io.BytesIO(response.content)))


@pytest.fixture(scope="module")
def studio(tmp_path_factory, vae_bundle):
    folder = tmp_path_factory.mktemp("exported_models")
    predictor = PhotoPredictor(export_bundle(make_classifier(SCHEMA), folder))
    (folder / "portrait_vae").symlink_to(vae_bundle.parent)
    report = folder / "report.html"
    report.write_text("<p>What was found.</p>")
    return Studio(
        predictor,
        ModelStore(folder),
        PORTRAITS.images[:3],
        SimilarPortraits.embed(PORTRAITS, predictor),
        report,
        lambda photo, face: ["The resolution is low."],
    )


@pytest.fixture(scope="module")
def client(studio):
    app = create_app(studio.store, studio, ("testserver",))
    headers = {"accept": "text/html"}
    with TestClient(app, headers=headers) as client:
        yield client


def upload(client, data, name="photo", **options):
    files = {name: ("me.png", data, "image/png")}
    return client.post("/answers", files=files, **options)


WALL = np.full((300, 400, 3), 128, np.uint8)


def test_a_photo_is_answered(client, studio):
    response = upload(client, as_file(WALL))
    assert [r.status_code for r in response.history] == [303]
    text = response.text
    assert "No face was found" in text
    assert "The resolution is low." in text
    (face,) = studio.answer(as_file(WALL)).answer.faces
    for task in studio.predictor.tasks:
        label = face.prediction.labels[task.name]
        title = task.name.replace("_", " ").capitalize()
        assert f"{title}: {label}" in text
        for name, share in face.prediction.probabilities[task.name].items():
            assert f'<th scope="row">{name}</th>' in text
            assert f'<rect width="{100 * share:.1f}"' in text
    base = response.url.path
    seen = as_pixels(client.get(f"{base}/0/portrait.png"))
    np.testing.assert_array_equal(seen, face.portrait)
    photo = client.get(f"{base}/photo.jpg")
    assert Image.open(io.BytesIO(photo.content)).size == (400, 300)


def test_saliency_is_that_of_occlusion(client, studio):
    base = client.post("/samples/1").url.path
    portrait, tasks = PORTRAITS.images[1], studio.predictor.tasks
    heats = occlusion(studio.predictor.predict, portrait, tasks)
    for name, heat in heats.items():
        found = as_pixels(client.get(f"{base}/0/saliency/{name}.png"))
        np.testing.assert_array_equal(found, overlay(portrait, heat))


def test_the_most_similar_to_a_sample_is_itself(client, studio):
    text = client.post("/samples/2").text
    rows = re.findall(
        r'src="/similar/(\d+).png" alt="Similar portrait 1"', text
    )
    assert rows == ["2"] * len(SCHEMA.guarded)
    assert "Similar: hair color<" in text
    found = as_pixels(client.get("/similar/2.png"))
    np.testing.assert_array_equal(found, PORTRAITS.images[2])


def test_without_regard_is_said_of_debiased_runs_alone(
    client, studio, monkeypatch
):
    for methods, said in (
        ({"debias": "none", "posthoc": "none"}, False),
        ({"debias": "none", "posthoc": "leace"}, True),
        ({"debias": "grl", "posthoc": "none"}, True),
    ):
        settings = {"debias": methods}
        monkeypatch.setitem(studio.predictor.metadata, "settings", settings)
        text = client.post("/samples/2").text
        assert ("hair color, without regard to gender" in text) == said


def test_edits_and_new_portraits_are_those_of_the_generator(client, studio):
    page = client.post("/samples/0")
    found = re.findall(r'src="([^"]*/edit/(\w+)/(\d+)\.png)"', page.text)
    # Each other class of each condition.
    expected = sum(task.num_classes - 1 for task in SCHEMA.condition_tasks)
    assert len(found) == expected
    session, schema = studio.generator()
    face = studio.answer_sample(0).answer.faces[0]
    labels = studio.labels(schema, face)
    address, condition, number = found[-1]
    new = labels | {condition: schema.task(condition).classes[int(number)]}
    inputs = {k: np.array([v.encode()], object) for k, v in labels.items()}
    edited = session.run(
        "edit",
        {"image": PORTRAITS.images[:1]}
        | inputs
        | {f"new_{k}": np.array([v.encode()], object) for k, v in new.items()},
    )
    pixels = as_pixels(client.get(address))
    np.testing.assert_array_equal(pixels, edited["image"][0])
    base, settings = page.url.path, {"temperature": 0.5, "seed": 7}
    text = client.get(base, params=settings).text
    assert "new.png?temperature=0.5&amp;seed=7" in text
    made = session.run(
        "generate",
        inputs
        | {"seed": np.array([7]), "temperature": np.array([0.5], np.float32)},
    )
    pixels = as_pixels(client.get(f"{base}/0/new.png", params=settings))
    np.testing.assert_array_equal(pixels, made["image"][0])


def test_the_report_and_the_home_page(client):
    assert "What was found." in client.get("/report").text
    home = client.get("/").text
    assert home.count('class="tile"') == 3
    assert 'capture="user"' in home
    found = as_pixels(client.get("/samples/1.png"))
    np.testing.assert_array_equal(found, PORTRAITS.images[1])


def test_a_photo_is_forgotten(client):
    path = client.post("/samples/0").url.path
    assert client.post(f"{path}/forget").url.path == "/"
    assert client.get(path).status_code == 404
    assert "was forgotten" in client.get(path).text


def test_nothing_is_loaded_from_elsewhere_and_nothing_kept(client):
    response = client.post("/samples/0")
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "http" not in re.sub("http://testserver", "", response.text)
    # A page of another name that leads here.
    other = client.get("/", headers={"host": "evil.example"})
    assert other.status_code == 400


def broken_photos():
    whole = as_file(PORTRAITS.images[0])
    bomb = Image.new("1", (30_000, 30_000))
    file = io.BytesIO()
    bomb.save(file, "PNG")
    yield "no picture", b"text", "no picture"
    yield "cut", whole[: len(whole) // 2], "not a whole one"
    yield "bomb", file.getvalue(), "larger than any photograph"
    yield "empty", b"", "No photo was chosen"


@pytest.mark.parametrize(
    ("data", "text"),
    [pytest.param(data, text, id=name) for name, data, text in broken_photos()],
)
def test_what_is_no_photo_is_told(client, data, text):
    response = upload(client, data)
    assert response.status_code == 400
    assert text in response.text
    assert response.headers["content-type"].startswith("text/html")


def test_forms_that_are_none(client):
    assert client.post("/answers", content=b"x").status_code == 415
    assert upload(client, b"x", "other").status_code == 400
    kind = {"content-type": "multipart/form-data; boundary=x"}
    for body in (b"", b"--x", b"junk", b"--x\r\n\r\n--x--"):
        response = client.post("/answers", content=body, headers=kind)
        assert response.status_code == 400
        kept = {"content-type": "multipart/form-data"}
        response = client.post("/answers", content=body, headers=kept)
        assert response.status_code == 400


def test_a_hundred_megabytes_are_refused(client):
    response = upload(client, b"x" * (100 << 20))
    assert response.status_code == 413
    assert f"at most {MOST_BYTES >> 20} MB" in response.text


def test_a_large_photo_never_touches_the_disk(client, monkeypatch):
    def refuse(*_, **__):
        raise OSError("The disk was touched.")

    # What a spooled file turns to when it is full.
    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    noise = np.random.default_rng(0).integers(0, 256, (1200, 1600, 3))
    data = as_file(noise.astype(np.uint8))
    assert len(data) > 5 << 20
    assert upload(client, data).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/answers/nobody",
        "/answers/..%2f..%2fetc%2fpasswd/0/portrait.png",
        "/samples/99.png",
        "/samples/-1.png",
        "/similar/99999.png",
        "/nothing",
    ],
)
def test_what_is_not_there(client, path):
    assert client.get(path).status_code in (404, 422)


@pytest.mark.parametrize(
    ("place", "status"),
    [
        ("9/portrait.png", 404),
        ("-1/portrait.png", 404),
        ("0/saliency/other.png", 404),
        ("0/edit/other/0.png", 400),
        ("0/edit/gender/9.png", 404),
        ("0/new.png?temperature=0&seed=1", 422),
        ("0/new.png?temperature=nan&seed=1", 422),
        ("0/new.png?temperature=1&seed=-1", 422),
        ("0/new.png?temperature=1&seed=99999999999", 422),
    ],
)
def test_pictures_that_are_none(client, place, status):
    path = client.post("/samples/0").url.path
    response = client.get(f"{path}/{place}")
    assert response.status_code == status
    assert "Traceback" not in response.text
