"""Recipes of an experiment: flags of `training.train` that make it another."""

import dataclasses
import pathlib
import shlex

from benchmarks.finished_runs import run_module
from benchmarks.torch_peer import TORCH_NETWORK
from tp_keras.errors import UserError
from tp_keras.runs.run_folder import RunFolder

ROOT = pathlib.Path("runs/accuracy")

NOW = "now"

# What `training.train real` was before: AdamW, and portraits framed alike.
BEFORE = (
    "--optimizer adamw --batch_size 64 --weight_decay 0.2 "
    "--averaging 0.998 --epochs 20 --dropout_rate 0.4 --shift 0.15 --zoom 0.3 "
    "--rotation 20 --closeup 0 --cast 0 --blur 0"
)

# By the experiment, which itself is called `now`.
RECIPES = {
    "real": {
        "before": BEFORE,
        # For portraits that are framed like those of the training.
        "short": "--epochs 8 --closeup 0 --blur 0 --cast 0",
        # As many epochs as take about as long as all of `before`.
        "MobileNetV3Small": f"{BEFORE} --backbone MobileNetV3Small --epochs 5",
        "MobileNetV3 in PyTorch": (
            f"{BEFORE} --backbone {TORCH_NETWORK} --epochs 6"
        ),
    }
}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A name, and the words of `training.train` that make it."""

    name: str
    words: tuple[str, ...] = ()

    @property
    def is_torch(self) -> bool:
        """Whether its network is PyTorch's."""
        return TORCH_NETWORK in self.words

    def run_name(self, experiment: str) -> str:
        """Returns how its runs of an experiment are called."""
        if self.name == NOW:
            return experiment
        return f"{experiment}-{self.name.replace(' ', '-')}"


def find_recipe(experiment: str, text: str) -> Recipe:
    """Returns a recipe by its name, or of flags that follow one.

    Args:
        experiment: Name of an experiment of training/configs.
        text: `"now"`, a name out of `RECIPES`, or `"NAME: --flag value"`.

    Raises:
        UserError: If there is none of this name.
    """
    name, colon, flags = text.partition(":")
    known = {NOW: "", **RECIPES.get(experiment, {})}
    if not colon and name not in known:
        raise UserError(
            f"Expected a recipe of {experiment} out of {', '.join(known)}, or "
            f"'NAME: --flag value'. Received: recipes={text}"
        )
    return Recipe(name, tuple(shlex.split(flags if colon else known[name])))


def train_recipe(
    experiment: str, recipe: Recipe, seed: int, data_dir: pathlib.Path
) -> RunFolder:
    """Returns the run of a recipe and a seed, which is trained if it isn't.

    A network in PyTorch is trained as it is there.
    """
    run = RunFolder(ROOT / f"{recipe.run_name(experiment)}-seed{seed}")
    if not run.is_finished:
        run_module(
            "benchmarks.torch_peer" if recipe.is_torch else "training.train",
            experiment,
            *("--data_dir", data_dir),
            *recipe.words,
            *("--run_dir", run.path, "--seed", seed),
        )
    return run
