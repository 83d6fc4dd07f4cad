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
from tp_keras.tasks import GENDER

# Rows of a peer that is to refuse, or to run at all.
_ROWS_OF_ATTEMPT = 500


class GenderCorrelationRemover:
    """fairlearn's `CorrelationRemover` with gender as the last column."""

    def __init__(self, features, genders):
        self._remover = CorrelationRemover(
            sensitive_feature_ids=[features.shape[1]]
        ).fit(self._with(features, genders))

    def __call__(self, features, genders) -> np.ndarray:
        """Returns the features; asks for the gender of each row again."""
        return self._remover.transform(self._with(features, genders))

    @staticmethod
    def _with(features, genders):
        return np.column_stack([np.asarray(features, np.float64), genders])


def frame_figures(task, labels, predictions, genders, num_bootstraps=None):
    """Measures with `MetricFrame`, each class against the rest.

    Args:
        task: What is predicted.
        labels: Integer array [N] without missing ones.
        predictions: Integer array [N].
        genders: Integer array [N] without missing ones.
        num_bootstraps: None, or how often to resample.

    Returns:
        Dict: (metric, class or None, gender or "all") -> value, named as
        `measure_groups` names them.
    """
    metrics = {"accuracy": sklearn.metrics.accuracy_score}
    for index, name in enumerate(task.classes):
        for rate in ("true_positive_rate", "false_positive_rate"):
            metrics[f"{rate} {name}"] = _against_rest(rate, index)
        metrics[f"selection_rate {name}"] = _against_rest(
            "selection_rate", index
        )
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
            sensitive_features=genders,
            **bootstrap,
        )
    difference = frame.difference()
    found = {("accuracy_gap", None, ALL): difference["accuracy"]}
    for gender in np.unique(genders):
        row = frame.by_group.loc[gender]
        group = GENDER.classes[gender]
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
        found["true_positive_rate_difference", name, ALL] = parts[0]
        found["false_positive_rate_difference", name, ALL] = parts[1]
        found["demographic_parity_difference", name, ALL] = difference[
            f"selection_rate {name}"
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


def attempts(task, features, labels, genders) -> dict[str, str]:
    """Tries what of fairlearn could mitigate or measure, as it is.

    Args:
        task: What is predicted.
        features: Float array [N, d].
        labels: Integer array [N] without missing ones.
        genders: Integer array [N] without missing ones.

    Returns:
        Dict: peer -> what it answers.
    """
    rows = slice(_ROWS_OF_ATTEMPT)
    features, labels, genders = features[rows], labels[rows], genders[rows]
    regression = LogisticRegression(max_iter=1000)
    by_gender = {"sensitive_features": genders}

    def threshold():
        ThresholdOptimizer(
            estimator=regression.fit(features, labels),
            prefit=True,
            constraints="equalized_odds",
            predict_method="predict_proba",
        ).fit(features, labels, **by_gender)

    def reduction():
        ExponentiatedGradient(regression, EqualizedOdds()).fit(
            features, labels, **by_gender
        )

    def prototypes():
        PrototypeRepresentationLearner(random_state=0).fit(
            features, labels, **by_gender
        )

    def odds():
        fairlearn.metrics.equalized_odds_difference(labels, labels, **by_gender)

    def missing():
        with_missing = np.where(np.arange(len(labels)) % 3, labels == 0, np.nan)
        ExponentiatedGradient(regression, EqualizedOdds()).fit(
            features, with_missing, **by_gender
        )

    def images():
        AdversarialFairnessClassifier(
            backend="tensorflow", predictor_model=[8], adversary_model=[8]
        ).fit(np.zeros((len(labels), 4, 4, 3)), labels, **by_gender)

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
            sensitive_features=fit.genders,
        )
        seconds = time.perf_counter() - begin
        predictions = adversary.predict(
            scaler.transform(test_features).astype(np.float32)
        )
    return np.asarray(predictions, int).ravel(), seconds
