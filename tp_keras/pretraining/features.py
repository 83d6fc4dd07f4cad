"""What a backbone's features know, without training it any further."""

import keras
import numpy as np
import threadpoolctl
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tp_keras.evaluation.neighbors import unit_rows
from tp_keras.models.guarded_branch import pool

# As in DINO; with fewer portraits fewer.
NEIGHBORS = 20

# Inverse weights of the squared norm to choose from.
_STRENGTHS = (0.001, 0.01, 0.1, 1.0)

_BATCH_SIZE = 256


def pooled_features(backbone, images, verbose=0) -> np.ndarray:
    """Returns what a backbone sees of images, float32 `[count, channels]`.

    Args:
        backbone: `keras.Model` from images to a feature map.
        images: uint8 array `[count, height, width, 3]`.
        verbose: As in `keras.Model.predict`.
    """
    model = keras.Model(
        backbone.inputs, pool(backbone.outputs[0], "pooled_features")
    )
    return model.predict(images, batch_size=_BATCH_SIZE, verbose=verbose)


def effective_rank(features) -> float:
    """Returns how many directions features `[count, channels]` really have.

    The exponential of the entropy of the shares of the singular values
    (RankMe, Garrido et al., arXiv:2210.02885); 1 where all lie on a line. Of
    centred features: what all portraits have in common tells none from others.
    """
    features = np.asarray(features, np.float64)
    values = np.linalg.svd(features - features.mean(0), compute_uv=False)
    total = values.sum()
    if not total:
        return 1.0
    shares = values / total
    shares = shares[shares > 0]
    return float(np.exp(-np.sum(shares * np.log(shares))))


def nearest(features, labels, asked) -> np.ndarray:
    """Returns the class of most of the nearest known rows, by cosine.

    Args:
        features: Float array `[known, channels]`.
        labels: Integers `[known]`.
        asked: Float array `[count, channels]`.
    """
    count = min(NEIGHBORS, len(features))
    model = KNeighborsClassifier(count, weights="distance")
    # Between rows of one length Euclid's distance orders as the cosine does.
    return model.fit(unit_rows(features), labels).predict(unit_rows(asked))


def linear(features, labels, asked, known_features, known) -> np.ndarray:
    """Returns what a logistic regression of standardised features says.

    Args:
        features: Float array `[train, channels]`.
        labels: Integers `[train]`.
        asked: Float array `[count, channels]`.
        known_features: Float array `[validation, channels]`; they choose how
            much the weights are held back.
        known: Integers `[validation]`, labels of these.
    """
    models = [
        make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=500))
        for c in _STRENGTHS
    ]
    # Matrices this small take many times as long where threads share them.
    with threadpoolctl.threadpool_limits(1):
        scores = [
            model.fit(features, labels).score(known_features, known)
            for model in models
        ]
    return models[int(np.argmax(scores))].predict(asked)
