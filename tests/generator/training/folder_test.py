import keras
import pytest

from tests.generator.model.networks import make_vae
from tests.printed_commands import find_commands
from tests.printed_commands import parse
from tp_keras.config import ExperimentConfig
from tp_keras.errors import UserError
from tp_keras.generator.config import VaeExperimentConfig
from tp_keras.generator.training.folder import VaeRunFolder
from tp_keras.runs.run_folder import RunFolder
from training.evaluate_vae import EvaluateVae
from training.export_vae import ExportVae
from training.generate import Generate


@pytest.fixture
def run(tmp_path):
    run = VaeRunFolder(tmp_path / "my run")
    run.claim(VaeExperimentConfig(run_dir=str(run.path)))
    return run


def test_it_keeps_settings_and_model(run):
    assert run.config == VaeExperimentConfig(run_dir=str(run.path))
    with pytest.raises(UserError, match="has no model yet"):
        run.require()
    run.save_model(make_vae(grown=True))
    with pytest.raises(UserError, match="What is known of the model is gone"):
        run.require()
    run.record(status="training")
    assert VaeRunFolder(run.path).require().load_model().grown


def test_the_readme_names_files_and_the_next_commands(run):
    run.record(status="training", epochs=3, examples_seen=12_345)
    readme = (run.path / "README.md").read_text()
    assert "training, 3 epochs, 12,345 examples seen" in readme
    folders = run.pictures_path, run.backups.folder
    histories = run.history_path, run.encoder_history_path
    for path in (run.model_path, *histories, *folders):
        assert f"`{path.name}" in readme
    assert "`generation/`" in readme
    path = str(run.path)
    assert [parse(line) for line in find_commands(readme)] == [
        EvaluateVae(path),
        ExportVae(path),
        Generate(path, output="portraits.png"),
    ]
    assert f"`tensorboard --logdir '{path}'`" in readme


def test_histories_and_model_are_part_of_the_state(run):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd")
    model.optimizer.build(model.trainable_variables)
    paths = run.history_path, run.encoder_history_path, run.model_path
    for path in paths:
        path.write_text(f"{path.name} of epoch 1")
    run.backups.save(model, 1)
    for path in paths:
        path.write_text("of a moment later")
    run.backups.restore_files(1)
    for path in paths:
        assert path.read_text() == f"{path.name} of epoch 1"
    # Where there is no state, they are of a start that came to nothing.
    run.backups.restore_files(0)
    assert not any(path.exists() for path in paths)


def test_the_folder_of_a_classifier_is_refused(tmp_path):
    classifier = RunFolder(tmp_path / "classifier")
    classifier.claim(ExperimentConfig())
    with pytest.raises(UserError, match="training.train_vae smoke"):
        VaeRunFolder(classifier.path).config  # noqa: B018
