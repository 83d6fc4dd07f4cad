import contextlib
import io
import json
import shlex

import numpy as np
import pytest

from tests.generator.export.vae_networks import make_trained_vae
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tests.printed_commands import parse_next
from tp_keras.config import DataConfig
from tp_keras.data import source
from tp_keras.errors import UserError
from tp_keras.export import read_metadata
from tp_keras.generator.config import VaeExperimentConfig
from tp_keras.generator.config import VaeModelConfig
from tp_keras.generator.export.bundle import count_labels
from tp_keras.generator.export.bundle import export_vae_run
from tp_keras.generator.export.bundle import run_generator
from tp_keras.generator.training.folder import VaeRunFolder
from tp_keras.serving import PortraitGenerator
from tp_keras.serving.check import check_content
from tp_keras.serving.check import check_version
from training import command
from training.export_vae import ExportVae
from training.generate import Generate


@pytest.fixture(scope="module", autouse=True)
def training():
    """The portraits that it has learned from."""
    portraits = make_portraits(100)

    def load(data_dir, dataset, split, progress):
        return {("made/here", "train[:50%]"): portraits}[dataset, split]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "load_portraits", load)
        yield portraits


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a run as training leaves it."""
    path = tmp_path_factory.mktemp("runs") / "tiny"
    folder = VaeRunFolder(path)
    folder.claim(
        VaeExperimentConfig(
            run_dir=str(path),
            data=DataConfig("/somewhere", "made/here", "train[:50%]"),
            model=VaeModelConfig(classifier_run="/somewhere/eyes"),
        )
    )
    folder.save_model(make_trained_vae())
    folder.record(status="finished", fingerprints={"validation": "abc"})
    return path


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    """The bundle; the command says where it is and what is next."""
    bundle = tmp_path_factory.mktemp("exported models") / "portrait_vae"
    with contextlib.redirect_stdout(io.StringIO()) as text:
        ExportVae(run_dir=str(run), output_dir=str(bundle.parent)).execute()
    text = text.getvalue()
    assert "Checked: differences from the model" in text
    compose = shlex.quote(str(bundle.parent / "compose.yaml"))
    assert f"Serve: docker compose -f {compose} up\n" in text
    assert f"Bundle: {bundle / '1'}" in text
    expected = Generate(bundle=str(bundle), output="portraits.png")
    assert parse_next(text) == expected
    return bundle / "1"


def test_a_run_is_exported_with_what_is_known_of_it(exported, run, training):
    check_version(exported).require()
    metadata = read_metadata(exported)
    assert metadata["run"] == "tiny"
    assert metadata["prior"] == "GaussianMixturePrior"
    assert metadata["data_fingerprints"] == {"validation": "abc"}
    assert metadata["settings"]["training"]["half_epochs"] > 0
    expected = count_labels(training.labels, SCHEMA)
    assert metadata["label_counts"] == expected
    assert sum(cell["count"] for cell in expected) == 100
    text = json.dumps(metadata)
    assert str(run.parent) not in text
    assert "/somewhere" not in text


def test_run_and_bundle_generate_the_same(exported, run, monkeypatch):
    from_run = run_generator(run)
    from_bundle = PortraitGenerator.load(exported)
    labels = {"hair_color": ["blond", "black", None], "gender": "female"}
    of_run = from_run.generate(labels, [7, 8, 9], 0.8)
    of_bundle = from_bundle.generate(labels, [7, 8, 9], 0.8)
    # One graph, but other threads may sum in another order.
    assert np.abs(of_run.astype(int) - of_bundle).max() <= 1
    counts = [each.metadata["label_counts"] for each in (from_run, from_bundle)]
    assert counts[0] == counts[1] and from_run.schema == from_bundle.schema
    assert of_run.std() > 1.0

    # Without the data the counts are not known.
    def gone(*args, **kwargs):
        raise UserError("gone")

    monkeypatch.setattr(source, "load_portraits", gone)
    assert run_generator(run).metadata["label_counts"] is None


def test_another_prior_passes_the_gate_before_it_is_published(
    run, tmp_path, monkeypatch
):
    vae = make_trained_vae("standard_normal")
    monkeypatch.setattr(VaeRunFolder, "load_model", lambda self: vae)
    seen = []

    def check(folder):
        seen.append(check_content(folder).require().differences)
        raise UserError("no")

    with pytest.raises(UserError, match="no"):
        export_vae_run(run, tmp_path, check=check)
    assert len(seen[0]) == 8
    assert list(tmp_path.iterdir()) == []


def test_a_missing_run_or_a_model_of_nan_is_not_published(
    run, tmp_path, monkeypatch, capsys
):
    def refusal(run_dir):
        flags = ["--run_dir", str(run_dir), "--output_dir", str(tmp_path)]
        with pytest.raises(SystemExit) as error:
            command.run(ExportVae, flags)
        assert error.value.code == command.EXIT_USER_ERROR
        return capsys.readouterr().err

    assert "training.train_vae" in refusal(tmp_path / "gone")
    assert list(tmp_path.iterdir()) == []
    broken = make_trained_vae()
    weight = broken.encoder.trainable_variables[0]
    weight.assign(np.full(weight.shape, np.nan))
    monkeypatch.setattr(VaeRunFolder, "load_model", lambda self: broken)
    assert "its training failed" in refusal(run)
    assert list(tmp_path.iterdir()) == []


def test_counts_of_labels():
    columns = np.array([[0, 1, 1, 1], [4, -1, -1, 2], [2, 1, 1, -1]])
    labels = dict(zip(SCHEMA.conditions, columns, strict=True))
    rows = [tuple(cell.values()) for cell in count_labels(labels, SCHEMA)]
    assert rows == [
        ("male", "unknown", "wavy", 2),
        ("female", "bald", "bald", 1),
        ("male", "blond", "unknown", 1),
    ]
