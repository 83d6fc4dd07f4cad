#!/usr/bin/env bash
# scikit-learn 1.9.1: `chi2` of yes/no features is not the chi-square test of
# their contingency tables, and ranks common features too low.
#
# Its documentation names booleans among the features it is for. It compares
# how often a feature is 1 in each class with how often that is expected, and
# leaves out how often it is 0: of a flag that a share p of the rows has it
# returns the contingency value (as `scipy.stats.chi2_contingency` has it,
# without correction) times 1 - p. A flag of nine rows in ten that goes with
# the class is ranked below a rare one that goes with it far less, its p-value
# is too large by orders of magnitude, and the value depends on what is called
# yes and what no.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-learn==1.9.1 scipy==1.17.1
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
from scipy.stats import chi2_contingency
from sklearn.feature_selection import chi2

# 1,000 rows of each class; how many of them have the flag.
counts = {"common": (960, 840), "rare": (70, 30)}
y = np.repeat([0, 1], 1000)
flags = {
    name: np.concatenate([np.arange(1000) < count for count in both])
    for name, both in counts.items()
}
found, expected = {}, {}
for name, flag in flags.items():
    table = [[np.sum(flag[y == c] == v) for v in (0, 1)] for c in (0, 1)]
    expected[name] = chi2_contingency(table, correction=False).statistic
    for text, column in ((name, flag), (f"not {name}", ~flag)):
        values, p_values = chi2(column[:, None].astype(int), y)
        found[text] = values[0]
        share = column.mean()
        print(
            f"{text:<10}  share {share:.2f}  contingency {expected[name]:6.2f}"
            f"  chi2 {values[0]:6.2f} = contingency * {1 - share:.2f}"
            f"  (p = {p_values[0]:.1e})"
        )
        if not np.isclose(values[0], expected[name] * (1 - share)):
            raise SystemExit("Changed: it is another value now.")
if not (
    expected["common"] > expected["rare"]
    and found["common"] < found["rare"]
    and found["common"] < found["not common"]
):
    raise SystemExit("Changed: the ranks agree.")
PYTHON
echo "As described."
