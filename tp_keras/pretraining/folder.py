"""The folder of a training without labels."""

from tp_keras.command_line import command_line
from tp_keras.pretraining.config import PretrainConfig
from tp_keras.runs.run_folder import RunFolder

_README = """# A training without labels of tp_keras

{status}

| file | what it holds |
|---|---|
| `config.json` | every setting |
| `run.json` | versions, fingerprints of the data, progress, status |
| `history.csv` | loss, entropies and what the features know, by epoch |
| `model.keras` | the backbone, the average of the student's |
| `tensorboard/` | the same for `tensorboard --logdir {quoted_path}` |
| `backup/` | the states after the last two epochs, while it trains |

What it is good for: `{compare}`
Train on it: `{train}`
"""


class PretrainRunFolder(RunFolder):
    """Reads and writes the folder of one training without labels."""

    config_class = PretrainConfig
    command = command_line("training.pretrain", "demo")
    readme = _README

    def commands(self) -> dict[str, str]:
        """Returns the commands of the README by what they do."""
        return {
            "compare": command_line(
                "training.compare_pretraining", run_dir=self.path
            ),
            "train": command_line(
                "training.train", "demo", backbone=self.model_path
            ),
        }
