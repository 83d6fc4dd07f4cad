"""What fairlearn does on the embedding and the predictions of a run."""

import functools
import time
import warnings

import fairlearn.metrics
import keras
import numpy as np
import sklearn.metrics
from fairlearn.adversarial import AdversarialFairnessClassifier
from fairlearn.postprocessing import ThresholdOptimizer
from fairlearn.preprocessing import CorrelationRemover
from fairlearn.preprocessing import PrototypeRepresentationLearner
from fairlearn.reductions import EqualizedOdds
from fairlearn.reductions import ExponentiatedGradient
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from tp_keras.records.record import ALL

# Rows of a peer that is to refuse, or to run at all.
_ROWS_OF_ATTEMPT = 500


class GroupCorrelationRemover:
    """fairlearn's `CorrelationRemover` with the group as the last column."""

    def __init__(self, features, groups):
        self._remover = CorrelationRemover(
            sensitive_feature_ids=[features.shape[1]]
        ).fit(self._with(features, groups))

    def __call__(self, features, groups) -> np.ndarray:
        """Returns the features; asks for the group of each row again."""
        return self._remover.transform(self._with(features, groups))

    @staticmethod
    def _with(features, groups):
        return np.column_stack([np.asarray(features, np.float64), groups])


def frame_figures(
    task, protected, labels, predictions, groups, num_bootstraps=None
):
    """Measures with `MetricFrame`, each class against the rest.

    Args:
        task: What is predicted.
        protected: The task whose classes are the groups.
        labels: Integer array [N] without missing ones.
        predictions: Integer array [N].
        groups: Integer array [N] without missing ones.
        num_bootstraps: None, or how often to resample.

    Returns:
        Dict: (metric, class or None, group or "all") -> value, named as
        `measure_groups` names them.
    """
    metrics = {"accuracy": sklearn.metrics.accuracy_score}
    for index, name in enumerate(task.classes):
        for rate in ("true_positive_rate", "false_positive_rate"):
            metrics[f"{rate} {name}"] = _against_rest(rate, index)
    bootstrap = {}
    if num_bootstraps:
        bootstrap = {
            "n_boot": num_bootstraps,
            "ci_quantiles": [0.025, 0.975],
            "random_state": 0,
        }
    with warnings.catch_warnings():
        # Of classes that a resample lacks.
        warnings.simplefilter("ignore")
        frame = fairlearn.metrics.MetricFrame(
            metrics=metrics,
            y_true=labels,
            y_pred=predictions,
            sensitive_features=groups,
            **bootstrap,
        )
    difference = frame.difference()
    found = {("accuracy_gap", None, ALL): difference["accuracy"]}
    for index in np.unique(groups):
        row = frame.by_group.loc[index]
        group = protected.classes[index]
        found["accuracy", None, group] = row["accuracy"]
        for name in task.classes:
            found["group_recall", name, group] = row[
                f"true_positive_rate {name}"
            ]
    odds = {}
    for name in task.classes:
        parts = [
            difference[f"{rate} {name}"]
            for rate in ("true_positive_rate", "false_positive_rate")
        ]
        odds[name] = max(parts)
    worst = max(odds, key=odds.get)
    found["equalized_odds_difference_max", worst, ALL] = odds[worst]
    return found


def _against_rest(metric, index):
    function = getattr(fairlearn.metrics, metric)
    return functools.partial(_binary, function, index)


def _binary(function, index, labels, predictions):
    return function(labels == index, predictions == index)


def attempts(task, features, labels, groups) -> dict[str, str]:
    """Tries what of fairlearn could mitigate or measure, as it is.

    Args:
        task: What is predicted.
        features: Float array [N, d].
        labels: Integer array [N] without missing ones.
        groups: Integer array [N] without missing ones.

    Returns:
        Dict: peer -> what it answers.
    """
    rows = slice(_ROWS_OF_ATTEMPT)
    features, labels, groups = features[rows], labels[rows], groups[rows]
    regression = LogisticRegression(max_iter=1000)
    by_group = {"sensitive_features": groups}

    def threshold():
        ThresholdOptimizer(
            estimator=regression.fit(features, labels),
            prefit=True,
            constraints="equalized_odds",
            predict_method="predict_proba",
        ).fit(features, labels, **by_group)

    def reduction():
        ExponentiatedGradient(regression, EqualizedOdds()).fit(
            features, labels, **by_group
        )

    def prototypes():
        PrototypeRepresentationLearner(random_state=0).fit(
            features, labels, **by_group
        )

    def odds():
        fairlearn.metrics.equalized_odds_difference(labels, labels, **by_group)

    def missing():
        with_missing = np.where(np.arange(len(labels)) % 3, labels == 0, np.nan)
        ExponentiatedGradient(regression, EqualizedOdds()).fit(
            features, with_missing, **by_group
        )

    def images():
        AdversarialFairnessClassifier(
            backend="tensorflow", predictor_model=[8], adversary_model=[8]
        ).fit(np.zeros((len(labels), 4, 4, 3)), labels, **by_group)

    classes = f"{task.num_classes} classes"
    return {
        name: _answer(function)
        for name, function in (
            (f"ThresholdOptimizer, {classes}", threshold),
            (f"ExponentiatedGradient, {classes}", reduction),
            (f"PrototypeRepresentationLearner, {classes}", prototypes),
            (f"equalized_odds_difference, {classes}", odds),
            ("ExponentiatedGradient, 2 classes, missing labels", missing),
            ("AdversarialFairnessClassifier, images", images),
        )
    }


def _answer(function):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            function()
    except Exception as error:
        # Whatever it raises is the answer.
        return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
    return "runs"


def adversary_predictions(fit, test_features, epochs, alpha, softmax, seed):
    """Fits fairlearn's adversary on an embedding, with equalised odds.

    Args:
        fit: `EmbeddedRows`, without missing labels.
        test_features: Float array [N, d].
        epochs: Int.
        alpha: Weight of the adversary.
        softmax: Whether to give it a network that ends with a softmax, not a
            list of layers.
        seed: Int.

    Returns:
        Predicted classes [N], and the seconds of the fit.
    """
    scaler = StandardScaler().fit(fit.features)
    keras.utils.set_random_seed(seed)
    network = [64, "relu"]
    if softmax:
        layers = keras.layers
        network = keras.Sequential(
            [
                layers.Dense(64, activation="relu"),
                layers.Dense(len(np.unique(fit.labels)), activation="softmax"),
            ]
        )
    adversary = AdversarialFairnessClassifier(
        backend="tensorflow",
        predictor_model=network,
        adversary_model=[64, "relu"],
        constraints="equalized_odds",
        alpha=alpha,
        epochs=epochs,
        batch_size=256,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        begin = time.perf_counter()
        adversary.fit(
            scaler.transform(fit.features).astype(np.float32),
            fit.labels,
            sensitive_features=fit.groups,
        )
        seconds = time.perf_counter() - begin
        predictions = adversary.predict(
            scaler.transform(test_features).astype(np.float32)
        )
    return np.asarray(predictions, int).ravel(), seconds
