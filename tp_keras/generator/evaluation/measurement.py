"""All figures of a generator, stage by stage."""

import functools
import zlib
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
import tqdm

from tp_keras.data.portraits import Portraits
from tp_keras.generator.config import GenerationSettings
from tp_keras.generator.evaluation import attributes
from tp_keras.generator.evaluation import candidates
from tp_keras.generator.evaluation import memorization
from tp_keras.generator.evaluation import small_network
from tp_keras.generator.evaluation.candidates import EIGENFACES
from tp_keras.generator.evaluation.candidates import GENERATED
from tp_keras.generator.evaluation.candidates import REAL
from tp_keras.generator.evaluation.distances import Described
from tp_keras.generator.evaluation.distances import measure_distances
from tp_keras.generator.evaluation.independent import INDEPENDENT
from tp_keras.generator.evaluation.spectrum import measure_octaves
from tp_keras.generator.evaluation.variety import measure_cell_variety
from tp_keras.generator.evaluation.variety import measure_coverage

# Added to the seed, so that no two draws share their noise.
_TRAINING_SEED = 1

# Where portraits are looked for that a generated one is a copy of.
FEATURES = "features"
PIXELS = "pixels"

# Told from the test portraits by a small network; those from N(0, I) would be
# one training more for what other figures show.
_TWO_SAMPLE = (
    REAL,
    candidates.BLUR_1,
    candidates.MIXTURES,
    candidates.RECONSTRUCTIONS,
    GENERATED,
    EIGENFACES,
)

# Portraits whose halves have distances.
_LEAST_APART = 4

# Of the blur that takes what is finer than a face from both.
_MATCHING_SIGMA = 1.0


