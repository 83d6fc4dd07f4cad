import base64
import dataclasses

import pandas as pd
import pytest

from tests.records.table_test import RECORDS
from tp_keras.errors import UserError
from tp_keras.records import page_parts as parts
from tp_keras.records.page import make_page
from tp_keras.records.plot_kit import new_figure
from tp_keras.records.record import read_records
from tp_keras.records.report import page_of
from tp_keras.records.report import read_measured
from tp_keras.records.report import read_report
from tp_keras.records.report import write_report


def make_report(records, shows_people=False):
    """Makes a report with all that may be in one."""
    items = [
        parts.SummaryFigure("found <1>", records[0], "all"),
        parts.SummaryFigure("b", records[2]),
    ]
    frame = pd.DataFrame({"x" * 60: ["<b>" * 30, "1"]})
    section = parts.Section(
        "Mood & more",
        "<p>Prose.</p>",
        ["A < B."],
        parts.summary_table(items, "Brackets."),
        [parts.Plot("plot.png", "What?", "Look & see.", new_figure(1, 1))],
        [parts.Table("All", "How to read it.", frame)],
    )
    return parts.Report(
        "Evaluation", [section, parts.Section("Bare", "<p>!</p>")], shows_people
    )


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run" / "kind" / "test"


def write(folder, records=RECORDS, make_report=make_report):
    write_report(folder, page_of(folder), records, make_report, {"seed": 3})
    return page_of(folder).read_text()


def test_folder_and_page_hold_everything(folder):
    page = write(folder)
    assert page_of(folder) == folder.parents[1] / "kind.html"
    assert page_of(folder.with_name("b")) == folder.parents[1] / "kind-b.html"
    names = ["measured.json", "plot.png", "records.jsonl", "report.json"]
    names.append("table.md")
    assert sorted(path.name for path in folder.iterdir()) == names
    assert read_records(folder / "records.jsonl") == RECORDS
    assert read_measured(folder, "x") == {"seed": 3}
    drawn = base64.b64encode((folder / "plot.png").read_bytes()).decode()
    for part in (
        "<h1>Evaluation</h1>",
        '<h2 id="part-1">Mood &amp; more</h2>\n<p>Prose.</p>',
        "<li>A &lt; B.</li>",
        "<td>found &lt;1&gt;</td>",
        f"base64,{drawn}",
        "<figcaption>Look &amp; see.</figcaption>",
        "<summary>All</summary>",
        "&lt;b&gt;" * 30,
    ):
        assert part in page
    assert "http" not in page


def test_the_page_may_lie_in_the_folder_beside_lists(tmp_path):
    folder = tmp_path / "audit"
    lists = {"worst": pd.DataFrame({"split": ["test"], "index": [7]})}
    page_path = folder / "audit.html"
    for _ in range(2):
        write_report(folder, page_path, RECORDS, make_report, {}, lists)
    assert "<h1>Evaluation</h1>" in page_path.read_text()
    assert (folder / "worst.csv").read_text() == "split,index\ntest,7\n"
    assert [path.name for path in tmp_path.iterdir()] == ["audit"]


def test_a_page_of_many_parts_begins_with_links_to_them(folder):
    def many(records):
        sections = [parts.Section(f"Part & {n}") for n in range(7)]
        return parts.Report("Long", sections, False)

    page = write(folder, make_report=many)
    assert '<nav>\n<a href="#part-1">Part &amp; 0</a>' in page
    assert '<h2 id="part-7">Part &amp; 6</h2>' in page
    assert "<nav>" not in write(folder)


def test_a_report_is_read_back_from_its_folder(folder):
    write(folder, make_report=lambda records: make_report(records, True))
    made, read = make_report(RECORDS, True), read_report(folder)
    plot = dataclasses.replace(made.sections[0].plots[0], figure=None)
    assert (read.title, read.shows_people) == ("Evaluation", True)
    assert list(read.sections[0].plots) == [plot]
    # All else is in the page, which can be made of it anew.
    assert make_page(read, "x", folder) == make_page(made, "x", folder)
    (folder / "report.json").write_text("{}")
    with pytest.raises(UserError, match="no report that can be read"):
        read_report(folder)


def test_markdown_holds_sentences_and_tables(folder):
    write(folder)
    assert (folder / "table.md").read_text() == (
        "# Evaluation\n\nSeed of the run: None.\n\n"
        "## Mood & more\n\n- A < B.\n\nBrackets.\n\n"
        "| figure    | found                | to compare with | n     |\n"
        "| --------- | -------------------- | --------------- | ----- |\n"
        "| found <1> | 0.500 [0.400, 0.600] | all             | 1,234 |\n"
        "| b         | -                    |                 | 0     |\n\n"
        f"### All\n\nHow to read it.\n\n| {'x' * 60}{' ' * 30} |\n"
        f"| {'-' * 90} |\n| {'<b>' * 30} |\n| 1{' ' * 89} |\n"
    )


def test_a_page_that_shows_people_warns(folder):
    assert "must not leave this machine" not in write(folder)
    warned = write(folder, make_report=lambda r: make_report(r, True))
    assert "must not leave this machine" in warned


def test_a_second_report_replaces_the_first_and_a_failed_one_does_not(folder):
    write(folder)
    (folder / "left over").touch()
    page = write(folder, RECORDS[::-1], lambda records: make_report(RECORDS))
    assert not (folder / "left over").exists()

    def fail(records):
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        write(folder, make_report=fail)
    assert read_records(folder / "records.jsonl") == RECORDS[::-1]
    assert page_of(folder).read_text() == page
    assert [path.name for path in folder.parent.iterdir()] == ["test"]


def test_a_folder_of_other_things_is_never_replaced(folder, monkeypatch):
    folder.mkdir(parents=True)
    write(folder)
    write(folder)
    monkeypatch.chdir(folder)
    (folder.parent / "a picture.png").write_text("dear")
    for other in (folder, folder.parent, folder.parent / "a picture.png"):
        with pytest.raises(UserError, match="Expected an empty folder"):
            write(other)
    assert (folder.parent / "a picture.png").read_text() == "dear"
