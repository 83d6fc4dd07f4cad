"""The folder of a generator's run."""

import pathlib

from tp_keras.command_line import command_line
from tp_keras.generator.config import VaeExperimentConfig
from tp_keras.runs.run_folder import RunFolder

_README = """# A training run of a portrait generator of tp_keras

{status}

| file | what it holds |
|---|---|
| `config.json` | every setting |
| `run.json` | versions, fingerprints of the data, progress, priors, status |
| `history.csv` | losses and their parts, a row for each epoch of the decoder |
| `encoder_history.csv` | the same of the encoder, which is trained afterwards |
| `model.keras` | the trained generator, with its prior |
| `pictures/` | samples and reconstructions after every epoch |
| `tensorboard/` | the same for `tensorboard --logdir {quoted_path}` |
| `backup/` | the states after the last two epochs, while it trains |
| `generation/` | figures and pictures of `training.evaluate_vae` |
| `generation.html` | the page of them |

Evaluate it: `{evaluate}`
Export it: `{export}`
Draw: `{draw}`
"""


class VaeRunFolder(RunFolder):
    """Reads and writes the folder of one training of a `PortraitVAE`."""

    config_class = VaeExperimentConfig
    command = command_line("training.train_vae", "smoke")
    readme = _README

    def commands(self) -> dict[str, str]:
        """Returns the commands of the README by what they do."""
        own = {"run_dir": self.path}
        return {
            "evaluate": command_line("training.evaluate_vae", **own),
            "export": command_line("training.export_vae", **own),
            "draw": command_line(
                "training.generate", **own, output="portraits.png"
            ),
        }

    def load_model(self, path=None):
        """Returns the generator of a file, or the trained one, in float32."""
        import tp_keras.generator.model  # noqa: F401 (registers the classes)

        return super().load_model(path)

    @property
    def encoder_history_path(self) -> pathlib.Path:
        """The CSV file with a row for each epoch of the encoder."""
        return self.path / "encoder_history.csv"

    @property
    def beside(self) -> tuple[pathlib.Path, ...]:
        """Files that belong to the state of a training."""
        return *super().beside, self.encoder_history_path

    @property
    def pictures_path(self) -> pathlib.Path:
        """The folder of what the model drew after each epoch."""
        return self.path / "pictures"
