#!/usr/bin/env bash
# scikit-learn 1.9.1: gradient boosting takes unknown values, but no column of
# nothing else.
#
# `HistGradientBoostingRegressor` and `HistGradientBoostingClassifier` learn from
# NaN by themselves, and a column with a single known value is fine. With none
# `fit` ends in "window shape cannot be larger than input array shape", which
# names neither the column nor NaN. A rare attribute that is known somewhere meets
# it in cross-validation: in one fold no training row has it, and that fold alone
# fails. A tree of scikit-learn itself (`DecisionTreeRegressor`) leaves such a
# column unused.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-learn==1.9.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.tree import DecisionTreeRegressor

rng = np.random.default_rng(0)
table = rng.normal(size=(200, 2))
number = table[:, 0] + rng.normal(size=200)


def fit(model, known):
    rows = np.column_stack([table, np.full(200, np.nan)])
    rows[:known, 2] = 1.0
    is_regression = "Regressor" in type(model).__name__
    try:
        model.fit(rows, number if is_regression else number > 0)
    except ValueError as error:
        return str(error)
    return "fitted"


found = {}
for make in (
    HistGradientBoostingRegressor,
    HistGradientBoostingClassifier,
    DecisionTreeRegressor,
):
    for known in (1, 0):
        said = fit(make(), known)
        found[make.__name__, known] = said
        print(f"{make.__name__}, {known} of 200 known: {said}")
fault = "window shape cannot be larger than input array shape"
if list(found.values()) != ["fitted", fault, "fitted", fault, *["fitted"] * 2]:
    raise SystemExit("Changed: an empty column is treated otherwise.")
PYTHON
echo "As described."
