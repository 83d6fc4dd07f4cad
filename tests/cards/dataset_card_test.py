import pytest
from huggingface_hub import DatasetCard

from tests.cards.made_measurements import COUNTS
from tests.cards.made_measurements import DESCRIPTION
from tests.cards.made_measurements import write_found
from tests.cards.model_card_test import without_gaps
from tests.portrait_factory import EVERY_KIND
from tp_keras.cards import dataset_card
from tp_keras.cards.sources import read_sources
from tp_keras.cards.sources import split_description
from tp_keras.records.page_parts import Table


@pytest.fixture
def audit_dir(tmp_path):
    titles = ["What is peculiar", "Balance", "Duplicates"]
    return write_found(tmp_path / "audit", titles)


def make(run, **places):
    return dataset_card.make_dataset_card(read_sources(run, **places))


def test_the_field_reads_the_card(measured_run, audit_dir):
    card = make(measured_run, audit_dir=audit_dir)
    read = DatasetCard(card)
    splits = read.data.dataset_info["splits"]
    assert {s["name"]: s["num_examples"] for s in splits} == COUNTS
    assert read.data.size_categories == ["n<1K"]
    assert read.data.dataset_info["features"][0]["dtype"] == "Image"
    again = DatasetCard(f"---\n{read.data.to_yaml()}\n---\n{read.text}")
    assert again.data.to_dict() == read.data.to_dict()


def test_every_section_is_there_and_filled(measured_run, audit_dir):
    for card in (make(measured_run), make(measured_run, audit_dir=audit_dir)):
        without_gaps(card, "datasetcard_template.md")


def test_the_data_set_tells_what_only_it_can_know(measured_run):
    card = make(measured_run)
    told = card.split("#### Data Collection and Processing\n\n")[1]
    assert told.startswith("Drawn by dice.\n\n```\n## no heading of it\n```")
    assert "### Terms\n\nKeep it & them.\n\n##" in card
    assert "has no part `## Annotation`." in card
    assert "| train | 300 |" in card
    assert "@misc{made}" in card
    assert "The portraits show people" in card


def test_what_the_audit_found_is_told(measured_run, audit_dir):
    card = make(measured_run, audit_dir=audit_dir)
    assert "What is peculiar:\n\n- Said of What is peculiar & more." in card
    for check in ("Balance", "Duplicates"):
        assert f"### {check}\n\n- Said of {check} & more.\n\n| what" in card
    assert "**Classes.** Counted by the audit.\n\n| what | found" in card
    assert "SHA-256 `f4`" in card
    assert "Not measured" not in card
    assert "training.audit --data_dir 'a data folder'" in make(measured_run)


def test_tables_of_the_groups_are_shown():
    titles = ["Classes", "origin and age", "age and mood", "mood and origin"]
    tables = [Table(title, "", None) for title in [*titles, "Do they differ?"]]
    shown = dataset_card.shown_tables(tables, EVERY_KIND)
    assert [table.title for table in shown] == [titles[i] for i in (0, 1, 3)]


def test_a_description_has_parts():
    parts = split_description(DESCRIPTION)
    assert parts[""] == "Portraits of nobody.\n\nMore of them."
    assert list(parts) == ["", "Source", "Terms"]
    assert split_description("Plain.") == {"": "Plain."}
