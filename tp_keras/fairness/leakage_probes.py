"""Probes of layers with their controls, and which of them can't be trusted."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import tqdm

from tp_keras import tasks
from tp_keras.evaluation import figures
from tp_keras.fairness import probe_models
from tp_keras.fairness import probe_result
from tp_keras.fairness import probes
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.records.record import ALL

# The layer that must give gender away. The heads don't read it as it is given,
# so the band doesn't apply to it.
POSITIVE_CONTROL = "backbone"
# What probes of it recover, if they are worth their name.
POSITIVE_CONTROL_LEAST = 0.9

BROKEN_PROBE = "broken_probe"


class LeakageProbes:
    """The probes of the layers of one task.

    Args:
        task: The task whose labels are the classes.
        labels: Integer array [N], `tasks.MISSING` where there is none.
        layers: Dict: name -> float array [N, d].
        genders: Integer array [N], none missing.
        settings: How probes are trained and tested.
        seed: Where chance starts.
    """

    def __init__(
        self,
        task: tasks.Task,
        labels: np.ndarray,
        layers: dict[str, np.ndarray],
        genders: np.ndarray,
        settings: FairnessSettings,
        seed: int,
    ):
        self.task = task
        self.labels = labels
        self.layers = layers
        self.genders = genders
        self.settings = settings
        self.seed = seed

    def figures(
        self, band_low: float | None, controls: bool = True
    ) -> Iterator[dict]:
        """Yields the fields of the records of all probes.

        Args:
            band_low: The least that a layer gives away which the head reads,
                or None if unknown.
            controls: Whether to probe for shuffled genders too.
        """
        controlled = self._controlled() if controls else []
        jobs = [
            (metric, kind, layer, measure)
            for metric, measure, names in (
                ("gender_probe", self._probe, self.layers),
                ("conditional_gender_probe", self._probe_given, self.layers),
                ("negative_control", self._shuffled, controlled),
                (
                    "conditional_negative_control",
                    self._shuffled_given,
                    controlled,
                ),
            )
            for layer in names
            for kind in probe_models.KINDS
        ]
        for metric, kind, layer, measure in tqdm.tqdm(
            jobs,
            desc=f"probing for gender, {self.task.name}",
            unit="probe",
            delay=2,
            leave=False,
        ):
            result = measure(kind, self.layers[layer])
            yield figures.figure(
                metric,
                result.value,
                result.count,
                result.interval,
                group=ALL,
                variant=f"{kind} {layer}",
            )
            if result.value is not None:
                yield from _faults(metric, kind, layer, result, band_low)

    def _controlled(self):
        """Returns the name of the layer that is probed for shuffled gender."""
        own = f"{self.task.name}_embedding"
        return [own] if own in self.layers else list(self.layers)[-1:]

    def _probe(self, kind, features, genders=None, settings=None, seed=None):
        return probes.probe_gender(
            features,
            self.genders if genders is None else genders,
            kind=kind,
            settings=settings or self.settings,
            seed=self.seed if seed is None else seed,
            train_only=self.labels == tasks.MISSING,
        )

    def _probe_given(
        self, kind, features, genders=None, settings=None, seed=None
    ):
        return probes.probe_gender(
            features,
            self.genders if genders is None else genders,
            self.labels,
            kind=kind,
            settings=settings or self.settings,
            seed=self.seed if seed is None else seed,
        )

    def _shuffled(self, kind, features):
        return self._control(
            self._probe, kind, features, self.labels == tasks.MISSING
        )

    def _shuffled_given(self, kind, features):
        return self._control(self._probe_given, kind, features, self.labels)

    def _control(self, probe, kind, features, strata):
        """Probes for genders that were shuffled inside the strata.

        A probe of a shuffle of its own each time: chance in one shuffle is the
        same for all probes of it.
        """
        once = dataclasses.replace(self.settings, probe_seeds=1)
        generator = np.random.default_rng([self.seed, *b"shuffled"])
        results = []
        for seed in generator.integers(2**31, size=self.settings.probe_seeds):
            genders = _shuffle(self.genders, strata, generator)
            results.append(probe(kind, features, genders, once, int(seed)))
        return probe_result.mean_result(results)


def _shuffle(genders, strata, generator):
    """Returns the genders, shuffled inside the strata."""
    shuffled = genders.copy()
    for stratum in np.unique(strata):
        rows = strata == stratum
        shuffled[rows] = generator.permutation(genders[rows])
    return shuffled


def _faults(metric, kind, layer, result, band_low):
    """Yields the fields of a record if a probe can't be trusted, and why."""
    name = f"{kind} {layer}"
    low, high = result.interval
    if metric == "gender_probe" and layer == POSITIVE_CONTROL:
        if result.value < POSITIVE_CONTROL_LEAST:
            yield _fault(
                f"{name}, positive control below {POSITIVE_CONTROL_LEAST}",
                POSITIVE_CONTROL_LEAST - result.value,
                result.count,
            )
    elif metric == "gender_probe":
        if band_low is not None and high < band_low:
            yield _fault(
                f"{name}, below the band", band_low - high, result.count
            )
    elif metric.endswith("negative_control") and not low <= 0.5 <= high:
        given = " given the class" if metric.startswith("cond") else ""
        yield _fault(
            f"{name}, negative control{given} off 0.5",
            abs(result.value - 0.5),
            result.count,
        )


def _fault(variant, value, count):
    return figures.figure(
        BROKEN_PROBE, value, count, group=ALL, variant=variant
    )
