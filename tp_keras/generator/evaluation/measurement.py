"""All figures of a generator, stage by stage."""

import functools
import zlib
from collections.abc import Iterator
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
from tp_keras.generator.evaluation.distances import measure_distances

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
    candidates.RECONSTRUCTIONS,
    GENERATED,
    EIGENFACES,
)


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
    ):
        self.sampler = sampler
        self.judge = judge
        self.spaces = [judge, *more_spaces]
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

    def _measure_distances(self):
        return measure_distances(
            self.test.images, self.images, self.spaces, self.settings.seed
        )

    def _measure_attributes(self):
        drawn = (GENERATED, candidates.STANDARD_NORMAL, EIGENFACES)
        labels = dict.fromkeys(drawn, self.test.labels)
        labels[candidates.RECONSTRUCTIONS] = self.validation.labels
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
        return attributes.measure_cells(
            answers, self.test.labels, self._predictions
        )

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
        for name in _TWO_SAMPLE:
            yield small_network.measure_two_sample(
                self.test.images, self.images[name], name, self.settings
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
