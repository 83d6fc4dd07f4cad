"""Does an edit change what it should, and nothing else; and why not?"""

import warnings
from collections.abc import Iterator

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tp_keras.data.portraits import Portraits
from tp_keras.evaluation import figures
from tp_keras.generator.drawing.labels import free_classes
from tp_keras.records.record import ALL

_FOLDS = 5


def measure_edits(
    sampler, judge, portraits: Portraits, before: dict, seed: int
) -> Iterator[dict]:
    """Yields how often an edit with another class succeeds.

    Measured are portraits that the judge reads rightly in all labels before
    the edit. One attribute then gets another class, drawn by chance, out of
    the `free_classes`.

    Args:
        sampler: `VaeSampler`, or what has its `edit`.
        judge: `Judge`, or what has its `predict`.
        portraits: `Portraits`.
        before: What the judge says of them.
        seed: Where chance starts.

    Yields:
        Fields of records, `task` being what was edited: `edit_success`, how
        often the judge sees the new class; `edit_kept`, how often its other
        answers stay (one of them with a `variant`, else all); `unedited_kept`,
        the same if the portrait is only reconstructed: more can't be kept.
    """
    tasks = portraits.schema.condition_tasks
    free = free_classes(tasks)
    good = [
        np.isin(portraits.labels[task.name], classes)
        & (portraits.labels[task.name] == before[task.name])
        for task, classes in free.items()
    ]
    rows = np.flatnonzero(np.all(good, axis=0))
    images = portraits.images[rows]
    labels = {task.name: portraits.labels[task.name][rows] for task in tasks}

    def answers_to(new_labels):
        if not len(rows):
            return labels
        return judge.predict(sampler.edit(images, labels, new_labels))

    def kept(answers, others):
        stayed = [answers[o.name] == labels[o.name] for o in others]
        return np.all(stayed, axis=0) if stayed else np.ones(len(rows), bool)

    generator = np.random.default_rng(seed)
    yield figures.share(
        "unedited_kept",
        kept(answers_to(labels), tasks).sum(),
        len(rows),
        task=ALL,
        group=ALL,
    )
    for task in tasks:
        asked = _other_classes(labels[task.name], free[task], generator)
        answers = answers_to({**labels, task.name: asked})
        fields = {"task": task.name, "group": ALL}
        success = answers[task.name] == asked
        yield figures.share("edit_success", success.sum(), len(rows), **fields)
        others = [other for other in tasks if other is not task]
        for variant, part in (
            (None, others),
            *((other.name, [other]) for other in others),
        ):
            yield figures.share(
                "edit_kept",
                kept(answers, part).sum(),
                len(rows),
                variant=variant,
                **fields,
            )


def measure_latent_probes(
    latents: np.ndarray, portraits: Portraits, seed: int
) -> Iterator[dict]:
    """Yields how well a linear probe reads each label from latent means.

    A conditional decoder is told the attributes. If the latents tell them as
    well, it may read them there, and edits fail.

    Args:
        latents: Float array [N, z]: the posterior means of portraits.
        portraits: `Portraits`.
        seed: Where chance starts.

    Yields:
        Fields of records `latent_probe`, the cross-validated accuracy of a
        logistic regression, and `latent_majority`, that of the most frequent
        class, for each task, without classes of fewer portraits than folds.
    """
    for task in portraits.schema.condition_tasks:
        own = portraits.labels[task.name]
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


def _other_classes(labels, classes, generator):
    """Returns another one of `classes` for each label, drawn by chance."""
    steps = generator.integers(1, len(classes), len(labels))
    places = np.searchsorted(classes, labels)
    return np.asarray(classes, np.int32)[(places + steps) % len(classes)]
