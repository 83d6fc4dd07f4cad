import base64
import re
import shutil

import pytest

from tests.browser import see
from tests.cards.made_measurements import make_measured_run
from tests.cards.made_measurements import write_found
from tests.portrait_factory import EVERY_KIND
from tests.printed_commands import find_commands
from tests.printed_commands import parse
from tests.printed_commands import refusal
from tp_keras.cards.chapters import make_chapters
from tp_keras.cards.report_page import make_report_page
from tp_keras.cards.sources import read_sources
from training import command
from training.report import Report

STEPS = [
    "Question",
    "Method, and why",
    "Figure",
    "Number, with its interval",
    "Limitation",
    "Next step",
]


@pytest.fixture(scope="module")
def whole_run(measured_run, tmp_path_factory):
    """A run of which everything was measured."""
    path = tmp_path_factory.mktemp("whole") / "run"
    shutil.copytree(measured_run, path)
    for kind in ("fairness", "generalisation", "explanations", "limits"):
        write_found(path / kind / "test", [f"{kind} <found>"])
    write_found(path / "audit", ["What is peculiar", "Balance"])
    write_found(path / "vae" / "generation" / "test", ["Drawn"])
    write_found(path / "sweep", ["Choice"])
    return path


def read_whole(path):
    return read_sources(path, None, path / "vae", path / "sweep")


def test_the_schema_asks_the_questions(measured_run, whole_run, tmp_path):
    titles = [chapter.title for chapter in make_chapters(read_whole(whole_run))]
    assert titles == [
        *("Data", "Origin", "Age, mood, signs and smile", "Fairness"),
        *("New portraits", "Other portraits", "Explanations", "Limits"),
    ]
    chapters = make_chapters(read_sources(measured_run))
    assert [chapter.title for chapter in chapters] == titles[:5]
    run = make_measured_run(tmp_path / "run", EVERY_KIND, ("age", "mood"))
    chapters = make_chapters(read_sources(run.path))
    # The groups are there, though nothing of them was learned.
    assert [chapter.title for chapter in chapters] == [
        *("Data", "Age and mood", "Fairness", "New portraits"),
    ]
    schema = EVERY_KIND.restricted_to(["mood"])
    run = make_measured_run(tmp_path / "plain", schema)
    chapters = make_chapters(read_sources(run.path))
    assert [c.title for c in chapters] == ["Data", "Mood", "New portraits"]


def test_every_chapter_has_its_six_steps_in_order(measured_run, whole_run):
    for sources in (read_whole(whole_run), read_sources(measured_run)):
        page = make_report_page(sources)
        count = len(make_chapters(sources))
        assert re.findall(r'<h3 class="step">(.*?)</h3>', page) == STEPS * count
        for text in re.findall(
            r"</h3>\n(.*?)<(?:h3|/section)", page, re.DOTALL
        ):
            assert re.sub("<.*?>", "", text).strip() or "<img" in text


def test_all_that_was_found_is_shown(whole_run):
    page = make_report_page(read_whole(whole_run))
    for text in (
        "<li>Said of fairness &lt;found&gt; &amp; more.</li>",
        "<li>Said of Choice &amp; more.</li>",
        "<td>0.500 [0.400, 0.600]</td>",
        "<li>Few were seen.</li>",
        "must not leave this machine",
    ):
        assert text in page
    # The audit says first what its checks say again.
    assert "Said of What is peculiar" in page
    assert "Said of Balance" not in page
    assert "Not measured yet" not in page
    pictures = [*whole_run.rglob("test/*.png"), *whole_run.glob("*/*.png")]
    for path in pictures:
        drawn = base64.b64encode(path.read_bytes()).decode()
        assert f"data:image/png;base64,{drawn}" in page
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)


def test_what_is_missing_names_its_command(measured_run):
    page = make_report_page(read_sources(measured_run))
    commands = re.findall("Not measured yet. <code>(.*?)</code>", page)
    names = [text.split(" --")[0].split(".")[-1] for text in commands]
    assert names == ["audit", "fairness_report", "evaluate_vae"]
    for chapter in make_chapters(read_sources(measured_run)):
        (line,) = find_commands(f"`{chapter.command}`")
        assert parse(line)


def test_the_command_names_the_files(whole_run, tmp_path, capsys):
    folder = tmp_path / "made here"
    places = ("--generator_run", whole_run / "vae")
    places += ("--sweep_dir", whole_run / "sweep", "--output_dir", folder)
    flags = ["--run_dir", whole_run, *places]
    command.run(Report, [str(word) for word in flags])
    said = capsys.readouterr().out
    names = ["DATASET_CARD.md", "MODEL_CARD.md", "report.html"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert all(str(folder / name) in said for name in names)
    assert "Not measured" not in said


def test_the_command_says_what_is_missing(measured_run, tmp_path, capsys):
    flags = ["--run_dir", str(measured_run), "--output_dir", str(tmp_path)]
    command.run(Report, flags)
    said = capsys.readouterr().out
    assert "Not measured: audit. `python -m training.audit" in said
    assert "There is no run" in refusal(
        capsys, command.run, Report, ["--run_dir", str(tmp_path)]
    )
    assert "no figures of the audit" in refusal(
        capsys, command.run, Report, [*flags, "--audit_dir", str(tmp_path)]
    )


@pytest.mark.browser
def test_a_phone_shows_it_whole(whole_run, tmp_path):
    page = tmp_path / "report.html"
    page.write_text(make_report_page(read_whole(whole_run)))
    seen = see(page, tmp_path)
    assert seen["width"] <= 400
    assert seen["loaded"] == []
    assert len(seen["pictures"]) > 10 and all(seen["pictures"])
