"""The page in a real Chromium, wide and as narrow as a phone."""

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from tests.export.networks import make_classifier
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tests.served import served
from tp_keras.export import export_bundle
from tp_keras.server import ModelStore
from tp_keras.server import SimilarPortraits
from tp_keras.server import Studio
from tp_keras.server import create_app
from tp_keras.serving import PhotoPredictor

pytestmark = pytest.mark.browser

# Debian's; the package's own would be downloaded.
CHROMIUM = "/usr/bin/chromium"
WIDE, PHONE = (1200, 900), (390, 844)


@pytest.fixture(scope="module")
def url(tmp_path_factory, vae_bundle):
    folder = tmp_path_factory.mktemp("exported_models")
    predictor = PhotoPredictor(export_bundle(make_classifier(SCHEMA), folder))
    (folder / "portrait_vae").symlink_to(vae_bundle.parent)
    portraits = make_portraits(12)
    similar = SimilarPortraits.embed(portraits, predictor)
    store = ModelStore(folder)
    studio = Studio(predictor, store, portraits.images[:3], similar)
    with served(create_app(store, studio)) as url:
        yield url


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "me.jpg"
    pixels = np.full((600, 800, 3), 128, np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def open_page(chromium, url, size, scripts=True):
    """A page, and a list that fills with what it asks for and complains of."""
    context = chromium.new_context(
        viewport={"width": size[0], "height": size[1]},
        has_touch=size == PHONE,
        is_mobile=size == PHONE,
        java_script_enabled=scripts,
    )
    page, said = context.new_page(), []
    page.set_default_timeout(120_000)
    page.on("request", lambda request: said.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(url)
    return page, said


def check(page, said, url, size):
    """All pictures come, nothing spills over or asks elsewhere."""
    page.evaluate(
        "document.querySelectorAll('img').forEach(i => i.loading = 'eager')"
    )
    # No function is waited for: the page's policy forbids to make one of text.
    page.wait_for_load_state("networkidle")
    assert page.evaluate(
        "[...document.images].every(i => i.complete && i.naturalWidth > 0)"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert said
    assert all(text.startswith((f"{url}/", "data:")) for text in said), said


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_upload_to_answer(chromium, url, photo, size):
    page, said = open_page(chromium, url, size)
    assert page.locator(".camera").is_visible() == (size == PHONE)
    # Choosing is enough.
    page.set_input_files("#photo", photo)
    page.wait_for_selector(".task")
    assert page.locator(".task").count() == len(SCHEMA.tasks)
    assert "No face was found" in page.locator(".warning").inner_text()
    check(page, said, url, size)
    page.fill("input[name=temperature]", "0.5")
    page.click("text=Other new portraits")
    page.wait_for_url("**temperature=0.5**")
    check(page, said, url, size)
    page.click("text=Forget this photo now")
    page.wait_for_selector("#drop")


def test_a_photo_is_dropped(chromium, url, photo):
    page, said = open_page(chromium, url, WIDE)
    data = page.evaluate_handle(
        """([bytes]) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "me.jpg"));
          return data;
        }""",
        [list(photo.read_bytes())],
    )
    page.dispatch_event("body", "drop", {"dataTransfer": data})
    page.wait_for_selector(".task")
    check(page, said, url, WIDE)


def test_without_javascript(chromium, url, photo):
    page, _ = open_page(chromium, url, PHONE, scripts=False)
    page.set_input_files("#photo", photo)
    page.click("#drop button")
    page.wait_for_selector(".task")
    page.click("text=Another photo")
    page.click(".tile >> nth=1")
    page.wait_for_selector(".task")
    assert "A sample portrait" in page.inner_text("h1")
