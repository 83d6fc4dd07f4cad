import dataclasses

import pytest

from tests.export.networks import differing_layers
from tests.made_runs import make_run
from tests.portrait_factory import SCHEMA
from tests.printed_commands import parse_next
from tests.runs import trainer_test as t
from tp_keras.debias_config import DebiasConfig
from tp_keras.errors import UserError
from tp_keras.files import only_one
from tp_keras.models import PortraitClassifier
from tp_keras.runs.debias_run import debias_run
from tp_keras.runs.run_folder import RunFolder
from training.command import run as run_command
from training.debias import Debias
from training.fairness_report import FairnessReport


@pytest.fixture(autouse=True)
def made_portraits(monkeypatch):
    t.make_tiny_world(monkeypatch)
    monkeypatch.setattr("tp_keras.data.source.load_portraits", t.load_made)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A finished run of a network that was never trained."""
    run = make_run(
        tmp_path_factory.mktemp("runs") / "source",
        status="finished",
        epochs=1,
        fingerprints={
            split: t.load_made(None, None, split, None, None).fingerprint
            for split in ("train", "validation")
        },
    )
    run.history_path.write_text("epoch,val_score\n0,0.5\n")
    return run


def debias(source, path, **settings):
    settings = DebiasConfig(**settings)
    return debias_run(source.path, path, settings, progress=False)


def content(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_new_run_is_a_run_and_the_old_one_stays(source, tmp_path, capsys):
    before = content(source.path)
    path = tmp_path / "my runs" / "new"
    arguments = ["--run_dir", str(source.path), "--output_dir", str(path)]
    run_command(Debias, [*arguments, "--debias", "none", "--posthoc", "leace"])
    assert parse_next(capsys.readouterr().out) == FairnessReport(str(path))

    run = RunFolder(path).require()
    assert run.is_finished
    assert run.config == dataclasses.replace(
        source.config, run_dir=str(path), debias=DebiasConfig(posthoc="leace")
    )
    assert run.facts["source"] == "source"
    assert run.facts["debias_seconds"] >= 0
    assert run.facts["fingerprints"] == source.facts["fingerprints"]
    assert run.read_history() == source.read_history()
    assert run.schema == SCHEMA
    readme = (path / "README.md").read_text()
    assert f"--run_dir '{path}'`" in readme and "partial" not in readme
    assert content(source.path) == before
    assert [item.name for item in path.parent.iterdir()] == ["new"]

    differing = differing_layers(source.load_model(), run.load_model())
    assert "hair_color_projection" in differing

    # The same command again finds everything done.
    before = content(path)
    assert debias(source, path, posthoc="leace").path == path
    assert content(path) == before
    with pytest.raises(UserError, match="posthoc: leace against dfr"):
        debias(source, path, posthoc="dfr")
    with pytest.raises(UserError, match="Expected a run as training left it"):
        debias(run, tmp_path / "twice", posthoc="dfr")
    run.record(source="another")
    with pytest.raises(UserError, match="holds another run.*there another"):
        debias(source, path, posthoc="leace")


def test_on_failure_there_is_nothing(source, tmp_path, monkeypatch):
    def fail(self, path, **kwargs):
        path.write_text("half")
        raise OSError("broken")

    monkeypatch.setattr(PortraitClassifier, "save", fail)
    with pytest.raises(OSError, match="broken"):
        debias(source, tmp_path / "new", posthoc="leace")
    assert not list(tmp_path.iterdir())


def test_what_does_not_fit_is_one_sentence(source, tmp_path, capsys):
    new = tmp_path / "new"
    with only_one(new), pytest.raises(UserError, match="Another process"):
        debias(source, new, posthoc="leace")
    with pytest.raises(UserError, match="nothing to do.*posthoc=none"):
        debias(source, new, posthoc="none")
    with pytest.raises(UserError, match="There is no run"):
        debias(RunFolder(tmp_path / "nowhere"), new, posthoc="dfr")
    facts = source.facts
    try:
        source.record(status="training")
        with pytest.raises(UserError, match="The run is not finished"):
            debias(source, new, posthoc="dfr")
        source.record(status="finished", fingerprints={"train": "other"})
        with pytest.raises(UserError, match="other portraits"):
            debias(source, new, posthoc="dfr")
    finally:
        source.record(**facts)
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "thesis.txt").write_text("mine")
    words = ["--run_dir", str(source.path), "--output_dir", str(taken)]
    with pytest.raises(SystemExit):
        run_command(Debias, words)
    assert "Expected a new or empty folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_guarded_layers_are_trained_anew_and_posthoc_follows_once(
    source, tmp_path
):
    settings = {"debias": "conditional_grl", "branch_steps": 3}
    first = debias(source, tmp_path / "a", **settings)
    old, new = source.load_model(), first.load_model()
    assert differing_layers(old, new) == {
        layer.name
        for layer in old.layers
        if layer.name.startswith(("hair_", "guarded_")) and layer.weights
    }
    second = debias(first, tmp_path / "b", **settings, posthoc="leace")
    assert second.config.debias == DebiasConfig(**settings, posthoc="leace")
    settings["branch_steps"] = 4
    with pytest.raises(UserError, match="debiased already.*branch_steps: 3"):
        debias(first, tmp_path / "c", **settings, posthoc="leace")
