"""Chromium without a screen: what a page really does."""

import html
import json
import re
import subprocess

# What would ask for the network, and for a screen.
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
    *("--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
    "--allow-file-access-from-files",
)

# A frame has the width of a phone, which a window need not have.
_FRAME = """<!DOCTYPE html><title></title>
<iframe id="page" width="{width}" height="800" src="{address}"></iframe>
<script>
const frame = document.getElementById("page");
frame.onload = () => {{
  const page = frame.contentWindow;
  const found = ((page, document) => {script})(page, page.document);
  document.title = JSON.stringify(found);
}};
</script>"""

# What spills over the side, and what comes from elsewhere.
LOOK = """({
  width: document.documentElement.scrollWidth,
  loaded: [...document.querySelectorAll("[src], link[href]")]
    .map((element) => element.src || element.href)
    .filter((address) => !address.startsWith("data:")),
  text: document.body.innerText.length,
  pictures: [...document.images].map((image) => image.naturalWidth),
  shown: [...document.images].map((image) => image.width),
})"""


def see(page, folder, width=400, script=LOOK):
    """What a JavaScript expression says of the `page` and its `document`."""
    frame = folder / "frame.html"
    address = page.resolve().as_uri()
    frame.write_text(_FRAME.format(width=width, address=address, script=script))
    command = ["chromium", *_FLAGS, f"--user-data-dir={folder / 'chromium'}"]
    command += ["--virtual-time-budget=5000", "--dump-dom", frame.as_uri()]
    seen = subprocess.run(command, capture_output=True, text=True, check=True)
    title = re.search("<title>(.*?)</title>", seen.stdout, re.DOTALL)
    return json.loads(html.unescape(title[1]))
