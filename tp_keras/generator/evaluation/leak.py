"""Do the latents tell what the labels should?

A conditional decoder is told the attributes. If the latents tell them as well,
the decoder may read them there, and sampling or editing with other attributes
fails.
"""

import warnings
from collections.abc import Iterator

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tp_keras import tasks
from tp_keras.evaluation import figures
from tp_keras.records.record import ALL

_FOLDS = 5


def measure_leak(
    latents: np.ndarray, labels: dict[str, np.ndarray], seed: int
) -> Iterator[dict]:
    """Yields how well a linear probe reads each label from latent means.

    Args:
        latents: Float array [N, z]: the posterior means of portraits.
        labels: Dict: task name -> integer array [N], -1 where missing.
        seed: Where chance starts.

    Yields:
        Fields of records `latent_probe`, the cross-validated accuracy of a
        logistic regression, and `latent_majority`, that of always saying the
        most frequent class, for each task. Classes of fewer portraits than
        there are folds are left out.
    """
    for task in tasks.TASKS:
        own = np.asarray(labels[task.name])
        counts = np.bincount(own[own >= 0], minlength=task.num_classes)
        rows = np.isin(own, np.flatnonzero(counts >= _FOLDS))
        found = own[rows]
        fields = {"task": task.name, "group": ALL}
        if len(np.unique(found)) < 2:
            yield figures.figure("latent_probe", None, 0, **fields)
            yield figures.figure("latent_majority", None, 0, **fields)
            continue
        probe = make_pipeline(
            StandardScaler(), LogisticRegression(C=0.1, max_iter=200)
        )
        folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
        with warnings.catch_warnings():
            # Close to the optimum is close enough for a share of portraits.
            warnings.simplefilter("ignore", ConvergenceWarning)
            answers = cross_val_predict(
                probe, np.asarray(latents)[rows], found, cv=folds
            )
        hits = (answers == found).sum()
        yield figures.share("latent_probe", hits, len(found), **fields)
        yield figures.share(
            "latent_majority", counts.max(), len(found), **fields
        )
