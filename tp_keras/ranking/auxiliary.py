"""A number from a picture and attributes: true ones, or predicted ones.

What a network says of portraits that it has learned is surer than what it says
of others, so whoever learns from such answers trusts them too much. Predicted
out of fold, by networks that haven't seen the portrait, they are as good as
those of new portraits.
"""

from collections.abc import Iterator
from collections.abc import Mapping

import numpy as np
import threadpoolctl
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import KFold
from sklearn.model_selection import cross_val_predict

from tp_keras.data.portraits import Portraits
from tp_keras.evaluation.figures import figure
from tp_keras.ranking.prediction import BOOSTED
from tp_keras.ranking.prediction import has_values
from tp_keras.ranking.targets import TOGETHER
from tp_keras.ranking.targets import Networks
from tp_keras.ranking.targets import of_number
from tp_keras.records.record import ALL
from tp_keras.tasks import EMBEDDING

PICTURE = "picture alone"
TRUE_ALONE = "true attributes alone"
TRUE = "picture and true attributes"
OUT_OF_FOLD = "picture and attributes, out of fold"
IN_FOLD = "picture and attributes, in fold"

# R2 on the training portraits, in folds: what one would believe.
BELIEVED = "believed_r2"

_FOLDS = 4


def ask_auxiliary(networks: Networks) -> Iterator[dict]:
    """Yields what attributes add to what a network sees of a number.

    Gradient boosting on the network's own number and the attributes; of the
    first seed. Fields of records as of `of_number`, and `BELIEVED`, with their
    `task`.
    """
    train, test = (networks.portraits[split] for split in ("train", "test"))
    number, seed = networks.number, networks.seeds[0]
    whole = networks.run(TOGETHER, seed).load_model()
    seen, new = (
        whole.predict_answers(part.images, verbose=0) for part in (train, test)
    )
    unseen = _out_of_fold(networks, seed)
    ways = {
        TRUE_ALONE: (_true(train, number), _true(test, number)),
        TRUE: (
            _with(unseen, number, _true(train, number)),
            _with(new, number, _true(test, number)),
        ),
        OUT_OF_FOLD: (_all_of(unseen), _all_of(new)),
        IN_FOLD: (_all_of(seen), _all_of(new)),
    }
    labels, expected = train.labels[number], test.labels[number]
    known = ~np.isnan(labels)
    answers, promised = {PICTURE: new[number][None]}, []
    for name, (learned, asked) in ways.items():
        told = has_values(learned[known])
        learned, asked = learned[:, told], asked[:, told]
        model = HistGradientBoostingRegressor(max_iter=150, **BOOSTED)
        # Tables this small take many times as long where threads share them.
        with threadpoolctl.threadpool_limits(1):
            believed = cross_val_predict(
                model, learned[known], labels[known], cv=_folds()
            )
            model.fit(learned[known], labels[known])
        share = 1 - np.square(believed - labels[known]).mean() / np.var(
            labels[known]
        )
        about = {"task": number, "group": ALL, "variant": name}
        promised.append(figure(BELIEVED, share, int(known.sum()), **about))
        answers[name] = model.predict(asked)[None]
    for fields in of_number(answers, expected, PICTURE):
        yield {"task": number, **fields}
    yield from promised


def _out_of_fold(networks, seed) -> dict[str, np.ndarray]:
    """Returns answers to training portraits by networks that lack them."""
    train = networks.portraits["train"]
    found: dict[str, np.ndarray] = {}
    for fold, (rows, others) in enumerate(_folds().split(train.indices)):
        portraits = {**networks.portraits, "train": train.take(rows)}
        run = networks.run(f"fold {fold}", seed, portraits)
        said = run.load_model().predict_answers(train.images[others], verbose=0)
        for name, values in said.items():
            shape = (len(train), *values.shape[1:])
            found.setdefault(name, np.empty(shape, np.float32))[others] = values
    return found


def _folds() -> KFold:
    return KFold(_FOLDS, shuffle=True, random_state=0)


def _true(portraits: Portraits, number: str) -> np.ndarray:
    """Returns the true attributes as numbers, NaN where missing."""
    columns = []
    for task in portraits.schema.tasks:
        if task.name == number:
            continue
        values = portraits.labels[task.name].astype(np.float64)
        if task.has_classes:
            flags = (values[:, None] == np.arange(task.num_classes)) * 1.0
            flags[values < 0] = np.nan
            columns.append(flags)
        else:
            columns.append(
                np.where(values < 0, np.nan, values).reshape(len(values), -1)
            )
    return np.concatenate(columns, axis=1)


def _with(answers: Mapping[str, np.ndarray], number, attributes):
    """Returns what a network says of the number, before the attributes."""
    return np.concatenate([answers[number][:, None], attributes], axis=1)


def _all_of(answers: Mapping[str, np.ndarray]) -> np.ndarray:
    """Returns all that a network says, but for its embedding."""
    columns = [
        values.reshape(len(values), -1)
        for name, values in answers.items()
        if name != EMBEDDING
    ]
    return np.concatenate(columns, axis=1)
