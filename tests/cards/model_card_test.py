import json
import pathlib
import re
import shutil

import huggingface_hub
import numpy as np
import pytest
import yaml
from huggingface_hub import ModelCard
from PIL import Image

from tests.cards.made_measurements import make_measured_run
from tests.cards.made_measurements import write_found
from tests.portrait_factory import EVERY_KIND
from tp_keras.cards import model_card
from tp_keras.cards.sources import read_sources
from tp_keras.cards.templates import _number
from tp_keras.cards.templates import render
from tp_keras.errors import UserError
from tp_keras.records.record import Record

TEMPLATES = pathlib.Path(huggingface_hub.__file__).parent / "templates"
PLACEHOLDER = re.compile(
    r"\[More Information|\bNone\b|\bnan\b|\{\{|\{%|Undefined"
)


def headings(text):
    """The headings of a card, with their levels, without those in code."""
    found = re.findall(r"^(#+ .+?)(?: \[optional\])?$", text, re.MULTILINE)
    return [heading for heading in found if not heading.startswith("# ")]


def without_gaps(text, name):
    """Checks that each heading of the field's template has text below it."""
    text = re.sub(r"```.*?```", "Code.", text, flags=re.DOTALL)
    wanted = headings((TEMPLATES / name).read_text())
    there = headings(text)
    assert [heading for heading in there if heading in wanted] == wanted
    assert PLACEHOLDER.findall(text) == []
    for heading, body in re.findall(
        r"^(#+) .+\n+(.*)$", text.split("\n---\n")[1], re.MULTILINE
    ):
        deeper = re.match(rf"{heading}#+ ", body)
        assert body.strip() and (deeper or not body.startswith("#"))


@pytest.fixture
def card(measured_run):
    return model_card.make_model_card(read_sources(measured_run))


def test_the_field_reads_the_card_and_its_results_are_the_records(
    card, measured_run
):
    read = ModelCard(card)
    shown = {
        (
            result.metric_type,
            result.metric_args["task"],
            result.metric_args["group"],
        ): (result.metric_value, *map(result.metric_args.get, ("low", "high")))
        for result in read.data.eval_results
    }
    path = measured_run / "evaluation" / "test" / "records.jsonl"
    records = model_card.headline_records(
        [Record(**json.loads(line)) for line in path.read_text().splitlines()]
    )
    assert len(records) == len(read.data.eval_results) > 50
    assert shown == {
        (r.metric, r.task, r.group): (r.value, r.low, r.high) for r in records
    }
    assert read.data.model_name == "my run"
    again = ModelCard(f"---\n{read.data.to_yaml()}\n---\n{read.text}")
    # The hub takes all tasks of one data set for one.
    for one in (*again.data.eval_results, *read.data.eval_results):
        one.task_name = one.task_type = None
    assert again.data.eval_results == read.data.eval_results
    assert again.text == read.text


def test_every_section_of_the_field_is_there_and_filled(card):
    without_gaps(card, "modelcard_template.md")
    for words in (
        "age: a number of years from 0 to 100, right within 5",
        "mood: one of sad, calm, merry, wild (in this order)",
        "signs: any of hat, scarf",
        "Groups of origin: north, south, west.",
        "| train | `f1` |",
        "300 portraits of `train`",
        "3 epochs, 900 portraits seen in 90 s: 10 a second",
        "1,234 parameters",
        "**Hours used:** 0.025",
        "`python -m training.fairness_report --run_dir",
        "> Keep it & them.",
        "must not go where the portraits must not go",
    ):
        assert words in card, words


def test_the_snippet_runs_as_it_stands(card, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    pixels = np.full((200, 100, 3), 90, np.uint8)
    Image.fromarray(pixels).save("portrait.png")
    (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    exec(code, {})
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines} == set(EVERY_KIND.task_names)


def test_what_was_measured_beside_it_is_told(measured_run, tmp_path):
    path = shutil.copytree(measured_run, tmp_path / "run")
    for kind in ("fairness", "generalisation"):
        write_found(path / kind / "test", [kind])
    sweep = write_found(tmp_path / "sweep", ["Choice"])
    sources = read_sources(path, sweep_dir=sweep)
    card = model_card.make_model_card(sources)
    for kind in ("fairness", "generalisation", "Choice"):
        assert f"- Said of {kind} & more." in card
    assert "| age  | 0.500 [0.400, 0.600] |" in card
    assert "Not measured" not in card


def test_a_card_without_groups_says_so(tmp_path):
    schema = EVERY_KIND.restricted_to(["age", "mood"])
    run = make_measured_run(tmp_path / "run", schema)
    card = model_card.make_model_card(read_sources(run.path))
    without_gaps(card, "modelcard_template.md")
    assert "names no protected task" in card


def test_an_empty_field_is_an_error(measured_run, tmp_path):
    path = shutil.copytree(measured_run, tmp_path / "run")
    facts = json.loads((path / "run.json").read_text())
    del facts["seconds"], facts["processor"], facts["checksum"]
    (path / "run.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match="processor, seconds. `python -m"):
        model_card.make_model_card(read_sources(path))
    with pytest.raises(UserError, match="model_card.md.j2 is empty"):
        render("model_card.md.j2")


def test_damaged_files_are_told_of(measured_run, tmp_path):
    path = shutil.copytree(measured_run, tmp_path / "run")
    measured = path / "evaluation" / "test" / "measured.json"
    measured.write_text("{")
    with pytest.raises(UserError, match="measure again .*training.evaluate"):
        read_sources(path)
    measured.write_text("{}")
    with pytest.raises(UserError, match="is empty. Received: .*portraits"):
        model_card.make_model_card(read_sources(path))
    (path / "evaluation" / "test" / "report.json").write_text("{")
    with pytest.raises(UserError, match="no report that can be read"):
        read_sources(path)


@pytest.mark.parametrize("value", [None, "", " \n"])
def test_nothing_shows_nothing(value, monkeypatch, tmp_path):
    from tp_keras.cards import templates

    (tmp_path / "a.md.j2").write_text("{{ field }}")
    monkeypatch.setattr(templates, "_FOLDER", tmp_path)
    assert render("a.md.j2", field=0) == "0"
    with pytest.raises(UserError, match="A field of a.md.j2 is empty"):
        render("a.md.j2", field=value)


@pytest.mark.parametrize("value", [1e-05, 0.1 + 0.2, 1.0, 1e22, 7, None])
def test_numbers_are_read_back_as_they_are(value):
    assert yaml.safe_load(_number(value)) == value


def test_who_is_worst_off():
    def recall(name, group, value, count=50):
        fields = {"low": value - 0.1, "high": value + 0.1, "class_name": name}
        return Record("recall", "mood", group, value, count, **fields)

    records = [
        recall("sad", "all", 0.2),
        recall("sad", "north", 0.5),
        recall("calm", "south", 0.4),
        recall("wild", "west", 0.3, count=5),
        Record("mae", "age", "west", 9.0, 50, class_name="0 to 8"),
        Record("mae", "age", "north", 3.0, 50, class_name="0 to 8"),
    ]
    tasks = EVERY_KIND.get_tasks(["mood", "age", "signs"])
    assert model_card.worst_sentences(records, tasks) == [
        "age: worst off is 0 to 8 (west), mae 9.000 (n = 50)",
        "mood: worst off is calm (south), recall 0.400 [0.300, 0.500] (n = 50)",
    ]


def test_hours_have_two_digits_that_say_something():
    assert [*map(model_card.hours, (36, 3600, 90, 360_000))] == [
        *("0.010", "1.0", "0.025", "100"),
    ]
