"""All figures of a generator, stage by stage."""

import functools
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np
import tqdm

from tp_keras import tasks
from tp_keras.data.portraits import Portraits
from tp_keras.generator.evaluation import attributes
from tp_keras.generator.evaluation import candidates as candidates_lib
from tp_keras.generator.evaluation import diversity
from tp_keras.generator.evaluation import leak
from tp_keras.generator.evaluation import memorization
from tp_keras.generator.evaluation import swap
from tp_keras.generator.evaluation.candidates import EIGENFACES
from tp_keras.generator.evaluation.candidates import GENERATED
from tp_keras.generator.evaluation.candidates import REAL
from tp_keras.generator.evaluation.classification_score import (
    measure_classification_score,
)
from tp_keras.generator.evaluation.distributions import measure_distributions
from tp_keras.generator.evaluation.settings import GenerationSettings
from tp_keras.generator.evaluation.two_sample import measure_two_sample

# Numbers added to the seed, so that no two draws share their noise.
_TRAINING_SEED = 1
_CELL_SEED = 100

# Where portraits are looked for that a generated one is a copy of.
FEATURES = "features"
PIXELS = "pixels"

# Told from the test portraits by a small network; those from N(0, I) would be
# one training more for what other figures show.
_TWO_SAMPLE = (
    REAL,
    candidates_lib.BLUR_1,
    candidates_lib.RECONSTRUCTIONS,
    GENERATED,
    EIGENFACES,
)


