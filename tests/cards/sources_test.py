import shutil

import pytest

from tests.cards.made_measurements import write_found
from tests.portrait_factory import EVERY_KIND
from tests.printed_commands import find_commands
from tests.printed_commands import parse
from tp_keras.cards.sources import join_names
from tp_keras.cards.sources import read_sources
from tp_keras.errors import UserError
from tp_keras.runs.run_folder import RunFolder
from training.evaluate import Evaluate


def test_what_is_not_there_is_left_out(measured_run):
    sources = read_sources(measured_run)
    assert list(sources.found) == ["evaluation"]
    (parts,) = sources.trained_on.values()
    assert parts == [("train", 300), ("validation", 40)]
    assert sources.get("fairness") is None


def test_what_is_there_is_found(measured_run, tmp_path):
    path = shutil.copytree(measured_run, tmp_path / "run")
    for kind in ("fairness", "generalisation", "limits"):
        write_found(path / kind / "test", [kind])
    write_found(path / "audit", ["What is peculiar"])
    vae = write_found(tmp_path / "vae" / "generation" / "test", ["Found"])
    sweep = write_found(tmp_path / "sweep", ["Choice"])
    found = read_sources(path, None, vae.parents[1], sweep).found
    kinds = "audit evaluation fairness generalisation generation limits sweep"
    assert " ".join(sorted(found)) == kinds
    (section,) = found["fairness"].sections()
    assert section.title == "fairness"
    assert [s.title for s in found["fairness"].sections(("Limits",))] == [
        "Limits"
    ]
    assert found["fairness"].records[0].value == 0.5


def test_a_run_must_be_evaluated(measured_run, tmp_path):
    path = shutil.copytree(measured_run, tmp_path / "run")
    shutil.rmtree(path / "evaluation")
    with pytest.raises(
        UserError, match="no figures of the evaluation"
    ) as error:
        read_sources(path)
    (command,) = find_commands(str(error.value))
    assert parse(command) == Evaluate(str(path))


def test_a_run_must_be_finished(measured_run, tmp_path):
    path = shutil.copytree(measured_run, tmp_path / "run")
    RunFolder(path).record(status="training")
    with pytest.raises(UserError, match="a finished run"):
        read_sources(path)


@pytest.mark.parametrize("name", ["audit_dir", "generator_run", "sweep_dir"])
def test_what_is_named_must_be_there(name, measured_run, tmp_path):
    with pytest.raises(UserError, match="no figures of the .* makes them"):
        read_sources(measured_run, **{name: tmp_path})


def test_figures_of_other_data_are_refused(measured_run, tmp_path):
    audit = write_found(tmp_path / "audit", ["What is peculiar"], "other/1.0.0")
    with pytest.raises(UserError, match="Received: those of other/1.0.0"):
        read_sources(measured_run, audit_dir=audit)


def test_names_in_a_sentence():
    tasks = EVERY_KIND.get_tasks(["age", "mood", "smile"])
    assert join_names(tasks) == "age, mood and smile"
    assert join_names(tasks[:1]) == "age"
