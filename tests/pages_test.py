"""Every kind of page in a real browser, as narrow as a phone."""

import numpy as np
import pandas as pd
import pytest

from tests.browser import see
from tp_keras.records.page_parts import Plot
from tp_keras.records.page_parts import Report
from tp_keras.records.page_parts import Section
from tp_keras.records.page_parts import Table
from tp_keras.records.plot_kit import new_figure
from tp_keras.records.record import Record
from tp_keras.records.report import write_report

pytestmark = pytest.mark.browser

WIDTH = 400


def check_page(page, folder, least_text=100):
    """It fits a phone, shows its pictures, and loads nothing else."""
    seen = see(page, folder, WIDTH)
    assert seen["width"] <= WIDTH
    assert seen["loaded"] == []
    assert seen["text"] >= least_text
    assert all(width > 0 for width in seen["pictures"])
    return seen


def test_a_report_fits_a_phone_and_loads_nothing(tmp_path):
    plots = []
    for name, width in (("narrow", 5), ("wide", 12)):
        figure = new_figure(width, 3)
        figure.subplots().plot(np.arange(5))
        plots.append(Plot(f"{name}.png", "A plot", "How to read it.", figure))
    wide = pd.DataFrame([["a long text in a cell"] * 12])
    parts = Section(
        "A section",
        "<p>Prose.</p>",
        sentences=["One sentence. " * 20],
        summary=Table("Summary", "A note.", wide),
        plots=plots,
        tables=[Table("All of it", "Another note.", wide)],
    )
    write_report(
        tmp_path / "report",
        tmp_path / "page.html",
        [Record("share", "smile", "all", 0.5, 2, split="test")],
        lambda records: Report("A report", [parts], shows_people=True),
        {},
    )
    seen = check_page(tmp_path / "page.html", tmp_path)
    # The narrow one is made smaller, the wide one is moved aside.
    narrow, wide = seen["shown"]
    assert 300 < narrow < WIDTH < 500 < wide


def test_what_spills_over_and_what_is_loaded_is_seen(tmp_path):
    (tmp_path / "style.css").write_text("")
    page = tmp_path / "page.html"
    page.write_text(
        '<link rel="stylesheet" href="style.css"><p style="width:900px">A</p>'
    )
    seen = see(page, tmp_path, WIDTH)
    assert seen["width"] > 900
    assert len(seen["loaded"]) == 1
