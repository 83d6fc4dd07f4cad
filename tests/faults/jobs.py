"""The commands that write for long, as small as they can be."""

from typing import NamedTuple

import keras

from tests.faults.kit import Job

DATASET = "tiny_portraits/synthetic_tiny"
_KEPT = ("model.keras", "history.csv")


class Tries(NamedTuple):
    """How often a command meets each kind of fault."""

    kills: int
    pairs: int
    disks: int


TRIES = {
    "building": Tries(20, 5, 10),
    "training": Tries(100, 30, 50),
    "debiasing": Tries(25, 8, 15),
    "generator": Tries(20, 5, 8),
    "sweep": Tries(29, 10, 15),
    "search": Tries(6, 2, 2),
}


def make_jobs(data_dir, folder) -> dict[str, Job]:
    """Returns the commands by name.

    Args:
        data_dir: Folder of the prepared data set.
        folder: For what they begin with.
    """
    folder.mkdir(exist_ok=True)
    data = ("--dataset", DATASET, "--data_dir", str(data_dir))
    train = (
        *("training.train", "demo", *data, "--run_dir", "{out}"),
        *("--backbone", _write_backbone(folder / "own.keras")),
        *("--averaging", "0.9", "--epochs", "3", "--embedding_size", "8"),
        *("--rotation", "0", "--zoom", "0"),
    )
    debias = (
        *("--debias", "conditional_grl", "--debias_scope", "branch"),
        *("--branch_steps", "20", "--adversary_steps", "1"),
    )
    # Each task takes its time to trace.
    one, two = ("--tasks", "gender"), ("--tasks", "gender", "hair_color")
    base = folder / "base"
    Job((*train, *two), _KEPT).whole(base)
    eyes, seen = folder / "eyes", ("--train_split", "train[:50%]")
    Job((*train, *two, *seen), _KEPT).whole(eyes)
    return {
        "building": Job(
            ("training.build_dataset", "--count", "60", "--data_dir", "{out}"),
            ("tiny_portraits/*/*/*.tfrecord*", "tiny_portraits/*/*/*.txt"),
        ),
        "training": Job((*train, *one), _KEPT),
        "debiasing": Job((*train, *two, *debias), (*_KEPT, "trained.keras")),
        "generator": Job(
            (
                *("training.train_vae", "smoke", *data, "--run_dir", "{out}"),
                *("--classifier_run", str(eyes), "--latent_size", "16"),
                *("--encoder_channels", "8", "16", "--critic_channels"),
                *("4", "4", "--decoder_channels", "8", "4", "4", "4"),
                # So that a few steps fill the latents.
                *("--learning_rate", "0.01", "--colour_weight", "100"),
                *("--batch_size", "8", "--warmup_epochs", "0", "--beta", "0"),
                *("--half_epochs", "1", "--full_epochs", "1"),
                *("--encoder_epochs", "1", "--prior", "standard_normal"),
            ),
            (*_KEPT, "encoder_history.csv"),
        ),
        "sweep": Job(
            (
                *("training.fairness_sweep", "--base_runs", str(base)),
                *("--sweep_dir", "{out}", "--variants", "none", "none+leace"),
            ),
            ("*/model.keras", "*/sweep/*.jsonl"),
        ),
        "search": Job(
            (
                *("training.tune", "--base", "demo", *data, "--trials", "2"),
                *("--tune_dir", "{out}", "--name", "s", "--depths", "1"),
                *("--widths", "16", "--budget_seconds", "1"),
            ),
            ("s/trials/*/result.json",),
        ),
    }


def _write_backbone(path) -> str:
    """Saves a network that takes no time to trace or to train."""
    layers, image = keras.layers, keras.Input((108, 84, 3))
    x = layers.Conv2D(8, 9, 9, use_bias=False)(image)
    x = layers.BatchNormalization()(x)
    # A layer of its own, for the generator to look at.
    x = layers.ReLU()(layers.Conv2D(64, 1)(x))
    keras.Model(image, x).save(path)
    return str(path)