class GenerationMeasurement:
    """Measures a generator with a judge.

    Args:
        sampler: `VaeSampler`, or what has its functions.
        judge: `Judge`, or what has its `features` and `predict`.
        training: The generator's training portraits.
        validation: Real portraits that neither of them has seen.
        test: Real portraits that all is held against.
        settings: `GenerationSettings`.
        unseen: As many real portraits as `training`, not seen by the
            generator, for the search for copies; or None.
        more_spaces: What describes portraits beside the judge, by a `name` and
            `features`, such as `RandomNetwork`.

    Attributes:
        candidates: What was made, once measured.
        cells: Cell -> generated portraits.
        copies: Generated portraits nearest to a training one: rows of the
            generated, rows of `training`, and distances, nearest first.

    Example:
        >>> measurement = GenerationMeasurement(...)
        >>> fields = list(measurement.measure())
    """

    def __init__(
        self,
        sampler,
        judge,
        training: Portraits,
        validation: Portraits,
        test: Portraits,
        settings: GenerationSettings,
        unseen: Portraits | None = None,
        more_spaces: Sequence = (),
    ):
        self.sampler = sampler
        self.judge = judge
        self.spaces = [judge, *more_spaces]
        self.settings = settings
        self.training = spread_rows(training, settings.max_training)
        self.validation = spread_rows(validation, settings.max_test)
        self.test = spread_rows(test, settings.max_test)
        self.unseen = (
            None
            if unseen is None
            else spread_rows(unseen, settings.max_training)
        )
        self.candidates = None
        self.cells = {}
        self.copies = None

    def measure(self, progress: bool = True) -> Iterator[dict]:
        """Yields the fields of all records.

        Args:
            progress: Whether to show a bar.
        """
        stages: dict[str, Callable] = {
            "draw": self._draw,
            "distances": self._measure_distances,
            "attributes": self._measure_attributes,
            "cells": self._measure_cells,
            "classifiers trained on it": self._measure_training,
            "telling it from real": self._measure_two_samples,
            "edits": self._measure_swaps,
            "leaks": self._measure_leak,
            "copies": self._measure_copies,
        }
        with tqdm.tqdm(
            stages.items(), unit="stage", disable=not progress
        ) as bar:
            for name, stage in bar:
                bar.set_description(f"measure: {name}")
                yield from stage() or ()

    @functools.cached_property
    def test_predictions(self) -> dict[str, np.ndarray]:
        """What the judge says of the test portraits."""
        return self.judge.predict(self.test.images)

    def _draw(self):
        self.candidates = candidates_lib.make_candidates(
            self.sampler,
            self.training,
            self.validation,
            self.test,
            self.settings,
        )

    def _measure_distances(self):
        return measure_distributions(
            self.test.images,
            self.candidates.images,
            self.spaces,
            seed=self.settings.seed,
        )

    def _measure_attributes(self):
        drawn = (GENERATED, candidates_lib.STANDARD_NORMAL, EIGENFACES)
        labels = dict.fromkeys(drawn, self.test.labels)
        labels[candidates_lib.RECONSTRUCTIONS] = self.validation.labels
        for name, own in labels.items():
            yield from attributes.measure_fidelity(
                own,
                self.judge.predict(self.candidates.images[name]),
                self.test.labels,
                self.test_predictions,
                name,
            )
        yield from (
            fields
            for fields in attributes.measure_fidelity(
                self.test.labels,
                self.test_predictions,
                self.test.labels,
                self.test_predictions,
                REAL,
            )
            if fields["metric"] == "judge_accuracy"
        )

    def _measure_cells(self):
        settings = self.settings
        generator = np.random.default_rng(settings.seed)
        for number, cell in enumerate(attributes.all_cells()):
            labels = attributes.draw_cell_labels(
                cell, self.training.labels, settings.samples_per_cell, generator
            )
            self.cells[cell] = self.sampler.generate(
                labels,
                settings.seed + _CELL_SEED + number,
                settings.temperature,
            )
        yield from attributes.measure_cells(
            self._predict_cells(),
            self.test.labels,
            self.test_predictions,
            settings.min_count,
        )
        yield from diversity.measure_diversity(
            self.cells,
            {
                cell: self.training.images[cell.rows(self.training.labels)]
                for cell in self.cells
            },
            self.judge.features,
            settings.pairs_per_cell,
            settings.min_count,
            settings.seed,
        )

    def _predict_cells(self):
        """Returns what the judge says of each cell, made in one pass."""
        images = np.concatenate(list(self.cells.values()))
        answers = self.judge.predict(images)
        size = self.settings.samples_per_cell
        return {
            cell: {
                name: own[number * size : (number + 1) * size]
                for name, own in answers.items()
            }
            for number, cell in enumerate(self.cells)
        }

    def _measure_training(self):
        settings, labels = self.settings, self.training.labels
        seed = settings.seed + _TRAINING_SEED
        for name, images in {
            REAL: lambda: self.training.images,
            GENERATED: lambda: self.sampler.generate(
                labels, seed, settings.temperature
            ),
            EIGENFACES: lambda: self.candidates.eigenfaces.sample(labels, seed),
        }.items():
            with _epochs_bar(f"train on {name}", settings) as bar:
                yield from measure_classification_score(
                    images(),
                    labels,
                    self.test.images,
                    self.test.labels,
                    name,
                    settings.network_epochs,
                    settings.seed,
                    bar.update,
                )

    def _measure_two_samples(self):
        for name in _TWO_SAMPLE:
            with _epochs_bar(f"tell {name} from real", self.settings) as bar:
                yield measure_two_sample(
                    self.test.images,
                    self.candidates.images[name],
                    name,
                    self.settings.network_epochs,
                    self.settings.seed,
                    bar.update,
                )

    def _measure_swaps(self):
        return swap.measure_swaps(
            self.sampler.edit,
            self.judge.predict,
            self.test.images,
            self.test.labels,
            self.test_predictions,
            self.settings.seed,
        )

    def _measure_leak(self):
        # Unknown labels for all: else the encoder would be told the answer.
        unknown = {
            task.name: np.full(len(self.training), tasks.MISSING, np.int32)
            for task in tasks.TASKS
        }
        for variant, told in (
            (None, self.training.labels),
            ("labels unknown", unknown),
        ):
            means = self.sampler.latent_means(self.training.images, told)
            for fields in leak.measure_leak(
                means, self.training.labels, self.settings.seed
            ):
                yield {**fields, "variant": variant}

    def _measure_copies(self):
        generated = self.candidates.images[GENERATED]
        for space, describe, unseen in (
            # The judge knows by heart what the generator has not seen.
            (FEATURES, self.judge.features, None),
            (PIXELS, memorization.central_crop, self.unseen),
        ):
            training = describe(self.training.images)
            made = describe(generated)
            yield from memorization.measure_memorization(
                training,
                describe(self.test.images),
                made,
                None if unseen is None else describe(unseen.images),
                space,
                self.settings.seed,
            )
            if space == PIXELS:
                near = memorization.nearest(training, made)
                order = np.argsort(near.distances, kind="stable")
                self.copies = order, near.rows[order], near.distances[order]


def spread_rows(portraits: Portraits, most: int) -> Portraits:
    """Returns `portraits`, or evenly spaced ones if they are more than `most`.

    Neighbours in a data set may be alike, so the rows come from all of it.
    """
    if len(portraits) <= most:
        return portraits
    rows = np.linspace(0, len(portraits) - 1, most).astype(int)
    return Portraits(
        images=np.asarray(portraits.images[rows]),
        labels={name: own[rows] for name, own in portraits.labels.items()},
        indices=portraits.indices[rows],
        dataset=portraits.dataset,
        split=portraits.split,
        storage=portraits.storage,
        fingerprint=portraits.fingerprint,
    )


def _epochs_bar(text, settings):
    return tqdm.tqdm(
        total=settings.network_epochs,
        desc=text,
        unit="epoch",
        delay=2,
        leave=False,
    )
