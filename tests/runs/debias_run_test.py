import dataclasses

import keras
import numpy as np
import pytest

from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tests.printed_commands import parse_next
from tp_keras.config import DebiasConfig
from tp_keras.config import ExperimentConfig
from tp_keras.errors import UserError
from tp_keras.models import PortraitBackbone
from tp_keras.models import PortraitClassifier
from tp_keras.runs import debias_run as debias_run_module
from tp_keras.runs.debias_run import debias_run
from tp_keras.runs.run_folder import RunFolder
from training.command import run as run_command
from training.debias import Debias
from training.fairness_report import FairnessReport


def load_made(data_dir, dataset, split, storage, progress):
    seed = ["train", "validation"].index(split)
    return make_portraits(120, seed=seed, split=split)


@pytest.fixture(autouse=True)
def made_portraits(monkeypatch):
    monkeypatch.setattr(debias_run_module, "load_portraits", load_made)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A finished run of a network that was never trained."""
    keras.utils.set_random_seed(0)
    run = RunFolder(tmp_path_factory.mktemp("runs") / "source")
    run.claim(ExperimentConfig(run_dir=str(run.path)))
    backbone = PortraitBackbone(
        "separable", 8, ((8, 1, 4),), SCHEMA.image_shape
    )
    model = PortraitClassifier(backbone, SCHEMA, embedding_size=16)
    model.save(run.model_path)
    run.history_path.write_text("epoch,val_score\n0,0.5\n")
    fingerprints = {
        split: load_made(None, None, split, None, None).fingerprint
        for split in ("train", "validation")
    }
    run.record(
        status="finished",
        epochs=1,
        fingerprints=fingerprints,
        schema=SCHEMA.to_dict(),
    )
    return run


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

    old, new = source.load_model(), run.load_model()
    differences = {
        layer.name
        for layer, other in zip(old.layers, new.layers, strict=True)
        for a, b in zip(layer.get_weights(), other.get_weights(), strict=True)
        if not np.array_equal(a, b)
    }
    assert "hair_color_projection" in differences

    # The same command again finds everything done.
    before = content(path)
    assert (
        debias_run(
            source.path, path, DebiasConfig(posthoc="leace"), progress=False
        ).path
        == path
    )
    assert content(path) == before
    with pytest.raises(UserError, match="posthoc: leace against dfr"):
        debias_run(
            source.path, path, DebiasConfig(posthoc="dfr"), progress=False
        )
    with pytest.raises(UserError, match="Expected a run as training left it"):
        debias_run(
            path,
            tmp_path / "twice",
            DebiasConfig(posthoc="dfr"),
            progress=False,
        )


def test_on_failure_there_is_nothing(source, tmp_path, monkeypatch):
    def fail(self, path, **kwargs):
        path.write_text("half")
        raise OSError("broken")

    monkeypatch.setattr(PortraitClassifier, "save", fail)
    with pytest.raises(OSError, match="broken"):
        debias_run(
            source.path,
            tmp_path / "new",
            DebiasConfig(posthoc="leace"),
            progress=False,
        )
    assert not list(tmp_path.iterdir())


def test_what_does_not_fit_is_one_sentence(source, tmp_path, capsys):
    new = tmp_path / "new"
    with pytest.raises(UserError, match="nothing to do.*posthoc=none"):
        debias_run(
            source.path, new, DebiasConfig(posthoc="none"), progress=False
        )
    with pytest.raises(UserError, match="There is no run"):
        debias_run(
            tmp_path / "nowhere",
            new,
            DebiasConfig(posthoc="dfr"),
            progress=False,
        )
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "thesis.txt").write_text("mine")
    with pytest.raises(SystemExit):
        run_command(
            Debias, ["--run_dir", str(source.path), "--output_dir", str(taken)]
        )
    assert "Expected a new or empty folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_unfinished_runs_and_other_data_are_refused(
    source, tmp_path, monkeypatch
):
    facts = source.facts
    try:
        source.record(status="training")
        with pytest.raises(UserError, match="The run is not finished"):
            debias_run(
                source.path,
                tmp_path / "new",
                DebiasConfig(posthoc="dfr"),
                progress=False,
            )
        source.record(status="finished", fingerprints={"train": "other"})
        with pytest.raises(UserError, match="other portraits"):
            debias_run(
                source.path,
                tmp_path / "new",
                DebiasConfig(posthoc="dfr"),
                progress=False,
            )
    finally:
        source.record(**facts)


def test_a_folder_of_another_source_is_refused(source, tmp_path):
    path = tmp_path / "new"
    run = debias_run(
        source.path, path, DebiasConfig(posthoc="dfr"), progress=False
    )
    run.record(source="another")
    with pytest.raises(UserError, match="holds another run.*there another"):
        debias_run(
            source.path, path, DebiasConfig(posthoc="dfr"), progress=False
        )


def test_guarded_layers_are_trained_anew_and_nothing_else(source, tmp_path):
    settings = DebiasConfig(debias="conditional_grl", branch_steps=3)
    run = debias_run(source.path, tmp_path / "new", settings, progress=False)
    old, new = source.load_model(), run.load_model()
    for layer in old.layers:
        pairs = zip(
            layer.get_weights(),
            new.get_layer(layer.name).get_weights(),
            strict=True,
        )
        same = all(np.array_equal(a, b) for a, b in pairs)
        trained = layer.name.startswith(("hair_", "guarded_")) and layer.weights
        assert same != bool(trained), layer.name
    # The same settings and seed give the same layers.
    again = debias_run(source.path, tmp_path / "two", settings, progress=False)
    for a, b in zip(
        new.get_weights(), again.load_model().get_weights(), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_posthoc_follows_a_debiased_training_once(source, tmp_path):
    settings = DebiasConfig(debias="reweigh", branch_steps=2)
    first = debias_run(source.path, tmp_path / "a", settings, progress=False)
    both = dataclasses.replace(settings, posthoc="leace")
    second = debias_run(first.path, tmp_path / "b", both, progress=False)
    assert second.config.debias == both
    other = dataclasses.replace(both, branch_steps=3)
    with pytest.raises(UserError, match="debiased already.*branch_steps: 2"):
        debias_run(first.path, tmp_path / "c", other, progress=False)
