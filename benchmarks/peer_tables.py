"""The tables of a comparison with fairlearn, on the rows of one run."""

import collections
import itertools
import time

import numpy as np
import tqdm

from benchmarks.embedded_rows import EmbeddedRows
from benchmarks.tables import print_markdown
from tp_keras import tasks

# What isn't installed here, as it would take the project's own libraries away.
NOT_INSTALLED = (
    (
        "AIF360 0.6.1, AdversarialDebiasing",
        "can't run: needs a graph and session of TensorFlow 1; a network of "
        "its own on tables, no images, no missing labels",
    ),
    (
        "tensorflow-model-remediation 0.1.7.1, MinDiff and CLP",
        "can't run: its models can't be built with Keras 3, only with the "
        "legacy tf-keras; one score and two groups",
    ),
    (
        "fairness-indicators 0.47, TFMA",
        "can't run: installs with TensorFlow 2.16 and tf-keras only",
    ),
)

_WORST = "worst_group_recall"
_ODDS = "equalized_odds_difference_max"
_REMOVER = "fairlearn CorrelationRemover"
_ALPHAS = (0.0, 1.0)
_ADVERSARY_SEEDS = (0, 1)
_SEED = 0


class PeerTables:
    """Prints what peers and we make of the same rows.

    Args:
        task: A guarded task with classes.
        protected: The task whose classes are the groups.
        fit: Rows to fit on.
        test: Rows to measure on.
        settings: How it is measured.
    """

    def __init__(self, task, protected, fit, test, settings):
        self.task = task
        self.protected = protected
        self.fit = fit
        self.test = test
        self.settings = settings

    # === Erasers ===

    def print_erasers(self):
        """Prints what erasers leave of the group, and what heads then do."""
        rows = []
        erasers = fit_erasers(self.fit)
        for name, (erase, asks_gender, seconds) in tqdm.tqdm(
            erasers.items(), "erasers", leave=False
        ):
            fit = erase(self.fit.features, self.fit.groups)
            test = erase(self.test.features, self.test.groups)
            cells = [name, "yes" if asks_gender else "no"]
            cells += [f"{1000 * seconds:.0f}", *self._probes(test)]
            for balanced in (False, True):
                kind = "balanced" if balanced else "plain"
                rows.append([*cells, kind, *self._head(fit, test, balanced)])
        header = ["eraser", "asks for group", "fit ms"]
        header += ["linear probe", "MLP probe"]
        header += ["conditional linear", "conditional MLP"]
        header += ["last layer", "accuracy", "worst group"]
        print_markdown([*header, "equalised odds (null)"], rows)
        mean = np.full(len(self.test.groups), self.fit.groups.mean())
        unknown = erasers[_REMOVER][0](self.test.features, mean)
        print(
            "\nProbes: balanced accuracy of the group on held-out parts of the "
            "portraits measured on; 0.5 is nothing. The last layer is fitted "
            "anew, plain or on as many portraits of each group. Equalised "
            "odds: the largest difference, and the 95 % quantile of it when "
            "the group is permuted inside each class. CorrelationRemover "
            "subtracts what a portrait's own group predicts, so it must be "
            "told it, for each query of a search as well; given the mean of "
            "the groups instead it changes the embedding by at most "
            f"{np.abs(unknown - self.test.features).max():.1g}.",
            flush=True,
        )

    def _probes(self, features):
        from tp_keras.fairness.probes import probe_groups

        test = self.test
        cells = []
        for arguments in (
            {"train_only": test.labels == tasks.MISSING},
            {"classes": test.labels},
        ):
            for kind in ("linear", "mlp"):
                result = probe_groups(
                    features,
                    test.groups,
                    kind=kind,
                    settings=self.settings,
                    seed=_SEED,
                    **arguments,
                )
                cells.append(_cell(result.value, result.count))
        return cells

    def _head(self, fit, test, balanced):
        """Returns the cells of a last layer fitted anew."""
        from tp_keras.debiasing.last_layer import refit_last_layer

        layer = refit_last_layer(
            fit,
            self.fit.labels,
            self.fit.groups,
            self.task.num_classes,
            balanced=balanced,
            seed=_SEED,
        )
        return self._headline(layer(test).argmax(-1))

    def _headline(self, predictions):
        """Returns the cells of accuracy, worst group and equalised odds."""
        found = self._measure(self.test, predictions)
        accuracy, worst, odds = (
            _first(found, metric) for metric in ("accuracy", _WORST, _ODDS)
        )
        who = f" ({worst.get('class_name')} {worst['group']})"
        return [
            _cell(accuracy["value"], accuracy["count"]),
            _cell(worst["value"], worst["count"])
            + (who if worst["value"] is not None else ""),
            _cell(odds["value"], odds["count"])
            + (f" ({odds['null']:.3f})" if odds["value"] is not None else ""),
        ]

    def _measure(self, rows, predictions):
        """Returns (metric, class, group) -> fields."""
        from tp_keras.fairness.group_counts import GroupAnswers
        from tp_keras.fairness.group_figures import measure_groups

        found = {}
        answers = GroupAnswers(
            self.task, rows.labels, predictions, rows.groups, self.protected
        )
        for fields in measure_groups(answers, self.settings, _SEED):
            key = fields["metric"], fields.get("class_name"), fields["group"]
            found.setdefault(key, fields)
        return found

    # === Figures ===

    def print_figures(self, num_bootstraps):
        """Prints where fairlearn's figures and ours agree, and their times."""
        from benchmarks.fairlearn_peers import frame_figures

        rows = self.test.chosen(self.test.labelled)
        arguments = (
            self.task,
            self.protected,
            rows.labels,
            rows.predictions,
            rows.groups,
        )
        theirs, seconds = _timed(lambda: frame_figures(*arguments))
        _, resampled = _timed(lambda: frame_figures(*arguments, num_bootstraps))
        ours, own_seconds = _timed(
            lambda: self._measure(rows, rows.predictions)
        )
        agreeing, differing = collections.Counter(), []
        for key, value in theirs.items():
            # Where the largest is of another class, the classes differ too.
            own = ours.get(key) or _first(ours, key[0])
            if own["value"] is not None and abs(value - own["value"]) < 1e-9:
                agreeing[key[0]] += 1
            else:
                what = " ".join(w for w in key[1:] if w not in (None, "all"))
                cells = [f"{value:.3f}", _cell(own["value"], own["count"])]
                differing.append([key[0], what, *cells])
        print(
            "\nFigures of the run's own predictions. fairlearn's and ours "
            "agree to 1e-9 in "
            + ", ".join(f"{count} {name}" for name, count in agreeing.items())
            + "."
        )
        if differing:
            print("They differ in\n")
            print_markdown(["figure", "of", "fairlearn", "ours"], differing)
        print()
        print_markdown(
            ["", "figures", "intervals", "null", "s"],
            [
                ["MetricFrame", str(len(theirs)), "", "", f"{seconds:.2f}"],
                [
                    "MetricFrame",
                    str(len(theirs)),
                    f"{num_bootstraps:,} resamples, but none of equalised odds",
                    "",
                    f"{resampled:.2f}",
                ],
                [
                    "measure_groups",
                    str(len(ours)),
                    f"{self.settings.num_bootstraps:,} resamples or Wilson's",
                    f"{self.settings.num_permutations:,} permutations",
                    f"{own_seconds:.2f}",
                ],
            ],
        )

    # === The others ===

    def print_attempts(self):
        """Prints what other peers answer."""
        from benchmarks import fairlearn_peers

        known = self.fit.chosen(self.fit.labelled)
        answers = fairlearn_peers.attempts(
            self.task, known.features, known.labels, known.groups
        )
        print("\nOther peers on the same embedding, as they are:\n")
        rows = [[f"fairlearn {name}", text] for name, text in answers.items()]
        print_markdown(["peer", "answer"], [*rows, *map(list, NOT_INSTALLED)])

    def print_adversary(self, epochs):
        """Prints what fairlearn's adversary reaches on the embedding."""
        from benchmarks import fairlearn_peers

        known = self.fit.chosen(self.fit.labelled)
        rows = []
        for softmax, alpha, seed in itertools.product(
            (False, True), _ALPHAS, _ADVERSARY_SEEDS
        ):
            predictions, seconds = fairlearn_peers.adversary_predictions(
                known, self.test.features, epochs, alpha, softmax, seed
            )
            network = "with a softmax" if softmax else "as described"
            cells = [network, f"{alpha:g}", str(seed), f"{seconds:.1f}"]
            rows.append([*cells, *self._headline(predictions)])
        print(
            "\nfairlearn's AdversarialFairnessClassifier takes an embedding, "
            f"here for {epochs} epochs. Its adversary reads the predictions, "
            "so the embedding stays as it is. Of several classes, the network "
            "it makes of a list of layers ends without a softmax, while its "
            "loss expects probabilities; so one that ends with it, too. "
            f"The commonest class has {_commonest(self.test):.3f} of the "
            "portraits.\n"
        )
        header = ["network", "alpha", "seed", "fit s"]
        header += ["accuracy", "worst group"]
        print_markdown([*header, "equalised odds (null)"], rows)