class GenerationMeasurement:
    """Measures a generator beside real portraits, blurred ones, eigenfaces.

    Args:
        sampler: `VaeSampler`.
        judge: `Judge` that has seen neither `training` nor `test`.
        training: The generator's training portraits.
        validation: Real portraits that neither of them has seen.
        test: Real portraits that all is held against.
        unseen: Real portraits that the generator has not seen.
        settings: `GenerationSettings`.
        more_spaces: Others to describe portraits, such as `RandomNetwork`.
        independent: `IndependentJudge`s.
        rivals: Name -> `Rival`: portraits of other generators.

    Attributes:
        images: Candidate -> its portraits, once measured.
        cells: Cell -> generated portraits, of those with enough real ones.
        copies: Rows of the generated, nearest first, rows of the training
            portraits nearest to them, and distances.
    """

    def __init__(
        self,
        sampler,
        judge,
        training: Portraits,
        validation: Portraits,
        test: Portraits,
        unseen: Portraits,
        settings: GenerationSettings,
        more_spaces: Sequence = (),
        independent: Sequence = (),
        rivals: Mapping | None = None,
    ):
        self.sampler = sampler
        self.judge = judge
        self.spaces = [judge, *more_spaces, *independent]
        self.independent = independent
        self.rivals = rivals or {}
        self.settings = settings
        self.schema = training.schema
        self.tasks = self.schema.condition_tasks
        self.training = _spread(training, settings.max_training)
        self.validation = _spread(validation, settings.max_test)
        self.test = _spread(test, settings.max_test)
        self.unseen = _spread(unseen, settings.max_training)
        self.images = {}
        self.cells = {}
        self.copies = None

    def measure(self, progress: bool = True) -> Iterator[dict]:
        """Yields the fields of all records, with a bar if wanted."""
        stages = {
            "draw": self._draw,
            "distances": self._measure_distances,
            "sharpness": self._measure_octaves,
            "attributes": self._measure_attributes,
            "cells": self._measure_cells,
            "trainings": self._measure_trainings,
            "two samples": self._measure_two_samples,
            "edits": self._measure_edits,
            "copies": self._measure_copies,
        }
        with tqdm.tqdm(
            stages.items(), unit="stage", disable=not progress
        ) as bar:
            for name, stage in bar:
                bar.set_description(f"measure: {name}")
                yield from stage() or ()

    @functools.cached_property
    def _predictions(self):
        """What the judge says of the test portraits."""
        return self.judge.predict(self.test.images)

    def _draw(self):
        self._eigenfaces = candidates.EigenfaceSampler(self.training)
        self.images = candidates.make_candidates(
            self.sampler,
            self._eigenfaces,
            self.training,
            self.validation,
            self.test,
            self.settings,
        )
        for name, rival in self.rivals.items():
            self.images[name] = rival.images

    def _measure_distances(self):
        spaces = [
            Described(
                space.name,
                space.features(self.test.images),
                {n: space.features(i) for n, i in self.images.items()},
            )
            for space in self.spaces
        ]
        # For cells: each has another number of rows, which would be compiled.
        self._references = {space.name: space.reference for space in spaces}
        names = [judge.name for judge in self.independent]
        pooled = {INDEPENDENT: names} if names else {}
        seed = self.settings.seed
        yield from measure_distances(spaces, pooled, seed)
        names = names or [self.judge.name]
        spaces = [space for space in spaces if space.name in names]
        yield from measure_coverage(spaces, pooled, seed)

    def _measure_octaves(self):
        seed = self.settings.seed
        return measure_octaves(self.test.images, self.images, seed)

    def _measure_attributes(self):
        drawn = (GENERATED, candidates.STANDARD_NORMAL, EIGENFACES)
        labels = dict.fromkeys(drawn, self.test.labels)
        labels[candidates.RECONSTRUCTIONS] = self.validation.labels
        for name, rival in self.rivals.items():
            if rival.labels is not None:
                labels[name] = rival.labels
        real = self.test.labels, self._predictions
        for name, own in labels.items():
            predictions = self.judge.predict(self.images[name])
            yield from attributes.measure_fidelity(
                self.tasks, own, predictions, *real, name
            )
        fidelity = attributes.measure_fidelity(self.tasks, *real, *real, REAL)
        yield from (one for one in fidelity if one["metric"] != "fidelity")

    def _measure_cells(self):
        settings, answers = self.settings, {}
        for cell in attributes.all_cells(self.tasks):
            if len(cell.rows(self.test.labels)) < settings.min_count:
                continue
            self.cells[cell] = self.sampler.generate(
                cell.labels(settings.samples_per_cell),
                zlib.crc32(f"{settings.seed} {cell.name}".encode()),
                settings.temperature,
            )
            answers[cell] = self.judge.predict(self.cells[cell])
        yield from attributes.measure_cells(
            answers, self.test.labels, self._predictions
        )
        described = {}
        for cell, made in self.cells.items():
            rows = cell.rows(self.test.labels)
            if min(len(rows), len(made)) >= _LEAST_APART:
                described[cell.name] = [
                    (judge.features(made), self._references[judge.name][rows])
                    for judge in self.independent or [self.judge]
                ]
        space = INDEPENDENT if self.independent else self.judge.name
        yield from measure_cell_variety(described, space, settings.seed)

    def _measure_trainings(self):
        asked = self.training.labels, self.settings.seed + _TRAINING_SEED
        heat = self.settings.temperature
        for name, draw in (
            (REAL, lambda: self.training.images),
            (GENERATED, lambda: self.sampler.generate(*asked, heat)),
            (EIGENFACES, lambda: self._eigenfaces.sample(*asked)),
        ):
            yield from small_network.measure_training_on(
                draw(), self.training, self.test, name, self.settings
            )

    def _measure_two_samples(self):
        real = self.test.images
        for name in (*_TWO_SAMPLE, *self.rivals):
            yield small_network.measure_two_sample(
                real, self.images[name], name, self.settings
            )
        soft = candidates.blurred(real, _MATCHING_SIGMA)
        for name in (GENERATED, *self.rivals):
            yield small_network.measure_two_sample(
                soft,
                candidates.blurred(self.images[name], _MATCHING_SIGMA),
                name,
                self.settings,
                "blurred_two_sample_accuracy",
            )

    def _measure_edits(self):
        judged = self.judge, self.test, self._predictions
        seed = self.settings.seed
        return attributes.measure_edits(self.sampler, *judged, seed)

    def _measure_copies(self):
        # The judge knows by heart what the generator has not seen: in its
        # features both kinds of real portraits don't compare.
        own = (self.training.images, self.test.images, self.images[GENERATED])
        for space, describe in (
            (FEATURES, self.judge.features),
            (PIXELS, memorization.central_crop),
        ):
            training, test, made = map(describe, own)
            yield memorization.measure_nearness(training, test, made, space)
        distances, rows = memorization.nearest(training, made)
        order = np.argsort(distances, kind="stable")
        self.copies = order, rows[order], distances[order]
        yield from memorization.measure_preference(
            training, describe(self.unseen.images), test, made, space
        )


def _spread(portraits: Portraits, most: int) -> Portraits:
    """Returns evenly spaced portraits, as neighbours may be alike."""
    if len(portraits) <= most:
        return portraits
    return portraits.take(np.linspace(0, len(portraits) - 1, most).astype(int))
