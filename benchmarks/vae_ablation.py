"""What each ingredient of the generator is worth: one is taken away at a time.

python -m benchmarks.vae_ablation

Each variant is trained, in a process of its own, by `training.train_vae` with
the same number of epochs; a finished run is read, not repeated. One judge, a
classifier of portraits that no generator has seen, then looks at all of them.
Only what is a setting can be taken away: critics, and the changes that they see
portraits with, can't.
"""

import dataclasses
import pathlib
import subprocess

from benchmarks.finished_runs import file_name
from benchmarks.finished_runs import run_module
from benchmarks.tables import print_markdown
from tp_keras.errors import UserError
from tp_keras.generator.config import GENERATOR_SPLIT
from tp_keras.generator.config import JUDGE_SPLIT
from tp_keras.runs.run_folder import RunFolder
from training.command import run
from training.command import start_tensorflow
from training.configs import experiment_of
from training.vae_configs import VAE_EXPERIMENTS

ROOT = pathlib.Path("runs/vae_ablation")

FULL = "full recipe"

# Name -> flags of training.train_vae.
VARIANTS = {
    FULL: "--prior gaussian_mixture",
    "no slope of the critic": "--penalty_weight 0",
    "no attribute term": "--attribute_weight 0",
    "no labels left out": "--label_dropout 0",
    "encoder without features": "--feature_weight 0",
    "encoder without colours": "--colour_weight 0",
    "encoder without sleep": "--latent_weight 0",
}

# The full recipe with another prior, which is fitted to what it has learned.
MIXTURE = "prior of a fitted mixture"

# Far from the seed of the classifier that the loss looks through.
_JUDGE_SEED = 7919


@dataclasses.dataclass(frozen=True)
class VaeAblation:
    """Trains the variants and prints what the judge says of them."""

    half_epochs: int = 5
    """Epochs at half the size."""
    full_epochs: int = 2
    """Epochs at full size."""
    encoder_epochs: int = 1
    """Epochs of the encoder."""
    experiment: str = "smoke"
    """Name of an experiment of training/vae_configs."""
    variants: tuple[str, ...] = tuple(VARIANTS)
    """Which to train; the fitted prior comes with the full recipe."""
    flags: str = ""
    """More flags of training.train_vae for all, in one string."""
    seed: int = 0
    """Seed of the trainings, and of what is drawn."""
    classifier_run: pathlib.Path | None = None
    """Folder of the classifier in the loss, trained if there is none."""
    judge_run: pathlib.Path | None = None
    """Folder of the judge, trained if there is none."""
    judge_flags: str = ""
    """More flags of training.train for both classifiers, in one string."""
    data_dir: pathlib.Path = pathlib.Path("data/tfds")
    """Folder of the prepared data sets."""

    def execute(self) -> None:
        """Trains what isn't trained, judges, prints the table."""
        unknown = set(self.variants) - set(VARIANTS)
        if unknown or not self.variants:
            raise UserError(
                f"Expected variants out of {', '.join(map(repr, VARIANTS))}. "
                f"Received: variants={self.variants}"
            )
        if self.experiment not in VAE_EXPERIMENTS:
            raise UserError(
                f"Expected an experiment out of {', '.join(VAE_EXPERIMENTS)}. "
                f"Received: experiment={self.experiment}"
            )
        judge = self._classifier(
            "judge", self.judge_run, JUDGE_SPLIT, _JUDGE_SEED
        )
        eyes = self._classifier(
            "eyes", self.classifier_run, GENERATOR_SPLIT, self.seed
        )
        failed, runs = {}, {}
        for name in self.variants:
            try:
                runs[name] = self._train(name, eyes.path)
            except subprocess.CalledProcessError as error:
                # A latent space that collapses is a result too.
                failed[name] = error.returncode
        self._print(judge, runs, failed)

    def _classifier(self, role, folder, split, seed):
        """Returns the finished run of a classifier, trained if need be."""
        if folder is not None:
            return RunFolder(folder).require()
        dataset = VAE_EXPERIMENTS[self.experiment][1].data.dataset
        kind = experiment_of(dataset)
        finished = RunFolder(ROOT / f"{kind}-{role}-seed{seed}")
        if not finished.is_finished:
            run_module(
                "training.train",
                *(kind, "--dataset", dataset, "--train_split", split),
                *("--seed", seed, "--run_dir", finished.path),
                *("--data_dir", self.data_dir),
                *self.judge_flags.split(),
            )
        return finished

    def _train(self, name, classifier_run):
        """Returns the finished run of a variant, trained if need be."""
        from tp_keras.generator.training.folder import VaeRunFolder

        finished = VaeRunFolder(
            ROOT / f"{self.experiment}-{self.half_epochs}-{self.full_epochs}"
            f"-{self.encoder_epochs}"
            / file_name(f"{name} {self.flags} seed{self.seed}")
        )
        if not finished.is_finished:
            run_module(
                "training.train_vae",
                self.experiment,
                *("--half_epochs", self.half_epochs),
                *("--full_epochs", self.full_epochs),
                *("--encoder_epochs", self.encoder_epochs),
                *("--classifier_run", classifier_run),
                *("--seed", self.seed, "--data_dir", self.data_dir),
                *("--run_dir", finished.path),
                *self.flags.split(),
                # Last: what a variant is about.
                *VARIANTS[name].split(),
            )
        return finished

    def _print(self, judge, runs, failed):
        start_tensorflow()
        import tqdm

        from benchmarks.generator_scores import GeneratorScores
        from tp_keras.generator.evaluation.vae_sampler import VaeSampler

        dataset = VAE_EXPERIMENTS[self.experiment][1].data.dataset
        scores = GeneratorScores(
            judge, self.data_dir, dataset, GENERATOR_SPLIT, self.seed
        )
        rows = []
        for name in tqdm.tqdm(self.variants, desc="judge"):
            if name in failed:
                rows.append([name, f"failed (exit code {failed[name]})"])
                continue
            sampler = VaeSampler(runs[name].load_model(), progress=False)
            reconstructions = scores.of_reconstructions(sampler)
            facts = runs[name].facts
            seconds = f"{facts['seconds']:.0f}"
            for title, images in scores.drawn(sampler).items():
                if title == "standard normal":
                    title = name
                elif name == FULL:
                    title = MIXTURE
                else:
                    continue
                rows.append(
                    [
                        title,
                        *scores.of_images(images).cells,
                        reconstructions,
                        seconds,
                    ]
                )
        print(
            f"\n{self.experiment} of {dataset}, {self.half_epochs} epochs at "
            f"half the size, {self.full_epochs} at full size and "
            f"{self.encoder_epochs} of the encoder, seed {self.seed}; held "
            f"against {scores.count} test portraits, judged by {judge.path}. "
            "Scores: 0 as other real portraits, 1 as eigenfaces, with 95 % "
            "intervals over the portraits, which leave out what another seed "
            "would change. Fidelity: the judge's accuracy by that on real "
            "portraits.\n"
        )
        header = ["variant", "kernel score"]
        header += [f"fidelity {name}" for name in scores.conditions]
        header += ["score of reconstructions", "training s"]
        print_markdown(
            header, [row + [""] * (len(header) - len(row)) for row in rows]
        )


if __name__ == "__main__":
    run(VaeAblation)