def fit_erasers(fit: EmbeddedRows) -> dict:
    """Fits every eraser on the same rows.

    Returns:
        Dict: name -> (function of features and groups, whether it reads the
        groups, seconds of the fit).
    """
    from benchmarks.fairlearn_peers import GroupCorrelationRemover
    from tp_keras.debiasing.leace import fit_leace

    def without_groups(eraser):
        return lambda features, groups: eraser(features)

    makers = {
        "none": lambda: without_groups(np.asarray),
        _REMOVER: lambda: GroupCorrelationRemover(fit.features, fit.groups),
        "LEACE": lambda: without_groups(fit_leace(fit.features, fit.groups)),
        "conditional LEACE": lambda: without_groups(
            fit_leace(fit.features, fit.groups, fit.labels)
        ),
    }
    erasers = {}
    for name, make in makers.items():
        eraser, seconds = _timed(make)
        erasers[name] = (eraser, name == _REMOVER, seconds)
    return erasers


def _timed(function):
    begin = time.perf_counter()
    result = function()
    return result, time.perf_counter() - begin


def _first(found, metric):
    return next(
        fields for (name, *_), fields in found.items() if name == metric
    )


def _cell(value, count):
    return f"not supported (n = {count})" if value is None else f"{value:.3f}"


def _commonest(rows):
    counts = np.bincount(rows.labels[rows.labelled])
    return counts.max() / counts.sum()
