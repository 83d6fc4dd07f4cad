"""The few figures that generators are compared by, from one judge."""

import dataclasses

import numpy as np

from tp_keras.data.source import load_portraits
from tp_keras.generator.evaluation.attributes import measure_fidelity
from tp_keras.generator.evaluation.candidates import EigenfaceSampler
from tp_keras.generator.evaluation.distances import Estimate
from tp_keras.generator.evaluation.distances import kernel_distance
from tp_keras.generator.evaluation.distances import normalized_score
from tp_keras.generator.evaluation.judge import Judge
from tp_keras.generator.evaluation.judge_run import require_independent
from tp_keras.runs.run_folder import RunFolder

_REAL_SEED = 1


@dataclasses.dataclass(frozen=True)
class Scores:
    """What the judge says of portraits that were asked for.

    Attributes:
        kernel: `Estimate` of the normalised kernel distance, or None.
        fidelity: Dict: task name -> the judge's accuracy by that on real
            portraits, or None where it recognises none of these.
    """

    kernel: Estimate | None
    fidelity: dict[str, float | None]

    @property
    def cells(self) -> list[str]:
        """The score and each fidelity, for a table."""
        return [
            describe_score(self.kernel),
            *(
                "undefined" if value is None else f"{value:.2f}"
                for value in self.fidelity.values()
            ),
        ]


class GeneratorScores:
    """Holds generators against one split of test portraits.

    Both ends of the scale, other real portraits and eigenfaces, are measured
    once.

    Args:
        judge: `RunFolder` of a classifier.
        data_dir: Folder of the prepared data sets.
        dataset: Name of the data set.
        train_split: What the generators were trained on.
        seed: Int. Of what is drawn.

    Raises:
        UserError: If the judge was trained on those portraits.

    Attributes:
        count: Number of test portraits.
        conditions: Names of what the generators are told.
    """

    def __init__(
        self, judge: RunFolder, data_dir, dataset, train_split, seed=0
    ):
        def load(split):
            return load_portraits(data_dir, dataset, split, progress=False)

        training, own = load(train_split), load(judge.config.data.train_split)
        require_independent(
            own.indices,
            {"the generators": training.indices},
            "python -m benchmarks.vae_ablation",
        )
        self._test, self._validation = load("test"), load("validation")
        self._seed = seed
        self._judge = Judge(judge.load_model(), own.images)
        self._features, self._predictions = self._judge.describe(
            self._test.images
        )
        rng = np.random.default_rng((seed, _REAL_SEED))
        rows = rng.permutation(len(training))[: len(self._test)]
        self._real = self._distance(training.images[np.sort(rows)])
        eigenfaces = EigenfaceSampler(training)
        self._eigenfaces = self._distance(
            eigenfaces.sample(self._test.labels, seed)
        )
        self.count = len(self._test)
        self.conditions = self._test.schema.conditions

    def drawn(self, sampler) -> dict[str, np.ndarray]:
        """Returns a portrait for the labels of each test portrait.

        Args:
            sampler: `VaeSampler`.

        Returns:
            Dict of `prior`, drawn from the fitted one, and `standard normal`.
        """
        labels = self._test.labels
        return {
            "prior": sampler.generate(labels, self._seed),
            "standard normal": sampler.generate_standard_normal(
                labels, self._seed
            ),
        }

    def of_images(self, images) -> Scores:
        """Returns the scores of portraits of the test portraits' labels."""
        features, predictions = self._judge.describe(images)
        records = measure_fidelity(
            self._test.schema.condition_tasks,
            self._test.labels,
            predictions,
            self._test.labels,
            self._predictions,
        )
        fidelity = {
            fields["task"]: fields["value"]
            for fields in records
            if fields["metric"] == "fidelity"
        }
        return Scores(self._score(features), fidelity)

    def of_reconstructions(self, sampler) -> str:
        """Returns the score of reconstructed validation portraits, as text."""
        images = sampler.reconstruct(
            self._validation.images, self._validation.labels
        )
        return describe_score(self._score(self._judge.features(images)))

    def _score(self, features):
        estimate = kernel_distance(features, self._features)
        return normalized_score(estimate, self._real, self._eigenfaces)

    def _distance(self, images):
        return kernel_distance(self._judge.features(images), self._features)


def describe_score(score) -> str:
    """Returns a score with its interval; None is said to be undefined."""
    if score is None:
        return "undefined"
    low, high = score.interval
    return f"{score.value:.2f} ({low:.2f} to {high:.2f})"
