import pytest

from tests.generator.training.trainer_test import claim_classifier
from tests.printed_commands import find_commands
from tests.printed_commands import parse
from tests.printed_commands import parse_next
from tp_keras.config import DataConfig
from tp_keras.generator.training import trainer as vae_trainer
from tp_keras.generator.training.folder import VaeRunFolder
from tp_keras.runs.callbacks import FiniteLoss
from training import command
from training import train_vae
from training.evaluate_vae import EvaluateVae

TINY = (
    *("--dataset", "tiny_portraits/synthetic_tiny"),
    *("--prior", "standard_normal", "--latent_size", "4"),
    *("--encoder_channels", "4", "8", "--critic_channels", "4", "4"),
    *("--decoder_channels", "8", "4", "4", "4", "--batch_size", "32"),
    *("--half_epochs", "1", "--full_epochs", "0", "--encoder_epochs", "1"),
    # Whatever can be switched off.
    *("--label_dropout", "0", "--averaging", "0", "--warmup_epochs", "0"),
    *("--penalty_weight", "0", "--feature_weight", "0", "--beta", "0"),
    *("--attribute_weight", "0", "--latent_weight", "0"),
)


def train(*arguments):
    train_vae.main(["smoke", *map(str, arguments)])


def refusal(capsys, *arguments):
    with pytest.raises(SystemExit) as caught:
        train(*arguments)
    assert caught.value.code == command.EXIT_USER_ERROR
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return captured.err + captured.out


def test_the_command_trains_draws_and_says_what_is_next(
    tiny_data_dir, tmp_path, capsys, monkeypatch
):
    # After a few steps the latents tell as good as nothing.
    monkeypatch.setattr(vae_trainer, "BalanceGuard", lambda *args: FiniteLoss())
    path = tmp_path / "my run"
    data = {"data_dir": str(tiny_data_dir), "dataset": TINY[1]}
    eyes = claim_classifier(tmp_path / "eyes", **data).path
    arguments = (*TINY, "--data_dir", tiny_data_dir, "--run_dir", path)
    arguments += ("--classifier_run", eyes)
    train(*arguments)
    output = capsys.readouterr().out
    assert "tiny_portraits/synthetic_tiny" in output
    assert "drawn at 54x42" in output and "drawn at 108x84" not in output
    assert "Prior: standard_normal" in output
    assert parse_next(output) == EvaluateVae(str(path))

    vae = VaeRunFolder(path).load_model()
    assert vae.latent_size == 4 and not vae.grown

    # The same command again has nothing to do, another one is refused.
    train(*arguments)
    assert "is finished; nothing to train" in capsys.readouterr().out
    message = refusal(capsys, *arguments, "--seed", "5")
    assert "seed: 0 against 5" in message


def test_without_a_classifier(tmp_path, tiny_data_dir, capsys):
    folder = tmp_path / "my data"
    folder.symlink_to(tiny_data_dir)
    data = ("--data_dir", folder, "--dataset", "tiny_portraits/synthetic_tiny")
    message = refusal(capsys, "--run_dir", tmp_path / "run", *data)
    assert message.count("\n") == 1
    (line,) = find_commands(message)
    assert parse(line).config.data == DataConfig(
        str(folder), "tiny_portraits/synthetic_tiny", "train[:50%]"
    )
    assert not (tmp_path / "run").exists()


def test_no_data_and_impossible_settings(tmp_path, capsys):
    run_dir = ("--run_dir", tmp_path / "run")
    message = refusal(capsys, *TINY, "--data_dir", tmp_path / "none", *run_dir)
    assert "python -m training.build_dataset" in message
    message = refusal(capsys, "--encoder_channels", "48", *run_dir)
    # In a box of its own, broken where a line ends.
    words = " ".join(message.replace("│", " ").split())
    assert "Expected 2 numbers of channels" in words
    assert not (tmp_path / "run").exists()
